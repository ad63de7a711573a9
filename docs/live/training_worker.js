// Trains in the background. It is told { corpus, given, every }: sentences, what differs from the article's configuration,
// and after how many steps it shows the embedding. It tells { step, loss } before each step and after the last one, with
// { embedding } (V, D) at every such step; at the end { vocab, weights, fingerprint }; or { error }, a sentence. Told
// { stop: true }, it ends as it would at the end.

import { Tokenizer, configured, fingerprint } from "./model.js?6a6fa09399";
import { train } from "./training.js?6a6fa09399";

let stopped = false;

/** Lets what was told in the meantime arrive. */
function heard() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  }).finally(() => port1.close());
}

/** @param {{ corpus: string[], given?: object, every?: number }} told */
async function run({ corpus, given = {}, every = 10 }) {
  const tokenizer = new Tokenizer(corpus), { vocab } = tokenizer;
  let weights = /** @type {Float64Array} */ (new Float64Array(0));
  for (const { step, loss, model } of train(configured({ ...given, n_vocab: vocab.length }), tokenizer, corpus)) {
    weights = model.vector;
    postMessage({ step, loss, ...(step % every === 0 && { embedding: model.embedding.slice() }) });
    await heard();
    if (stopped) break;
  }
  postMessage({ vocab, weights, fingerprint: await fingerprint(weights) });
}

addEventListener("message", ({ data }) => {
  if (data.stop) stopped = true;
  else run(data).catch((error) => postMessage({ error: error.message }));
});
