// The figures of the forward pass follow what is asked: each gets a scene that was drawn here, or its own one back. A
// viewer has no way to change a shape that it shows, but takes another file.

import { aim, element, enliven, measure, viewOf, whenAlive } from "../figure.js";
import { chosen, select } from "../reader.js";
import { limited, whole } from "../view.js";
import { forward } from "./forward.js";

/** @import { Living } from "../figure.js" */

/** What is drawn in place of a figure's own scene. @typedef {{ trace: import("./model.js").Trace, weights: string,
 *   off: string[], said: string }} Asked */

/** A figure that follows, what is its own, and how many tokens it shows. @typedef {{ figure: HTMLElement, src: string,
 *   marks: string, alt: string, tokens: number, shown: number, home?: import("../view.js").View }} Follower */

/** What is wanted last; nothing stands for each figure's own. @type {Asked | null} */
let wanted = null;

/** @type {Follower[]} */
let followers = [];

/** Names the figures that follow, and how many tokens their own scene has. @param {HTMLElement[]} figures @param {number} tokens */
export function follow(figures, tokens) {
  followers = figures.map((figure) => {
    const { src = "", marks = "" } = figure.dataset, { alt } = stillOf(figure);
    return { figure, src, marks, alt, tokens, shown: tokens };
  });
}

/** @param {HTMLElement} figure */
const stillOf = (figure) => /** @type {HTMLImageElement} */ (figure.querySelector(".still"));

/** @param {Asked} asked */
const words = ({ trace: { sentence, tokens, prediction }, off }) =>
  `Rows of ${tokens.length} ${tokens.length > 1 ? "columns" : "column"} for “${sentence}”, with ribbons on the floor between ` +
  `them, in one colour for each head. Next to the last column of the last row stands the embedding of ${prediction}.` +
  (off.length ? ` Off: ${off.join(", ")}; ribbons of a head that is off are hollow.` : "");

/** @type {Promise<import("../reader.js").Known> | undefined} */
let recorded;

/** Draws anew. @param {Asked | null} asked @param {import("./forward.js").Look} look @param {() => void} back */
export async function redraw(asked, look, back) {
  wanted = asked;
  if (!followers.length || (!asked && !followers.some(({ figure, src }) => figure.dataset.src !== src))) return;
  recorded ??= fetch(followers[0].marks).then((answer) => answer.json());
  const known = await recorded;
  if (wanted !== asked) return; // something else is asked by now
  const made = asked && forward(asked.trace, look, known, asked.weights, asked.off);
  const files = made && [new Blob([made.glb], { type: "model/gltf-binary" }), new Blob([JSON.stringify(made.marks)])];
  const [src, marks] = files?.map((file) => URL.createObjectURL(file)) ?? [];
  for (const follower of followers) {
    const { figure } = follower, old = [figure.dataset.src, figure.dataset.marks];
    const viewer = /** @type {any} */ (figure.querySelector("model-viewer")), alt = asked ? words(asked) : follower.alt;
    figure.dataset.src = src ?? follower.src;
    figure.dataset.marks = marks ?? follower.marks;
    stillOf(figure).alt = asked && figure.querySelector(".flat") ? follower.alt : alt;
    tell(figure, asked?.said ?? "", back);
    for (const one of old) if (one?.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(one), 30_000); // it may be read still
    if (!viewer) continue;
    viewer.setAttribute("alt", alt);
    viewer.setAttribute("src", figure.dataset.src);
    if (figure.classList.contains("live")) viewer.addEventListener("load", () => settle(follower), { once: true });
  }
}

/** Makes room for what a figure shows now. @param {Follower} follower */
async function settle(follower) {
  const living = await enliven(follower.figure);
  if (!living) return;
  follower.home ??= living.sight.home;
  const tokens = wanted ? wanted.trace.tokens.length : follower.tokens, isOwn = tokens === followers[0].tokens;
  if (follower.shown !== tokens) reframe(living, isOwn ? follower.home : undefined);
  follower.shown = tokens;
  const choice = chosen.get(living.figure); // is chosen again; if it is not there, the first one
  if (choice && !(await select(living, choice.mark.node, choice.part))) select(living, "residual/0/0", 0);
}

whenAlive.push((living) => {
  const follower = followers.find(({ figure }) => figure === living.figure);
  if (follower && wanted) settle(follower);
});

/** Shows the whole of what a figure shows now, from where it was seen. Its home is as given, or the same side of it.
 * @param {Living} living @param {import("../view.js").View} [home] */
function reframe(living, home) {
  const { sight } = living, { theta, phi } = viewOf(living), before = sight.home;
  measure(living);
  const elsewhere = { ...sight, aspect: sight.wide, home: { ...before, theta: before.theta + 90 } };
  sight.home = home ?? whole(elsewhere, before.theta, before.phi);
  living.rest = living.goal = limited(sight, whole(sight, theta, phi));
  aim(living, living.goal, true);
}

/** Says over a figure whose numbers it shows, with a way back. @param {HTMLElement} figure @param {string} text
 * @param {() => void} back */
function tell(figure, text, back) {
  figure.querySelector(".whose")?.remove();
  if (!text || figure.closest("#bench")) return;
  const button = element("button", "back to the article’s", { type: "button" });
  const bar = element("p", "", { class: "whose yours" });
  button.addEventListener("click", back);
  bar.append(`${text} The words, tables and files around it are the article’s.`, button);
  figure.prepend(bar);
}
