
import { aim, element, enliven, measure, viewOf, whenAlive } from "../figure.js?1f452ed058";
import { chosen, select } from "../reader.js?1f452ed058";
import { limited, whole } from "../view.js?1f452ed058";
import { forward } from "./forward.js?1f452ed058";




let wanted = null;

let followers = [];

export function follow(figures, tokens) {
  followers = figures.map((figure) => {
    const { src = "", marks = "" } = figure.dataset, { alt } = stillOf(figure);
    return { figure, src, marks, alt, tokens, shown: tokens };
  });
}

const stillOf = (figure) => /** @type {HTMLImageElement} */ (figure.querySelector(".still"));

const words = ({ trace: { sentence, tokens, prediction }, off }) =>
  `Rows of ${tokens.length} ${tokens.length > 1 ? "columns" : "column"} for “${sentence}”, with ribbons on the floor between ` +
  `them, in one colour for each head. Next to the last column of the last row stands the embedding of ${prediction}.` +
  (off.length ? ` Off: ${off.join(", ")}; ribbons of a head that is off are hollow.` : "");

let recorded;

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

function reframe(living, home) {
  const { sight } = living, { theta, phi } = viewOf(living), before = sight.home;
  measure(living);
  const elsewhere = { ...sight, aspect: sight.wide, home: { ...before, theta: before.theta + 90 } };
  sight.home = home ?? whole(elsewhere, before.theta, before.phi);
  living.rest = living.goal = limited(sight, whole(sight, theta, phi));
  aim(living, living.goal, true);
}

function tell(figure, text, back) {
  figure.querySelector(".whose")?.remove();
  if (!text || figure.closest("#bench")) return;
  const button = element("button", "back to the article’s", { type: "button" });
  const bar = element("p", "", { class: "whose yours" });
  button.addEventListener("click", back);
  bar.append(`${text} The words, tables and files around it are the article’s.`, button);
  figure.prepend(bar);
}
