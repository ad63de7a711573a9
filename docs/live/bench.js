
import { element } from "../figure.js?4f3e04e6b0";
import { download } from "../share.js?4f3e04e6b0";
import { decomposition } from "./decomposition.js?4f3e04e6b0";
import { json, safetensors } from "./files.js?4f3e04e6b0";
import { cut, learned, meansOf, partsOf, together, unpacked, vitrine, without } from "./live.js?4f3e04e6b0";
import { GPT, Tokenizer, trace, wordsOf } from "./model.js?4f3e04e6b0";
import { nameAt, patching, placeIn } from "./patch.js?4f3e04e6b0";
import { differences, fill, read } from "./recipe.js?4f3e04e6b0";
import { follow, follows, redraw, shown } from "./redraw.js?4f3e04e6b0";



const bench = /** @type {HTMLElement} */ (document.getElementById("bench"));

const find = (selector) => /** @type {E} */ (bench.querySelector(selector));

const all = (selector) => [...bench.querySelectorAll(selector)].map((element) => /** @type {HTMLElement} */ (element));

const sent = JSON.parse(find("script[type='application/json']").textContent ?? "");
const own = { ...sent, ...vitrine(unpacked(sent)) }, parts = partsOf(sent.config);

const OURS = { words: sent.prompt.split(" "), off: [], mean: false, set: {}, asked: own, weights: sent.fingerprint, whose: "" };

let question = OURS, answer = traced(OURS);


const means = new WeakMap();

function traced({ words, off, mean, set, asked: { model, tokenizer }, asked }) {
  if (mean && off.length && !means.has(asked)) means.set(asked, meansOf(model, tokenizer, asked.corpus));
  const edits = off.map((path) => without(model, path, mean ? means.get(asked)?.get(path) : 0));
  edits.push(...Object.entries(set).map(([path, value]) => cut(model.config, path, value)));
  return trace(model, tokenizer, words.join(" "), together(edits));
}

const chanceOf = ({ probabilities, vocab }, token) => probabilities[vocab.indexOf(token)];

function nameOf(path) {
  const [kind, l, h] = path.split("/");
  if (kind === "position") return "positions";
  return kind === "mlp" ? `MLP of block ${Number(l) + 1}` : `head ${Number(h) + 1} of block ${Number(l) + 1}`;
}


const percent = (part) => `${(100 * part).toFixed(1)}%`;

function points(part) {
  const size = Math.abs(100 * part), text = size.toFixed(size < 1 ? 1 : 0);
  return Number(text) === 0 ? "±0" : `${part < 0 ? "\u2212" : "+"}${text}`;
}

function sentence(error) {
  const { message } = /** @type {Error} */ (error);
  return `${message[0].toUpperCase()}${message.slice(1)}.`;
}

function item(text, attributes) {
  const one = element("li", "");
  one.append(element("button", text, { type: "button", ...attributes }));
  return one;
}

function ask(change) {
  const next = { ...question, ...change };
  const { ids } = next.asked.tokenizer;
  if (change.asked && !next.words.every((word) => ids.has(word))) next.words = wordsOf(change.asked.prompt);
  if (next.words.length !== question.words.length && !change.set) next.set = {};
  try {
    answer = traced(next);
  } catch (error) {
    return say(sentence(error));
  }
  question = next;
  say("");
  show();
  return true;
}

function show() {
  const { words, off, whose } = question, { prediction } = answer;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.place;
  const chips = words.map((word, n) => item(word, { class: "chip", "data-place": `${n}`, "aria-expanded": "false" }));
  if (words.length < question.asked.config.n_context)
    chips.push(item("+", { class: "chip add", "data-place": `${words.length}`, "aria-expanded": "false", "aria-label": "Add a word" }));
  chips.push(item(prediction, { class: "chip answer", "data-word": prediction, "data-place": `${words.length}`, title: "Its answer; press to let it go on" }));
  find(".words").replaceChildren(...chips);
  if (focused) find(`.chip[data-place="${Math.min(Number(focused), words.length)}"]`).focus();
  showAnswers();
  showSwitches();
  const isOurs = words.join(" ") === sent.prompt, still = bench.querySelector(".flat") ? " The still is the article’s." : "";
  const prompt = isOurs ? "the article’s prompt" : `your prompt “${words.join(" ")}”`;
  const shown = decomposition(answer), sets = Object.entries(question.set).map(([path, value]) => `${nameAt(shown, path)} set to ${value}`);
  const changes = [...off.map((path) => `${nameOf(path)} ${question.mean ? "at the mean" : "off"}`), ...sets];
  const changed = changes.length ? `, with ${changes.join("; ")}` : "";
  const said = isOurs && !whose && !changed ? "" : `You are looking at ${whose && `${whose}, and `}${prompt}${changed}.${still}`;
  find(".whose [role]").textContent = said || "These are the article’s own prompt and model.";
  find(".whose").classList.toggle("yours", said !== "");
  find("[data-back]").hidden = !said;
  const scene = said ? { trace: answer, weights: question.weights, changes, said } : null;
  redraw(scene, () => void ask(OURS));
  keep();
}

function showAnswers() {
  const { vocab, probabilities } = answer, whole = question.off.length ? traced({ ...question, off: [] }) : answer;
  const best = vocab.map((token, id) => ({ token, chance: probabilities[id] }));
  best.sort((one, other) => other.chance - one.chance);
  for (const [n, row] of all(".answers li").entries()) {
    row.hidden = n >= best.length;
    if (row.hidden) continue;
    const { token, chance } = best[n], [word, , share, change] = row.children;
    word.textContent = token;
    row.querySelector("rect")?.setAttribute("width", (100 * chance).toFixed(1));
    share.textContent = percent(chance);
    change.textContent = whole === answer ? "" : points(chance - chanceOf(whole, token));
  }
}

function showSwitches() {
  const { off } = question, { prediction } = answer;
  for (const way of /** @type {HTMLInputElement[]} */ (all("[name=way]"))) way.checked = question.mean === (way.value === "mean");
  find("legend .quiet").textContent = `· change of “${prediction}”, in points`;
  for (const button of all("[data-part]")) {
    const { part = "" } = button.dataset, isOff = off.includes(part);
    const then = traced({ ...question, off: isOff ? off : [...off, part] });
    button.setAttribute("aria-pressed", `${isOff}`);
    /** @type {Element} */ (button.lastElementChild).textContent = isOff
      ? "off"
      : points(chanceOf(then, prediction) - chanceOf(answer, prediction));
  }
}

function say(text, words = []) {
  const message = find(".message");
  message.replaceChildren(text, ...words.map((word) => element("button", word, { type: "button", "data-word": word })));
}


let place = 0; // of the word that is chosen

const palette = find(".palette"), input = /** @type {HTMLInputElement} */ (find(".palette input"));

function open(at, by_keyboard) {
  place = at;
  palette.hidden = false;
  palette.setAttribute("aria-label", at < question.words.length ? `Instead of “${question.words[at]}”` : "The next word");
  find("[data-remove]").hidden = at >= question.words.length;
  for (const chip of all(".chip")) chip.setAttribute("aria-expanded", `${!chip.dataset.word && Number(chip.dataset.place) === at}`);
  input.value = "";
  find(".palette ul").replaceChildren(...question.asked.tokenizer.vocab.map((word) => item(word, { "data-word": word })));
  if (by_keyboard) input.focus();
}

function close() {
  if (palette.hidden) return;
  const inside = palette.contains(document.activeElement);
  palette.hidden = true;
  for (const chip of all(".chip")) chip.setAttribute("aria-expanded", "false");
  if (inside) find(`.chip[data-place="${place}"]`)?.focus();
}

function complete() {
  const typed = wordsOf(input.value).pop() ?? "";
  for (const button of all(".palette [data-word]"))
    /** @type {HTMLElement} */ (button.parentElement).hidden = !button.dataset.word?.startsWith(typed);
}

const likeness = (one, other) => [...one].filter((letter) => other.includes(letter)).length - Math.abs(one.length - other.length);

function take() {
  const typed = wordsOf(input.value), last = typed.length - 1, { vocab } = question.asked.tokenizer;
  const whole = typed.map((word, n) =>
    n < last || vocab.includes(word) ? word : vocab.find((one) => one.startsWith(word)) ?? word);
  const unknown = whole.find((word) => !vocab.includes(word));
  if (unknown === undefined) return put(whole);
  const near = [...vocab].sort((one, other) => likeness(other, unknown) - likeness(one, unknown)).slice(0, 3);
  say(`The model has never met “${unknown.slice(0, 40)}”; it knows ${vocab.length} words. Nearest are `, near);
}

function put(words) {
  const isNew = place >= question.words.length;
  if (!ask({ words: [...question.words.slice(0, place), ...words, ...question.words.slice(place + 1)] })) return;
  const next = place + words.length;
  if (isNew && words.length && next < question.asked.config.n_context) return open(next, palette.contains(document.activeElement));
  place = Math.min(place, question.words.length - 1);
  close();
}

bench.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button");
  if (!button) return;
  const { place: at, word, part, back, close: ends, remove } = button.dataset;
  if (at !== undefined && !word) {
    if (button.getAttribute("aria-expanded") === "true") close();
    else open(Number(at), event.detail === 0);
  } else if (word) {
    if (at !== undefined) place = Number(at);
    if (button.closest(".answer")) ask({ words: [...question.words, word] });
    else put([word]);
  } else if (remove !== undefined) put([]);
  else if (ends !== undefined) close();
  else if (part) {
    const { off } = question;
    ask({ off: off.includes(part) ? off.filter((one) => one !== part) : parts.filter((one) => one === part || off.includes(one)) });
  } else if (back !== undefined) ask(OURS);
});
bench.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
  if (event.key !== "Enter" || event.target !== input) return;
  event.preventDefault(); // or the chip that gets the focus is pressed as well
  take();
});
document.addEventListener("pointerdown", (event) => {
  if (!(/** @type {Element} */ (event.target).closest(".asked"))) close();
});
input.addEventListener("input", complete);
find("[data-presets]").addEventListener("change", (event) => {
  const chosen = /** @type {HTMLSelectElement} */ (event.target);
  if (chosen.value) ask({ words: wordsOf(chosen.value) });
  chosen.value = "";
});
for (const way of all("[name=way]"))
  way.addEventListener("change", () => void ask({ mean: /** @type {HTMLInputElement} */ (way).value === "mean" }));


const [button, curve, told] = ["[data-train]", ".curve polyline", ".training p"].map((one) => find(one));

let stop = null;

function begin({ corpus, config: given }, hear) {
  const file = bench.dataset.worker, told = { corpus, given, every: Infinity };
  if (!file) {
    let stopped = false;
    learned(told, hear, () => new Promise((done) => setTimeout(() => done(stopped))));
    return () => void (stopped = true);
  }
  const worker = new Worker(file, { type: "module" });
  worker.addEventListener("message", ({ data }) => hear(data));
  worker.addEventListener("error", () => hear({ error: "this browser trains nothing in the background" }));
  worker.postMessage(told);
  return () => worker.postMessage({ stop: true });
}

function learn() {
  let recipe;
  try {
    recipe = read(find(".training"), sent.config);
  } catch (error) {
    return void (told.textContent = sentence(error));
  }
  const { config, config: { steps } } = recipe;
  const points = [];
  let last = 0, most = 0;
  button.textContent = "Stop";
  stop = begin(recipe, ({ step, loss = NaN, weights, fingerprint: hash = "", error = "" }) => {
    if (step !== undefined) {
      last = step;
      most ||= 1.1 * loss; // of the first step; there is none before it
      if (step) points.push(`${(step * sent.config.steps) / steps},${(100 * Math.max(0, 1 - loss / most)).toFixed(1)}`);
      curve.setAttribute("points", points.join(" "));
      told.textContent = `Step ${step} of ${steps}${step ? `, loss ${loss.toFixed(3)}` : ""}`;
      return;
    }
    stop = null;
    button.textContent = "Train it yourself";
    if (!weights) return void (told.textContent = sentence({ message: error }));
    tell({ ...vitrine({ model: new GPT(config, weights), tokenizer: new Tokenizer(recipe.corpus) }), ...recipe }, last, hash);
  });
}

function tell(asked, steps, hash) {
  const found = asked.trace(asked.prompt), { prediction } = found, right = prediction === asked.answer, { seed } = asked.config;
  const same = hash === sent.fingerprint, stopped = steps === asked.config.steps ? [] : [`stopped after ${steps} steps`];
  const others = differences(asked, own), whose = [`your training, seed ${seed}`, ...others, ...stopped].join(", ");
  told.replaceChildren(
    `SHA-256 of your ${asked.model.vector.length.toLocaleString("en")} weights: `,
    element("code", hash.slice(0, 16), { title: hash }),
    "…, of the page’s: ",
    element("code", sent.fingerprint.slice(0, 16), { title: sent.fingerprint }),
    `…: ${same ? "the same, to the last bit" : "others"}. Yours goes on with “${prediction}” (${percent(chanceOf(found, prediction))})${right ? "." : `; right is “${asked.answer}”.`}`,
  );
  const name = `${whose}: ${prediction}, ${right ? "right" : "wrong"}. Press to ask it`;
  const one = item(`${seed}`, { class: right ? "right" : "wrong", title: name, "aria-label": `${seed}: ${name}` });
  one.addEventListener("click", () => void ask({ asked, whose, weights: hash }));
  find(".trainings").append(one);
}

button.addEventListener("click", () => (stop ? stop() : learn()));
find("[data-recipe]").addEventListener("click", () => fill(find(".training"), own));
fill(find(".training"), own);

const files = {
  safetensors: () => safetensors(question.asked.model),
  json: () => json(answer, question.weights),
  glb: async () => (await fetch(await shown(find("figure.scene")))).blob(),
};
for (const button of all("[data-file]")) {
  const { file = "" } = button.dataset, name = button.textContent ?? "";
  button.addEventListener("click", async () => download(name, new Blob([await files[file]()])));
}


const address = () => new URLSearchParams(location.hash.split("?").slice(1).join("?"));

function asked() {
  const query = address(), words = wordsOf(query.get("prompt") ?? sent.prompt), off = (query.get("off") ?? "").split(",");
  const known = off.every((part) => !part || parts.includes(part)) && words.every((word) => sent.vocab.includes(word));
  if (!known || !words.length || words.length > sent.config.n_context) return OURS;
  const sets = (query.get("set") ?? "").split(",").filter(Boolean).map((one) => one.split(":"));
  if (!sets.every(([path, value]) => /^(entry|(write|mlp)\/\d+)\/\d+\/\d+$/.test(path) && /^-?[\d.]+$/.test(value ?? ""))) return OURS;
  const set = Object.fromEntries(sets.map(([path, value]) => [path, Number(value)]));
  const wanted = { words, off: parts.filter((part) => off.includes(part)), mean: query.get("to") === "mean", set };
  try {
    traced({ ...OURS, ...wanted });
  } catch {
    return OURS;
  }
  return wanted;
}

function addressed(address, query) {
  const [file, id] = address.split(/[#?]/), said = `${query}`.replaceAll("%2F", "/").replaceAll("%2C", ",").replaceAll("%3A", ":");
  return said ? `${file}#${id || bench.id}?${said}` : id && id !== bench.id ? `${file}#${id}` : file;
}

function keep() {
  const { words, off, mean, set } = question, query = address(), mine = new URLSearchParams(), prompt = words.join(" ");
  for (const name of ["prompt", "off", "to", "set"]) query.delete(name);
  if (prompt !== sent.prompt) mine.set("prompt", prompt);
  if (off.length) mine.set("off", off.join(","));
  if (off.length && mean) mine.set("to", "mean");
  if (Object.keys(set).length) mine.set("set", Object.entries(set).map((one) => one.join(":")).join(","));
  const there = addressed(location.hash, new URLSearchParams([...query, ...mine])) || location.pathname + location.search;
  if (there !== location.hash) history.replaceState(history.state, "", there);
  for (const link of document.querySelectorAll("a[href^='index.html'], a[href^='flow.html']"))
    link.setAttribute("href", addressed(link.getAttribute("href") ?? "", mine));
}

addEventListener("hashchange", () => void (["prompt", "off", "set"].some((key) => address().has(key)) ? ask(asked()) : null));
Object.assign(globalThis, { vitrine: own });
for (const switched of all("[data-part^=mixed]")) {
  const { HEADS } = sent.look.style, color = HEADS[Number(switched.dataset.part?.split("/")[2]) % HEADS.length];
  const swatch = /** @type {HTMLElement} */ (switched.querySelector(".swatch"));
  swatch.style.setProperty("--swatch", `rgb(${color.map((/** @type {number} */ x) => 255 * x).join(" ")})`);
}
follow(sent.look, OURS.words.length);
patching(follows, (path, array, index, value) => {
  const set = { ...question.set }, { at } = decomposition(answer), [of, place] = placeIn(path);
  if (value === null) delete set[path];
  else set[path] = Number((at(of, ...place) + value - at(array, ...index)).toFixed(3));
  ask({ set });
});
ask({ ...OURS, ...asked() });
