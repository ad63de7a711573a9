


export const HIGHEST = 2;
export const LOWEST = 89;

export const LONGEST = 2;

export const FARTHEST = 4;

const MARGIN = 0.03;

const RADIANS = Math.PI / 180;

const dot = (a, b) => a.reduce((sum, x, n) => sum + x * b[n], 0);

const apart = (a, b) => Math.hypot(...a.map((x, n) => x - b[n]));

const within = (x, low, high) => Math.min(Math.max(x, low), high);

const slopeOf = (field) => Math.tan((field / 2) * RADIANS);

const reach = (corners, target) => Math.max(...corners.map((corner) => apart(corner, target)));

export function axesOf(theta, phi) {
  const [sinT, cosT, sinP, cosP] = [Math.sin(theta), Math.cos(theta), Math.sin(phi), Math.cos(phi)];
  return [[cosT, 0, -sinT], [-cosP * sinT, sinP, -cosP * cosT], [sinP * sinT, cosP, sinP * cosT]];
}

export const cornersOf = (middle, size) =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => middle.map((x, n) => x + (((bits >> n) & 1) - 0.5) * size[n]));

export function limited({ home, corners }, { theta, phi, radius, target, field }) {
  const back = Math.min(1, reach(corners, home.target) / Math.max(apart(target, home.target), 1e-9));
  const aim = target.map((x, n) => home.target[n] + back * (x - home.target[n]));
  const near = (radius * slopeOf(field)) / slopeOf(home.field);
  const far = within(near, reach(corners, aim), FARTHEST * home.radius);
  const lens = (2 * Math.atan((slopeOf(home.field) * Math.min(near, far)) / far)) / RADIANS;
  return { theta, phi: within(phi, HIGHEST, LOWEST), radius: far, target: aim, field: Math.max(lens, LONGEST) };
}

export function whole(sight, theta, phi) {
  const { home, wide, aspect } = sight, turned = Math.abs(((theta - home.theta + 540) % 360) - 180);
  const isHome = turned < 1e-3 && Math.abs(phi - home.phi) < 1e-3 && aspect > 0.99 * wide;
  return isHome ? home : fitting(sight, theta, phi);
}

export function fitting({ home, aspect, corners }, theta, phi) {
  const [right, up, towards] = axesOf(theta * RADIANS, phi * RADIANS), axes = [right, up];
  const middle = corners[0].map((x, n) => (x + corners[7][n]) / 2);
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

export const isCentred = ({ home }, view, all) => apart(view.target, all.target) < 1e-3 * home.radius;

export function carried(view, from, to) {
  const ratio = to.radius / from.radius;
  const target = to.target.map((x, n) => x + ratio * (view.target[n] - from.target[n]));
  return { ...view, theta: to.theta, phi: to.phi, target, radius: ratio * view.radius };
}

export function turned(sight, view, theta, phi) {
  const from = whole(sight, view.theta, view.phi);
  return isCentred(sight, view, from) ? carried(view, from, whole(sight, theta, phi)) : { ...view, theta, phi };
}
