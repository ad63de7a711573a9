// Puts a 3D viewer in the place of each still once the reader comes near it. The still comes back if that fails.

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether this browser can draw in 3D at all; without it, model-viewer would show an empty box. */
function hasWebGL() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

/** Says under a figure why it stays flat. @param {HTMLElement} figure @param {string} reason */
function stayFlat(figure, reason) {
  figure.classList.remove("live");
  figure.querySelector("model-viewer")?.remove();
  figure.querySelector(".tools")?.remove();
  if (figure.querySelector(".flat")) return;
  const note = document.createElement("p");
  note.className = "flat";
  note.setAttribute("role", "status");
  note.textContent = reason;
  figure.querySelector(".stage")?.after(note);
}

/** @param {string} id @returns {HTMLElement} */
function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  return /** @type {HTMLElement} */ (copy.firstElementChild);
}

/** Turns a viewer by degrees around and down, and moves it by a factor; without a turn, back to where it began.
 * @param {any} viewer @param {HTMLElement} figure @param {string} turn */
function move(viewer, figure, turn) {
  const { orbit, target, fieldOfView } = figure.dataset;
  if (turn) {
    const [theta, phi, factor] = turn.split(" ").map(Number);
    const now = viewer.getCameraOrbit();
    const degrees = (/** @type {number} */ radians) => (radians * 180) / Math.PI;
    const down = Math.min(Math.max(degrees(now.phi) + phi, 2), 89);
    viewer.cameraOrbit = `${degrees(now.theta) + theta}deg ${down}deg ${now.radius * factor}m`;
  } else {
    viewer.cameraOrbit = orbit;
    viewer.cameraTarget = target;
    viewer.fieldOfView = fieldOfView;
  }
  if (still.matches) viewer.jumpCameraToGoal();
}

/** @param {HTMLElement} figure */
async function bringToLife(figure) {
  if (!hasWebGL()) return stayFlat(figure, "This browser shows no 3D here, so the figure is a still.");
  try {
    // @ts-ignore: npm brings it at build time
    await import("./vendor/model-viewer.min.js");
  } catch {
    return stayFlat(figure, "The 3D viewer is not part of this copy of the page, so the figure is a still.");
  }
  const { src = "", orbit = "", target = "", fieldOfView = "" } = figure.dataset;
  const viewer = /** @type {any} */ (copyOf("viewer"));
  const picture = /** @type {HTMLImageElement} */ (figure.querySelector(".still"));
  const distance = Number.parseFloat(orbit.split(" ")[2]);
  viewer.setAttribute("camera-orbit", orbit);
  viewer.setAttribute("camera-target", target);
  viewer.setAttribute("field-of-view", fieldOfView);
  viewer.setAttribute("max-field-of-view", fieldOfView);
  viewer.setAttribute("max-camera-orbit", `auto auto ${2 * distance}m`);
  viewer.setAttribute("alt", picture.alt);
  viewer.addEventListener("load", () => figure.classList.add("live"), { once: true });
  viewer.addEventListener("error", () => stayFlat(figure, "The 3D figure could not be loaded, so it is a still."));
  const tools = copyOf("tools");
  tools.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button) move(viewer, figure, button.dataset.turn ?? "");
  });
  viewer.setAttribute("src", src);
  figure.querySelector(".stage")?.append(viewer);
  figure.querySelector(".stage")?.after(tools);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((entry) => entry.isIntersecting)) {
      near.unobserve(entry.target);
      bringToLife(/** @type {HTMLElement} */ (entry.target));
    }
  },
  { rootMargin: "50% 0%" },
);
for (const figure of document.querySelectorAll("figure.scene")) near.observe(figure);
