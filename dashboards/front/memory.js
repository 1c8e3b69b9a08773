// What this tab keeps of an uploaded chart and of a diagnosis: in the browser's session storage, which
// no other tab and no other site reads, and which ends with the tab. After an hour without use it is
// removed.

const HOUR = 3_600_000, MINUTE = 60_000;
// What is kept: the trait with what to keep, which also names it in the trait with what was found.
const ITEMS = [
  { name: "kept", found: "found", item: "innovation-abm.chart" },
  { name: "diagnosis", found: "diagnosed", item: "innovation-abm.diagnosis" },
];

const held = (item) => {
  try {
    const kept = JSON.parse(sessionStorage.getItem(item));
    if (kept && Date.now() - kept.seen < HOUR) return kept;
    sessionStorage.removeItem(item);
  } catch { /* no storage, or something else under this name */ }
  return null;
};

const hold = (item, kept) => {
  try {
    sessionStorage.setItem(item, JSON.stringify({ ...kept, seen: Date.now() }));
    return true;
  } catch { // full, or not allowed
    return false;
  }
};

// Keeps one of them; returns how to stop.
function keeping(model, { name, found, item }) {
  let kept = held(item); // of this page, whatever happens to the storage meanwhile
  const see = () => { if (kept) hold(item, kept); };
  const keep = () => {
    kept = model.get(name);
    if (!hold(item, kept)) { model.set("full", { name, time: Date.now() }); model.save_changes(); }
  };
  see();
  model.set(found, { time: Date.now(), [name]: kept });
  model.save_changes(); // each in a message of its own: together they may be too large for one
  model.on(`change:${name}`, keep);
  const timer = setInterval(see, MINUTE);
  window.addEventListener("pagehide", see);
  return () => {
    clearInterval(timer);
    window.removeEventListener("pagehide", see);
    model.off(`change:${name}`, keep);
  };
}

function initialize({ model }) {
  const stops = ITEMS.map((one) => keeping(model, one));
  return () => stops.forEach((stop) => stop());
}

export default { initialize };
