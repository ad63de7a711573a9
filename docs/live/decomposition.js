
import { softmaxInto } from "./model.js?4f3e04e6b0";


export const range = (n) => [...Array(n).keys()];

function make(shape, of) {
  const data = new Float64Array(shape.reduce((n, size) => n * size, 1)), index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = of(...index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data };
}

const mean = (values) => Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;

const DERIVED = {
  token: (d) => make([d.T, d.D], (t, i) => d.at("embedding", d.vocab.indexOf(d.tokens[t]), i)),
  product: (d) =>
    make([d.L, d.H, d.T, d.T, d.D / d.H], (l, h, q, k, i) => (d.at("query", l, h, q, i) * d.at("key", l, h, k, i)) / Math.sqrt(d.D / d.H)),
  centred: (d) => make([d.T, d.D], (t, i) => d.at("residual", d.L, t, i) - mean(d.of("residual", d.L, t))),
  deviation: (d) => make([d.T], (t) => Math.sqrt(mean(d.of("centred", t).map((x) => x * x)) + d.trace.epsilon)),
  standard: (d) => make([d.T, d.D], (t, i) => d.at("centred", t, i) / d.at("deviation", t)),
  scaled: (d) => make([d.T, d.D], (t, i) => d.at("standard", t, i) * d.at("gain", i)),
  candidate: (d) => make([d.V, d.D], (n, i) => d.at("embedding", d.ranking[n], i)),
  agreement: (d) => make([d.V, d.D], (n, i) => d.at("normed", d.L, d.T - 1, i) * d.at("candidate", n, i)),
  part(d) {
    const last = d.T - 1, rows = [d.of("token", last), d.of("position", last)];
    for (let l = 0; l < d.L; l++) {
      const heads = range(d.H).map((h) => d.of("head_write", l, h, last));
      const bias = d.of("attention_write", l, last).map((x, i) => heads.reduce((left, head) => left - head[i], x));
      rows.push(...heads, bias, d.of("mlp_write", l, last));
    }
    return make([rows.length, d.D], (p, i) => rows[p][i]);
  },
  share(d) {
    const last = d.at("deviation", d.T - 1), parts = range(d.origins.length - 1).map((p) => d.of("part", p));
    const scaled = parts.map((part) => part.map((x, i) => ((x - mean(part)) / last) * d.at("gain", i)));
    const rows = [...scaled, d.of("bias")];
    return make([rows.length, d.V], (p, v) => d.of("embedding", v).reduce((sum, x, i) => sum + x * rows[p][i], 0));
  },
  probabilities(d) {
    const { shape, data } = d.trace.lens, result = Float64Array.from(data);
    for (let at = 0; at < data.length; at += d.V) softmaxInto(result, result, at, d.V);
    return { shape, data: result };
  },
};

export const levelName = (l) => (l ? `after block ${l}` : "entering block 1");

export const headName = (l, h) => `block ${l + 1}, head ${h + 1}`;

const ofHead = (what) => (d, [l, h, t]) => `${what} ${d.tokens[t]}, ${headName(l, h)}`;

export const NAMES = {
  embedding: (d, [v]) => d.vocab[v],
  token: (d, [t]) => `embedding of ${d.tokens[t]}`,
  position: (_, [t]) => `position ${t + 1}`,
  residual: (d, [l, t]) => `${d.tokens[t]}, ${levelName(l)}`,
  normed: (d, [, t]) => `${d.tokens[t]}, after the final LayerNorm`,
  query: ofHead("query of"),
  key: ofHead("key of"),
  value: ofHead("value of"),
  mixed: ofHead("mixed for"),
  product: (d, [l, h, , k]) => `query × key of ${d.tokens[k]}, ${headName(l, h)}`,
  score: (d, [l, h, q, k]) => `score of ${d.tokens[q]} for ${d.tokens[k]}, ${headName(l, h)}`,
  attention: (d, [l, h, q, k]) => `${d.tokens[q]} looks at ${d.tokens[k]}, ${headName(l, h)}`,
  head_write: (_, [l, h]) => `${headName(l, h)} writes`,
  attention_write: (_, [l]) => `attention ${l + 1} writes`,
  up: (_, [l, , u]) => `unit ${u + 1} of block ${l + 1}, before ReLU`,
  hidden: (_, [l, , u]) => `unit ${u + 1} of block ${l + 1}, after ReLU`,
  mlp_write: (_, [l]) => `MLP ${l + 1} writes`,
  centred: () => "less its mean",
  standard: () => "to one size",
  scaled: () => "times gain",
  candidate: (d, [n]) => `${n + 1}. ${d.vocab[d.ranking[n]]}`,
  agreement: (d, [n]) => `last vector × ${d.vocab[d.ranking[n]]}`,
  share: (d, [p, v]) => `${d.origins[p]}, for ${d.vocab[v]}`,
  probabilities: (d, [l, , v]) => `${d.vocab[v]}, ${levelName(l)}`,
};

export function decomposition(trace) {
  const { tokens, vocab, lens } = trace, [L, H, T] = trace.attention.shape, [V, D] = trace.embedding.shape;
  const logits = lens.data.subarray(-V), ranking = range(V).sort((one, other) => logits[other] - logits[one]);
  const inside = range(L).flatMap((l) => [...range(H).map((h) => headName(l, h)), `block ${l + 1}, bias`, `block ${l + 1}, MLP`]);
  const origins = ["embedding", "position", ...inside, "final bias"];
  const known = new Map();

  function of(name, ...index) {
    const array = known.get(name) ?? DERIVED[name]?.(all) ?? /** @type {any} */ (trace)[name], { shape, data } = /** @type {Values} */ (array);
    known.set(name, array);
    const size = shape.slice(index.length).reduce((n, one) => n * one, 1), first = index.reduce((at, n, axis) => at * shape[axis] + n, 0);
    return data.subarray(size * first, size * (first + 1));
  }
  const at = (/** @type {string} */ name, /** @type {number[]} */ ...index) => of(name, ...index)[0];
  const most = (/** @type {number[]} */ [l, h]) => Math.max(...of("attention", l, h, T - 1));
  const all = { trace, tokens, vocab, L, H, T, V, D, ranking, origins, of, at, head: [0, 0] };
  all.head = range(L * H).map((n) => [Math.floor(n / H), n % H]).reduce((best, one) => (most(one) > most(best) ? one : best));
  return all;
}
