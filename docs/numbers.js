
import { element } from "./figure.js?4f3e04e6b0";


const WIDE = 8; // numbers in a row of the table

const fetched = new Map();

async function load(file) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(file);
  const data = await answer.arrayBuffer();
  const start = 10 + new DataView(data).getUint16(8, true);
  const header = new TextDecoder().decode(data.slice(10, start));
  return header.includes("<f8") ? new Float64Array(data.slice(start)) : new Float32Array(data.slice(start));
}

function exact(value, single) {
  const digits = [6, 7, 8, 9].find((n) => !single || Math.fround(Number(value.toPrecision(n))) === value);
  return (single ? `${Number(value.toPrecision(digits ?? 9))}` : `${value}`).replace("-", "\u2212");
}

const add = (parent, tag, text = "", attributes = {}) => parent.appendChild(element(tag, text, attributes));

function field(form, name, tag, attributes) {
  const both = add(form, "span"), id = `numbers-${name.toLowerCase()}`;
  add(both, "label", `${name} `, { for: id });
  return add(both, tag, "", { id, ...attributes });
}

function choice(form, name, options) {
  const select = field(form, name, "select");
  for (const [n, text] of options.entries()) select.add(new Option(text, `${n + 1}`));
  return select;
}

const panel = /** @type {HTMLElement} */ (document.getElementById("numbers")); // pages import this where there is one
const files = /** @type {Entry[]} */ (JSON.parse(panel.dataset.files ?? "[]"));
const tokens = /** @type {string[]} */ (JSON.parse(panel.dataset.tokens ?? "[]"));
const form = document.createElement("form");
const status = element("p", "", { role: "status" });
const box = element("div", "", { class: "numbers", tabindex: "0", role: "region", "aria-label": "The numbers" });
panel.querySelector("h2")?.after(form, status, box);
const numbered = tokens.map((token, t) => `${t + 1} ${token}`);
const heads = Math.max(...files.map(({ shape }) => (shape.length > 2 ? shape[0] : 0)));
const of = choice(form, "What", files.map(({ title }) => title));
const head = choice(form, "Head", [...Array(heads)].map((_, n) => `${n + 1}`));
const token = choice(form, "Token", numbered);
const entry = field(form, "Entry", "input", { type: "number", min: "1" });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", () => {
  const parts = { of: chosen().id, token: token.value, head: head.value, entry: entry.value };
  const given = Object.entries(parts).filter(([name, value]) => value && (name !== "head" || !head.disabled));
  history.replaceState(history.state, "", `?${new URLSearchParams(given)}#numbers`);
  show();
});

const chosen = () => files[Number(of.value) - 1];

function restore() {
  const asked = new URLSearchParams(location.search);
  const place = files.findIndex(({ id }) => id === asked.get("of"));
  if (place < 0) return;
  of.value = `${place + 1}`;
  for (const [select, name] of /** @type {const} */ ([[token, "token"], [head, "head"]])) {
    const value = asked.get(name) ?? "1";
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  }
  entry.value = asked.get("entry") ?? "";
  show();
}

async function show() {
  const { title, file, shape, entry: name } = chosen();
  head.disabled = shape.length < 3;
  const most = shape[shape.length - 1];
  entry.max = `${most}`;
  const known = fetched.get(file) ?? load(file);
  fetched.set(file, known);
  const where = `${title}, ${head.disabled ? "" : `head ${head.value}, `}token ${numbered[Number(token.value) - 1]}`;
  status.textContent = `${where}: being fetched …`;
  const numbers = await known.catch(() => null);
  if (!numbers) {
    fetched.delete(file);
    return void (status.textContent = `${file} could not be fetched.`);
  }
  if (chosen().file !== file) return; // something else was chosen meanwhile
  const row = (head.disabled ? 0 : (Number(head.value) - 1) * shape[1]) + Number(token.value) - 1;
  const vector = numbers.subarray(row * most, (row + 1) * most);
  const meant = Number(entry.value) - 1;
  const single = numbers instanceof Float32Array;
  const called = name === "key" ? numbered[meant] : `${meant + 1}`;
  const one = meant in vector ? ` The ${name} ${called} has ${exact(vector[meant], single)}.` : "";
  status.textContent = `${where}: ${most} numbers.${one}`;
  draw(vector, name, meant, single);
}

function draw(vector, name, meant, single) {
  const table = document.createElement("table");
  const first = add(add(table, "thead"), "tr");
  const wide = Math.min(WIDE, vector.length);
  for (const text of [name, ...[...Array(wide)].map((_, n) => `+${n}`)]) add(first, "th", text, { scope: "col" });
  const body = add(table, "tbody");
  for (let n = 0; n < vector.length; n += wide) {
    const line = add(body, "tr");
    add(line, "th", `${n + 1}`, { scope: "row" });
    for (const [k, value] of vector.subarray(n, n + wide).entries())
      add(line, "td", exact(value, single)).className = n + k === meant ? "meant" : "";
  }
  box.replaceChildren(table);
}

document.addEventListener("click", (event) => {
  const link = /** @type {HTMLElement} */ (event.target).closest("a.descend");
  if (!(link instanceof HTMLAnchorElement) || link.pathname !== location.pathname) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  restore();
  panel.scrollIntoView();
});
addEventListener("popstate", restore);
if (new URLSearchParams(location.search).has("of")) restore();
else show();
