
import { Matrix, addProduct } from "./matrices.js?4f3e04e6b0";
import { GPT, headsOf, moments, patternOf, rowsOf, softmaxInto, sum } from "./model.js?4f3e04e6b0";


const BETA_1 = 0.9, BETA_2 = 0.999, EPSILON = 1e-8; // of AdamW: how much of its means is kept at a step
const GRID = 2 ** 16; // weights are multiples of 1 / GRID


const WORDS = 624, AHEAD = 397; // of the Mersenne Twister (Matsumoto and Nishimura, 1998)

export class Random {
  constructor(seed) {
    this.state = new Uint32Array(WORDS);
    this.state[0] = seed;
    for (let i = 1; i < WORDS; i++)
      this.state[i] = Math.imul(1812433253, this.state[i - 1] ^ (this.state[i - 1] >>> 30)) + i;
    this.next = WORDS;
  }

  twist() {
    const { state } = this;
    for (let i = 0; i < WORDS; i++) {
      const bits = (state[i] & 0x80000000) | (state[i + 1 < WORDS ? i + 1 : 0] & 0x7fffffff);
      const other = state[i + AHEAD < WORDS ? i + AHEAD : i + AHEAD - WORDS];
      state[i] = other ^ (bits >>> 1) ^ (-(bits & 1) & 0x9908b0df);
    }
    this.next = 0;
  }

  draw(count) {
    const words = new Uint32Array(2 * count);
    for (let filled = 0; filled < words.length; ) {
      if (this.next === WORDS) this.twist();
      const taken = this.state.subarray(this.next, this.next + words.length - filled);
      words.set(taken, filled);
      filled += taken.length;
      this.next += taken.length;
    }
    return words;
  }
}

function tempered(word) {
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return (word ^ (word >>> 18)) >>> 0;
}

export const uniform = (words, i) =>
  ((tempered(words[2 * i]) & 0x1fffff) * 2 ** 32 + tempered(words[2 * i + 1])) * 2 ** -53;

export function initialise({ config, parameters }, random) {
  for (const [name, part] of parameters) {
    if (name.endsWith("bias") || name.includes("ln_")) {
      part.fill(name.endsWith("bias") ? 0 : 1);
      continue;
    }
    const inputs = config.n_embd * (name.includes("down") ? 4 : 1), words = random.draw(part.length);
    const limit = /^(embedding|position)/.test(name) ? config.embedding_limit : 1 / Math.sqrt(inputs);
    for (let i = 0; i < part.length; i++) part[i] = (2 * uniform(words, i) - 1) * limit;
  }
}



function dropouts({ n_embd: D, n_head: H, n_layer: L }, lengths) {
  const B = lengths.length, most = Math.max(...lengths);
  const range = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i);
  const stream = lengths.flatMap((T, b) => range(T * D).map((i) => b * most * D + i));
  const pattern = lengths.flatMap((T, b) =>
    range(H * T * T).map((i) => ((b * H + Math.floor(i / T / T)) * most + (Math.floor(i / T) % T)) * most + (i % T)),
  );
  const places = ["entry", ...range(L).flatMap((l) => [`attention/${l}`, `write/${l}`, `mlp/${l}`])];
  const dropout = (place) => {
    const [used, draws] = place.startsWith("attention") ? [pattern, B * H * most * most] : [stream, B * most * D];
    return [place, { draws, used: Int32Array.from(used), mask: new Float64Array(used.length) }];
  };
  return new Map(places.map(dropout));
}

function drawMask({ draws, used, mask }, random, rate) {
  const words = random.draw(draws), kept = 1 / (1 - rate), limit = rate * 2 ** 21;
  for (let i = 0; i < used.length; i++) {
    const high = tempered(words[2 * used[i]]) & 0x1fffff; // decides, but for one number in a million
    const drops = high + 1 <= limit || (high < limit && uniform(words, used[i]) < rate);
    mask[i] = kept * Number(!drops);
  }
}

function times(a, b) {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] * b[i];
  return out;
}


export function loss(logits, targets) {
  const V = logits.length / targets.length, dlogits = new Float64Array(logits.length);
  let surprise = 0;
  for (const [n, target] of targets.entries()) {
    softmaxInto(dlogits, logits, n * V, V);
    surprise -= Math.log(dlogits[n * V + target]);
    dlogits[n * V + target] -= 1;
  }
  for (let i = 0; i < dlogits.length; i++) dlogits[i] /= targets.length;
  return { loss: surprise / targets.length, dlogits };
}

function linearBack(dout, x, weight, dweight, dbias) {
  const { rows: outputs, columns: inputs } = weight, N = x.length / inputs, dx = new Float64Array(x.length);
  const back = new Matrix(dout, N, outputs);
  addProduct(new Matrix(dx, N, inputs), back, weight);
  addProduct(dweight, back.transposed, new Matrix(x, N, inputs));
  for (let at = 0; dbias && at < dout.length; at += outputs) for (let o = 0; o < outputs; o++) dbias[o] += dout[at + o];
  return dx;
}

function layerNormBack(dout, x, { weight }, gradient) {
  const D = weight.length, dx = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += D) {
    const { mean, scale } = moments(x, at, D);
    let all = 0, along = 0; // of the gradient by the normed vector: its sum, and its part along that vector
    for (let d = 0; d < D; d++) {
      const normed = (x[at + d] - mean) * scale, back = dout[at + d] * weight[d];
      all += back;
      along += back * normed;
      gradient.weight[d] += dout[at + d] * normed;
      gradient.bias[d] += dout[at + d];
    }
    for (let d = 0; d < D; d++) {
      const normed = (x[at + d] - mean) * scale;
      dx[at + d] = scale * (dout[at + d] * weight[d] - (all + along * normed) / D);
    }
  }
  return dx;
}

function patternsBack(dmixed, { attention: pattern, query, key, value }, mask, lengths, H, D) {
  const n = dmixed.length, size = D / H, used = times(pattern, mask), dscore = new Float64Array(used.length);
  const dquery = new Float64Array(n), dkey = new Float64Array(n), dvalue = new Float64Array(n);
  for (const head of headsOf(H, lengths, n / D)) {
    const { T, at } = head, dm = rowsOf(dmixed, size, head), ds = patternOf(dscore, head);
    addProduct(rowsOf(dvalue, size, head), patternOf(used, head).transposed, dm);
    addProduct(ds, dm, rowsOf(value, size, head).transposed); // by what was used; by the scores from here on
    for (let row = at; row < at + T * T; row += T) {
      let along = 0;
      for (let i = row; i < row + T; i++) along += dscore[i] * used[i];
      for (let i = row; i < row + T; i++) dscore[i] = (dscore[i] * used[i] - along * pattern[i]) / Math.sqrt(size);
    }
    addProduct(rowsOf(dquery, size, head), ds, rowsOf(key, size, head));
    addProduct(rowsOf(dkey, size, head), ds.transposed, rowsOf(query, size, head));
  }
  return { dquery, dkey, dvalue };
}

function headsBack(dx, dout, x, part, gradient, H, D) {
  const N = x.length / D, size = D / H;
  for (let h = 0; h < H; h++) {
    const back = new Matrix(dout, N, size, h * N * size), at = h * size * D;
    addProduct(new Matrix(dx, N, D), back, new Matrix(part.weight, size, D, at));
    addProduct(new Matrix(gradient.weight, size, D, at), back.transposed, new Matrix(x, N, D));
  }
}

function attentionBack(dwrite, inside, mask, lengths, part, gradient, H) {
  const D = part.project.bias.length, n = dwrite.length, N = n / D, size = D / H, x = inside.normed_1;
  const dmixed = new Float64Array(n), dx = new Float64Array(n), back = new Matrix(dwrite, N, D);
  for (let i = 0; i < n; i++) gradient.project.bias[i % D] += dwrite[i];
  for (let h = 0; h < H; h++) {
    const project = new Matrix(part.project.weight, D, D).columnsFrom(h * size, size), at = h * N * size;
    const dproject = new Matrix(gradient.project.weight, D, D).columnsFrom(h * size, size);
    addProduct(new Matrix(dmixed, N, size, at), back, project);
    addProduct(dproject, back.transposed, new Matrix(inside.mixed, N, size, at));
  }
  const { dquery, dkey, dvalue } = patternsBack(dmixed, inside, mask, lengths, H, D);
  headsBack(dx, dquery, x, part.query, gradient.query, H, D);
  headsBack(dx, dkey, x, part.key, gradient.key, H, D);
  headsBack(dx, dvalue, x, part.value, gradient.value, H, D);
  return dx;
}

function backward({ config, embedding, blocks, ln_f }, sentences, pass, dlogits, mask, gradient) {
  const { n_vocab: V, n_embd: D, n_head: H, n_layer: L } = config, lengths = sentences.map((ids) => ids.length);
  const unembedding = new Matrix(embedding, V, D), dunembedding = new Matrix(gradient.embedding, V, D);
  const dnormed = linearBack(dlogits, pass.normed, unembedding, dunembedding);
  let dx = layerNormBack(dnormed, pass.residual[L], ln_f, gradient.ln_f);
  for (let l = L - 1; l >= 0; l--) {
    const inside = pass.inside[l], part = blocks[l], into = gradient.blocks[l];
    const up = new Matrix(part.mlp.up.weight, 4 * D, D), dup = new Matrix(into.mlp.up.weight, 4 * D, D);
    const down = new Matrix(part.mlp.down.weight, D, 4 * D), ddown = new Matrix(into.mlp.down.weight, D, 4 * D);
    const dhidden = linearBack(times(dx, mask(`mlp/${l}`)), inside.hidden, down, ddown, into.mlp.down.bias);
    for (let i = 0; i < dhidden.length; i++) dhidden[i] *= Number(inside.up[i] > 0);
    const dnormed_2 = linearBack(dhidden, inside.normed_2, up, dup, into.mlp.up.bias);
    const dmiddle = sum(dx, layerNormBack(dnormed_2, inside.middle, part.ln_2, into.ln_2));
    const dwrite = times(dmiddle, mask(`write/${l}`)), dropped = mask(`attention/${l}`);
    const dnormed_1 = attentionBack(dwrite, inside, dropped, lengths, part.attention, into.attention, H);
    dx = sum(dmiddle, layerNormBack(dnormed_1, pass.residual[l], part.ln_1, into.ln_1));
  }
  dx = times(dx, mask("entry"));
  let at = 0;
  for (const ids of sentences)
    for (const [t, id] of ids.entries())
      for (let d = 0; d < D; d++, at++) {
        gradient.embedding[id * D + d] += dx[at];
        gradient.position[t * D + d] += dx[at];
      }
}


const decays = (name) => name.endsWith("weight") && name !== "embedding.weight" && !name.includes(".ln_");

export const learningRate = ({ learning_rate, warmup, steps }, step) =>
  learning_rate * Math.min((step + 1) / warmup, 1 - step / steps);

export function rounded(x) {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 ? nearest - 1 : nearest;
}

class AdamW {
  constructor({ config, parameters, vector }) {
    const rates = [...parameters].map(([name, part]) => part.map(() => (decays(name) ? config.weight_decay : 0)));
    this.config = config;
    this.vector = vector;
    this.decay = Float64Array.from(rates.flatMap((part) => [...part]));
    this.mean = new Float64Array(vector.length);
    this.square = new Float64Array(vector.length);
  }

  step(n, gradient) {
    const { mean, square, decay, vector } = this, rate = learningRate(this.config, n);
    const unbiased_1 = 1 / (1 - BETA_1 ** (n + 1)), unbiased_2 = 1 / (1 - BETA_2 ** (n + 1));
    for (let i = 0; i < vector.length; i++) {
      const slope = gradient[i];
      mean[i] += (1 - BETA_1) * (slope - mean[i]);
      square[i] += (1 - BETA_2) * (slope * slope - square[i]);
      const move = (mean[i] * unbiased_1) / (Math.sqrt(square[i] * unbiased_2) + EPSILON);
      vector[i] = rounded((vector[i] - rate * (move + decay[i] * vector[i])) * GRID) / GRID;
    }
  }
}

export function* train(config, tokenizer, corpus) {
  const encoded = corpus.map((sentence) => tokenizer.encode(sentence)), most = config.n_context + 1;
  for (const [i, { length }] of encoded.entries())
    if (length > most) throw new Error(`the sentence “${corpus[i]}” has ${length} words; it may have ${most} at most`);
  const sentences = encoded.map((ids) => ids.slice(0, -1)), targets = encoded.flatMap((ids) => ids.slice(1));
  if (!targets.length) throw new Error("in this corpus no word follows another; give a sentence of two words or more");
  const random = new Random(config.seed), model = new GPT(config), gradient = new GPT(config);
  initialise(model, random);
  const adamw = new AdamW(model), places = dropouts(config, sentences.map((ids) => ids.length));
  const mask = (/** @type {string} */ place) => /** @type {Dropout} */ (places.get(place)).mask;
  let last = NaN;
  for (let step = 0; step < config.steps; step++) {
    yield { step, loss: last, model };
    for (const place of places.values()) drawMask(place, random, config.dropout);
    const pass = model.forward(sentences, (place, x) => (places.has(place) ? times(x, mask(place)) : x));
    const { loss: now, dlogits } = loss(pass.logits, targets);
    if (!Number.isFinite(now)) throw new Error(`at step ${step + 1} the loss is no number; lower the learning rate`);
    gradient.vector.fill(0);
    backward(model, sentences, pass, dlogits, mask, gradient);
    adamw.step(step, gradient.vector);
    last = now;
  }
  yield { step: config.steps, loss: last, model };
}
