
import { element } from "../figure.js?4f3e04e6b0";
import { chosen, whenChosen } from "../reader.js?4f3e04e6b0";
import { NAMES } from "./decomposition.js?4f3e04e6b0";


function pathOf(array, [l, ...rest]) {
  if (array === "residual") return [...(l ? ["mlp", l - 1] : ["entry"]), ...rest].join("/");
  const kind = { attention_write: "write", mlp_write: "mlp" }[array];
  return kind && [kind, l, ...rest].join("/");
}

export function placeIn(path) {
  const [kind, ...index] = path.split("/"), numbers = index.map(Number);
  return kind === "entry" ? ["residual", [0, ...numbers]] : [kind === "mlp" ? "mlp_write" : "attention_write", numbers];
}

export function nameAt(d, path) {
  const [array, index] = placeIn(path), [, t, i] = index, writes = array === "residual" ? "" : ` at ${d.tokens[t]}`;
  return `${NAMES[array](d, index)}${writes}, component ${i + 1}`;
}

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
