
import { sceneOf } from "./figure.js?4f3e04e6b0";
import "./shade.js?4f3e04e6b0";


const FAINT = 0.1; // opacity of what has faded

function endsOf(name) {
  const [array, l, , q, k] = name.split("/");
  return array === "attention" && k !== undefined ? [Number(l), Number(q), Number(k)] : null;
}

function kept(node) {
  const ends = endsOf(node), [array, ...place] = node.split("/"), [level, at] = place.map(Number);
  if (ends) return (name) => [node, `residual/${ends[0]}/${ends[2]}`, `residual/${ends[0] + 1}/${ends[1]}`].includes(name);
  if (array !== "residual") return (name) => name === node;
  return (name) => {
    const [l, q, k] = endsOf(name) ?? [];
    return name === node || (l === level && k === at) || (l === level - 1 && q === at);
  };
}

const faded = new WeakMap();

function first(names) {
  const isPass = names.some((name) => name.startsWith("residual/"));
  const last = Math.max(...names.map((name) => endsOf(name)?.[1] ?? 0));
  return (name) => !isPass || (endsOf(name)?.[1] ?? last) === last;
}

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
