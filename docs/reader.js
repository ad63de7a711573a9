
import { copyOf, element, look, whenAlive } from "./figure.js?1f452ed058";
import { frameOf } from "./film.js?1f452ed058";






export const chosen = new WeakMap();

const fetched = new Map();

export const whenChosen = [];

function knownOf(figure) {
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

const each = ({ glyph }) => ({ stack: 4, point: 3, bead: 3, moving: 3 })[glyph] ?? (glyph.startsWith("tinted") ? 2 : 1);

function numberOf(figure, { mark: { glyph, values }, part }) {
  if (glyph === "growing") return frameOf(figure, values.length - 1);
  return glyph === "moving" ? 3 * frameOf(figure, values.length / 3 - 1) : part;
}

const middleOf = (figure, mark) => mark.path?.[frameOf(figure, mark.path.length - 1)] ?? mark.at;

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

function pick({ figure, viewer }, { marks }, x, y) {
  const place = viewer.positionAndNormalFromPoint(x, y)?.position;
  const surface = viewer.surfaceFromPoint(x, y);
  if (!place || !surface) return null;
  const [mesh, , vertex] = surface.split(" ").map(Number);
  const at = [place.x, place.y, place.z];
  const near = marks.filter(
    (mark) =>
      (mark.mesh ?? mesh) === mesh &&
      middleOf(figure, mark).every((middle, n) => Math.abs(at[n] - middle) < mark.half[n] + 2e-3),
  );
  const far = (/** @type {Mark} */ mark) => Math.hypot(...middleOf(figure, mark).map((p, n) => p - at[n]));
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

function words(figure, { how, parts }, choice) {
  const { mark } = choice;
  const part = numberOf(figure, choice);
  const said = mark.values
    .slice(part, part + each(mark))
    .map((value, n) => `${parts[mark.parts][part + n]} ${number(value)}`.trim());
  return `${mark.title}: ${said.join(", ")}. That is ${how[mark.how]}.`;
}

function placeOf(figure, { mark, part }) {
  const { glyph, half, tip, values } = mark;
  const [x, y, z] = middleOf(figure, mark);
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
  descend(figure, choice);
  const position = placeOf(figure, choice)
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

export async function select(living, node, part) {
  const known = await knownOf(living.figure);
  const mark = known?.marks.find((mark) => mark.node === node);
  if (!known || !mark || !(part in mark.values)) return false;
  choose(living, known, { mark, part: part - (part % each(mark)) });
  return true;
}

export function approach(living) {
  const { figure, sight: { home } } = living;
  const choice = chosen.get(figure);
  if (!choice) return;
  const size = Math.hypot(...choice.mark.half.map((half) => Math.min(half, 0.08)));
  const fitting = (1.5 * size) / Math.tan((home.field * Math.PI) / 360);
  const radius = home.radius * Math.min(0.6, Math.max(0.25, fitting / home.radius));
  look(living, { ...home, target: placeOf(figure, choice), radius });
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
  let moving = 0;
  viewer.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (event.pointerType === "touch" || event.buttons || moving) return;
    moving = requestAnimationFrame(async () => {
      moving = 0;
      const known = await knownOf(figure);
      const over = known && pick(living, known, event.clientX, event.clientY);
      const now = over ?? chosen.get(figure);
      if (known && now) tell(figure, words(figure, known, now));
    });
  });
  let pressed = { clientX: 0, clientY: 0 };
  viewer.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => (pressed = event));
  viewer.addEventListener("click", async (/** @type {MouseEvent} */ event) => {
    if (Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) > 6) return; // it was a turn
    const known = await knownOf(figure);
    const over = known && pick(living, known, event.clientX, event.clientY);
    if (known && over) choose(living, known, over);
  });
});
