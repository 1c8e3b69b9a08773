// The heading of a dialog. It takes the focus whenever the dialog shows something else: what had it
// before may be gone, and Escape closes a dialog only while the focus is in it. When the dialog
// closes, what opened it has the focus again.

const PATIENCE = 40; // frames: a dialog opens by and by

function render({ model, el }) {
  const heading = el.appendChild(document.createElement("h2"));
  heading.className = "ia-heading";
  heading.tabIndex = -1;
  let tries = 0;
  const focus = () => {
    if (!tries--) return;
    heading.focus();
    if (document.activeElement !== heading) requestAnimationFrame(focus);
  };
  const speak = () => { heading.textContent = model.get("text"); };
  const turn = () => {
    tries = 0;
    if (!model.get("view")) document.querySelector(model.get("opener"))?.focus();
    else { tries = PATIENCE; requestAnimationFrame(focus); }
  };
  model.on("change:text", speak);
  model.on("change:view", turn);
  speak();
  if (model.get("view")) turn();
  return () => { tries = 0; model.off("change:text", speak); model.off("change:view", turn); };
}

export default { render };
