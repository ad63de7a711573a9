// The figures follow what is asked: each that is near the reader gets a scene that was drawn here, or its own one back. A
// viewer has no way to change a shape that it shows, but takes another file.

import { aim, element, measure, viewOf, whenAlive } from "../figure.js";
import { chosen, select } from "../reader.js";
import { fitting, limited, whole } from "../view.js";
import { SCENES, draw } from "./scenes.js";

/** @import { Living } from "../figure.js" */

/** What is drawn in place of a figure's own scene. @typedef {{ trace: import("./model.js").Trace, weights: string,
 *   changes: string[], said: string }} Asked */

/** A figure that follows, what is its own, what it shows, of how many tokens, with which mark first, and whether it is near.
 * @typedef {{ figure: HTMLElement, name: string, src: string, marks: string, alt: string, asked: Asked | null, tokens: number,
 *   first: string, near: boolean, home?: import("../view.js").View }} Follower */

/** What is wanted last; nothing stands for each figure's own. @type {Asked | null} */
let wanted = null;

/** What is drawn by, and how many tokens the figures' own scenes have. @type {[import("./scene.js").Look, number]} */
let [look, own] = /** @type {any} */ ([]);

/** By their figures. @type {Map<Element, Follower>} */
const followers = new Map();

/** Lets the figures of the page follow, as far as they can. @param {import("./scene.js").Look} given that they are drawn by
 * @param {number} tokens of their own scenes */
export function follow(given, tokens) {
  [look, own] = [given, tokens];
  const near = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const follower = /** @type {Follower} */ (followers.get(target));
      follower.near = isIntersecting;
      if (isIntersecting) update(follower);
    }
  }, { rootMargin: "50% 0%" });
  for (const figure of scenesOf()) {
    const { src = "", marks = "" } = figure.dataset, name = figure.id.replace(/^bench-/, ""), { alt } = stillOf(figure);
    if (!Object.hasOwn(SCENES, name)) continue;
    followers.set(figure, { figure, name, src, marks, alt, asked: null, tokens, first: "", near: false });
    near.observe(figure);
  }
}

/** All figures of the page; the bench has its first one. @returns {NodeListOf<HTMLElement>} */
const scenesOf = () => document.querySelectorAll("figure.scene");

/** @param {Element} figure */
export const follows = (figure) => followers.has(figure);

/** @param {HTMLElement} figure */
const stillOf = (figure) => /** @type {HTMLImageElement} */ (figure.querySelector(".still"));

/** Draws anew. @param {Asked | null} asked @param {() => void} back */
export async function redraw(asked, back) {
  wanted = asked;
  const [yours, recorded] = [`${asked?.said} The words, tables and files around it are the article’s.`, "Recorded: the page’s model and its prompt, whatever is asked."];
  for (const figure of scenesOf()) tell(figure, asked && (follows(figure) ? yours : recorded), back);
  for (const follower of followers.values()) if (follower.near) await update(follower);
}

/** The address of what a figure shows, once it shows what is wanted. @param {HTMLElement} figure */
export async function shown(figure) {
  const follower = followers.get(figure);
  if (follower) await update(follower);
  return figure.dataset.src ?? "";
}

/** Shows in a figure what is wanted, if it does not yet. @param {Follower} follower */
async function update(follower) {
  const asked = wanted, { figure, name } = follower;
  if (follower.asked === asked) return;
  const recorded = await fetch(follower.marks).then((answer) => answer.json());
  if (wanted !== asked || follower.asked === asked) return; // something else is asked by now, or it is done
  follower.asked = asked;
  const made = asked && draw(name, asked.trace, look, recorded, asked.weights, asked.changes), old = [figure.dataset.src, figure.dataset.marks];
  const files = made && [new Blob([made.glb], { type: "model/gltf-binary" }), new Blob([JSON.stringify(made.marks)])];
  const [src, marks] = files?.map((file) => URL.createObjectURL(file)) ?? [follower.src, follower.marks];
  const viewer = /** @type {any} */ (figure.querySelector("model-viewer")), alt = made?.alt ?? follower.alt;
  Object.assign(figure.dataset, { src, marks });
  follower.first = (made?.marks ?? recorded).marks[0].node;
  stillOf(figure).alt = figure.querySelector(".flat") ? follower.alt : alt;
  for (const one of old) if (one?.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(one), 30_000); // it may be read still
  viewer?.setAttribute("alt", alt);
  viewer?.setAttribute("src", src);
}

/** Makes room for what a figure shows now. @param {Follower} follower @param {Living} living */
async function settle(follower, living) {
  if (!living.viewer.getDimensions().x) return; // another file is on its way, and will be settled
  measure(living);
  follower.home ??= living.sight.home;
  const tokens = follower.asked?.trace.tokens.length ?? own;
  if (follower.tokens !== tokens) reframe(living, tokens === own ? follower.home : undefined);
  follower.tokens = tokens;
  const choice = chosen.get(living.figure); // is chosen again; if it is not there, the first one
  if (choice && !(await select(living, choice.mark.node, choice.part))) select(living, follower.first, 0);
}

whenAlive.push((living) => {
  const follower = followers.get(living.figure);
  if (!follower) return;
  living.viewer.addEventListener("load", () => settle(follower, living));
  settle(follower, living);
});

/** Shows the whole of what a figure shows now, from where it was seen. Its home is as given, or the same side of it.
 * @param {Living} living @param {import("../view.js").View} [home] */
function reframe(living, home) {
  const { sight } = living, { theta, phi } = viewOf(living), before = sight.home;
  sight.home = home ?? fitting({ ...sight, aspect: sight.wide }, before.theta, before.phi);
  living.rest = living.goal = limited(sight, whole(sight, theta, phi));
  aim(living, living.goal, true);
}

/** Says over a figure whose numbers it shows, with a way back. @param {HTMLElement} figure @param {string | null} text
 * @param {() => void} back */
function tell(figure, text, back) {
  figure.querySelector(".whose")?.remove();
  if (!text || figure.closest("#bench")) return;
  const button = element("button", "back to the article’s", { type: "button" }), bar = element("p", "", { class: "whose yours" });
  button.addEventListener("click", back);
  bar.append(text, button);
  figure.prepend(bar);
}
