
import { enliven, look, say, viewOf, whenMoved } from "./figure.js?4f3e04e6b0";
import { approach, chosen, frame, nodesOf, select, whenChosen } from "./reader.js?4f3e04e6b0";


const FIGURES = ["mark", "part", "view"]; // what is kept of figures

function parse() {
  const [id, query = ""] = location.hash.slice(1).split("?");
  const known = new URLSearchParams(`id=${id}`); // which throws at nothing
  return { id: known.get("id") ?? "", query: new URLSearchParams(query) };
}

function reveal(target) {
  const closed = [...document.querySelectorAll("details:not([open])")].filter((details) => details.contains(target));
  for (const details of closed) details.setAttribute("open", "");
  if (closed.length || location.hash.includes("?")) target?.scrollIntoView();
}

async function restore() {
  const { id, query } = parse();
  const target = document.getElementById(id);
  reveal(target);
  if (!FIGURES.some((key) => query.has(key))) return;
  const figure = /** @type {HTMLElement | null} */ (target?.closest("figure.scene") ?? null);
  if (!figure) return say(document.querySelector("main") ?? document.body, `This page has no figure “${id}”.`);
  const living = await enliven(figure);
  if (!living) return;
  const numbers = (query.get("view") ?? "").split(",").map(Number), [theta, phi, radius, x, y, z, field] = numbers;
  const usable = numbers.length === 7 && numbers.every(Number.isFinite) && radius >= 0 && field > 0;
  const mark = query.get("mark");
  const known = mark === null || (await select(living, mark, Number(query.get("part") ?? 1) - 1));
  if (!known || (query.has("view") && !usable))
    say(figure, "The address asks for a view that this figure does not have, so here is the whole of it.");
  if (usable) look(living, { theta, phi, radius, target: [x, y, z], field });
  else if (known && mark !== null) (chosen.get(figure)?.others?.length ? frame : approach)(living);
}

function addressOf(living) {
  const { theta, phi, radius, target, field } = viewOf(living);
  const { query } = parse();
  for (const key of FIGURES) query.delete(key);
  const choice = chosen.get(living.figure);
  if (choice) {
    query.set("mark", nodesOf(choice).join("+"));
    query.set("part", `${choice.part + 1}`);
  }
  const numbers = [theta, phi, radius, ...target, field];
  query.set("view", numbers.map((value) => Number(value.toPrecision(4))).join(","));
  return `#${living.figure.id}?${query.toString().replaceAll("%2F", "/").replaceAll("%2C", ",")}`;
}

let waiting = 0;

function keep(living) {
  clearTimeout(waiting);
  waiting = setTimeout(() => history.replaceState(history.state, "", addressOf(living)), 300);
}

export function start() {
  whenMoved.push(keep);
  whenChosen.push(keep);
  document.addEventListener("click", async (event) => {
    const link = /** @type {HTMLElement} */ (event.target).closest("a.view");
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    const { mark = "", part = "1" } = link.dataset;
    const query = new URLSearchParams({ mark, part }).toString().replaceAll("%2F", "/");
    const there = `${link.hash}?${query}`;
    if (location.hash !== there) history.pushState(null, "", there);
    restore();
  });
  addEventListener("hashchange", restore);
  restore();
}
