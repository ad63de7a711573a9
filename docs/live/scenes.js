
import { decomposition, headName, levelName, range } from "./decomposition.js?4f3e04e6b0";
import { Scene, written } from "./scene.js?4f3e04e6b0";


const alone = (what, term) => (scene, d) => {
  scene.fit(d.of("normed", d.L, d.T - 1), d.of("candidate", 0));
  scene.line([term(d)]);
  scene.legend(scene.s.LEGEND_SPACING / scene.s.SPACING);
  return `A column, ${what}, with a legend in front.`;
};

function line(scene, d, terms) {
  scene.fit(...terms.map(([array, index]) => d.of(array, ...index)));
  scene.line(terms);
  scene.legend(terms.length - 1);
}

function rows(scene, d, rows, quantity) {
  scene.fit(...rows.flatMap(([array, indexOf]) => range(d.T).map((t) => d.of(array, ...indexOf(t)))));
  for (const [y, [array, indexOf, text]] of rows.entries()) {
    scene.line(range(d.T).map((t) => [array, indexOf(t), y ? "" : d.tokens[t]]), y);
    if (text) scene.side(text, y);
  }
  scene.legend(d.T - 1, [], quantity);
}

export const SCENES = {
  forward(scene, d) {
    const { L, H, T, ranking: [id] } = d;
    scene.fit(d.of("residual"), d.of("normed", L), d.of("embedding", id));
    scene.stream();
    for (const l of range(L)) scene.patterns(l);
    scene.line([["embedding", [id], d.vocab[id]]], L + 1, T + 0.6);
    scene.legend(T - 1, range(H));
    return `Rows of columns with ribbons on the floor between them, in one colour for each head, hollow where it is off. Next to the last column of the last row stands the embedding of ${d.vocab[id]}.`;
  },
  prompt(scene, d) {
    rows(scene, d, [["residual", (t) => [0, t], ""]]);
    return "A row of columns, one for each token, with a legend in front.";
  },
  stream(scene, d) {
    scene.fit(d.of("residual"), d.of("normed", d.L));
    scene.stream();
    scene.legend(d.T - 1);
    return "Rows of columns, one row behind the other: embedding plus position, each block, and the final LayerNorm.";
  },
  sum(scene, d) {
    const t = d.T - 1, parts = [["attention_write", "attention"], ["mlp_write", "MLP"]];
    const terms = [["token", [t], "embedding"], ["position", [t], "position"]];
    for (const l of range(d.L)) for (const [array, part] of parts) terms.push([array, [l, t], `${part} ${l + 1}`]);
    terms.push(["residual", [d.L, t], "= stream"]);
    line(scene, d, terms);
    return "A row of columns: embedding, position, what attention and MLP of each block wrote, and their sum.";
  },
  final: alone("the last vector", ({ L, T }) => ["normed", [L, T - 1], "last vector"]),
  predicted: alone("the embedding of the answer", ({ ranking: [id], vocab }) => ["embedding", [id], vocab[id]]),
  lens(scene, d) {
    const { BAR_PITCH, BAR_DEPTH, PLINTH } = scene.s, right = (d.V - 1) * BAR_PITCH;
    for (const level of range(d.L + 1)) {
      const y = level * BAR_DEPTH;
      scene.ground(0, y, right);
      scene.barName(`row/${level}`, levelName(level), PLINTH + 0.4, y);
      for (const v of range(d.V)) scene.stand("probabilities", [level, d.T - 1, v], v * BAR_PITCH, y);
    }
    scene.names(d.vocab, BAR_PITCH);
    scene.barLegend(right, [0, 0.5, 1], "probability");
    return `Rows of bars, one row for each level of the stream and a bar for each token; the last one is highest at ${d.vocab[d.ranking[0]]}.`;
  },
  origin(scene, d) {
    const { SPACING, BAR_DEPTH, PLINTH, BAR_SPACING } = scene.s, best = d.ranking.slice(0, 2), parts = range(d.origins.length);
    scene.fit(parts.flatMap((p) => best.map((v) => d.at("share", p, v))));
    for (const [row, v] of best.entries()) {
      for (const p of parts) {
        scene.ground(p * SPACING, row * BAR_DEPTH);
        scene.stand("share", [p, v], p * SPACING, row * BAR_DEPTH);
      }
      scene.barName(`row/${row}`, `for ${d.vocab[v]}`, PLINTH + BAR_SPACING, row * BAR_DEPTH);
    }
    scene.names(d.origins.map((name) => name.replace(/block (\d+), (\w+) ?(\d*)/, "$2 $1.$3").replace(/\.$/, "")), SPACING);
    scene.barLegend((parts.length - 1) * SPACING, scene.s.LEGEND_PARTS, "share of the logit");
    return `Two rows of bars: what each part adds to the logit of ${d.vocab[best[0]]}, and behind it to that of ${d.vocab[best[1]]}.`;
  },
  entrance(scene, d) {
    rows(scene, d, [["residual", (t) => [0, t], "embedding + position"], ["position", (t) => [t], "position"], ["token", (t) => [t], "embedding"]]);
    return "Three rows of columns: in front the sums that enter the first block, behind them the positions, at the back the embeddings.";
  },
  match(scene, d) {
    const [l, h] = d.head, each = (/** @type {number} */ k) => [l, h, k], last = (/** @type {number} */ k) => [l, h, d.T - 1, k];
    rows(scene, d, [["query", each, "query"], ["key", each, "key"], ["product", last, "last query × key"], ["score", last, "score: their sum"]],
      "component, or score");
    return "Rows of columns: the queries, the keys, their products with the last query, and at the back the scores, their sums.";
  },
  scores(scene, d) {
    scene.fit(d.of("score", ...d.head));
    scene.barLegend(scene.matrix("score", d.head), scene.s.LEGEND_PARTS, "score");
    return "A square of bars, one for each query and key; those of keys after their query stand on dark stone.";
  },
  softmax(scene, d) {
    const [, h] = d.head;
    scene.barLegend(scene.matrix("attention", d.head), [0, 0.5], `weight (head ${h + 1})`, h);
    return "A triangle of bars, one for each query and each key up to it.";
  },
  carry(scene, d) {
    const [l, h] = d.head, q = d.T - 1, heads = range(d.H).map((n) => /** @type {Term} */ (["head_write", [l, n, q], `head ${n + 1}`]));
    const behind = [["mixed", [l, h, q], "mixed"], ...heads, ["attention_write", [l, q], "all write"]];
    scene.fit(d.of("value", l, h), ...behind.map(([array, index]) => d.of(array, ...index)));
    scene.line(d.tokens.map((token, k) => ["value", [l, h, k], token]));
    scene.side(`values, ${headName(l, h)}`, 0);
    scene.patterns(l, h, q, 0);
    scene.line(behind, 1, q);
    scene.legend(q + 3, [h]);
    return "A row of short columns for the values, ribbons from them to a column behind, and the writes of the heads and their sum.";
  },
  mlp(scene, d) {
    const [PITCH, DEEP, ROWS] = [1.5, 2.4, 5], { PLINTH, LINE } = scene.s, n = d.of("up", 0, 0).length, wide = Math.ceil(n / ROWS);
    const sides = [["up", 0, "before ReLU"], ["hidden", (wide + 2) * PITCH, "after ReLU"]];
    scene.fit(...range(d.L).map((l) => d.of("up", l, d.T - 1)));
    for (const l of range(d.L)) {
      const back = (l * (ROWS + 2) + ROWS - 1) * DEEP;
      for (const [array, left] of sides) {
        scene.ground(left, back - (ROWS - 1) * DEEP, left + (wide - 1) * PITCH, back);
        for (const u of range(n)) scene.stand(array, [l, d.T - 1, u], left + (u % wide) * PITCH, back - Math.floor(u / wide) * DEEP);
      }
      scene.label(`row/${l}`, `block ${l + 1}`, -PLINTH - 0.4, back - DEEP, undefined, 1);
    }
    for (const [, left, text] of sides) scene.label(text, text, left + ((wide - 1) / 2) * PITCH, -PLINTH - 2 * LINE);
    scene.barLegend((2 * wide + 1) * PITCH, scene.s.LEGEND_PARTS, "hidden unit");
    return "Two fields of bars for each block, a bar for each hidden unit: on the left before ReLU, on the right after it.";
  },
  norm(scene, d) {
    const t = d.T - 1, last = [d.L, t];
    line(scene, d, [
      ["residual", last, "stream"], ["centred", [t], "less its mean"], ["standard", [t], "to one size"], ["scaled", [t], "times gain"],
      ["normed", last, "plus bias"],
    ]);
    return "A row of columns: the stream, less its mean, brought to one size, times the gain, plus the bias.";
  },
  logit(scene, d) {
    const best = d.ranking.slice(0, 10), [one, other] = best.map((id) => d.vocab[id]), last = d.T - 1;
    const pairs = best.slice(0, 2).flatMap((id, n) => /** @type {Term[]} */ ([["embedding", [id], d.vocab[id]], ["agreement", [n], "product"]]));
    const front = [["normed", [d.L, last], "last vector"], ...pairs];
    scene.fit(...front.map(([array, index]) => d.of(array, ...index)), ...best.map((_, n) => d.of("candidate", n)));
    scene.line(front);
    scene.line(best.map((id, n) => ["candidate", [n], `${d.vocab[id]} ${written(d.at("lens", d.L, last, id))}`]), 1);
    scene.side("the best, with their logits", 1);
    scene.legend(best.length - 1);
    return `In front the last vector, the embeddings of ${one} and ${other} and the products; behind, the embeddings of the best.`;
  },
};

export function draw(name, trace, look, recorded, weights, changes = []) {
  const shown = decomposition(trace), scene = new Scene(shown, look, recorded, changes), says = SCENES[name](scene, shown);
  return { ...scene.files(name, weights), alt: `For “${trace.sentence}”: ${says}${changes.length ? ` With ${changes.join("; ")}.` : ""}` };
}
