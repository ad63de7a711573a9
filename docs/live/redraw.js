
import { aim, element, measure, viewOf, whenAlive } from "../figure.js?4f3e04e6b0";
import { chosen, select } from "../reader.js?4f3e04e6b0";
import { fitting, limited, whole } from "../view.js?4f3e04e6b0";
import { SCENES, draw } from "./scenes.js?4f3e04e6b0";




let wanted = null;

let [look, own] = /** @type {any} */ ([]);

const followers = new Map();

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

const scenesOf = () => document.querySelectorAll("figure.scene");

export const follows = (figure) => followers.has(figure);

const stillOf = (figure) => /** @type {HTMLImageElement} */ (figure.querySelector(".still"));

export async function redraw(asked, back) {
  wanted = asked;
  const [yours, recorded] = [`${asked?.said} The words, tables and files around it are the article’s.`, "Recorded: the page’s model and its prompt, whatever is asked."];
  for (const figure of scenesOf()) tell(figure, asked && (follows(figure) ? yours : recorded), back);
  for (const follower of followers.values()) if (follower.near) await update(follower);
}

export async function shown(figure) {
  const follower = followers.get(figure);
  if (follower) await update(follower);
  return figure.dataset.src ?? "";
}

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

function reframe(living, home) {
  const { sight } = living, { theta, phi } = viewOf(living), before = sight.home;
  sight.home = home ?? fitting({ ...sight, aspect: sight.wide }, before.theta, before.phi);
  living.rest = living.goal = limited(sight, whole(sight, theta, phi));
  aim(living, living.goal, true);
}

function tell(figure, text, back) {
  figure.querySelector(".whose")?.remove();
  if (!text || figure.closest("#bench")) return;
  const button = element("button", "back to the article’s", { type: "button" }), bar = element("p", "", { class: "whose yours" });
  button.addEventListener("click", back);
  bar.append(text, button);
  figure.prepend(bar);
}
