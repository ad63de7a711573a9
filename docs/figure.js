
import { carried, cornersOf, FARTHEST, HIGHEST, isCentred, limited, LONGEST, LOWEST, turned, whole } from "./view.js?4f3e04e6b0";
import { shareWheel } from "./wheel.js?4f3e04e6b0";



const REST = 200;

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

const begun = new Map();

const alive = new Map();

export const whenAlive = [];

export const whenMoved = [];

let lost = false;

let able;

function hasWebGL() {
  if (able === undefined) {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    able = context !== null;
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return able;
}

export function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function say(figure, text) {
  const said = figure.querySelector(".flat") ?? element("p", "", { class: "flat", role: "status" });
  if (!said.isConnected) (figure.querySelector(".stage") ?? figure.firstElementChild)?.after(said);
  said.textContent = text;
}

function stayFlat(figure, reason) {
  figure.classList.remove("live");
  figure.querySelector("model-viewer")?.remove();
  for (const controls of figure.querySelectorAll(".tools, .player")) controls.remove();
  for (const walk of figure.querySelectorAll(".walk")) walk.replaceWith(...walk.querySelectorAll("ol"));
  alive.delete(figure);
  say(figure, reason);
  return null;
}

export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true));
}

export function enliven(figure) {
  const started = begun.get(figure) ?? begin(figure);
  begun.set(figure, started);
  return started;
}

async function begin(figure) {
  if (lost || !hasWebGL()) return stayFlat(figure, "This browser shows no 3D here, so the figure is a still.");
  try {
    Reflect.deleteProperty(globalThis, "WebAssembly");
    if (!customElements.get("model-viewer")) await import("./vendor/model-viewer.min.js?4f3e04e6b0");
  } catch {
    return stayFlat(figure, "The 3D viewer is not part of this copy of the page, so the figure is a still.");
  }
  const { src = "", orbit = "", target = "", fieldOfView = "", shadow } = figure.dataset;
  const viewer = /** @type {any} */ (copyOf("viewer").firstElementChild);
  const [theta, phi, radius, ...rest] = `${orbit} ${target} ${fieldOfView}`.split(" ").map(Number.parseFloat);
  const home = { theta, phi, radius, target: rest.slice(0, 3), field: rest[3] };
  const still = /** @type {HTMLImageElement} */ (figure.querySelector(".still"));
  const wide = Number(still.getAttribute("width")) / Number(still.getAttribute("height"));
  const sight = { home, wide, aspect: wide, corners: cornersOf(home.target, [0, 0, 0]) };
  const living = { figure, viewer, sight, goal: null, rest: home };
  const places = {
    ...{ "camera-orbit": orbit, "camera-target": target, "field-of-view": fieldOfView, src, alt: still.alt },
    ...{ "max-field-of-view": fieldOfView, "min-field-of-view": `${LONGEST}deg`, ...(shadow && { "shadow-intensity": shadow }) },
    ...{ "min-camera-orbit": `auto ${HIGHEST}deg ${radius}m`, "max-camera-orbit": `auto ${LOWEST}deg ${FARTHEST * radius}m` },
  };
  for (const [name, value] of Object.entries(places)) viewer.setAttribute(name, value);
  follow(living);
  equip(living);
  const ready = new Promise((resolve) => {
    viewer.addEventListener("load", () => resolve(viewer.isConnected ? living : null), { once: true });
    viewer.addEventListener("error", (/** @type {CustomEvent} */ event) => {
      lost ||= event.detail.type === "webglcontextlost";
      resolve(stayFlat(figure, "The 3D figure could not be shown, so it is a still."));
    });
  });
  const stage = /** @type {HTMLElement} */ (figure.querySelector(".stage"));
  shareWheel(stage, (factor) => {
    const now = viewOf(living);
    look(living, { ...now, radius: factor * now.radius });
  });
  stage.append(viewer);
  if (!(await ready)) return null;
  measure(living);
  figure.classList.add("live");
  alive.set(figure, living);
  for (const act of whenAlive) act(living);
  return living;
}

export function sceneOf(viewer) {
  const key = Object.getOwnPropertySymbols(viewer).find(({ description }) => description === "scene");
  return key && viewer[key];
}

export function measure({ viewer, sight }) {
  const [{ x, y, z }, size] = [viewer.getBoundingBoxCenter(), viewer.getDimensions()];
  sight.corners = cornersOf([x, y, z], [size.x, size.y, size.z]);
  viewer.setAttribute("min-camera-orbit", `auto ${HIGHEST}deg ${Math.hypot(size.x, size.y, size.z) / 2}m`);
}

function equip(living) {
  const { figure, sight } = living;
  const tools = /** @type {HTMLElement} */ (figure.querySelector(".tools"));
  tools.append(copyOf("tools"));
  if (!document.fullscreenEnabled) tools.querySelector("[data-fill]")?.remove();
  const menu = /** @type {HTMLElement} */ (tools.querySelector(".menu"));
  const opener = /** @type {HTMLElement} */ (tools.querySelector("[data-more]"));
  const open = (/** @type {boolean} */ is_open) => {
    menu.hidden = !is_open;
    opener.setAttribute("aria-expanded", `${is_open}`);
  };
  tools.addEventListener("click", (event) => {
    const { turn: by, from, fill, more } = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset ?? {};
    if (more !== undefined) open(menu.hidden);
    if (by !== undefined) turn(living, by);
    if (fill !== undefined) document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen();
    if (from === undefined) return;
    const [theta, phi] = from.split(" ").map(Number);
    look(living, whole(sight, theta, phi));
  });
  const press = (/** @type {Event} */ event) => {
    const { key, ctrlKey, altKey, metaKey } = /** @type {KeyboardEvent} */ (event);
    const buttons = /** @type {NodeListOf<HTMLElement>} */ (figure.querySelectorAll("[data-key]"));
    if (ctrlKey || altKey || metaKey) return; // keys of the browser
    [...buttons].find((button) => button.dataset.key?.includes(key.toUpperCase()))?.click();
  };
  tools.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || menu.hidden) return;
    open(false);
    opener.focus();
  });
  for (const part of figure.querySelectorAll(".stage, .tools")) part.addEventListener("keydown", press);
}

function follow(living) {
  const { viewer } = living;
  let [waiting, isHeld] = [0, false];
  const wait = () => {
    clearTimeout(waiting);
    if (!isHeld && !living.goal) waiting = setTimeout(() => settle(living), REST);
  };
  viewer.addEventListener("camera-change", (/** @type {CustomEvent} */ event) => {
    if (event.detail.source !== "user-interaction") return;
    living.goal = null;
    moved(living);
    wait();
  });
  for (const kind of ["pointerdown", "pointerup", "pointercancel"])
    viewer.addEventListener(kind, () => {
      isHeld = kind === "pointerdown";
      wait();
    });
  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    const { figure, sight, rest } = living;
    const [before, aspect] = [whole(sight, rest.theta, rest.phi), width / height]; // to parts of a pixel
    if (!(Math.abs(aspect / sight.aspect - 1) > 0.01)) return; // in full screen, or in a frame of a new shape, it is
    sight.aspect = aspect;
    if (alive.has(figure) && isCentred(sight, rest, before))
      look(living, carried(rest, before, whole(sight, rest.theta, rest.phi)));
  }).observe(viewer);
}

function settle(living) {
  const { sight, rest } = living;
  const now = viewOf(living);
  const stays = now.target.every((x, n) => Math.abs(x - rest.target[n]) < 1e-4 * sight.home.radius);
  const before = { ...rest, radius: now.radius, field: now.field };
  look(living, stays ? turned(sight, before, now.theta, now.phi) : now);
}

export function viewOf({ viewer, goal }) {
  if (goal) return goal;
  const { theta, phi, radius } = viewer.getCameraOrbit();
  const { x, y, z } = viewer.getCameraTarget();
  const degrees = 180 / Math.PI;
  return { theta: theta * degrees, phi: phi * degrees, radius, target: [x, y, z], field: viewer.getFieldOfView() };
}

export function look(living, view) {
  living.rest = living.goal = limited(living.sight, view);
  aim(living, living.goal, calm.matches);
  moved(living);
}

export function aim({ viewer }, { theta, phi, radius, target, field }, at_once) {
  viewer.cameraOrbit = `${theta}deg ${phi}deg ${radius}m`;
  viewer.cameraTarget = target.map((length) => `${length}m`).join(" ");
  viewer.fieldOfView = `${field}deg`;
  if (at_once) viewer.jumpCameraToGoal();
}

function moved(living) {
  const { figure, sight, goal } = living;
  const view = viewOf(living);
  const all = whole(sight, view.theta, view.phi);
  for (const other of figure.parentElement?.matches(".side-by-side") ? figure.parentElement.children : []) {
    const beside = alive.get(/** @type {HTMLElement} */ (other));
    if (!beside || beside === living) continue;
    const next = isCentred(sight, view, all)
      ? carried(view, all, whole(beside.sight, view.theta, view.phi))
      : { ...carried(view, sight.home, beside.sight.home), theta: view.theta, phi: view.phi };
    beside.rest = beside.goal = limited(beside.sight, next);
    aim(beside, beside.goal, !goal || calm.matches); // while a hand turns the one, the other must not lag behind
  }
  for (const act of whenMoved) act(living);
}

function turn(living, by) {
  const { sight } = living;
  if (!by) return look(living, sight.home);
  const [theta, phi, factor] = by.split(" ").map(Number);
  const now = viewOf(living);
  const next = turned(sight, now, now.theta + theta, Math.min(Math.max(now.phi + phi, HIGHEST), LOWEST));
  look(living, { ...next, radius: factor * next.radius });
}

export function watch() {
  const come = (/** @type {IntersectionObserverEntry[]} */ entries) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      near.unobserve(target);
      enliven(/** @type {HTMLElement} */ (target));
    }
  };
  const near = new IntersectionObserver(come, { rootMargin: "50% 0%" });
  for (const figure of document.querySelectorAll("figure.scene")) near.observe(figure);
}
