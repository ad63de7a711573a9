
import { NAMES, range } from "./decomposition.js?4f3e04e6b0";
import { Glb } from "./glb.js?4f3e04e6b0";




const CORNERS = [[-1, -1], [1, -1], [1, 1], [-1, 1]];
const TURNED = [[0, -1], [1, 0], [0, 1], [-1, 0]].map((corner) => corner.map((x) => x * Math.SQRT2));
const BOX = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]];

const triangles = (quads, first = 0) => quads.flatMap(([a, b, c, d]) => [a, b, c, a, c, d].map((n) => n + first));

export const written = (value) => `${Number(value.toFixed(2)) + 0}`.replace("-", "\u2212");

export class Scene {
  constructor(shown, look, recorded, changes) {
    this.shown = shown;
    this.look = look;
    this.s = look.style;
    this.recorded = recorded;
    this.changes = changes;
    this.limit = 1;
    this.share = 1;
    this.glb = new Glb();
    this.glyphs = /** @type {Record<string, string>} */ ({});
    this.marks = /** @type {Known["marks"]} */ ([]);
    this.how = /** @type {string[]} */ ([]);
    this.stones = /** @type {{ points: number[], colors: number[][] }} */ ({ points: [], colors: [] });
    this.plates = /** @type {number[]} */ ([]);
    this.labels = /** @type {Known["labels"]} */ ([]);
  }

  fit(...arrays) {
    this.limit = Number(Math.max(...arrays.flatMap((array) => Array.from(array, Math.abs))).toPrecision(9)) || 1;
  }

  boxes(points, colors) {
    return { points, faces: range(points.length / 24).flatMap((n) => triangles(BOX, 8 * n)), colors };
  }

  colorOf(value) {
    const part = Math.min(1, Math.abs(value / this.limit)), stops = value < 0 ? this.s.NEGATIVE : this.s.POSITIVE;
    const n = Math.min(Math.floor(part * (stops.length - 1)), stops.length - 2), on = part * (stops.length - 1) - n;
    return stops[n].map((/** @type {number} */ from, /** @type {number} */ c) => from + on * (stops[n + 1][c] - from));
  }

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

  bar(value, x, y, head) {
    const { BAR, BAR_BASE, BAR_SPAN, PLINTH_HEIGHT, HEADS } = this.s, ring = value < 0 ? TURNED : CORNERS;
    const top = PLINTH_HEIGHT + BAR_BASE + BAR_SPAN * Math.abs(value / this.limit);
    const points = [PLINTH_HEIGHT, top].flatMap((z) => ring.flatMap(([a, b]) => [x + BAR * a, y + BAR * b, z]));
    return this.boxes(points, [head === undefined ? this.colorOf(value) : HEADS[head % HEADS.length]]);
  }

  ground(x0, y0, x1 = x0, y1 = y0, color = this.s.STONE) {
    const { PLINTH: p, PLINTH_HEIGHT } = this.s, ring = [[x0 - p, y0 - p], [x1 + p, y0 - p], [x1 + p, y1 + p], [x0 - p, y1 + p]];
    for (const z of [0, PLINTH_HEIGHT]) for (const [x, y] of ring) this.stones.points.push(x, y, z);
    this.stones.colors.push(...Array(8).fill(color));
  }

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

  band(points, color) {
    const quads = Array.from({ length: points.length / 6 - 1 }, (_, n) => [2 * n, 2 * n + 1, 2 * n + 3, 2 * n + 2]);
    return { points, faces: triangles(quads), colors: [color] };
  }

  rim(rims, side) {
    return rims.flatMap((ends) => {
      const [rim, far] = [ends[side], ends[1 - side]], wide = Math.hypot(rim[0] - far[0], rim[1] - far[1]);
      return [...rim, ...rim.map((x, axis) => x + Math.min(0.4, (0.6 * this.share * this.s.HAIR) / wide) * (far[axis] - x))];
    });
  }

  letters(text) {
    const { texts } = this.look, words = text.split(" ").map((word) => `${word} `);
    let x = 0;
    return words.flatMap((word) => (texts[word] ? [word] : [...word])).flatMap((part) => {
      const [far, placed] = texts[part] ?? texts["\u2026"], at = x;
      x += far;
      return placed.map(([n, along]) => [n, at + along]);
    });
  }

  width(text) {
    return Math.max(0, ...this.letters(text).map(([n, x]) => x + Math.max(...this.look.shapes[n][0].filter((_, i) => i % 2 === 0))));
  }

  cut(text, most) {
    if (this.width(text) <= most) return text;
    const fits = range(text.length).map((n) => `${text.slice(0, n)}\u2026`).filter((begun) => this.width(begun) <= most);
    return fits[fits.length - 1] ?? "\u2026";
  }

  label(name, text, x, y, size = this.s.TEXT_SIZE, align = 0.5) {
    const { LINE, PLATE_LIP, PLATE_SLOPE, PLATE_GAP, PLINTH, TEXT_MARGIN, TEXT_LIFT, BASELINE, LETTER, INK, METER: m } = this.s;
    const width = size * this.width(text), left = x - align * width, deep = size * LINE, back = PLATE_LIP + deep * PLATE_SLOPE;
    const [x0, x1, y1] = [left - TEXT_MARGIN, left + width + TEXT_MARGIN, y + deep];
    const ring = [[x0, y], [x1, y], [x1, y1], [x0, y1]];
    for (const heights of [[0, 0, 0, 0], [PLATE_LIP, PLATE_LIP, back, back]])
      ring.forEach((corner, n) => this.plates.push(...corner, heights[n]));
    const up = size / Math.hypot(1, PLATE_SLOPE), rise = up * PLATE_SLOPE;
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
    const reach = PLATE_GAP + PLINTH, isBefore = align === 0.5, high = BASELINE + LETTER / 2; // as article/web/marks.py says
    const at = isBefore ? [x, 0, -y - BASELINE * up - size - reach] : [x, PLATE_LIP + TEXT_LIFT + high * rise, -y - high * up];
    const side = isBefore ? { reach: m * reach } : { out: 1 - 2 * align };
    this.labels.push({ name, text, size: m * size, at: at.map((length) => m * length), ...side });
  }

  mark(glyph, shape, array, index) {
    const { shown, s: { METER: m } } = this, [l, h] = index;
    const node = [array, ...(array === "embedding" ? [shown.vocab[l]] : index)].join("/");
    const isOff = array === "attention" && this.changes.some((change) => change.startsWith(`head ${h + 1} of block ${l + 1} `));
    const title = `${NAMES[array](shown, index)}${isOff ? ", which is off" : ""}`, size = Math.ceil(-Math.log10(this.limit));
    const digits = this.s.DECIMALS + Math.max(0, size - 1) + Math.min(0, size + 2);
    const values = Array.from(shown.of(array, ...index), (x) => Number(x.toFixed(digits)) + 0);
    const material = isOff ? "faint" : glyph === "ribbon" ? "sheet" : "solid";
    const mesh = this.glb.add(node, shape, material, { name: node, trace: array, index, values });
    const like = this.recorded.marks.find((mark) => mark.node.startsWith(array === "residual" ? `residual/${l}/` : `${array}/`));
    const cuts = this.changes.length ? `, with ${this.changes.join("; ")}` : "";
    const how = like ? `${this.recorded.how[like.how]}${cuts}` : "", { points } = shape;
    if (!this.how.includes(how)) this.how.push(how);
    const axes = [0, 1, 2].map((axis) => points.filter((_, i) => i % 3 === axis)), ends = axes.map((all) => [Math.min(...all), Math.max(...all)]);
    const upright = (/** @type {number[]} */ [x, y, z]) => [m * x, m * z, -m * y];
    const at = upright(ends.map(([low, high]) => (low + high) / 2)), half = upright(ends.map(([low, high]) => (high - low) / 2)).map(Math.abs);
    this.glyphs[array] = glyph;
    this.marks.push({
      node, title, how: this.how.indexOf(how), parts: like?.parts ?? 0, glyph, mesh, at, half,
      ...(glyph === "ribbon" && { tip: upright(axes.map((all) => all.slice(-4).reduce((sum, x) => sum + x / 4, 0))) }), values,
    });
    return isOff;
  }

  line(terms, row = 0, place = 0) {
    const { SPACING, DEPTH } = this.s, y = row * DEPTH;
    for (const [n, [array, index]] of terms.entries()) {
      const x = (place + n) * SPACING;
      this.ground(x, y);
      this.mark("column", this.column(this.shown.of(array, ...index), x, y), array, index);
    }
    this.names(terms.map(([, , text]) => text), SPACING, row, place);
  }

  stand(array, index, x, y, head) {
    this.mark(head === undefined ? "bar" : "post", this.bar(this.shown.at(array, ...index), x, y, head), array, index);
  }

  names(texts, pitch, row = 0, place = 0) {
    const { SPACING, TEXT_MARGIN, TEXT_SIZE, TEXT_SHRINK, PLINTH, PLATE_GAP, LINE, DEPTH } = this.s, room = pitch - 2 * TEXT_MARGIN;
    const shown = texts.map((text) => this.cut(text, room / (TEXT_SIZE * TEXT_SHRINK)));
    const size = Math.min(TEXT_SIZE, room / (Math.max(...shown.map((text) => this.width(text))) || 1));
    const front = row * DEPTH - PLINTH - PLATE_GAP - size * LINE;
    for (const [n, text] of shown.entries())
      if (text) this.label(`token/${row}/${Number((place + n).toPrecision(6))}`, text, place * SPACING + n * pitch, front, size);
  }

  side(text, row) {
    const { PLINTH, PLATE_GAP, TEXT_MARGIN, TEXT_SIZE, DEPTH } = this.s;
    this.label(`row/${row}`, text, -PLINTH - PLATE_GAP - TEXT_MARGIN, row * DEPTH - PLINTH, TEXT_SIZE, 1);
  }

  barName(name, text, left, y) {
    const { TEXT_SIZE, LINE } = this.s;
    this.label(name, text, -left, y - (TEXT_SIZE * LINE) / 2, TEXT_SIZE, 1);
  }

  stream() {
    const { L, tokens } = this.shown;
    const entering = this.changes.includes("positions off") ? "embedding alone" : "embedding + position";
    const texts = [entering, ...range(L).map((l) => `block ${l + 1}`), "final LayerNorm"];
    for (const [row, text] of texts.entries()) {
      this.line(tokens.map((token, t) => [row > L ? "normed" : "residual", [Math.min(row, L), t], row ? "" : token]), row);
      this.side(text, row);
    }
  }

  patterns(l, head, first = 0, row = l) {
    const { H, T } = this.shown, { HAIR, RIBBON, RIBBON_GAP, RIBBON_ROOM, RIBBON_LOW, RIBBON_HIGH, SPACING, DEPTH, PLINTH, HEADS } = this.s;
    const port = RIBBON + T * HAIR, share = Math.min(1, RIBBON_ROOM / (H * (port + RIBBON_GAP))); // what a head needs at most
    const weight = (/** @type {number[]} */ cell) => this.shown.at("attention", l, ...cell);
    const cells = range(H).flatMap((h) => range(T).flatMap((q) => range(q + 1).map((k) => [h, q, k])));
    const order = [...cells].sort((one, other) => weight(other) - weight(one)), y = row * DEPTH + PLINTH;
    const step = (RIBBON_HIGH - RIBBON_LOW) / Math.max(1, order.length - 1);
    const heights = new Map(order.map((cell, n) => [cell, RIBBON_LOW + n * step]));
    this.share = share;
    for (const cell of cells.filter(([h, q]) => h === (head ?? h) && q >= first)) {
      const [h, q, k] = cell, widths = range(q + 1).map((k) => share * (HAIR + RIBBON * weight([h, q, k]))), color = HEADS[h % HEADS.length];
      const lane = share * (h - (H - 1) / 2) * (port + RIBBON_GAP), sum = (/** @type {number} */ n) => widths.slice(0, n).reduce((sum, x) => sum + x, 0);
      const end = [q * SPACING + lane + sum(k + 1) - widths[k] / 2 - sum(q + 1) / 2, y + DEPTH - 2 * PLINTH];
      const { points, rims } = this.ribbon(weight(cell), [k * SPACING + lane, y], end, heights.get(cell) ?? 0);
      const isOff = this.mark("ribbon", this.band(points, color), "attention", [l, h, q, k]);
      for (const side of isOff ? [0, 1] : []) this.glb.add(`rims/${l}/${h}/${q}/${k}/${side}`, this.band(this.rim(rims, side), color), "sheet");
    }
  }

  matrix(array, [l, h]) {
    const { T, tokens } = this.shown, { SPACING, BAR_DEPTH, PLINTH, PLATE_GAP, TEXT_MARGIN, TEXT_SIZE, SLATE } = this.s;
    const right = (T - 1) * SPACING, beside = PLINTH + PLATE_GAP + TEXT_MARGIN, isPattern = array === "attention";
    for (const [q, token] of tokens.entries()) {
      const y = q * BAR_DEPTH;
      this.ground(0, y, q * SPACING);
      if (q < T - 1) this.ground((q + 1) * SPACING, y, right, y, SLATE);
      for (const k of range(isPattern ? q + 1 : T)) this.stand(array, [l, h, q, k], k * SPACING, y, isPattern ? h : undefined);
      this.barName(`query/${q}`, token, beside, y);
    }
    this.label("future", "masked", right + beside, ((T - 2) / 2) * BAR_DEPTH, TEXT_SIZE, 0);
    this.names(tokens, SPACING);
    return right;
  }

  legend(place, heads = [], quantity = "component") {
    const { s } = this, y = s.LEGEND_ROW, size = s.LEGEND_SIZE, parts = /** @type {number[]} */ (s.LEGEND_PARTS);
    const front = y - s.PLINTH - s.LEGEND_GAP - size * s.LINE, right = place * s.SPACING;
    const places = parts.map((_, n) => right + s.LEGEND_SPACING * (n + 1 - parts.length));
    for (const [n, part] of parts.entries()) {
      this.glb.add(`legend/value/${n}`, this.column([part * this.limit], places[n], y), "solid");
      this.label(`value/${n}`, written(part * this.limit), places[n], front, size);
    }
    this.label("value", quantity, (places[0] + right) / 2, front - s.LEGEND_BELOW, size);
    this.ground(places[0], y, right);
    let x = places[0] - s.PLINTH;
    for (const h of [...heads].reverse()) {
      for (const [n, weight] of [...s.LEGEND_WEIGHTS.entries()].reverse()) {
        x -= s.LEGEND_RIBBON;
        const { points } = this.ribbon(weight, [x, y - s.PLINTH], [x, y + s.PLINTH], s.RIBBON_LOW);
        this.glb.add(`legend/weight/${h}/${n}`, this.band(points, s.HEADS[h % s.HEADS.length]), "sheet");
        this.label(`weight/${h}/${n}`, written(weight), x, front, size);
      }
      x -= s.LEGEND_RIBBON;
      this.label(`head/${h}`, `head ${h + 1} weight`, x, front, size, 1);
      x -= size * this.width(`head ${h + 1} weight`);
    }
  }

  barLegend(right, parts, title, head) {
    const { BAR_LEGEND_ROW: y, LEGEND_SIZE: size, PLINTH, LEGEND_GAP, LINE, BAR_LEGEND_SPACING, BAR_SPACING } = this.s;
    const front = y - PLINTH - LEGEND_GAP - size * LINE, left = right - BAR_LEGEND_SPACING * (parts.length - 1);
    const name = head === undefined ? "legend/effect" : `legend/weight/${head}`;
    for (const n of range(parts.length).reverse()) {
      const value = parts[n] * this.limit, x = left + BAR_LEGEND_SPACING * n;
      this.glb.add(`${name}/${n}`, this.bar(value, x, y, head), "solid");
      this.label(`${name}/${parts[n]}`, written(value), x, front, size);
    }
    this.ground(left, y, right);
    this.label(name, title, left - BAR_LEGEND_SPACING + BAR_SPACING * 0.3, front, size, 1);
  }

  files(name, weights) {
    const { s, glb, share, limit, glyphs, shown, recorded, how, marks } = this, { sentence, tokens } = shown.trace;
    glb.add("plinths", this.boxes(this.stones.points, this.stones.colors), "solid");
    glb.add("plates", this.boxes(this.plates, [s.STONE]), "plates");
    const rows = marks.map(({ node }) => node.replace(/\/\d+$/, "")).filter((row) => /^(residual|normed)/.test(row));
    const last_only = [...new Set(rows)].filter((row) => !marks.some(({ node }) => node === `${row}/0`));
    const extras = {
      ...(last_only.length && { last_only }), scene: name, sentence, tokens, weights, meter: s.METER, limit, glyphs, positive: s.POSITIVE, negative: s.NEGATIVE,
      column: { base: s.BASE, span: s.SPAN }, bar: { base: s.BAR_BASE, span: s.BAR_SPAN },
      ribbon: { hair: share * s.HAIR, span: share * s.RIBBON },
    };
    return { glb: glb.file(extras), marks: { how, parts: recorded.parts, marks, labels: this.labels } };
  }
}
