// Puts a 3D viewer in the place of each still once the reader comes near it. The still comes back if that fails.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Where a viewer that a button moved will come to rest, until the reader moves it by hand. */
const goals = new WeakMap();

/** Whether the browser has taken away the one WebGL context that all viewers share; new ones would stay empty. */
let lost = false;

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

/** @param {string} id @returns {DocumentFragment} */
function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true));
}

/** Turns a viewer by degrees around and down, and moves it by a factor; without a turn, back to where it began.
 * A turn starts where the last one will end, so that none is lost when a button is pressed twice.
 * @param {any} viewer @param {HTMLElement} figure @param {string} turn */
function move(viewer, figure, turn) {
  const { orbit = "", target, fieldOfView } = figure.dataset;
  const start = orbit.split(" ").map(Number.parseFloat);
  let goal = start;
  if (turn) {
    const [theta, phi, factor] = turn.split(" ").map(Number);
    const now = goals.get(viewer) ?? orbitOf(viewer);
    goal = [now[0] + theta, Math.min(Math.max(now[1] + phi, 2), 89), Math.min(now[2] * factor, 2 * start[2])];
  } else {
    viewer.cameraTarget = target;
    viewer.fieldOfView = fieldOfView;
  }
  goals.set(viewer, goal);
  viewer.cameraOrbit = `${goal[0]}deg ${goal[1]}deg ${goal[2]}m`;
  if (calm.matches) viewer.jumpCameraToGoal();
}

/** Where the camera is: degrees around, degrees down, metres away. @param {any} viewer */
function orbitOf(viewer) {
  const { theta, phi, radius } = viewer.getCameraOrbit();
  return [(theta * 180) / Math.PI, (phi * 180) / Math.PI, radius];
}

/** @param {HTMLElement} figure */
async function bringToLife(figure) {
  if (lost || !hasWebGL()) return stayFlat(figure, "This browser shows no 3D here, so the figure is a still.");
  try {
    // @ts-ignore: npm brings it at build time
    await import("./vendor/model-viewer.min.js");
  } catch {
    return stayFlat(figure, "The 3D viewer is not part of this copy of the page, so the figure is a still.");
  }
  const { src = "", orbit = "", target = "", fieldOfView = "" } = figure.dataset;
  const viewer = /** @type {any} */ (copyOf("viewer").firstElementChild);
  const picture = /** @type {HTMLImageElement} */ (figure.querySelector(".still"));
  const distance = Number.parseFloat(orbit.split(" ")[2]);
  viewer.setAttribute("camera-orbit", orbit);
  viewer.setAttribute("camera-target", target);
  viewer.setAttribute("field-of-view", fieldOfView);
  viewer.setAttribute("max-field-of-view", fieldOfView);
  viewer.setAttribute("max-camera-orbit", `auto 89deg ${2 * distance}m`);
  viewer.setAttribute("alt", picture.alt);
  viewer.addEventListener("load", () => figure.classList.toggle("live", viewer.isConnected), { once: true });
  viewer.addEventListener("error", (/** @type {CustomEvent} */ event) => {
    lost ||= event.detail.type === "webglcontextlost";
    stayFlat(figure, "The 3D figure could not be shown, so it is a still.");
  });
  viewer.addEventListener("camera-change", (/** @type {CustomEvent} */ event) => {
    if (event.detail.source === "user-interaction") goals.delete(viewer);
  });
  const tools = figure.querySelector(".tools");
  tools?.append(copyOf("tools"));
  tools?.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button) move(viewer, figure, button.dataset.turn ?? "");
  });
  viewer.setAttribute("src", src);
  figure.querySelector(".stage")?.append(viewer);
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

/** What a claim came to, shown beside it while it is pointed at or has the focus; a tap shows it before it follows. */
const note = /** @type {HTMLElement} */ (document.getElementById("note"));

/** Hides the note a little later, unless the pointer comes back or reaches it: there is a gap on the way. */
let leaving = 0;

/** The claim whose note is shown. @type {HTMLAnchorElement | null} */
let noted = null;

/** @param {HTMLAnchorElement | null} claim */
function show(claim) {
  clearTimeout(leaving);
  noted?.removeAttribute("aria-describedby");
  noted = claim;
  note.hidden = claim === null;
  if (!claim) return;
  claim.setAttribute("aria-describedby", "note");
  note.textContent = claim.dataset.note ?? "";
  const line = claim.getClientRects()[0];
  const left = Math.min(line.left, document.documentElement.clientWidth - note.offsetWidth - 16);
  const below = claim.getBoundingClientRect().bottom + 6;
  const fits = below + note.offsetHeight < innerHeight;
  note.style.left = `${Math.max(left, 16) + scrollX}px`;
  note.style.top = `${(fits ? below : line.top - note.offsetHeight - 6) + scrollY}px`;
}

/** @param {PointerEvent} event */
function leave(event) {
  clearTimeout(leaving);
  if (event.pointerType === "touch" || noted?.matches(":focus-visible")) return;
  leaving = setTimeout(() => show(null), 300);
}

note.addEventListener("pointerenter", () => clearTimeout(leaving));
note.addEventListener("pointerleave", leave);
note.addEventListener("mousedown", (event) => event.preventDefault()); // the claim keeps the focus, and its note
for (const claim of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a.claim"))) {
  claim.dataset.note = claim.title;
  claim.removeAttribute("title"); // the browser would show it as well
  claim.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "touch") show(claim);
  });
  claim.addEventListener("pointerleave", leave);
  claim.addEventListener("focus", () => claim.matches(":focus-visible") && show(claim));
  claim.addEventListener("blur", () => noted === claim && show(null));
  claim.addEventListener("click", (event) => {
    const touched = /** @type {PointerEvent} */ (event).pointerType === "touch";
    if (!touched || noted === claim) return;
    event.preventDefault();
    show(claim);
  });
}
addEventListener("keydown", (event) => {
  if (event.key === "Escape") show(null);
});
addEventListener("pointerdown", (event) => {
  if (!(/** @type {HTMLElement} */ (event.target).closest("a.claim, .note"))) show(null);
});
addEventListener("resize", () => show(noted)); // a phone was turned

/** Opens what the address points into; browsers that do so themselves are not all there are. */
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  const closed = [...document.querySelectorAll("details:not([open])")].filter((details) => details.contains(target));
  for (const details of closed) details.setAttribute("open", "");
  if (closed.length) target?.scrollIntoView();
}

reveal();
addEventListener("hashchange", reveal);
