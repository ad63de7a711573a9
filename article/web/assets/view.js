// Where a camera may be, and from where it sees the whole of a figure. All of it is arithmetic.

/** Where a camera is: degrees around and down, metres away, what it looks at (metres), degrees of its field of view.
 * @typedef {{ theta: number, phi: number, radius: number, target: number[], field: number }} View */

/** What a camera looks at: from where it does at first, how wide a picture that asks for, how wide it is now (over its
 * height), and the corners of the box around all that is drawn (metres).
 * @typedef {{ home: View, wide: number, aspect: number, corners: number[][] }} Sight */

/** How high the camera may stand, and how low, in degrees from straight above. */
export const HIGHEST = 2;
export const LOWEST = 89;

/** The field of view of its longest lens, in degrees. */
export const LONGEST = 2;

/** How far away it may go, in distances of its home. */
export const FARTHEST = 4;

/** The share of a picture that is free at each of its sides, as in a still. */
const MARGIN = 0.03;

const RADIANS = Math.PI / 180;

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a.reduce((sum, x, n) => sum + x * b[n], 0);

/** @param {number[]} a @param {number[]} b */
const apart = (a, b) => Math.hypot(...a.map((x, n) => x - b[n]));

/** @param {number} x @param {number} low @param {number} high */
const within = (x, low, high) => Math.min(Math.max(x, low), high);

/** Half the height of what a lens sees, in distances. @param {number} field */
const slopeOf = (field) => Math.tan((field / 2) * RADIANS);

/** How far the farthest corner is: an eye beyond is outside of all that is drawn, whichever way it looks.
 * @param {number[][]} corners @param {number[]} target */
const reach = (corners, target) => Math.max(...corners.map((corner) => apart(corner, target)));

/** The directions to the right of a picture, upwards in it, and from it to the eye; angles are radians.
 * @param {number} theta @param {number} phi */
export function axesOf(theta, phi) {
  const [sinT, cosT, sinP, cosP] = [Math.sin(theta), Math.cos(theta), Math.sin(phi), Math.cos(phi)];
  return [[cosT, 0, -sinT], [-cosP * sinT, sinP, -cosP * cosT], [sinP * sinT, cosP, sinP * cosT]];
}

/** The corners of a box. @param {number[]} middle @param {number[]} size */
export const cornersOf = (middle, size) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => middle.map((x, n) => x + (((bits >> n) & 1) - 0.5) * size[n]));

/** A view as near to the wanted one as there may be: from outside of all that is drawn, whichever way the figure is
 * turned then; not from below; not from where nothing is to be seen any more. The lens is that of home, unless that would
 * ask for an eye inside: then it is a longer one, which shows as much.
 * @param {Sight} sight @param {View} wanted @returns {View} */
export function limited({ home, corners }, { theta, phi, radius, target, field }) {
  const back = Math.min(1, reach(corners, home.target) / Math.max(apart(target, home.target), 1e-9));
  const aim = target.map((x, n) => home.target[n] + back * (x - home.target[n]));
  const near = (radius * slopeOf(field)) / slopeOf(home.field);
  const far = within(near, reach(corners, aim), FARTHEST * home.radius);
  const lens = (2 * Math.atan((slopeOf(home.field) * Math.min(near, far)) / far)) / RADIANS;
  return { theta, phi: within(phi, HIGHEST, LOWEST), radius: far, target: aim, field: Math.max(lens, LONGEST) };
}

/** From a direction, the nearest view of the whole figure; from home, that of its still.
 * @param {Sight} sight @param {number} theta @param {number} phi @returns {View} */
export function whole(sight, theta, phi) {
  const { home, wide, aspect } = sight, turned = Math.abs(((theta - home.theta + 540) % 360) - 180);
  const isHome = turned < 1e-3 && Math.abs(phi - home.phi) < 1e-3 && aspect > 0.99 * wide;
  return isHome ? home : fitting(sight, theta, phi);
}

/** The nearest view of all corners from a direction. @param {Omit<Sight, "wide">} sight @param {number} theta
 * @param {number} phi @returns {View} */
export function fitting({ home, aspect, corners }, theta, phi) {
  const [right, up, towards] = axesOf(theta * RADIANS, phi * RADIANS), axes = [right, up];
  const middle = corners[0].map((x, n) => (x + corners[7][n]) / 2);
  // An eye at (a, b, c) sees a corner if |x - a| <= slope (c - z), and so for y: of each of the four planes, the corner
  // that asks for most counts. scenes/export/camera.py does the same.
  const slopes = [aspect, 1].map((wide) => wide * slopeOf(home.field) * (1 - 2 * MARGIN));
  const most = axes.map((axis, side) =>
    [1, -1].map((sign) =>
      Math.max(
        ...corners.map((corner) => {
          const from = corner.map((x, n) => x - middle[n]);
          return sign * dot(from, axis) + slopes[side] * dot(from, towards);
        }),
      ),
    ),
  );
  const radius = Math.max(...most.map(([plus, minus], side) => (plus + minus) / (2 * slopes[side])));
  const target = middle.map((x, n) => x + axes.reduce((sum, axis, s) => sum + (axis[n] * (most[s][0] - most[s][1])) / 2, 0));
  return { theta, phi, radius, target, field: home.field };
}

/** Whether a view looks at the middle of the whole, not at a part that the reader chose. @param {Sight} sight @param {View} view
 * @param {View} all the whole from there */
export const isCentred = ({ home }, view, all) => apart(view.target, all.target) < 1e-3 * home.radius;

/** A view of one thing as one of another, of which it shows as much: `from` and `to` show as much of each.
 * @param {View} view @param {View} from @param {View} to @returns {View} */
export function carried(view, from, to) {
  const ratio = to.radius / from.radius;
  const target = to.target.map((x, n) => x + ratio * (view.target[n] - from.target[n]));
  return { ...view, theta: to.theta, phi: to.phi, target, radius: ratio * view.radius };
}

/** Turned to a direction: what looked at the whole shows as much of it as before, what looked at a part still does.
 * @param {Sight} sight @param {View} view @param {number} theta @param {number} phi */
export function turned(sight, view, theta, phi) {
  const from = whole(sight, view.theta, view.phi);
  return isCentred(sight, view, from) ? carried(view, from, whole(sight, theta, phi)) : { ...view, theta, phi };
}
