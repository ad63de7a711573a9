// The figures follow what is asked: each that is near the reader gets a scene that was drawn here, or its own one back. A
// viewer has no way to change a shape that it shows, but takes another file.

import { aim, element, measure, viewOf, whenAlive } from "../figure.js";
import { chosen, select } from "../reader.js";
import { limited, whole } from "../view.js";
import { SCENES, draw } from "./scenes.js";

/** @import { Living } from "../figure.js" */

/** What is drawn in place of a figure's own scene. @typedef {{ trace: import("./model.js").Trace, weights: string,
 *   changes: string[], said: string }} Asked */

/** A figure that follows, what is its own, what it shows, of how many tokens, with which mark first, and whether it is near.
 * @typedef {{ figure: HTMLElement, name: string, src: string, marks: string, alt: string, asked: Asked | null, tokens: number,
 *   first: string, near: boolean, recorded?: Promise<import("../reader.js").Known>, home?: import("../view.js").View }} Follower */

/** What is wanted last; nothing stands for each figure's own. @type {Asked | null} */
let wanted = null;

/** @type {import("./scene.js").Look} */
let look;

/** The number of tokens in the figures' own scenes. */
let own = 0;

/** By their figures, first those of the forward pass. @type {Map<Element, Follower>} */
const followers = new Map();

/** @type {HTMLElement[]} */
const others = [];

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
  const nameOf = (/** @type {HTMLElement} */ { id }) => id.replace(/^bench-/, "");
  const figures = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("figure.scene")]);
  figures.sort((one, other) => Number(nameOf(other) === "forward") - Number(nameOf(one) === "forward"));
  for (const figure of figures) {
    const { src = "", marks = "" } = figure.dataset, name = nameOf(figure), { alt } = stillOf(figure);
    if (!Object.hasOwn(SCENES, name)) {
      others.push(figure);
      continue;
    }
    followers.set(figure, { figure, name, src, marks, alt, asked: null, tokens, first: "", near: false });
    near.observe(figure);
  }
}

/** @param {Element} figure */
export const follows = (figure) => followers.has(figure);

/** @param {HTMLElement} figure */
const stillOf = (figure) => /** @type {HTMLImageElement} */ (figure.querySelector(".still"));

/** Draws anew. @param {Asked | null} asked @param {() => void} back */
export async function redraw(asked, back) {
  wanted = asked;
  for (const { figure } of followers.values()) tell(figure, asked && `${asked.said} The words, tables and files around it are the article’s.`, back);
  for (const figure of others) tell(figure, asked && "Recorded: the page’s model and its prompt, whatever is asked.", back);
  for (const follower of followers.values()) if (follower.near) await update(follower);
}

/** Shows in a figure what is wanted, if it does not yet. @param {Follower} follower */
async function update(follower) {
  const asked = wanted, { figure, name } = follower;
  if (follower.asked === asked) return;
  follower.recorded ??= fetch(follower.marks).then((answer) => answer.json());
  const recorded = await follower.recorded;
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
  const elsewhere = { ...sight, aspect: sight.wide, home: { ...before, theta: before.theta + 90 } };
  sight.home = home ?? whole(elsewhere, before.theta, before.phi);
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
