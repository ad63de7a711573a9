// A figure comes to life: a 3D viewer takes the place of its still, with buttons that turn it. The still comes back if
// that fails. Figures that stand side by side are turned together.

import { shareWheel } from "./wheel.js";

/** Where a camera is: degrees around and down, metres away, what it looks at (metres), degrees of its field of view.
 * @typedef {{ theta: number, phi: number, radius: number, target: number[], field: number }} View */

/** A figure that lives. @typedef {{ figure: HTMLElement, viewer: any, home: View, goal: View | null }} Living */

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** @type {Map<HTMLElement, Promise<Living | null>>} */
const begun = new Map();

/** @type {Map<HTMLElement, Living>} */
const alive = new Map();

/** What is done with every figure that has come to life. @type {((living: Living) => void)[]} */
const arrivals = [];

/** What is done when a reader, or a button, has moved the camera of a figure. @type {((living: Living) => void)[]} */
const moves = [];

/** @param {(living: Living) => void} act */
export const whenAlive = (act) => void arrivals.push(act);

/** @param {(living: Living) => void} act */
export const whenMoved = (act) => void moves.push(act);

/** Whether the browser has taken away the one WebGL context that all viewers share; new ones would stay empty. */
let lost = false;

/** @type {boolean | undefined} */
let able;

/** Whether this browser can draw in 3D at all; without it, model-viewer would show an empty box.
 *
 * It is asked once, and the context given back: of more than a few, browsers take away the oldest, the viewers'. */
function hasWebGL() {
  if (able === undefined) {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    able = context !== null;
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return able;
}

/** Says something under a figure, once. @param {Element} figure @param {string} text */
export function say(figure, text) {
  const said = figure.querySelector(".flat") ?? document.createElement("p");
  said.className = "flat";
  said.setAttribute("role", "status");
  if (!said.isConnected) (figure.querySelector(".stage") ?? figure.firstElementChild)?.after(said);
  said.textContent = text;
}

/** Says under a figure why it stays flat. @param {HTMLElement} figure @param {string} reason */
function stayFlat(figure, reason) {
  figure.classList.remove("live");
  figure.querySelector("model-viewer")?.remove();
  for (const controls of figure.querySelectorAll(".tools, .reader, .player")) controls.remove();
  alive.delete(figure);
  say(figure, reason);
  return null;
}

/** @param {string} id @returns {DocumentFragment} */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true));
}

/** Brings a figure to life, if it does not live yet; nothing comes of it if it has to stay flat.
 * @param {HTMLElement} figure @returns {Promise<Living | null>} */
export function enliven(figure) {
  const started = begun.get(figure) ?? begin(figure);
  begun.set(figure, started);
  return started;
}

/** @param {HTMLElement} figure @returns {Promise<Living | null>} */
async function begin(figure) {
  if (lost || !hasWebGL()) return stayFlat(figure, "This browser shows no 3D here, so the figure is a still.");
  try {
    // @ts-expect-error: npm brings it at build time; in the article as one file it is there already
    if (!customElements.get("model-viewer")) await import("./vendor/model-viewer.min.js");
  } catch {
    return stayFlat(figure, "The 3D viewer is not part of this copy of the page, so the figure is a still.");
  }
  const { src = "", orbit = "", target = "", fieldOfView = "", shadow } = figure.dataset;
  const viewer = /** @type {any} */ (copyOf("viewer").firstElementChild);
  const [theta, phi, radius, ...rest] = `${orbit} ${target} ${fieldOfView}`.split(" ").map(Number.parseFloat);
  const home = { theta, phi, radius, target: rest.slice(0, 3), field: rest[3] };
  const living = { figure, viewer, home, goal: /** @type {View | null} */ (null) };
  const still = /** @type {HTMLImageElement} */ (figure.querySelector(".still"));
  const places = { "camera-orbit": orbit, "camera-target": target, "field-of-view": fieldOfView, src, alt: still.alt };
  for (const [name, value] of Object.entries(places)) viewer.setAttribute(name, value);
  if (shadow) viewer.setAttribute("shadow-intensity", shadow);
  viewer.setAttribute("max-field-of-view", fieldOfView);
  viewer.setAttribute("max-camera-orbit", `auto 89deg ${2 * radius}m`);
  viewer.addEventListener("camera-change", (/** @type {CustomEvent} */ event) => {
    if (event.detail.source !== "user-interaction") return;
    living.goal = null;
    moved(living);
  });
  const tools = figure.querySelector(".tools");
  tools?.append(copyOf("tools"));
  tools?.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (button) turn(living, button.dataset.turn ?? "");
  });
  const ready = new Promise((resolve) => {
    const arrive = () => resolve(viewer.isConnected ? living : null);
    viewer.addEventListener("load", arrive, { once: true });
    viewer.addEventListener("error", (/** @type {CustomEvent} */ event) => {
      lost ||= event.detail.type === "webglcontextlost";
      resolve(stayFlat(figure, "The 3D figure could not be shown, so it is a still."));
    });
  });
  const stage = /** @type {HTMLElement} */ (figure.querySelector(".stage"));
  shareWheel(stage);
  stage.append(viewer);
  if (!(await ready)) return null;
  figure.classList.add("live");
  alive.set(figure, living);
  for (const act of arrivals) act(living);
  return living;
}

/** Where the camera of a figure is, or will come to rest. @param {Living} living @returns {View} */
export function viewOf({ viewer, goal }) {
  if (goal) return goal;
  const { theta, phi, radius } = viewer.getCameraOrbit();
  const { x, y, z } = viewer.getCameraTarget();
  const degrees = 180 / Math.PI;
  return { theta: theta * degrees, phi: phi * degrees, radius, target: [x, y, z], field: viewer.getFieldOfView() };
}

/** Moves the camera of a figure; it glides, unless the reader wants no motion. @param {Living} living @param {View} view */
export function look(living, view) {
  living.goal = view;
  aim(living, view, calm.matches);
  moved(living);
}

/** @param {Living} living @param {View} view @param {boolean} at_once */
function aim({ viewer }, { theta, phi, radius, target, field }, at_once) {
  viewer.cameraOrbit = `${theta}deg ${phi}deg ${radius}m`;
  viewer.cameraTarget = target.map((length) => `${length}m`).join(" ");
  viewer.fieldOfView = `${field}deg`;
  if (at_once) viewer.jumpCameraToGoal();
}

/** Takes along the figures beside one that was moved, and tells who wants to know. @param {Living} living */
function moved(living) {
  const { figure, home, goal } = living;
  const view = viewOf(living);
  for (const other of figure.parentElement?.matches(".side-by-side") ? figure.parentElement.children : []) {
    const beside = alive.get(/** @type {HTMLElement} */ (other));
    if (!beside || beside === living) continue;
    const ratio = beside.home.radius / home.radius;
    const target = beside.home.target.map((length, n) => length + ratio * (view.target[n] - home.target[n]));
    beside.goal = { ...view, target, radius: ratio * view.radius };
    aim(beside, beside.goal, !goal || calm.matches); // while a hand turns the one, the other must not lag behind
  }
  for (const act of moves) act(living);
}

/** Turns a figure by degrees around and down, and moves it by a factor; without a turn, back to where it began.
 * A turn starts where the last one will end, so that none is lost when a button is pressed twice.
 * @param {Living} living @param {string} by */
function turn(living, by) {
  const { home } = living;
  if (!by) return look(living, home);
  const [theta, phi, factor] = by.split(" ").map(Number);
  const now = viewOf(living);
  const tilt = Math.min(Math.max(now.phi + phi, 2), 89);
  const radius = Math.min(now.radius * factor, 2 * home.radius);
  look(living, { ...now, theta: now.theta + theta, phi: tilt, radius });
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((entry) => entry.isIntersecting)) {
      near.unobserve(entry.target);
      enliven(/** @type {HTMLElement} */ (entry.target));
    }
  },
  { rootMargin: "50% 0%" },
);

/** Brings each figure to life once the reader comes near it. */
export function watch() {
  for (const figure of document.querySelectorAll("figure.scene")) near.observe(figure);
}
