// The heading of a dialog. It takes the focus when it is drawn: what had it before may be gone, and
// Escape closes a dialog only while the focus is in it.

function render({ model, el }) {
  const heading = el.appendChild(document.createElement("h2"));
  heading.className = "ia-heading";
  heading.tabIndex = -1;
  const speak = () => { heading.textContent = model.get("text"); };
  model.on("change:text", speak);
  speak();
  let tries = 30; // a dialog opens by and by
  const focus = () => {
    heading.focus();
    if (document.activeElement !== heading && tries--) requestAnimationFrame(focus);
  };
  requestAnimationFrame(focus);
  return () => { tries = 0; model.off("change:text", speak); };
}

export default { render };
