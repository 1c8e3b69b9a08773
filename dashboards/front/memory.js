// What this tab keeps of an uploaded chart: in the browser's session storage, which no other tab
// and no other site reads, and which ends with the tab. After an hour without use it is removed.

const ITEM = "innovation-abm.chart", HOUR = 3_600_000, MINUTE = 60_000;

const held = () => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(ITEM));
    if (kept && Date.now() - kept.seen < HOUR) return kept;
    sessionStorage.removeItem(ITEM);
  } catch { /* no storage, or something else under this name */ }
  return null;
};

const hold = (kept) => {
  try {
    sessionStorage.setItem(ITEM, JSON.stringify({ ...kept, seen: Date.now() }));
    return true;
  } catch { // full, or not allowed
    return false;
  }
};

function initialize({ model }) {
  let kept = held(); // of this page, whatever happens to the storage meanwhile
  const see = () => { if (kept) hold(kept); };
  const keep = () => {
    kept = model.get("kept");
    if (!hold(kept)) { model.set("full", Date.now()); model.save_changes(); }
  };
  see();
  model.set("found", { time: Date.now(), kept });
  model.save_changes();
  model.on("change:kept", keep);
  const timer = setInterval(see, MINUTE);
  window.addEventListener("pagehide", see);
  return () => {
    clearInterval(timer);
    window.removeEventListener("pagehide", see);
    model.off("change:kept", keep);
  };
}

export default { initialize };
