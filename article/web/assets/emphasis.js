// What is pointed at or chosen in a figure stands out: it and what belongs to it keep their colours, other marks fade.
// Of the ribbons of a whole pass, those of the last position stand out at first: the answer is made of them. The
// materials that fade are those of shade.js, which therefore comes first.

import { sceneOf } from "./figure.js";
import "./shade.js";

/** @import { Living } from "./figure.js" */

const FAINT = 0.1; // opacity of what has faded

/** Where a ribbon comes from and goes to: its block, query and key. @param {string} name */
function endsOf(name) {
  const [array, l, , q, k] = name.split("/");
  return array === "attention" && k !== undefined ? [Number(l), Number(q), Number(k)] : null;
}

/** What keeps its colour: with a column the ribbons that begin and end at it, with a ribbon its two columns.
 * @param {string} node @returns {(name: string) => boolean} */
function kept(node) {
  const ends = endsOf(node), [array, ...place] = node.split("/"), [level, at] = place.map(Number);
  if (ends) return (name) => [node, `residual/${ends[0]}/${ends[2]}`, `residual/${ends[0] + 1}/${ends[1]}`].includes(name);
  if (array !== "residual") return (name) => name === node;
  return (name) => {
    const [l, q, k] = endsOf(name) ?? [];
    return name === node || (l === level && k === at) || (l === level - 1 && q === at);
  };
}

/** A material that has faded, by the one it is made of. @type {WeakMap<object, any>} */
const faded = new WeakMap();

/** What stands out at first. @param {string[]} names @returns {(name: string) => boolean} */
function first(names) {
  const isPass = names.some((name) => name.startsWith("residual/"));
  const last = Math.max(...names.map((name) => endsOf(name)?.[1] ?? 0));
  return (name) => !isPass || (endsOf(name)?.[1] ?? last) === last;
}

/** Lets all marks fade but some and what belongs to them; without any, those that do not stand out at first.
 * @param {Living} living @param {string[]} nodes */
export function emphasise({ viewer }, nodes) {
  const scene = sceneOf(viewer), meshes = new Map();
  scene?.traverse((/** @type {any} */ one) => {
    if (one.isMesh && one.userData.trace) meshes.set(one.userData.name, one);
  });
  const keeping = nodes.length ? nodes.map(kept) : [first([...meshes.keys()])];
  for (const [name, mesh] of meshes) {
    const { material } = mesh, whole = material.userData.whole ?? material;
    let faint = faded.get(whole);
    if (!faint) {
      faint = Object.assign(whole.clone(), { transparent: true, opacity: FAINT * whole.opacity, depthWrite: false });
      faint.userData = { whole };
      faint.onBeforeCompile = whole.onBeforeCompile; // which a clone lacks
      faded.set(whole, faint);
    }
    mesh.material = keeping.some((keeps) => keeps(name)) ? whole : faint;
  }
  scene?.queueRender();
}
