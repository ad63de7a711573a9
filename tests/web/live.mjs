// Asks the scripts of article/web/assets/live. Node runs it with the address of that folder and a task; the task's
// argument comes as JSON on stdin, and what it gives goes to stdout: JSON, or for traces their numbers in float64.

import { readFileSync, writeSync } from "node:fs";

const [folder, task] = process.argv.slice(2);
const load = (name) => import(new URL(name, folder));
const [model, training, live] = await Promise.all(["model.js", "training.js", "live.js"].map(load));

const said = (act) => {
  try {
    return JSON.stringify(act()) ?? null;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

const tasks = {
  defaults: () => model.configured({ n_vocab: 1 }),
  words: (texts) => texts.map(model.wordsOf),
  rounded: (values) => values.map(training.rounded).map((x) => (Object.is(x, -0) ? "-0" : `${x}`)),
  rates: ({ config, steps }) => steps.map((step) => training.learningRate(config, step)),

  /** Numbers as they come in calls for some at a time. */
  uniform({ seed, counts }) {
    const random = new training.Random(seed);
    return counts.flatMap((count) => {
      const words = random.draw(count);
      return Array.from({ length: count }, (_, i) => training.uniform(words, i));
    });
  },

  async fingerprint(packed) {
    return model.fingerprint(live.unpacked(packed).model.vector);
  },

  /** Every array of every trace, one after the other. */
  traces({ packed, asked }) {
    const { model: gpt, tokenizer } = live.unpacked(packed);
    for (const { sentence, cuts } of asked) {
      const edit = live.together(cuts.map(([path, value]) => live.cut(gpt.config, path, value)));
      const trace = model.trace(gpt, tokenizer, sentence, edit);
      for (const { shape, data } of Object.values(trace).filter((value) => value?.shape)) {
        const bytes = new Uint8Array(Float64Array.of(shape.length, ...shape, ...data).buffer);
        for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
      }
    }
  },

  /** Scenes, what their marks say, and what they show, in words: all of those that follow, of each that is asked. */
  async scenes({ packed, look, recorded, weights, asked }) {
    const { draw } = await load("scenes.js");
    const { model: gpt, tokenizer } = live.unpacked(packed);
    return asked.map(({ sentence, cuts, off }) => {
      const edit = live.together(cuts.map((cut) => live.without(gpt, ...[cut].flat())));
      const trace = model.trace(gpt, tokenizer, sentence, edit);
      return Object.entries(recorded).map(([name, known]) => {
        const { glb, marks, alt } = draw(name, trace, look, known, weights, off);
        return [name, Buffer.from(glb).toString("base64"), marks, alt];
      });
    });
  },

  /** The names of the scenes that follow. */
  async following() {
    return Object.keys((await load("scenes.js")).SCENES);
  },

  predictions({ packed, sentences }) {
    const ours = live.vitrine(live.unpacked(packed));
    return sentences.map((sentence) => {
      const { tokens, vocab, activation, prediction, probabilities } = ours.trace(sentence);
      return { tokens, vocab, activation, prediction, probabilities: [...probabilities] };
    });
  },

  /** The weights of trainings, and the loss in each of their steps. */
  async trainings(asked) {
    const results = [], words = new model.Tokenizer(["a"]);
    for (const { given, corpus } of asked) {
      const any = live.vitrine({ model: new model.GPT(model.configured({ n_vocab: 1 })), tokenizer: words });
      const losses = [], trained = any.train(corpus, given, ({ loss }) => losses.push(loss));
      results.push({ fingerprint: await trained.fingerprint(), losses });
    }
    return results;
  },

  /** The processor's seconds for a training, as gpt.py's are counted. */
  seconds({ corpus }) {
    const tokenizer = new model.Tokenizer(corpus), config = model.configured({ n_vocab: tokenizer.vocab.length });
    const before = process.cpuUsage();
    for (const progress of training.train(config, tokenizer, corpus)) void progress;
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  },

  /** The steps of a training that is stopped, and the weights that it comes to. */
  async stopped({ packed, corpus, after }) {
    const steps = [];
    const trained = live.vitrine(live.unpacked(packed)).train(corpus, {}, ({ step }) => {
      steps.push(step);
      return step < after;
    });
    return { steps, fingerprint: await trained.fingerprint() };
  },

  /** What is said of input that cannot be used. */
  refused({ packed, corpus }) {
    const { model: gpt, tokenizer } = live.unpacked(packed);
    const trace = (sentence, edit) => () => model.trace(gpt, tokenizer, sentence, edit);
    const cut = (path) => () => model.trace(gpt, tokenizer, corpus[3], live.cut(gpt.config, path));
    const train = (sentences, given) => () => {
      const words = new model.Tokenizer(sentences);
      [...training.train(model.configured({ n_vocab: words.vocab.length, ...given }), words, sentences)];
    };
    const weights = (change) => () => new model.GPT(gpt.config, change(gpt.vector.slice()));
    return {
      unknown: said(trace("the tiger")),
      prototype: said(trace("the __proto__")),
      empty: said(trace(" \n")),
      long: said(trace(corpus[0])),
      id: said(() => gpt.forward([[gpt.config.n_vocab]])),
      edit: said(trace("at night the", () => new Float64Array(3))),
      block: said(cut("mixed/2/0")),
      head: said(cut("mixed/1/2")),
      place: said(cut("heads/0")),
      path: said(cut("mixed/one")),
      sentence: said(train(["a b c d e f g h i j"])),
      word: said(train(["word"])),
      none: said(train([])),
      rate: said(train(["a b", "b a"], { learning_rate: 1e300 })),
      nan: said(weights((vector) => vector.fill(NaN, 7, 8))),
      short: said(weights((vector) => vector.slice(1))),
      gelu: said(() => new model.GPT({ ...gpt.config, activation: "gelu" })),
    };
  },
};

const found = await tasks[task](JSON.parse(readFileSync(0, "utf-8")));
if (found !== undefined) process.stdout.write(JSON.stringify(found));
