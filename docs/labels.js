
import { element, sceneOf, whenAlive } from "./figure.js?4f3e04e6b0";
import { knownOf } from "./reader.js?4f3e04e6b0";
import { axesOf } from "./view.js?4f3e04e6b0";



const ROOM = 2; // pixels that are free around a label
const LINES = [0.5, 1, 1.5, 2, 2.5, 3, 3.5]; // how far away its middle may be, in sizes of it
const AROUND = [[0, -1], [1, 0], [-1, 0], [0, 1], [1, -1], [-1, -1], [1, 1], [-1, 1]]; // of something, to the right and down
const BEFORE = [[0, 1], [0.4, 1], [-0.4, 1]];

const within = (x, side, all) => Math.min(Math.max(x, side), all - side);

function eyeOf(viewer) {
  const { theta, phi, radius } = viewer.getCameraOrbit(), { x, y, z } = viewer.getCameraTarget();
  const { clientWidth: width, clientHeight: height } = viewer, axes = axesOf(theta, phi);
  const scale = height / 2 / Math.tan((viewer.getFieldOfView() * Math.PI) / 360);
  const see = (/** @type {number[]} */ place) => {
    const [right, up, near] = axes.map(([a, b, c]) => a * (place[0] - x) + b * (place[1] - y) + c * (place[2] - z));
    const size = scale / (radius - near);
    return [width / 2 + right * size, height / 2 - up * size, size];
  };
  return { towards: axes[2], see, width, height };
}

function spotsOf({ at, out, reach, to, mark, needed, wide, high }, { towards, see, width, height }) {
  const before = (reach ?? 0) / Math.hypot(towards[0], towards[2]);
  const [x, y, size] = see([at[0] + before * towards[0], at[1], at[2] + before * towards[2]]);
  const far = ROOM + (mark ? 1.5 * mark.half[1] * size : 0);
  if (x !== within(x, 0, width) || y !== within(y, 0, height)) return [];
  let ways = reach ? BEFORE : [...(to ? [to] : []), ...AROUND];
  if (out) {
    const [u, v] = see([at[0] + out, at[1], at[2]]), most = Math.max(Math.abs(u - x), Math.abs(v - y));
    ways = [[(u - x) / most, (v - y) / most]];
  }
  return LINES.slice(0, out || (needed && reach) ? LINES.length : 2).flatMap((line) =>
    ways.map(([dx, dy]) => [
      within(x + dx * (far + line * wide), wide / 2, width),
      within(y + dy * (far + line * high), high / 2, height),
      reach ? (line - LINES[0]) * high : 0,
    ]),
  );
}

function arrange(labels, eye) {
  const taken = labels.filter(({ mark }) => mark).map(({ at }) => [...eye.see(at).slice(0, 2), ROOM, ROOM]);
  for (const label of labels) {
    const { span, wide, high } = label, spots = spotsOf(label, eye);
    const rooms = spots.map(([x, y, lead]) => [[x, y, wide, high], [x, y - (high + lead) / 2, 0, lead]]);
    const isFree = (/** @type {number[]} */ [x, y, w, h]) => taken.every(([a, b, c, d]) => Math.abs(x - a) * 2 >= w + c || Math.abs(y - b) * 2 >= h + d);
    label.spot = [label.spot, ...spots.keys()].find((n) => rooms[n]?.every(isFree)) ?? -1;
    span.classList.toggle("off", label.spot < 0);
    if (label.spot < 0) continue;
    const [x, y, lead] = spots[label.spot];
    taken.push(...rooms[label.spot]);
    if (lead !== label.lead) span.style.setProperty("--lead", `${(label.lead = lead)}px`);
    span.style.transform = `translate(${(x - (wide - ROOM) / 2).toFixed(1)}px, ${(y - (high - ROOM) / 2).toFixed(1)}px)`;
  }
}

export function draw(viewer, are_drawn) {
  const scene = sceneOf(viewer);
  scene.traverse((/** @type {any} */ part) => {
    if (["plates", "ink"].includes(part.material?.name)) part.visible = are_drawn;
  });
  scene.queueShadowRender();
  scene.queueRender();
}

whenAlive.push(({ figure, viewer }) => {
  const layer = element("div", "", { class: "labels", "aria-hidden": "true" });
  let labels = /** @type {Label[]} */ ([]);
  const show = () => arrange(labels, eyeOf(viewer));
  const fit = () => {
    const { x, y, z } = viewer.getCameraTarget(), [, , scale] = eyeOf(viewer).see([x, y, z]);
    for (const { span, size } of labels) span.style.fontSize = `clamp(var(--least), ${scale * size}px, var(--most))`;
    for (const label of labels) [label.wide, label.high, label.spot] = [label.span.offsetWidth + ROOM, label.span.offsetHeight + ROOM, 0];
    show();
  };
  const write = async () => {
    const known = await knownOf(figure);
    labels = (known?.labels ?? []).map((one) => {
      const mark = known?.marks.find(({ node }) => node === one.of), needed = /^(row|token|query)\b/.test(one.name);
      return { ...one, at: mark?.at ?? one.at, span: element("span", one.text), mark, needed, wide: 0, high: 0, spot: 0 };
    });
    labels.sort((one, other) => Number(other.needed) - Number(one.needed));
    layer.replaceChildren(...labels.map(({ span }) => span));
    draw(viewer, !labels.length);
    fit();
  };
  if (!sceneOf(viewer)) return; // then its shapes stay
  viewer.append(layer);
  write();
  viewer.addEventListener("load", write);
  viewer.addEventListener("camera-change", show);
  viewer.addEventListener("ar-status", (/** @type {CustomEvent} */ { detail }) => draw(viewer, /started|placed/.test(detail.status)));
  new ResizeObserver(fit).observe(layer);
});
