
import { decomposition, levelName, range } from "./decomposition.js?bd2b7fc6d6";
import { Scene } from "./scene.js?bd2b7fc6d6";


const alone = (what, term) => (scene, d) => {
  scene.fit(d.of("normed", d.L, d.T - 1), d.of("embedding", d.ranking[0]));
  scene.line([term(d)]);
  scene.legend(scene.s.LEGEND_SPACING / scene.s.SPACING);
  return `A column, ${what}, with a legend in front.`;
};

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
    scene.fit(d.of("residual", 0));
    scene.line(d.tokens.map((token, t) => ["residual", [0, t], token]));
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
    const t = d.T - 1, parts = [["attention_write", "attention"], ["mlp_write", "MLP"]];
    const terms = [["token", [t], "embedding"], ["position", [t], "position"]];
    for (const l of range(d.L)) for (const [array, part] of parts) terms.push([array, [l, t], `${part} ${l + 1}`]);
    terms.push(["residual", [d.L, t], "= stream"]);
    scene.fit(...terms.map(([array, index]) => d.of(array, ...index)));
    scene.line(terms);
    scene.legend(terms.length - 1);
    return "A row of columns: embedding, position, what attention and MLP of each block wrote, and their sum.";
  },
  final: alone("the last vector", ({ L, T }) => ["normed", [L, T - 1], "last vector"]),
  predicted: alone("the embedding of the answer", ({ ranking: [id], vocab }) => ["embedding", [id], vocab[id]]),
  lens(scene, d) {
    const { BAR_PITCH, BAR_DEPTH, PLINTH, TEXT_SIZE, LINE } = scene.s, right = (d.V - 1) * BAR_PITCH;
    for (const level of range(d.L + 1)) {
      const y = level * BAR_DEPTH;
      scene.ground(0, y, right);
      scene.label(`row/${level}`, levelName(level), -PLINTH - 0.4, y - (TEXT_SIZE * LINE) / 2, TEXT_SIZE, 1);
      for (const v of range(d.V)) scene.mark("bar", scene.bar(d.at("probabilities", level, d.T - 1, v), v * BAR_PITCH, y), "probabilities", [level, d.T - 1, v]);
    }
    scene.names(d.vocab, BAR_PITCH);
    scene.barLegend(right, [0, 0.5, 1], "probability");
    return `Rows of bars, one row for each level of the stream and a bar for each token; the last one is highest at ${d.vocab[d.ranking[0]]}.`;
  },
};

export function draw(name, trace, look, recorded, weights, changes = []) {
  const shown = decomposition(trace), scene = new Scene(shown, look, recorded, changes), says = SCENES[name](scene, shown);
  return { ...scene.files(name, weights), alt: `For “${trace.sentence}”: ${says}${changes.length ? ` With ${changes.join("; ")}.` : ""}` };
}
