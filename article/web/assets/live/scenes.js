// The scenes that follow what a reader asks: scenes/<name>.py once more. Each says what it shows, for who does not see it.

import { Decomposition, levelName, range } from "./decomposition.js";
import { Scene, written } from "./scene.js";

/** @import { Known } from "../reader.js" */
/** @import { Trace } from "./model.js" */
/** @import { Look, Term } from "./scene.js" */

const SIGNED = [-1, -0.5, 0, 0.5, 1];

/** @param {string} name @param {string} array @param {(d: Decomposition) => number[]} index @param {(d: Decomposition) => string} text
 * @returns {(scene: Scene, d: Decomposition) => string} */
const alone = (name, array, index, text) => (scene, d) => {
  scene.fit(d.of("normed", d.L, d.T - 1), d.of("candidate", 0));
  scene.line([[array, index(d), text(d)]]);
  scene.legend(scene.s.LEGEND_SPACING / scene.s.SPACING, 0, [-1, 0, 1]);
  return `A column, ${name}, with a legend in front.`;
};

/** Columns side by side. @param {Scene} scene @param {Decomposition} d @param {Term[]} terms */
function inLine(scene, d, terms) {
  scene.fit(...terms.map(([array, index]) => d.of(array, ...index)));
  scene.line(terms);
  scene.legend(terms.length - 1);
}

/** Rows of columns, of an array each. @param {Scene} scene @param {Decomposition} d @param {[string, number[][], string][]} rows */
function inRows(scene, d, rows) {
  scene.fit(...rows.flatMap(([array, indices]) => indices.map((index) => d.of(array, ...index))));
  for (const [y, [array, indices, text]] of rows.entries()) {
    scene.row(array, indices, y ? [] : d.tokens, y);
    scene.side(text, y);
  }
  scene.legend(d.T - 1);
}

/** @type {Record<string, (scene: Scene, d: Decomposition) => string>} */
export const SCENES = {
  forward(scene, d) {
    const { L, H, T, ranking: [id], vocab } = d;
    scene.fit(d.of("residual"), d.of("normed", L), d.of("embedding", id));
    scene.stream();
    for (let l = 0; l < L; l++) for (let h = 0; h < H; h++) scene.pattern(l, h);
    scene.row("embedding", [[id]], [vocab[id]], L + 1, T + 0.6);
    scene.legend(T - 1, H);
    const hollow = scene.off.some((part) => part.startsWith("head")) ? " Ribbons of a head that is off are hollow." : "";
    return (
      "Rows of columns, with ribbons on the floor between them, in one colour for each head. Next to the last column of the " +
      `last row stands the embedding of ${vocab[id]}.${hollow}`
    );
  },
  prompt(scene, d) {
    scene.fit(d.of("residual", 0));
    scene.row("residual", range(d.T).map((t) => [0, t]), d.tokens);
    scene.legend(d.T - 1);
    return "A row of columns, one for each token, with a legend in front.";
  },
  stream(scene, d) {
    scene.fit(d.of("residual"), d.of("normed", d.L));
    scene.stream();
    scene.legend(d.T - 1);
    return "Rows of columns, one row behind the other: embedding plus position, each block, and the final LayerNorm.";
  },
  sum(scene, d) {
    const t = d.T - 1;
    inLine(scene, d, [
      ["token", [t], "embedding"],
      ["position", [t], "+ position"],
      ...range(d.L).flatMap((l) => /** @type {Term[]} */ ([
        ["attention_write", [l, t], `+ attention ${l + 1}`], ["mlp_write", [l, t], `+ MLP ${l + 1}`],
      ])),
      ["residual", [d.L, t], "= stream"],
    ]);
    return "A row of columns: embedding, position, what attention and MLP of each block wrote, and their sum.";
  },
  final: alone("the last vector", "normed", ({ L, T }) => [L, T - 1], () => "last vector"),
  predicted: alone("the embedding of the answer", "embedding", ({ ranking }) => [ranking[0]], ({ vocab, ranking }) => vocab[ranking[0]]),
  lens(scene, d) {
    const { L, T, V, vocab } = d, { BAR_PITCH, BAR_DEPTH, PLINTH } = scene.s, right = (V - 1) * BAR_PITCH;
    for (const level of range(L + 1)) {
      const y = level * BAR_DEPTH;
      scene.ground(0, y, right);
      scene.barName(`row/${level}`, levelName(level), PLINTH + 0.4, y);
      for (const v of range(V)) scene.stand("probabilities", [level, T - 1, v], v * BAR_PITCH, y);
    }
    scene.names(vocab, BAR_PITCH);
    scene.barLegend(right, [0, 0.5, 1], "probability");
    return `Rows of bars, one row for each level of the stream and a bar for each token; the last one is highest at ${vocab[d.ranking[0]]}.`;
  },
  origin(scene, d) {
    const { SPACING, PLINTH, BAR_SPACING } = scene.s, best = d.ranking.slice(0, 2), places = range(d.origins.length);
    scene.fit(places.flatMap((p) => best.map((v) => d.at("share", p, v))));
    for (const [row, v] of best.entries()) {
      const y = row * scene.s.BAR_DEPTH;
      for (const p of places) {
        scene.ground(p * SPACING, y);
        scene.stand("share", [p, v], p * SPACING, y);
      }
      scene.barName(`row/${row}`, `for ${d.vocab[v]}`, PLINTH + BAR_SPACING, y);
    }
    scene.names(d.origins.map((name) => name.replace("block ", "").replace(", head ", ".").replace(", ", " ")), SPACING);
    scene.barLegend((places.length - 1) * SPACING, SIGNED, "logit");
    return `Two rows of bars: what each part adds to the logit of ${d.vocab[best[0]]}, and behind it to that of ${d.vocab[best[1]]}.`;
  },
  entrance(scene, d) {
    const each = range(d.T).map((t) => [t]);
    inRows(scene, d, [["residual", each.map(([t]) => [0, t]), "embedding + position"], ["position", each, "position"], ["token", each, "embedding"]]);
    return "Three rows of columns: in front the sums that enter the first block, behind them the positions, at the back the embeddings.";
  },
  match(scene, d) {
    const [l, h] = d.head, q = d.T - 1, each = range(d.T).map((k) => [l, h, k]), pairs = range(d.T).map((k) => [l, h, q, k]);
    inRows(scene, d, [
      ["query", each, "query"], ["key", each, "key"], ["product", pairs, "last query × key"], ["score", pairs, "score: their sum"],
    ]);
    return "Rows of columns: the queries, the keys, their products with the last query, and at the back the scores, their sums.";
  },
  scores(scene, d) {
    const [l, h] = d.head;
    scene.fit(d.of("score", l, h));
    scene.barLegend(scene.matrix("score", l, h), SIGNED, "score");
    return "A square of bars, one for each query and key; those of keys after their query stand on dark stone.";
  },
  softmax(scene, d) {
    const [l, h] = d.head;
    scene.barLegend(scene.matrix("attention", l, h), [0, 0.5, 1], `weight (head ${h + 1})`, h);
    return "A triangle of bars, one for each query and each key up to it.";
  },
  carry(scene, d) {
    const [l, h] = d.head, { H, T } = d, q = T - 1;
    /** @type {Term[]} */
    const behind = [
      ["mixed", [l, h, q], "mixed"], ...range(H).map((n) => /** @type {Term} */ (["head_write", [l, n, q], `head ${n + 1}`])),
      ["attention_write", [l, q], "all write"],
    ];
    scene.fit(d.of("value", l, h), ...behind.map(([array, index]) => d.of(array, ...index)));
    scene.row("value", range(T).map((k) => [l, h, k]), d.tokens);
    scene.side(`values, block ${l + 1}, head ${h + 1}`, 0);
    scene.pattern(l, h, q, 0);
    scene.line(behind, 1, q);
    scene.legend(q, H);
    return "A row of short columns for the values, ribbons from them to a column behind, and the writes of the heads and their sum.";
  },
  mlp(scene, d) {
    /** @type {[string, string][]} */
    const parts = [["normed_2", ""], ["up", "hidden"], ["hidden", "after ReLU"], ["mlp_write", "write"]], t = d.T - 1;
    scene.fit(...parts.flatMap(([array]) => range(d.L).map((l) => d.of(array, l, t))));
    for (const l of range(d.L))
      scene.line(parts.map(([array, text]) => [array, [l, t], text || `block ${l + 1}`]), 0, l * (parts.length + 0.5));
    scene.legend((d.L - 1) * (parts.length + 0.5) + parts.length - 1);
    return "For each block four columns: what is read, the hidden units before and after ReLU, and what is written.";
  },
  norm(scene, d) {
    const t = d.T - 1;
    inLine(scene, d, [
      ["residual", [d.L, t], "stream"], ["centred", [t], "less its mean"], ["standard", [t], "to one size"],
      ["scaled", [t], "times gain"], ["normed", [d.L, t], "plus bias"],
    ]);
    return "A row of columns: the stream, less its mean, brought to one size, times the gain, plus the bias.";
  },
  logit(scene, d) {
    const best = d.ranking.slice(0, 10), texts = best.map((id) => `${d.vocab[id]} ${written(d.at("lens", d.L, d.T - 1, id))}`);
    /** @type {Term[]} */
    const front = [["normed", [d.L, d.T - 1], "last vector"]];
    for (const [n, id] of best.slice(0, 2).entries()) front.push(["embedding", [id], d.vocab[id]], ["agreement", [n], "product"]);
    scene.fit(...front.map(([array, index]) => d.of(array, ...index)), ...best.map((_, n) => d.of("candidate", n)));
    scene.line(front);
    scene.row("candidate", best.map((_, n) => [n]), texts, 1);
    scene.side("the best, with their logits", 1);
    scene.legend(best.length - 1);
    return `In front the last vector, the embeddings of ${d.vocab[best[0]]} and ${d.vocab[best[1]]} and the products; behind, the best embeddings.`;
  },
};

/** A scene of a trace as a .glb, what its marks say, and what it shows, in words. `off` are parts, in words, that are
 * switched off; `weights` is the model's fingerprint. @param {string} name @param {Trace} trace @param {Look} look
 * @param {Known} recorded @param {string} weights @param {string[]} [off] */
export function draw(name, trace, look, recorded, weights, off = []) {
  const shown = new Decomposition(trace), scene = new Scene(shown, look, recorded, off), says = SCENES[name](scene, shown);
  const cuts = off.length ? ` Off: ${off.join(", ")}.` : "";
  return { ...scene.files(name, weights), alt: `For “${trace.sentence}”: ${says}${cuts}` };
}
