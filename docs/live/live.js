
import { GPT, Tokenizer, configured, fingerprint, trace } from "./model.js?4f3e04e6b0";
import { train } from "./training.js?4f3e04e6b0";



export function unpacked({ config, vocab, weights }) {
  const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  const n = Math.floor(bytes.length / 3), vector = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const code = bytes[i] | (bytes[n + i] << 8) | (bytes[2 * n + i] << 16);
    vector[i] = ((code & 1 ? -1 : 1) * (code >>> 1)) / 2 ** 16; // a negative zero is code 1
  }
  return { model: new GPT(config, vector), tokenizer: new Tokenizer(vocab) };
}

export function cut({ n_head: H, n_embd: D, n_layer: L }, path, value = 0) {
  const unknown = new Error(`the model has no place “${path}”; “mixed/1/0” is one: head 0 of block 1`);
  const match = /^(?:entry|(attention|mixed|write|mlp)\/(\d+))((?:\/\d+)*)$/.exec(path);
  if (!match || Number(match[2] ?? 0) >= L) throw unknown;
  const [, kind, , rest] = match, place = path.slice(0, path.length - rest.length);
  const indices = rest.split("/").slice(1).map(Number), values = typeof value === "number" ? [value] : value;
  return (where, x) => {
    if (where !== place) return x;
    const T = kind === "attention" ? Math.sqrt(x.length / H) : x.length / D;
    const shape = kind === "attention" ? [H, T, T] : kind === "mixed" ? [H, T, D / H] : [T, D];
    let start = 0, count = x.length;
    for (const [axis, index] of indices.entries()) {
      if (!(index < shape[axis])) throw unknown;
      count /= shape[axis];
      start += index * count;
    }
    const used = x.slice();
    for (let i = 0; i < count; i++) used[start + i] = values[i % values.length];
    return used;
  };
}

export function partsOf({ n_layer: L, n_head: H }) {
  const blocks = Array.from({ length: L }, (_, l) => [...Array.from({ length: H }, (_, h) => `mixed/${l}/${h}`), `mlp/${l}`]);
  return ["position", ...blocks.flat()];
}

export function without({ config, position }, path, value = 0) {
  if (path !== "position") return cut(config, path, value);
  const D = config.n_embd, instead = typeof value === "number" ? new Float64Array(D).fill(value) : value;
  return (place, x) => (place === "entry" ? x.map((sum, i) => sum - position[i] + instead[i % D]) : x);
}

export function meansOf(model, tokenizer, corpus) {
  const { n_embd: D, n_head: H } = model.config, means = new Map();
  const sentences = corpus.map((sentence) => tokenizer.encode(sentence).slice(0, -1));
  const keep = (path, x, size) => {
    const mean = new Float64Array(size);
    x.forEach((value, i) => (mean[i % size] += value / (x.length / size)));
    means.set(path, mean);
  };
  model.forward(sentences, (place, x) => {
    const each = x.length / H;
    if (place.startsWith("mlp")) keep(place, x, D);
    if (place.startsWith("mixed"))
      for (let h = 0; h < H; h++) keep(`${place}/${h}`, x.subarray(h * each, (h + 1) * each), D / H);
    return x;
  });
  const positions = sentences.flatMap((ids) => [...model.position.subarray(0, ids.length * D)]);
  keep("position", Float64Array.from(positions), D);
  return means;
}

export const together = (edits) => (place, x) => edits.reduce((x, edit) => edit(place, x), x);

export async function learned({ corpus, given = {}, every = 10 }, hear, rest) {
  try {
    const tokenizer = new Tokenizer(corpus), { vocab } = tokenizer;
    let weights = /** @type {Float64Array} */ (new Float64Array(0));
    for (const { step, loss, model } of train(configured({ ...given, n_vocab: vocab.length }), tokenizer, corpus)) {
      weights = model.vector;
      hear({ step, loss, ...(step % every === 0 && { embedding: model.embedding.slice() }) });
      if (await rest()) break;
    }
    hear({ vocab, weights, fingerprint: await fingerprint(weights) });
  } catch (error) {
    hear({ error: /** @type {Error} */ (error).message });
  }
}

export function vitrine({ model, tokenizer }) {
  return {
    model,
    tokenizer,
    fingerprint: () => fingerprint(model.vector),
    trace(sentence, ...paths) {
      return trace(model, tokenizer, sentence, together(paths.map((path) => without(model, path))));
    },
    train(corpus, given = {}, watch = () => true) {
      const tokenizer = new Tokenizer(corpus), config = configured({ ...given, n_vocab: tokenizer.vocab.length });
      let trained = new GPT(config);
      for (const progress of train(config, tokenizer, corpus)) {
        trained = progress.model;
        if (watch(progress) === false) break;
      }
      return vitrine({ model: trained, tokenizer });
    },
  };
}
