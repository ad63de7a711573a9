// The wheel belongs to the page: it zooms a figure only with Ctrl (which is how a trackpad says that it is pinched), in
// full screen, or after a click into the figure, until the pointer or the focus leaves it or Esc is pressed.

/** @param {HTMLElement} stage where the viewer of a figure stands, or will stand */
export function shareWheel(stage) {
  const hold = (/** @type {boolean} */ held) => stage.classList.toggle("holds-wheel", held);
  stage.addEventListener("click", () => hold(true));
  for (const end of ["pointerleave", "focusout"]) stage.addEventListener(end, () => hold(false));
  stage.addEventListener("keydown", (event) => event.key === "Escape" && hold(false));
  stage.addEventListener(
    "wheel",
    (event) => {
      const wanted = event.ctrlKey || stage.matches(".holds-wheel, :fullscreen *");
      if (!wanted) event.stopPropagation(); // on its way to the viewer, which would keep it from the page
    },
    { capture: true, passive: true },
  );
}
