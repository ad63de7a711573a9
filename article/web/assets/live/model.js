// gpt.py once more, for the reader's browser: the same names in the same order, and no other numbers. Tests hold every
// array here to gpt.py's within 1e-12, and the weights that training.js comes to, to the last bit.
//
//     N  tokens of all sentences, one after the other without padding     T  tokens in a sentence
//     V  tokens in the vocabulary     D  components     L  blocks     H  attention heads

import { Matrix, addProduct } from "./matrices.js";

/** Every number that shapes the article's model and its training; `gpt.Config` says what each is. */
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

/** @typedef {typeof ARTICLE & { n_vocab: number }} Config */

/** The article's configuration, but for what is given. @param {Partial<Config> & { n_vocab: number }} given
 * @returns {Config} */
export const configured = (given) => ({ ...ARTICLE, ...given });

// --- 1. Text and tokens ----------------------------------------------------------------------------------------------

// eslint-disable-next-line no-control-regex -- Python takes these four for white space, too, and leaves U+FEFF a letter
const SPACE = /[\p{White_Space}\x1c-\x1f]+/u;

/** The words of a text, as Python's `split()` finds them. @param {string} text */
export const wordsOf = (text) => text.split(SPACE).filter((word) => word !== "");

/** Words to ids and back. A word's id is its place in the order of first appearance. */
export class Tokenizer {
  /** @param {string[]} corpus */
  constructor(corpus) {
    this.vocab = [...new Set(corpus.flatMap(wordsOf))]; // id -> word
    this.ids = new Map(this.vocab.map((word, id) => [word, id]));
  }

  /** The ids of a sentence's words. Throws an Error for a word that the corpus lacks. @param {string} sentence */
  encode(sentence) {
    return wordsOf(sentence).map((word) => {
      const id = this.ids.get(word);
      if (id === undefined) throw new Error(`the corpus lacks the word “${word}” of the sentence “${sentence}”`);
      return id;
    });
  }
}

// --- 2. The model ----------------------------------------------------------------------------------------------------

/** What may be done to a quantity, known by its place, before it is used: it gives as many numbers, which are used
 * instead. Dropout is one, and a cut. @typedef {(place: string, x: Float64Array) => Float64Array} Edit */

/** A matrix (out, in) and a bias (out), or the gain and bias of a LayerNorm (D).
 * @typedef {{ weight: Float64Array, bias: Float64Array }} Layer */

/** @typedef {GPT["blocks"][number]} Block */
/** @typedef {ReturnType<GPT["forward"]>} Pass */
/** @typedef {Pass["inside"][number]} Inside */

const NONE = new Float64Array(0);

/** x W + b for every vector of x (N, in): (N, out). @param {Float64Array} x @param {Matrix} weight (out, in)
 * @param {Float64Array} bias (out) */
export function linear(x, weight, bias = NONE) {
  const N = x.length / weight.columns, out = new Float64Array(N * weight.rows);
  for (let n = 0; bias.length && n < N; n++) out.set(bias, n * bias.length);
  addProduct(new Matrix(out, N, weight.rows), new Matrix(x, N, weight.columns), weight.transposed);
  return out;
}

/** The mean of D numbers, and what makes their variance 1. @param {Float64Array} x @param {number} at @param {number} D */
export function moments(x, at, D) {
  let mean = 0, square = 0;
  for (let d = at; d < at + D; d++) mean += x[d];
  mean /= D;
  for (let d = at; d < at + D; d++) square += (x[d] - mean) ** 2;
  return { mean, scale: 1 / Math.sqrt(square / D + 1e-5) };
}

/** Every vector of x (…, D) with mean 0 and variance 1, then each component times its gain, plus its bias.
 * @param {Float64Array} x @param {Layer} part */
export function layerNorm(x, { weight, bias }) {
  const D = weight.length, out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += D) {
    const { mean, scale } = moments(x, at, D);
    for (let d = 0; d < D; d++) out[at + d] = (x[at + d] - mean) * scale * weight[d] + bias[d];
  }
  return out;
}

/** @param {Float64Array} a @param {Float64Array} b */
export function sum(a, b) {
  const out = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] + b[i];
  return out;
}

/** Writes the softmax of `count` numbers from a place on to the same place of another array.
 * @param {Float64Array} out @param {Float64Array} x @param {number} at @param {number} count */
export function softmaxInto(out, x, at, count) {
  let most = -Infinity, total = 0;
  for (let i = at; i < at + count; i++) if (x[i] > most) most = x[i];
  for (let i = at; i < at + count; i++) total += out[i] = Math.exp(x[i] - most);
  for (let i = at; i < at + count; i++) out[i] /= total;
}

/** Where a head's numbers of a sentence lie: from which row on, of how many tokens, and from where on in the patterns,
 * which are (H, T, T) for one sentence after the other. @typedef {{ row: number, T: number, at: number }} Head */

/** All heads of all sentences. @param {number} H @param {number[]} lengths @param {number} N */
export function headsOf(H, lengths, N) {
  /** @type {Head[]} */
  const all = [];
  let first = 0, at = 0;
  for (const T of lengths) {
    for (let h = 0; h < H; h++, at += T * T) all.push({ row: h * N + first, T, at });
    first += T;
  }
  return all;
}

/** What a head has of a sentence (T, size), in numbers (H, N, size) of all.
 * @param {Float64Array} x @param {number} size @param {Head} head */
export const rowsOf = (x, size, { row, T }) => new Matrix(x, T, size, row * size);

/** The pattern (T, T) of a head in a sentence. @param {Float64Array} x @param {Head} head */
export const patternOf = (x, { T, at }) => new Matrix(x, T, T, at);

/** The vectors (N, D) as the heads read them by a matrix (D, D): (H, N, D/H).
 * @param {Float64Array} x @param {Float64Array} weight @param {number} H @param {number} D */
function heads(x, weight, H, D) {
  const N = x.length / D, size = D / H, out = new Float64Array(x.length);
  for (let h = 0; h < H; h++) {
    const rows = new Matrix(weight, size, D, h * size * D);
    addProduct(new Matrix(out, N, size, h * N * size), new Matrix(x, N, D), rows.transposed);
  }
  return out;
}

/** What each head writes (H, N, D), by its columns of a matrix (D, D), of what it has mixed (H, N, D/H).
 * @param {Float64Array} mixed @param {Float64Array} weight @param {number} H @param {number} D */
function project(mixed, weight, H, D) {
  const N = mixed.length / D, size = D / H, out = new Float64Array(H * N * D);
  for (let h = 0; h < H; h++) {
    const columns = new Matrix(weight, D, D).columnsFrom(h * size, size);
    addProduct(new Matrix(out, N, D, h * N * D), new Matrix(mixed, N, size, h * N * size), columns.transposed);
  }
  return out;
}

/** Lets every token read from itself and the tokens before it.
 * @param {Block["attention"]} part @param {Float64Array} x (N, D) @param {number[]} lengths @param {number} H
 * @param {Edit} edit */
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

/** Works on each token alone. @param {Block["mlp"]} part @param {Float64Array} x (N, D) */
function mlp({ up: { weight, bias }, down }, x) {
  const D = down.bias.length, up = linear(x, new Matrix(weight, 4 * D, D), bias); // (N, 4D)
  const hidden = new Float64Array(up.length);
  for (let i = 0; i < up.length; i++) hidden[i] = Math.max(0, up[i]);
  return { write: linear(hidden, new Matrix(down.weight, D, 4 * D), down.bias), worked: { up, hidden } };
}

/** One round of reading and working; each adds what it writes to the residual stream.
 * @param {Block} part @param {Float64Array} x (N, D) @param {number[]} lengths @param {number} H @param {Edit} edit */
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

/** A decoder-only Transformer, with LayerNorm before each sub-layer and the embedding as its own unembedding. */
export class GPT {
  /** All weights lie in one vector (n), of which those of the parts are parts. Throws an Error if there are not as many
   * as the configuration says, or not all finite. @param {Config} config @param {Float64Array} [vector] */
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
    /** By gpt.py's names, in the order of their definition. @type {Map<string, Float64Array>} */
    this.parameters = new Map();
    let at = 0;
    /** @param {string} name @param {number} count */
    const take = (name, count) => {
      const part = this.vector.subarray(at, (at += count));
      this.parameters.set(name, part);
      return part;
    };
    /** @param {string} name @param {number} inputs @param {number} outputs @param {boolean} [biased] @returns {Layer} */
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

  /** The whole way of sentences, each the ids of its tokens, to the logits (N, V), with everything in between.
   *
   * The places that can be edited, and their shapes for a single sentence, are "entry" (T, D), and in block l
   * "attention/l" (H, T, T), "mixed/l" (H, T, D/H), "write/l" and "mlp/l" (T, D). Throws an Error for a sentence longer
   * than the context. @param {number[][]} sentences @param {Edit} [edit] */
  forward(sentences, edit = (_, x) => x) {
    const { n_context, n_embd: D, n_head: H, n_vocab: V } = this.config;
    const lengths = sentences.map((ids) => ids.length), longest = Math.max(0, ...lengths);
    if (longest > n_context)
      throw new Error(`a sentence of ${longest} words is too long; the model reads ${n_context} at most`);
    /** @type {Edit} */
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

// --- 3. A look inside (training is in training.js) -------------------------------------------------------------------

/** The arrays of a trace, named, ordered and shaped as those of `gpt.Trace`, which says what each is. Rows of "score"
 * and "attention" (before an edit) are queries, columns keys; "lens" ends with the logits. */
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

/** Everything that one forward pass of one sentence computed: arrays, row by row, each with its shape; and the
 * probabilities (V) of the next token. @typedef {Record<keyof typeof SHAPES, { shape: number[], data: Float64Array }> & {
 *   sentence: string, tokens: string[], vocab: string[], activation: string, epsilon: number, probabilities: Float64Array,
 *   prediction: string }} Trace */

/** Records the forward pass of one sentence, perhaps an edited one. Throws an Error for a sentence without a word, one
 * that is too long, and an unknown word. @param {GPT} model @param {Tokenizer} tokenizer @param {string} sentence
 * @param {Edit} [edit] @returns {Trace} */
export function trace(model, tokenizer, sentence, edit) {
  const ids = tokenizer.encode(sentence), { vocab } = tokenizer;
  if (!ids.length) throw new Error("the prompt holds no word; give it at least one");
  const { n_embd: D, n_head: H, n_vocab: V, n_layer: L, activation, epsilon } = model.config, T = ids.length;
  const { residual, inside } = model.forward([ids], edit);
  const normed = residual.map((x) => layerNorm(x, model.ln_f));
  const lens = normed.map((x) => linear(x, new Matrix(model.embedding, V, D))); // what it would answer at each level
  const probabilities = new Float64Array(V);
  softmaxInto(probabilities, lens[L].slice(-V), 0, V);
  /** @type {Record<string, Float64Array[]>} */
  const whole = { embedding: [model.embedding], position: [model.position.subarray(0, T * D)], residual, normed, lens };
  Object.assign(whole, { gain: [model.ln_f.weight], bias: [model.ln_f.bias] });
  /** @type {Record<string, number>} */
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

/** SHA-256 of all weights, in the order of their definition, as `gpt.fingerprint` has it: of their bytes, by which a
 * negative zero differs from zero. Throws an Error on a page that is no secure context. @param {Float64Array} vector */
export async function fingerprint(vector) {
  if (!globalThis.crypto?.subtle) throw new Error("this page cannot compute SHA-256; open it by https or on localhost");
  const bytes = new DataView(new ArrayBuffer(8 * vector.length));
  vector.forEach((weight, i) => bytes.setFloat64(8 * i, weight, true));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
