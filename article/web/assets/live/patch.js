// Activation patching: a number of the pass that is chosen in a figure is set by hand, and what follows from it is
// computed anew.

import { element } from "../figure.js";
import { chosen, whenChosen } from "../reader.js";
import { NAMES } from "./decomposition.js";

/** @import { Decomposition } from "./decomposition.js" */

/** Where a number of an array can be set, as a path for `cut`; of the stream after a block, where its MLP writes.
 * @param {string} array @param {number[]} index */
function pathOf(array, [l, ...rest]) {
  if (array === "residual") return [...(l ? ["mlp", l - 1] : ["entry"]), ...rest].join("/");
  const kind = { attention_write: "write", mlp_write: "mlp" }[array];
  return kind && [kind, l, ...rest].join("/");
}

/** The array that a path is of, and the index there. @param {string} path @returns {[string, number[]]} */
export function placeIn(path) {
  const [kind, ...index] = path.split("/"), numbers = index.map(Number);
  return kind === "entry" ? ["residual", [0, ...numbers]] : [kind === "mlp" ? "mlp_write" : "attention_write", numbers];
}

/** What is called what a path leads to. @param {Decomposition} d @param {string} path */
export function nameAt(d, path) {
  const [array, index] = placeIn(path), [, t, i] = index, writes = array === "residual" ? "" : ` at ${d.tokens[t]}`;
  return `${NAMES[array](d, index)}${writes}, component ${i + 1}`;
}

/** Lets numbers that are chosen be set, in figures that follow. @param {(figure: HTMLElement) => boolean} follows
 * @param {(path: string, array: string, index: number[], value: number | null) => void} set makes a number of an array this
 * one, or again what is computed */
export function patching(follows, set) {
  whenChosen.push(({ figure }) => {
    const choice = chosen.get(figure), old = figure.querySelector(".patch");
    const [array, ...index] = choice?.mark.node.split("/") ?? [], at = [...index.map(Number), choice?.part ?? 0], path = pathOf(array, at);
    if (!choice || !path || !follows(figure)) return old?.remove();
    const { mark: { node, values, title }, part } = choice, box = /** @type {HTMLElement} */ (old ?? element("p", "", { class: "patch" }));
    if (box.dataset.path !== path + node) {
      const most = Math.ceil(2 * Math.max(...values.map(Math.abs))), name = `${title}, component ${part + 1}, set by hand`;
      const slider = element("input", "", { type: "range", min: `${-most}`, max: `${most}`, step: `${most / 100}`, "aria-label": name });
      const undo = element("button", "as computed", { type: "button" });
      slider.addEventListener("keydown", (event) => event.stopPropagation()); // which would turn the figure
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
