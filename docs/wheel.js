
const [SPEED, LINE] = [0.04 / 30, 18];

export function shareWheel(stage, zoom) {
  const hold = (/** @type {boolean} */ held) => stage.classList.toggle("holds-wheel", held);
  stage.addEventListener("click", () => hold(true));
  for (const end of ["pointerleave", "focusout"]) stage.addEventListener(end, () => hold(false));
  stage.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape") hold(false);
      if (event.key.startsWith("Page")) event.stopPropagation(); // on its way to the viewer, which would keep it
    },
    { capture: true },
  );
  stage.addEventListener(
    "wheel",
    (event) => {
      event.stopPropagation(); // the viewer would keep every wheel from the page
      if (!event.ctrlKey && !stage.matches(".holds-wheel, :fullscreen *")) return;
      event.preventDefault();
      zoom(Math.exp(SPEED * event.deltaY * (event.deltaMode === event.DOM_DELTA_LINE ? LINE : 1)));
    },
    { capture: true, passive: false },
  );
}
