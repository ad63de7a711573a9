// scenes/forward.py once more, for the reader's prompt: the same constants, shapes and places, as a test compares. What is
// off is drawn hollow.

import { Glb } from "./glb.js";

/** @import { Known } from "../reader.js" */
/** @import { Shape } from "./glb.js" */
/** @import { Trace } from "./model.js" */

/** What scenes are drawn by, from `article.web.live.look`: the constants of scenes/style.py; the shapes of letters, each
 * points and triangles; texts, each the shapes and places of its letters; of digits the shape and how far they go.
 * @typedef {{ style: Record<string, any>, shapes: [number[], number[]][], texts: Record<string, number[][]>,
 *   digits: Record<string, number[]> }} Look */

const CORNERS = [[-1, -1], [1, -1], [1, 1], [-1, 1]];
const TURNED = [[0, -1], [1, 0], [0, 1], [-1, 0]].map((corner) => corner.map((x) => x * Math.SQRT2));
const BOX = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]];

/** @param {number[][]} quads @param {number} [first] */
const triangles = (quads, first = 0) => quads.flatMap(([a, b, c, d]) => [a, b, c, a, c, d].map((n) => n + first));

/** A number for a label. @param {number} value */
const written = (value) => `${Number(value.toFixed(2)) + 0}`.replace("-", "\u2212");

class Drawing {
  /** @param {Trace} trace @param {Look} look @param {Known} recorded of the page's own prompt @param {string[]} off */
  constructor(trace, look, recorded, off) {
    const { residual, normed, embedding, attention, vocab, prediction } = trace;
    const [L, H, T] = attention.shape, D = embedding.shape[1], id = vocab.indexOf(prediction);
    this.L = L;
    this.H = H;
    this.T = T;
    this.D = D;
    this.trace = trace;
    this.look = look;
    this.s = look.style;
    this.recorded = recorded;
    this.off = off;
    this.vectors = { residual: residual.data, normed: normed.data, embedding: embedding.data };
    const shown = [residual.data, normed.data.subarray(L * T * D), embedding.data.subarray(id * D, (id + 1) * D)];
    const largest = shown.reduce((most, part) => part.reduce((most, x) => Math.max(most, Math.abs(x)), most), 0);
    this.limit = Number(largest.toPrecision(9)) || 1;
    const size = Math.ceil(-Math.log10(this.limit));
    this.digits = this.s.DECIMALS + Math.max(0, size - 1) + Math.min(0, size + 2);
    this.port = this.s.RIBBON + T * this.s.HAIR; // what a head's ribbons need at most, side by side
    this.share = Math.min(1, this.s.RIBBON_ROOM / (this.H * (this.port + this.s.RIBBON_GAP)));
    this.glb = new Glb();
    this.marks = /** @type {Known["marks"]} */ ([]);
    this.how = /** @type {string[]} */ ([]);
    this.stones = /** @type {number[]} */ ([]);
    this.plates = /** @type {number[]} */ ([]);
  }

  /** Boxes of eight points each. @param {number[]} points @param {number[][]} colors @returns {Shape} */
  boxes(points, colors) {
    const first = Array.from({ length: points.length / 24 }, (_, n) => 8 * n);
    return { points, faces: first.flatMap((n) => triangles(BOX, n)), colors };
  }

  /** @param {number} value */
  colorOf(value) {
    const part = Math.min(1, Math.abs(value / this.limit)), stops = value < 0 ? this.s.NEGATIVE : this.s.POSITIVE;
    const n = Math.min(Math.floor(part * (stops.length - 1)), stops.length - 2), on = part * (stops.length - 1) - n;
    return stops[n].map((/** @type {number} */ from, /** @type {number} */ c) => from + on * (stops[n + 1][c] - from));
  }

  /** @param {ArrayLike<number>} values @param {number} x @param {number} y */
  column(values, x, y) {
    const { BASE, SPAN, PLINTH_HEIGHT, PITCH, GAP } = this.s, points = [], colors = [];
    for (const [n, value] of Array.from(values).entries()) {
      const half = BASE + SPAN * Math.abs(value / this.limit), low = PLINTH_HEIGHT + PITCH * n;
      for (const z of [low, low + PITCH - GAP])
        for (const [a, b] of value < 0 ? TURNED : CORNERS) points.push(x + half * a, y + half * b, z);
      colors.push(...Array(8).fill(this.colorOf(value)));
    }
    return this.boxes(points, colors);
  }

  /** A plinth under all places from one to another. @param {number} x0 @param {number} y @param {number} [x1] */
  ground(x0, y, x1 = x0) {
    const { PLINTH: p, PLINTH_HEIGHT } = this.s;
    const ring = [[x0 - p, y - p], [x1 + p, y - p], [x1 + p, y + p], [x0 - p, y + p]];
    for (const z of [0, PLINTH_HEIGHT]) for (const [x, y] of ring) this.stones.push(x, y, z);
  }

  /** A band on the floor; hollow, it is two rims. @param {number} weight @param {number[]} start @param {number[]} end
   * @param {number} z @returns {{ points: number[], rims: number[][][] }} */
  ribbon(weight, [x0, y0], [x1, y1], z) {
    const { RIBBON_STEPS, RIBBON_THIN, HAIR, RIBBON } = this.s, half = (this.share * (HAIR + RIBBON * weight)) / 2;
    const steps = x0 === x1 ? 2 : RIBBON_STEPS[Number(weight > RIBBON_THIN)], rims = [];
    for (let n = 0; n < steps; n++) {
      const u = n / (steps - 1), along = [(x1 - x0) * 6 * u * (1 - u), y1 - y0], length = Math.hypot(...along);
      const across = [along[1] / length, -along[0] / length];
      const middle = [x0 + (x1 - x0) * u * u * (3 - 2 * u), y0 + (y1 - y0) * u];
      rims.push([-1, 1].map((side) => [middle[0] + side * half * across[0], middle[1] + side * half * across[1], z]));
    }
    return { points: rims.flat(2), rims };
  }

  /** @param {number[]} points @param {number[]} color @returns {Shape} */
  band(points, color) {
    const quads = Array.from({ length: points.length / 6 - 1 }, (_, n) => [2 * n, 2 * n + 1, 2 * n + 3, 2 * n + 2]);
    return { points, faces: triangles(quads), colors: [color] };
  }

  /** The two rims of a ribbon, each a hair wide. @param {number[][][]} rims @param {number[]} color @returns {Shape} */
  hollow(rims, color) {
    const width = 0.6 * this.share * this.s.HAIR;
    const [one, other] = [0, 1].map((side) =>
      this.band(rims.flatMap((ends) => {
        const [rim, far] = [ends[side], ends[1 - side]], part = Math.min(0.4, width / Math.hypot(rim[0] - far[0], rim[1] - far[1]));
        return [...rim, ...rim.map((x, axis) => x + part * (far[axis] - x))];
      }), color),
    );
    const first = one.points.length / 3;
    return { points: [...one.points, ...other.points], faces: [...one.faces, ...other.faces.map((n) => n + first)], colors: [color] };
  }

  /** Letters: the shape and the place of each. @param {string} text */
  letters(text) {
    const { texts, digits } = this.look;
    let x = 0;
    return texts[text] ?? [...text].map((digit) => [digits[digit][0], (x += digits[digit][1]) - digits[digit][1]]);
  }

  /** Of a text, in font sizes. @param {string} text */
  width(text) {
    const { shapes } = this.look;
    return Math.max(0, ...this.letters(text).map(([n, x]) => x + Math.max(...shapes[n][0].filter((_, i) => i % 2 === 0))));
  }

  /** A name plate that leans back, with its text. @param {string} name @param {string} text @param {number} x
   * @param {number} y of its front rim @param {number} size @param {number} [align] */
  label(name, text, x, y, size, align = 0.5) {
    const { LINE, PLATE_LIP, PLATE_SLOPE, TEXT_MARGIN, TEXT_LIFT, BASELINE, INK } = this.s;
    const width = size * this.width(text), left = x - align * width, deep = size * LINE, back = PLATE_LIP + deep * PLATE_SLOPE;
    const [x0, x1, y1] = [left - TEXT_MARGIN, left + width + TEXT_MARGIN, y + deep];
    const ring = [[x0, y], [x1, y], [x1, y1], [x0, y1]];
    for (const heights of [[0, 0, 0, 0], [PLATE_LIP, PLATE_LIP, back, back]])
      ring.forEach((corner, n) => this.plates.push(...corner, heights[n]));
    const up = size / Math.hypot(1, PLATE_SLOPE), rise = up * PLATE_SLOPE;
    /** @type {Shape} */
    const shape = { points: [], faces: [], colors: [INK] };
    for (const [n, along] of this.letters(text)) {
      const [flat, faces] = this.look.shapes[n], first = shape.points.length / 3;
      for (let i = 0; i < flat.length; i += 2) {
        const high = BASELINE + flat[i + 1];
        shape.points.push(left + size * (flat[i] + along), y + high * up, PLATE_LIP + TEXT_LIFT + high * rise);
      }
      shape.faces.push(...faces.map((corner) => corner + first));
    }
    this.glb.add(`label/${name}`, shape, "ink");
  }

  /** Adds a shape that stands for numbers, and what is said of it. @param {string} node @param {string} title
   * @param {Shape} shape @param {number[]} index @param {ArrayLike<number>} numbers @param {boolean} [isOff] */
  mark(node, title, shape, index, numbers, isOff = false) {
    const [array, ...place] = node.split("/"), isBand = array === "attention", { METER: m } = this.s;
    const values = Array.from(numbers, (x) => Number(x.toFixed(this.digits)) + 0);
    const mesh = this.glb.add(node, shape, isOff ? "faint" : isBand ? "sheet" : "solid", { name: node, trace: array, index, values });
    const like = this.recorded.marks.find((mark) => mark.node.startsWith(array === "residual" ? `residual/${place[0]}/` : `${array}/`));
    const cuts = this.off.length ? `, with ${this.off.join(", ")} off` : "";
    const how = like ? `${this.recorded.how[like.how]}${cuts}` : "", { points } = shape;
    if (!this.how.includes(how)) this.how.push(how);
    const [low, high] = [Math.min, Math.max].map((most) => [0, 1, 2].map((axis) => most(...points.filter((_, i) => i % 3 === axis))));
    const upright = (/** @type {number[]} */ [x, y, z]) => [m * x, m * z, -m * y];
    const at = upright(low.map((x, axis) => (x + high[axis]) / 2));
    const half = upright(low.map((x, axis) => (high[axis] - x) / 2)).map(Math.abs);
    const rims = [0, 1, 2].map((axis) => [12, 9, 6, 3].reduce((sum, back) => sum + points[points.length - back + axis] / 4, 0));
    this.marks.push({
      node, title, how: this.how.indexOf(how), parts: like?.parts ?? 0, glyph: isBand ? "ribbon" : "column", mesh, at, half,
      ...(isBand && { tip: upright(rims) }), values,
    });
  }

  /** A column for a vector, on its plinth. @param {"residual" | "normed" | "embedding"} array @param {number[]} index
   * @param {string} node @param {string} title @param {number} x @param {number} y */
  vector(array, index, node, title, x, y) {
    const at = index.reduce((sum, n) => sum * this.T + n, 0) * this.D, values = this.vectors[array].subarray(at, at + this.D);
    this.ground(x, y);
    this.mark(node, title, this.column(values, x, y), index, values);
  }

  /** Names in front of plinths. @param {string[]} texts @param {number} row @param {number} place */
  names(texts, row, place) {
    const { SPACING, TEXT_MARGIN, TEXT_SIZE, PLINTH, PLATE_GAP, LINE, DEPTH } = this.s;
    const size = Math.min(TEXT_SIZE, (SPACING - 2 * TEXT_MARGIN) / (Math.max(...texts.map((text) => this.width(text))) || 1));
    const front = row * DEPTH - PLINTH - PLATE_GAP - size * LINE;
    texts.forEach((text, t) => this.label(`token/${row}/${place + t}`, text, (place + t) * SPACING, front, size));
  }

  stream() {
    const { SPACING, DEPTH, PLINTH, PLATE_GAP, TEXT_MARGIN, TEXT_SIZE } = this.s, { tokens } = this.trace;
    for (let row = 0; row <= this.L + 1; row++) {
      const isLast = row > this.L, l = Math.min(row, this.L), array = isLast ? "normed" : "residual";
      const level = isLast ? "after the final LayerNorm" : l ? `after block ${l}` : "entering block 1";
      tokens.forEach((token, t) => this.vector(array, [l, t], `${array}/${l}/${t}`, `${token}, ${level}`, t * SPACING, row * DEPTH));
      if (!row) this.names(tokens, 0, 0);
      const entering = this.off.includes("positions") ? "embedding alone" : "embedding + position";
      const text = isLast ? "final LayerNorm" : l ? `block ${l}` : entering;
      this.label(`row/${row}`, text, -PLINTH - PLATE_GAP - TEXT_MARGIN, row * DEPTH - PLINTH, TEXT_SIZE, 1);
    }
  }

  /** The ribbons of a block. @param {number} l */
  patterns(l) {
    const { H, T, share } = this, { tokens } = this.trace, { HAIR, RIBBON, RIBBON_GAP, RIBBON_LOW, RIBBON_HIGH, SPACING, DEPTH, PLINTH, HEADS } = this.s;
    const weight = (/** @type {number[]} */ [h, q, k]) => this.trace.attention.data[((l * H + h) * T + q) * T + k];
    const widthOf = (/** @type {number[]} */ cell) => share * (HAIR + RIBBON * weight(cell)), cells = [];
    for (let h = 0; h < H; h++) for (let q = 0; q < T; q++) for (let k = 0; k <= q; k++) cells.push([h, q, k]);
    const order = [...cells].sort((one, other) => weight(other) - weight(one)), y = l * DEPTH + PLINTH;
    const heights = new Map(order.map((cell, n) => [cell, RIBBON_LOW + (n * (RIBBON_HIGH - RIBBON_LOW)) / Math.max(1, order.length - 1)]));
    let [arrived, all] = [0, 0];
    for (const cell of cells) {
      const [h, q, k] = cell, lane = share * (h - (H - 1) / 2) * (this.port + RIBBON_GAP), width = widthOf(cell);
      if (!k) [arrived, all] = [0, Array.from({ length: q + 1 }, (_, k) => widthOf([h, q, k])).reduce((sum, x) => sum + x, 0)];
      arrived += width;
      const start = [k * SPACING + lane, y], end = [q * SPACING + lane + arrived - width / 2 - all / 2, y + DEPTH - 2 * PLINTH];
      const { points, rims } = this.ribbon(weight(cell), start, end, heights.get(cell) ?? 0);
      const isOff = this.off.includes(`head ${h + 1} of block ${l + 1}`), color = HEADS[h % HEADS.length];
      const title = `${tokens[q]} looks at ${tokens[k]}, block ${l + 1}, head ${h + 1}${isOff ? ", which is off" : ""}`;
      this.mark(`attention/${l}/${h}/${q}/${k}`, title, this.band(points, color), [l, h, q, k], [weight(cell)], isOff);
      if (isOff) this.glb.add(`rims/${l}/${h}/${q}/${k}`, this.hollow(rims, color), "sheet");
    }
  }

  legend() {
    const { s, H } = this, y = s.LEGEND_ROW, size = s.LEGEND_SIZE;
    const front = y - s.PLINTH - s.LEGEND_GAP - size * s.LINE, right = (this.T - 1) * s.SPACING;
    const places = s.LEGEND_PARTS.map((/** @type {number} */ _, /** @type {number} */ n) => right + s.LEGEND_SPACING * (n + 1 - s.LEGEND_PARTS.length));
    s.LEGEND_PARTS.forEach((/** @type {number} */ part, /** @type {number} */ n) => {
      this.glb.add(`legend/value/${n}`, this.column([part * this.limit], places[n], y), "solid");
      this.label(`value/${n}`, written(part * this.limit), places[n], front, size);
    });
    this.label("value", "component", (places[0] + right) / 2, front - s.LEGEND_BELOW, size);
    this.ground(places[0], y, right);
    let x = places[0] - s.PLINTH;
    const known = H > s.LEGEND_WEIGHTS.length ? s.LEGEND_WEIGHTS.slice(-1) : s.LEGEND_WEIGHTS;
    for (let h = H - 1; h >= 0; h--) {
      for (let n = known.length - 1; n >= 0; n--) {
        const weight = known[n];
        x -= s.LEGEND_RIBBON;
        const { points } = this.ribbon(weight, [x, y - s.PLINTH], [x, y + s.PLINTH], s.RIBBON_LOW);
        this.glb.add(`legend/weight/${h}/${n}`, this.band(points, s.HEADS[h % s.HEADS.length]), "sheet");
        this.label(`weight/${h}/${n}`, written(weight), x, front, size);
      }
      x -= s.LEGEND_RIBBON;
      const text = `weight, head ${h + 1}`;
      this.label(`head/${h}`, text, x, front, size, 1);
      x -= size * this.width(text);
    }
  }
}

/** The scene of a trace as a .glb, and what its marks say, as <scene>.marks.json does. `off` are parts, in words, that
 * are switched off; `weights` is the model's fingerprint.
 * @param {Trace} trace @param {Look} look @param {Known} recorded @param {string} weights @param {string[]} [off] */
export function forward(trace, look, recorded, weights, off = []) {
  const drawing = new Drawing(trace, look, recorded, off), { s, T, L, glb, share, limit } = drawing;
  const { prediction } = trace, id = trace.vocab.indexOf(prediction);
  drawing.stream();
  for (let l = 0; l < L; l++) drawing.patterns(l);
  drawing.vector("embedding", [id], `embedding/${prediction}`, prediction, (T + 0.6) * s.SPACING, (L + 1) * s.DEPTH);
  drawing.names([prediction], L + 1, T + 0.6);
  drawing.legend();
  for (const [name, points] of Object.entries({ plinths: drawing.stones, plates: drawing.plates }))
    glb.add(name, drawing.boxes(points, [s.STONE]), "solid");
  const extras = {
    scene: "forward", sentence: trace.sentence, tokens: trace.tokens, weights, view: s.VIEW_OF_GRID, meter: s.METER, limit,
    column: { base: s.BASE, span: s.SPAN }, ribbon: { hair: share * s.HAIR, span: share * s.RIBBON },
    positive: s.POSITIVE, negative: s.NEGATIVE,
    glyphs: { residual: "column", attention: "ribbon", normed: "column", embedding: "column" },
  };
  return { glb: glb.file(extras), marks: { how: drawing.how, parts: recorded.parts, marks: drawing.marks } };
}
