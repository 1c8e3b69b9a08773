// The page and its server: a page that has lost its server reconnects by itself once it is back, or
// reloads what it showed; until then it says so, in its own language.

// In a frame on a page of another site, a browser may refuse to keep anything, and fail whoever asks:
// there, what is kept lasts as long as the page.
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    void window[name];
  } catch {
    const kept = new Map();
    const value = {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, text) => void kept.set(key, String(text)),
      removeItem: (key) => void kept.delete(key),
    };
    Object.defineProperty(window, name, { value });
  }
}

window.addEventListener("load", () => {
  const CALM = 10_000, SOON = 1_500; // milliseconds between two checks of the server
  const PATIENCE = 8_000; // milliseconds that an answer, or a connection, may take
  const texts = JSON.parse(document.getElementById("ia-said").textContent);
  const box = document.createElement("div");
  box.className = "ia-lost";
  box.setAttribute("role", "alert");
  box.hidden = true;
  const text = box.appendChild(document.createElement("p"));
  const button = box.appendChild(document.createElement("button"));
  button.type = "button";
  button.addEventListener("click", async () => { if (await there()) location.reload(); });
  document.body.appendChild(box);
  let leaving = false, lost = false, timer = 0, since = 0;
  window.addEventListener("pagehide", () => { leaving = true; });

  const status = () => app.connectionStatus; // what Solara shows: null before the first connection
  const trying = () => solara.debug?.ws()?.readyState === WebSocket.CONNECTING; // Solara is trying already
  const show = (on) => {
    if (on !== lost) since = Date.now();
    lost = on;
    const asked = new URLSearchParams(location.search).get("lang");
    const said = texts[asked] ?? texts[texts.first] ?? texts.en;
    text.textContent = said.connection_lost;
    button.textContent = said.connection_reload;
    box.hidden = !on || leaving;
  };

  const there = async () => {
    try {
      const asked = { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
      const answer = await fetch("health", asked); // beside the page, whatever its path
      await answer.text();
      return answer.ok;
    } catch {
      return false;
    }
  };

  const ask = async () => {
    clearTimeout(timer);
    if (leaving) return;
    if (!await there()) show(true);
    else if (status() === "connected") show(false);
    else if (app.wasConnected && !(trying() && Date.now() - since < PATIENCE)) await connect();
    timer = setTimeout(ask, lost ? SOON : CALM);
  };

  // Solara waits longer and longer between its own attempts, and then gives up.
  const connect = async () => {
    show(true);
    try {
      await Promise.race([
        solara.debug.kernel().reconnect(),
        new Promise((_, fail) => setTimeout(fail, PATIENCE)),
      ]);
      show(false);
    } catch {
      if (Date.now() - since > 2 * PATIENCE && !leaving) location.reload();
    }
  };

  app.$watch("connectionStatus", (now) => {
    if (now === "connected") show(false);
    else if (app.wasConnected && !lost) { show(true); timer = setTimeout(ask, SOON); }
  });
  window.addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  timer = setTimeout(ask, CALM);
});
