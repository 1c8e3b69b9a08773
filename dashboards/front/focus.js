// Added before the scripts of widgets that are in a dialog.

const PATIENCE = 100; // frames: a dialog opens and closes gradually

// Keeps the focus in the dialog when its content changes: the focused element may be gone, and
// Escape closes a dialog only from within. When closed, it gives the focus back.
function keepFocus(model, el) {
  let tries = 0;
  const focus = () => {
    if (!model.get("view")) return;
    const heading = el.closest(".ia-upload")?.querySelector(".ia-heading");
    heading?.focus();
    if ((!heading || document.activeElement !== heading) && --tries > 0) requestAnimationFrame(focus);
  };
  const giveBack = () => { // once the dialog is closed, which would take it again
    if (!el.closest(".v-dialog--active")) document.querySelector(model.get("opener"))?.focus();
    else if (!model.get("view") && --tries > 0) requestAnimationFrame(giveBack);
  };
  const turn = () => {
    tries = PATIENCE;
    requestAnimationFrame(model.get("view") ? focus : giveBack);
  };
  model.on("change:view", turn);
  if (model.get("view")) turn();
  return () => { tries = 0; model.off("change:view", turn); };
}
