
import { softmaxInto } from "./model.js?bd2b7fc6d6";


export const range = (n) => [...Array(n).keys()];

const DERIVED = {
  token({ tokens, vocab, embedding: { data } }, _, D) {
    const rows = tokens.flatMap((token) => [...data.subarray(vocab.indexOf(token) * D, (vocab.indexOf(token) + 1) * D)]);
    return { shape: [tokens.length, D], data: Float64Array.from(rows) };
  },
  probabilities({ lens: { shape, data } }, V) {
    const result = Float64Array.from(data);
    for (let at = 0; at < data.length; at += V) softmaxInto(result, result, at, V);
    return { shape, data: result };
  },
};

export const levelName = (l) => (l ? `after block ${l}` : "entering block 1");

export const NAMES = {
  embedding: (d, [v]) => d.vocab[v],
  token: (d, [t]) => `embedding of ${d.tokens[t]}`,
  position: (_, [t]) => `position ${t + 1}`,
  residual: (d, [l, t]) => `${d.tokens[t]}, ${levelName(l)}`,
  normed: (d, [, t]) => `${d.tokens[t]}, after the final LayerNorm`,
  attention: (d, [l, h, q, k]) => `${d.tokens[q]} looks at ${d.tokens[k]}, block ${l + 1}, head ${h + 1}`,
  attention_write: (_, [l]) => `attention ${l + 1} writes`,
  mlp_write: (_, [l]) => `MLP ${l + 1} writes`,
  probabilities: (d, [l, , v]) => `${d.vocab[v]}, ${levelName(l)}`,
};

export function decomposition(trace) {
  const { tokens, vocab, lens } = trace, [L, H, T] = trace.attention.shape, [V, D] = trace.embedding.shape;
  const logits = lens.data.subarray(-V), ranking = range(V).sort((one, other) => logits[other] - logits[one]);
  const known = new Map();

  function of(name, ...index) {
    const array = known.get(name) ?? DERIVED[name]?.(trace, V, D) ?? /** @type {any} */ (trace)[name], { shape, data } = /** @type {Values} */ (array);
    known.set(name, array);
    const size = shape.slice(index.length).reduce((n, one) => n * one, 1), first = index.reduce((at, n, axis) => at * shape[axis] + n, 0);
    return data.subarray(size * first, size * (first + 1));
  }
  const at = (/** @type {string} */ name, /** @type {number[]} */ ...index) => of(name, ...index)[0];
  return { trace, tokens, vocab, L, H, T, V, D, ranking, of, at };
}
