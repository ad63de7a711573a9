
import { Matrix, addProduct } from "./matrices.js?4f3e04e6b0";

const ARTICLE = {
  n_context: 8,
  n_embd: 20,
  n_layer: 2,
  n_head: 2,
  activation: "relu",
  biases: false,
  n_hidden: 0,
  tied: true,
  epsilon: 1e-5,
  dropout: 0.1,
  steps: 480,
  warmup: 20,
  learning_rate: 1.5e-2,
  weight_decay: 0.5,
  embedding_limit: 0.5,
  seed: 1,
};


export const configured = (given) => ({ ...ARTICLE, ...given });


const SPACE = /[\p{White_Space}\x1c-\x1f]+/u;

export const wordsOf = (text) => text.split(SPACE).filter((word) => word !== "");

export class Tokenizer {
  constructor(corpus) {
    this.vocab = [...new Set(corpus.flatMap(wordsOf))]; // id -> word
    this.ids = new Map(this.vocab.map((word, id) => [word, id]));
  }

  encode(sentence) {
    return wordsOf(sentence).map((word) => {
      const id = this.ids.get(word);
      if (id === undefined) throw new Error(`the corpus lacks the word “${word}” of the sentence “${sentence}”`);
      return id;
    });
  }
}





const NONE = new Float64Array(0);

export function linear(x, weight, bias = NONE) {
  const N = x.length / weight.columns, out = new Float64Array(N * weight.rows);
  for (let n = 0; bias.length && n < N; n++) out.set(bias, n * bias.length);
  addProduct(new Matrix(out, N, weight.rows), new Matrix(x, N, weight.columns), weight.transposed);
  return out;
}

export function moments(x, at, D) {
  let mean = 0, square = 0;
  for (let d = at; d < at + D; d++) mean += x[d];
  mean /= D;
  for (let d = at; d < at + D; d++) square += (x[d] - mean) ** 2;
  return { mean, scale: 1 / Math.sqrt(square / D + 1e-5) };
}

export function layerNorm(x, { weight, bias }) {
  const D = weight.length, out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += D) {
    const { mean, scale } = moments(x, at, D);
    for (let d = 0; d < D; d++) out[at + d] = (x[at + d] - mean) * scale * weight[d] + bias[d];
  }
  return out;
}

export function sum(a, b) {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] + b[i];
  return out;
}

export function softmaxInto(out, x, at, count) {
  let most = -Infinity, total = 0;
  for (let i = at; i < at + count; i++) if (x[i] > most) most = x[i];
  for (let i = at; i < at + count; i++) total += out[i] = Math.exp(x[i] - most);
  for (let i = at; i < at + count; i++) out[i] /= total;
}


export function headsOf(H, lengths, N) {
  const all = [];
  let first = 0, at = 0;
  for (const T of lengths) {
    for (let h = 0; h < H; h++, at += T * T) all.push({ row: h * N + first, T, at });
    first += T;
  }
  return all;
}

export const rowsOf = (x, size, { row, T }) => new Matrix(x, T, size, row * size);

export const patternOf = (x, { T, at }) => new Matrix(x, T, T, at);

function heads(x, weight, H, D) {
  const N = x.length / D, size = D / H, out = new Float64Array(x.length);
  for (let h = 0; h < H; h++) {
    const rows = new Matrix(weight, size, D, h * size * D);
    addProduct(new Matrix(out, N, size, h * N * size), new Matrix(x, N, D), rows.transposed);
  }
  return out;
}

function project(mixed, weight, H, D) {
  const N = mixed.length / D, size = D / H, out = new Float64Array(H * N * D);
  for (let h = 0; h < H; h++) {
    const columns = new Matrix(weight, D, D).columnsFrom(h * size, size);
    addProduct(new Matrix(out, N, D, h * N * D), new Matrix(mixed, N, size, h * N * size), columns.transposed);
  }
  return out;
}

function attention(part, x, lengths, H, edit) {
  const D = part.project.bias.length, N = x.length / D, size = D / H, all = headsOf(H, lengths, N);
  const query = heads(x, part.query.weight, H, D), key = heads(x, part.key.weight, H, D);
  const value = heads(x, part.value.weight, H, D);
  const score = new Float64Array(all.reduce((total, { T }) => total + T * T, 0)); // (H, T, T) of each sentence
  for (const head of all) addProduct(patternOf(score, head), rowsOf(query, size, head), rowsOf(key, size, head).transposed);
  for (let i = 0; i < score.length; i++) score[i] /= Math.sqrt(size);
  const pattern = new Float64Array(score.length); // rows (queries) sum to 1
  for (const { T, at } of all) for (let q = 0; q < T; q++) softmaxInto(pattern, score, at + q * T, q + 1);
  const used = edit("attention", pattern), values = new Float64Array(x.length);
  for (const head of all) addProduct(rowsOf(values, size, head), patternOf(used, head), rowsOf(value, size, head));
  const mixed = edit("mixed", values); // (H, N, D/H)
  const head_write = project(mixed, part.project.weight, H, D), write = new Float64Array(x.length);
  for (let n = 0; n < N; n++) write.set(part.project.bias, n * D);
  for (let i = 0; i < head_write.length; i++) write[i % write.length] += head_write[i];
  return { write, attended: { query, key, value, score, attention: pattern, mixed, head_write } };
}

function mlp({ up: { weight, bias }, down }, x) {
  const D = down.bias.length, up = linear(x, new Matrix(weight, 4 * D, D), bias); // (N, 4D)
  const hidden = new Float64Array(up.length);
  for (let i = 0; i < up.length; i++) hidden[i] = Math.max(0, up[i]);
  return { write: linear(hidden, new Matrix(down.weight, D, 4 * D), down.bias), worked: { up, hidden } };
}

function block(part, x, lengths, H, edit) {
  const normed_1 = layerNorm(x, part.ln_1);
  const { write: read, attended } = attention(part.attention, normed_1, lengths, H, edit);
  const attention_write = edit("write", read);
  const middle = sum(x, attention_write);
  const normed_2 = layerNorm(middle, part.ln_2);
  const { write, worked } = mlp(part.mlp, normed_2);
  const mlp_write = edit("mlp", write);
  const inside = { normed_1, attention_write, middle, normed_2, ...attended, ...worked, mlp_write };
  return { x: sum(middle, mlp_write), inside };
}

export class GPT {
  constructor(config, vector) {
    const { n_vocab: V, n_context, n_embd: D, n_layer: L, n_head: H } = config;
    const size = (V + n_context + 2) * D + L * (12 * D + 10) * D;
    const { activation, biases, n_hidden, tied, epsilon } = config;
    if (activation !== "relu" || biases || n_hidden || !tied || epsilon !== ARTICLE.epsilon || D % H)
      throw new Error("the configuration is not of the article's kind: relu, no biases of queries, heads of one size");
    if (vector && vector.length !== size)
      throw new Error(`these are ${vector.length} weights, where the configuration has ${size}`);
    if (vector && !vector.every(Number.isFinite)) throw new Error("the weights are not all finite numbers");
    this.config = config;
    this.vector = vector ?? new Float64Array(size);
    this.parameters = new Map();
    let at = 0;
    const take = (name, count) => {
      const part = this.vector.subarray(at, (at += count));
      this.parameters.set(name, part);
      return part;
    };
    const layer = (name, inputs, outputs, biased = true) => ({
      weight: take(`${name}.weight`, outputs * inputs),
      bias: biased ? take(`${name}.bias`, outputs) : NONE,
    });
    this.embedding = take("embedding.weight", V * D); // (V, D)
    this.position = take("position.weight", n_context * D); // (n_context, D)
    this.blocks = Array.from({ length: L }, (_, l) => ({
      ln_1: layer(`blocks.${l}.ln_1`, 1, D),
      attention: {
        query: layer(`blocks.${l}.attention.query`, D, D, false),
        key: layer(`blocks.${l}.attention.key`, D, D, false),
        value: layer(`blocks.${l}.attention.value`, D, D, false),
        project: layer(`blocks.${l}.attention.project`, D, D),
      },
      ln_2: layer(`blocks.${l}.ln_2`, 1, D),
      mlp: { up: layer(`blocks.${l}.mlp.up`, D, 4 * D), down: layer(`blocks.${l}.mlp.down`, 4 * D, D) },
    }));
    this.ln_f = layer("ln_f", 1, D);
  }

  forward(sentences, edit = (_, x) => x) {
    const { n_context, n_embd: D, n_head: H, n_vocab: V } = this.config;
    const lengths = sentences.map((ids) => ids.length), longest = Math.max(0, ...lengths);
    if (longest > n_context)
      throw new Error(`a sentence of ${longest} words is too long; the model reads ${n_context} at most`);
    const edited = (place, x) => {
      const used = edit(place, x);
      if (used.length === x.length) return used;
      throw new Error(`an edit gives ${used.length} numbers for the ${x.length} of ${place}`);
    };
    const entry = new Float64Array(lengths.reduce((N, T) => N + T, 0) * D);
    let at = 0;
    for (const ids of sentences)
      for (const [t, id] of ids.entries()) {
        if (!(id < V)) throw new Error(`the model has no token ${id}; there are ${V} of them`);
        for (let d = 0; d < D; d++, at++) entry[at] = this.embedding[id * D + d] + this.position[t * D + d];
      }
    const residual = [edited("entry", entry)], inside = []; // L+1 of (N, D), and L of what is in the blocks
    for (const [l, part] of this.blocks.entries()) {
      const computed = block(part, residual[l], lengths, H, (place, x) => edited(`${place}/${l}`, x));
      residual.push(computed.x);
      inside.push(computed.inside);
    }
    const normed = layerNorm(residual[residual.length - 1], this.ln_f);
    return { residual, inside, normed, logits: linear(normed, new Matrix(this.embedding, V, D)) };
  }
}


const SHAPES = {
  embedding: "V D",
  position: "T D",
  residual: "L+1 T D",
  normed_1: "L T D",
  query: "L H T D/H",
  key: "L H T D/H",
  value: "L H T D/H",
  score: "L H T T",
  attention: "L H T T",
  mixed: "L H T D/H",
  head_write: "L H T D",
  attention_write: "L T D",
  middle: "L T D",
  normed_2: "L T D",
  up: "L T 4D",
  hidden: "L T 4D",
  mlp_write: "L T D",
  gain: "D",
  bias: "D",
  normed: "L+1 T D",
  lens: "L+1 T V",
};


export function trace(model, tokenizer, sentence, edit) {
  const ids = tokenizer.encode(sentence), { vocab } = tokenizer;
  if (!ids.length) throw new Error("the prompt holds no word; give it at least one");
  const { n_embd: D, n_head: H, n_vocab: V, n_layer: L, activation, epsilon } = model.config, T = ids.length;
  const { residual, inside } = model.forward([ids], edit);
  const normed = residual.map((x) => layerNorm(x, model.ln_f));
  const lens = normed.map((x) => linear(x, new Matrix(model.embedding, V, D))); // what it would answer at each level
  const probabilities = new Float64Array(V);
  softmaxInto(probabilities, lens[L].slice(-V), 0, V);
  const whole = { embedding: [model.embedding], position: [model.position.subarray(0, T * D)], residual, normed, lens };
  Object.assign(whole, { gain: [model.ln_f.weight], bias: [model.ln_f.bias] });
  const sizes = { T, V, D, L, H, "D/H": D / H, "4D": 4 * D, "L+1": L + 1 };
  const arrays = Object.entries(SHAPES).map(([name, letters]) => {
    const parts = whole[name] ?? inside.map((block) => block[/** @type {keyof Inside} */ (name)]);
    const data = new Float64Array(parts.length * parts[0].length);
    parts.forEach((part, i) => data.set(part, i * part.length));
    return [name, { shape: letters.split(" ").map((letter) => sizes[letter]), data }];
  });
  const tokens = ids.map((id) => vocab[id]), prediction = vocab[probabilities.indexOf(Math.max(...probabilities))];
  return { ...Object.fromEntries(arrays), sentence, tokens, vocab, activation, epsilon, probabilities, prediction };
}

export async function fingerprint(vector) {
  if (!globalThis.crypto?.subtle) throw new Error("this page cannot compute SHA-256; open it by https or on localhost");
  const bytes = new DataView(new ArrayBuffer(8 * vector.length));
  vector.forEach((weight, i) => bytes.setFloat64(8 * i, weight, true));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
