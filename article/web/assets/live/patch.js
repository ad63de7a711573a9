// Activation patching: a number of the pass that is chosen in a figure is set by hand, and what follows from it is
// computed anew.

import { element } from "../figure.js";
import { chosen, whenChosen } from "../reader.js";
import { NAMES } from "./decomposition.js";

/** @import { Decomposition } from "./decomposition.js" */

/** Where numbers of an array can be set, as the beginning of a path for `cut`: of the stream after a block, where its MLP
 * writes. @type {Record<string, (index: string[]) => (string | number)[]>} */
const PLACES = {
  residual: ([l, t]) => (l === "0" ? ["entry", t] : ["mlp", Number(l) - 1, t]),
  attention: (index) => ["attention", ...index],
  mixed: (index) => ["mixed", ...index],
  attention_write: (index) => ["write", ...index],
  mlp_write: (index) => ["mlp", ...index],
};

/** The array that a path is of, and the index there. @param {string} path @returns {[string, number[]]} */
function placeIn(path) {
  const [kind, ...index] = path.split("/"), numbers = index.map(Number);
  if (kind === "entry") return ["residual", [0, ...numbers]];
  return [{ write: "attention_write", mlp: "mlp_write" }[kind] ?? kind, numbers];
}

/** The number at a path. @param {Decomposition} d @param {string} path */
export function valueAt(d, path) {
  const [array, index] = placeIn(path);
  return d.at(array, ...index);
}

/** Whether a path leads to a single number of a pass. @param {Decomposition} d @param {string} path */
export function isNumberAt(d, path) {
  const [array, index] = placeIn(path), { shape } = d.trace[/** @type {"mixed"} */ (array)] ?? { shape: [] };
  return /^(entry|write|mlp|mixed|attention)\//.test(path) && index.length === shape.length && index.every((n, axis) => n < shape[axis]);
}

/** What is called what a path leads to. @param {Decomposition} d @param {string} path */
export function nameAt(d, path) {
  const [array, index] = placeIn(path), at = index.slice(-2)[0], writes = array.endsWith("write") ? ` at ${d.tokens[at]}` : "";
  return `${NAMES[array](d, index)}${writes}${array === "attention" ? "" : `, component ${index[index.length - 1] + 1}`}`;
}

/** Lets numbers that are chosen be set, in figures that follow. @param {(figure: HTMLElement) => boolean} follows
 * @param {(path: string, array: string, index: number[], value: number | null) => void} set makes a number of an array this
 * one, or again what is computed */
export function patching(follows, set) {
  whenChosen.push(({ figure }) => {
    const choice = chosen.get(figure), old = figure.querySelector(".patch");
    if (!choice || !follows(figure)) return old?.remove();
    const { mark: { node, values, title, glyph }, part } = choice, [array, ...index] = node.split("/"), place = PLACES[array]?.(index);
    const path = place && [...place, ...(array === "attention" ? [] : [part])].join("/");
    if (!path) return old?.remove();
    const box = /** @type {HTMLElement} */ (old ?? element("p", "", { class: "patch" }));
    if (box.dataset.path !== path + node) {
      const most = array === "attention" ? 1 : Math.ceil(2 * Math.max(...values.map(Math.abs)));
      const name = `${title}${glyph === "column" ? `, number ${part + 1}` : ""}, set by hand`;
      const slider = element("input", "", { type: "range", min: `${array === "attention" ? 0 : -most}`, max: `${most}`, step: `${most / 100}`, "aria-label": name });
      const undo = element("button", "as computed", { type: "button" });
      slider.addEventListener("keydown", (event) => event.stopPropagation()); // which would turn the figure
      const at = [...index.map(Number), ...(array === "attention" ? [] : [part])];
      slider.addEventListener("input", () => set(path, array, at, slider.valueAsNumber));
      undo.addEventListener("click", () => set(path, array, at, null));
      box.dataset.path = path + node;
      box.replaceChildren(slider, undo, "Activation patching: set this number by hand, and all that comes after it is computed anew.");
    }
    if (!box.isConnected) figure.querySelector(".tools")?.after(box);
    const slider = /** @type {HTMLInputElement} */ (box.firstElementChild);
    if (!slider.matches(":focus")) slider.value = `${values[part]}`;
  });
}
