
import { emphasise } from "./emphasis.js?4f3e04e6b0";
import { copyOf, element, look, whenAlive } from "./figure.js?4f3e04e6b0";
import { frameOf } from "./film.js?4f3e04e6b0";
import { cornersOf, fitting } from "./view.js?4f3e04e6b0";






export const chosen = new WeakMap();

const fetched = new Map();

export const nodesOf = (choice) => (choice ? [choice.mark, ...(choice.others ?? [])].map(({ node }) => node) : []);

export const whenChosen = [];

export function knownOf(figure) {
  const { marks = "", src = "" } = figure.dataset;
  const known =
    fetched.get(marks) ??
    fetch(marks)
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((known) => {
        if (!known || !src.includes("?") || src.endsWith(`?${known.of}`)) return known;
        tell(figure, "This figure and its numbers come from different builds; load the page anew.");
        return null;
      })
      .catch(() => null);
  fetched.set(marks, known);
  return known;
}

const each = ({ glyph }) => ({ stack: 4, point: 3, bead: 3 })[glyph] ?? (glyph.startsWith("tinted") ? 2 : 1);

function numberOf(figure, { mark: { glyph, values }, part }) {
  return glyph === "growing" ? frameOf(figure, values.length - 1) : part;
}

const number = (value) => value.toFixed(3).replace("-", "\u2212");

function tileAt({ at: [x, , z], half, columns = 1 }, [there, , deep]) {
  const query = Math.floor((columns * (there - x + half[0])) / (2 * half[0]));
  const key = Math.floor((columns * (z + half[2] - deep)) / (2 * half[2]));
  return key > query ? -1 : (query * (query + 1)) / 2 + key;
}

function cellOf({ mark: { glyph, values, columns = 1 }, part }) {
  const boxes = values.length / columns, query = Math.floor((Math.sqrt(8 * part + 1) - 1) / 2);
  if (glyph === "carpet") return [query, part - (query * (query + 1)) / 2];
  return [Math.floor(part / boxes), part % boxes];
}

function pick({ viewer }, { marks }, x, y) {
  const place = viewer.positionAndNormalFromPoint(x, y)?.position;
  const surface = viewer.surfaceFromPoint(x, y);
  if (!place || !surface) return null;
  const [mesh, , vertex] = surface.split(" ").map(Number);
  const at = [place.x, place.y, place.z];
  const near = marks.filter(
    (mark) => (mark.mesh ?? mesh) === mesh && mark.at.every((middle, n) => Math.abs(at[n] - middle) < mark.half[n] + 2e-3),
  );
  const far = (/** @type {Mark} */ mark) => Math.hypot(...mark.at.map((p, n) => p - at[n]));
  const [mark] = near.sort((one, other) => far(one) - far(other));
  if (!mark) return null;
  if (mark.mesh === null) return { mark, part: 0 };
  if (mark.glyph === "carpet") {
    const tile = tileAt(mark, at);
    return tile < 0 ? null : { mark, part: Math.min(tile, mark.values.length - 1) };
  }
  const part = mark.glyph === "surface" ? vertex : mark.values.length > 3 ? Math.floor(vertex / 8) * each(mark) : 0;
  return { mark, part: Math.min(part, mark.values.length - 1) };
}

function brief(figure, { parts }, choice) {
  const { mark } = choice, part = numberOf(figure, choice);
  const said = mark.values
    .slice(part, part + each(mark))
    .map((value, n) => `${parts[mark.parts][part + n]} ${number(value)}`.trim());
  return `${mark.title}: ${said.join(", ")}`;
}

const words = (figure, known, choice) => `${brief(figure, known, choice)}. That is ${known.how[choice.mark.how]}.`;

function placeOf({ mark, part }) {
  const { glyph, half, tip, values } = mark;
  const [x, y, z] = mark.at;
  if (["column", "silent", "stack", "tinted"].includes(glyph)) {
    const boxes = values.length / each({ glyph });
    return [x, y - half[1] + ((Math.floor(part / each({ glyph })) + 0.5) / boxes) * 2 * half[1], z];
  }
  if (glyph === "crowd" || glyph === "carpet") {
    const { columns = 1, spacing = 0 } = mark;
    const [one, other] = cellOf({ mark, part });
    const boxes = values.length / columns;
    if (glyph === "crowd") return [one * spacing, y - half[1] + ((other + 0.5) / boxes) * 2 * half[1], z];
    return [one * spacing, y, z + half[2] - ((other + 0.5) / columns) * 2 * half[2]];
  }
  if (glyph === "surface") {
    const n = Math.sqrt(values.length);
    const [u, v] = [part % n, Math.floor(part / n)].map((step) => (2 * step) / (n - 1) - 1);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [x + u * half[0], y + half[1] * ((2 * (values[part] - low)) / (high - low) - 1), z - v * half[2]];
  }
  return tip ?? [x, y, z];
}

function choose(living, known, choice) {
  const { figure, viewer } = living;
  chosen.set(figure, choice);
  tell(figure, words(figure, known, choice));
  emphasise(living, nodesOf(choice));
  descend(figure, choice);
  const position = placeOf(choice)
    .map((length) => `${length}m`)
    .join(" ");
  if (viewer.querySelector(".pointer")) viewer.updateHotspot({ name: "hotspot-pointer", position });
  else {
    const pointer = /** @type {HTMLElement} */ (copyOf("pointer").firstElementChild);
    pointer.dataset.position = position;
    viewer.append(pointer);
  }
  for (const act of whenChosen) act(living);
}

function release(living) {
  if (!chosen.delete(living.figure)) return;
  living.viewer.querySelector(".pointer")?.remove();
  living.figure.querySelector("a.descend")?.remove();
  emphasise(living, []);
  for (const act of whenChosen) act(living);
}

function descend(figure, choice) {
  const { leads } = choice.mark;
  if (!leads) return;
  const [one, other] = cellOf(choice);
  const { page, of, head, together, grouped } = leads;
  const entry = `${other * (choice.mark.glyph === "carpet" ? together : grouped) + 1}`;
  const query = new URLSearchParams({ of, token: `${one * together + 1}`, ...(head && { head: `${head}` }), entry });
  const link = figure.querySelector("a.descend") ?? element("a", "All numbers there", { class: "descend" });
  link.setAttribute("href", `${page}?${query}#numbers`);
  if (!link.isConnected) figure.querySelector(".readout")?.after(link);
}

function tell(figure, text) {
  const readout = figure.querySelector(".readout");
  if (readout && readout.textContent !== text) readout.textContent = text;
}

export async function select(living, nodes, part) {
  const known = await knownOf(living.figure);
  const find = (/** @type {string} */ node) => known?.marks.find((mark) => mark.node === node);
  const [mark, ...others] = (find(nodes) ? [nodes] : nodes.split("+")).map(find);
  if (!known || !mark || !(part in mark.values) || !others.every((one) => one !== undefined)) return false;
  choose(living, known, { mark, part: part - (part % each(mark)), others });
  return true;
}

export function approach(living) {
  const { figure, sight: { home } } = living;
  const choice = chosen.get(figure);
  if (!choice) return;
  const size = Math.hypot(...choice.mark.half.map((half) => Math.min(half, 0.08)));
  const fitting = (1.5 * size) / Math.tan((home.field * Math.PI) / 360);
  const radius = home.radius * Math.min(0.6, Math.max(0.25, fitting / home.radius));
  look(living, { ...home, target: placeOf(choice), radius });
}

export function frame(living) {
  const { figure, sight } = living, { home } = sight, choice = chosen.get(figure);
  if (!choice) return;
  const marks = [choice.mark, ...(choice.others ?? [])];
  const corners = marks.flatMap(({ at, half }) => cornersOf(at, half.map((length) => 2 * length)));
  const view = fitting({ ...sight, corners }, home.theta, home.phi);
  look(living, { ...view, radius: Math.max(1.1 * view.radius, 0.45 * home.radius) });
}

function step(living, known, marks, parts) {
  const now = chosen.get(living.figure);
  if (!now) return choose(living, known, { mark: known.marks[0], part: 0 });
  const wrap = (/** @type {number} */ n, /** @type {number} */ size) => (n + size) % size;
  const mark = known.marks[wrap(known.marks.indexOf(now.mark) + marks, known.marks.length)];
  const part = Math.min(wrap(now.part + parts * each(now.mark), now.mark.values.length), mark.values.length - 1);
  choose(living, known, { mark, part: part - (part % each(mark)) });
}

whenAlive.push((living) => {
  const { figure, viewer } = living;
  if (!figure.querySelector(".readout")) return; // a figure without marks has nothing to read
  figure.querySelector(".menu dl")?.before(copyOf("reader"));
  tell(figure, `${matchMedia("(pointer: coarse)").matches ? "Tap" : "Point at"} a shape to read its number.`);
  figure.querySelector(".steps")?.addEventListener("click", async (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    const known = button && (await knownOf(figure));
    if (!button) return;
    if (!known) return tell(figure, "The numbers of this figure could not be fetched; the table below has them.");
    if (button.dataset.go !== undefined) return approach(living);
    const [marks, parts] = (button.dataset.step ?? "0 0").split(" ").map(Number);
    step(living, known, marks, parts);
  });
  figure.addEventListener("frame", async () => {
    const choice = chosen.get(figure);
    const known = choice && (await knownOf(figure));
    if (known && choice) choose(living, known, choice);
  });
  const tip = element("p", "", { class: "tip", "aria-hidden": "true" });
  viewer.after(tip);
  let over = null;
  const show = (/** @type {Known | null} */ known, /** @type {Choice | null} */ next) => {
    const now = next ?? chosen.get(figure), before = over ?? chosen.get(figure);
    over = next;
    tip.textContent = known && next ? brief(figure, known, next) : "";
    if (now?.mark !== before?.mark) emphasise(living, nodesOf(now));
    if (known && now) tell(figure, words(figure, known, now));
  };
  let moving = 0;
  viewer.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch" || event.buttons || moving) return;
    moving = requestAnimationFrame(async () => {
      moving = 0;
      const known = await knownOf(figure);
      const { left, top, width } = viewer.getBoundingClientRect(), part = (100 * (event.clientX - left)) / width;
      show(known, known && pick(living, known, event.clientX, event.clientY));
      tip.style.left = `${part}%`;
      tip.style.translate = `${-part}% calc(${event.clientY - top}px - 100% - 0.8rem)`;
    });
  });
  viewer.addEventListener("pointerleave", async () => show(await knownOf(figure), null));
  viewer.addEventListener("load", () => emphasise(living, nodesOf(chosen.get(figure))));
  emphasise(living, []);
  figure.addEventListener("keydown", ({ key }) => key === "Escape" && release(living));
  let pressed = { clientX: 0, clientY: 0 };
  viewer.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => (pressed = event));
  viewer.addEventListener("click", async (/** @type {MouseEvent} */ event) => {
    if (Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > 6) return; // it was a turn
    const known = await knownOf(figure);
    const hit = known && pick(living, known, event.clientX, event.clientY);
    if (known && hit) choose(living, known, hit);
    else if (known) release(living);
  });
});
