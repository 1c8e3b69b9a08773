// Keeps the place of who uses the keyboard: a panel is drawn again when a session goes on, something
// begins or is removed, and what had the focus may then be gone. The focus goes to what has its name
// now, or to the panel, instead of to the beginning of the page.

{
  const SOON = 3_000; // milliseconds in which what replaces it is drawn
  const CONTROLS = "button, input, select, a, summary, [role=slider]";
  let left = null, returning = false; // what had the focus last in the panel; whether it is given back

  const named = (one) => one.getAttribute("aria-label") || one.textContent.trim() || one.title;
  const panel = () => document.querySelector(".ia-panel");

  document.addEventListener("focusin", ({ target }) => {
    const inside = target !== panel() && panel()?.contains(target);
    if (inside && target.matches(":focus-visible")) left = { target, name: named(target), gone: 0 };
    else if (!returning) left = null;
  });

  document.addEventListener("pointerdown", () => { left = null; }, true);

  // Drawn again, it is another element, or the same in another place, which loses the focus as well.
  const now = () => [left.target, ...panel()?.querySelectorAll(CONTROLS) ?? []]
    .find((one) => one.isConnected && !one.disabled && named(one) === left.name);

  new MutationObserver(() => {
    if (!left || ![document.body, panel()].includes(document.activeElement)) return;
    left.gone ||= performance.now();
    const again = now();
    if (!again && performance.now() - left.gone > SOON) left = null;
    returning = true;
    (again ?? panel())?.focus({ preventScroll: !again });
    returning = false;
  }).observe(document, { childList: true, subtree: true });
}
