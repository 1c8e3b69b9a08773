// Added before the scripts of widgets that are in a dialog.

const PATIENCE = 10000; // milliseconds: a dialog opens and closes gradually, slowly on a busy machine

// Keeps the focus in the dialog when its content changes: the focused element may be gone, and
// Escape closes a dialog only from within. When closed, it gives the focus back, unless something else
// has it by then. It waits for what is not drawn yet, until the user does something.
function keepFocus(model, el) {
  let end = 0, reached = false;
  const soon = (what) => { if (performance.now() < end) requestAnimationFrame(what); };
  const dialog = () => el.closest(".v-dialog");
  const focus = () => {
    if (!model.get("view")) return;
    const heading = el.closest(".ia-upload")?.querySelector(".ia-heading");
    if (!reached || !dialog()?.contains(document.activeElement)) heading?.focus(); // or the frame took it
    reached ||= !!heading && document.activeElement === heading;
    soon(focus);
  };
  const giveBack = () => { // once the dialog is closed, which would take it again
    if (model.get("view")) return;
    const focused = document.activeElement, free = !focused || focused === document.body;
    if (el.closest(".v-dialog--active")) soon(giveBack);
    else if (free || dialog()?.contains(focused)) document.querySelector(model.get("opener"))?.focus();
  };
  const turn = () => {
    [end, reached] = [performance.now() + PATIENCE, false];
    requestAnimationFrame(model.get("view") ? focus : giveBack);
  };
  const acts = (event) => {
    if (!event.isTrusted) return;
    end = 0;
    const outside = event.key === "Escape" && model.get("view") && !dialog()?.contains(event.target);
    if (outside) dialog()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", keyCode: 27, bubbles: true }));
  };
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, acts, true);
  model.on("change:view", turn);
  if (model.get("view")) turn();
  return () => {
    end = 0;
    for (const kind of ["keydown", "pointerdown"]) document.removeEventListener(kind, acts, true);
    model.off("change:view", turn);
  };
}
