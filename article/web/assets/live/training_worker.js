// Trains in the background. It is told { corpus, given, every }: sentences, what differs from the article's configuration,
// and after how many steps it shows the embedding. It tells { step, loss } before each step and after the last one, with
// { embedding } (V, D) at every such step; at the end { vocab, weights, fingerprint }; or { error }, a sentence. Told
// { stop: true }, it ends as it would at the end.

import { learned } from "./live.js";

let stopped = false;

/** Lets what was told in the meantime arrive. */
async function heard() {
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
  return stopped;
}

addEventListener("message", ({ data }) => {
  if (data.stop) stopped = true;
  else learned(data, (news) => postMessage(news), heard);
});
