// What a training is made of: the sentences and the numbers that stand in the form of the bench.

import { Tokenizer, configured, wordsOf } from "./model.js";
import { train } from "./training.js";

/** @import { Config } from "./model.js" */

/** Sentences; one that is held out, as its prompt and the word that is right then; and the numbers.
 * @typedef {{ corpus: string[], prompt: string, answer: string, config: Config }} Recipe */

/** The fields of a form by their names. @param {Element} form */
function fieldsOf(form) {
  const all = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[name]"));
  return Object.fromEntries([...all].map((field) => [field.name, field]));
}

/** @param {string} name of a number in a configuration */
const worded = (name) => name.replace(/^n_/, "").replace("_", " ");

/** Writes a recipe into a form. @param {Element} form @param {Recipe} recipe */
export function fill(form, { corpus, prompt, answer, config }) {
  const said = { ...config, corpus: corpus.join("\n"), held_out: `${prompt} ${answer}` };
  for (const [name, field] of Object.entries(fieldsOf(form))) field.value = `${said[/** @type {keyof typeof said} */ (name)]}`;
}

/** The recipe that stands in a form. Throws an Error, a sentence, for what cannot be trained.
 * @param {Element} form @param {Config} config for what does not stand there @returns {Recipe} */
export function read(form, config) {
  const { corpus: text, held_out, ...numbers } = fieldsOf(form);
  for (const { name, min, max, step, validity, valueAsNumber } of Object.values(numbers))
    if (!validity.valid || Number.isNaN(valueAsNumber))
      throw new Error(`${worded(name)}: give a ${step === "1" ? "whole " : ""}number from ${min} to ${max}`);
  const corpus = text.value.split("\n").filter((line) => wordsOf(line).length), tokenizer = new Tokenizer(corpus);
  const given = Object.fromEntries(Object.values(numbers).map((field) => [field.name, field.valueAsNumber]));
  const own = configured({ ...config, ...given, n_vocab: tokenizer.vocab.length }), most = own.n_context + 1;
  train(own, tokenizer, corpus).next(); // which refuses what it cannot train
  const single = corpus.find((line) => wordsOf(line).length < 2), asked = wordsOf(held_out.value);
  if (single) throw new Error(`the sentence “${single}” has one word, which no other follows; give it two or more`);
  if (asked.length < 2 || asked.length > most) throw new Error(`the sentence that is held out has 2 to ${most} words`);
  tokenizer.encode(held_out.value);
  return { corpus, prompt: asked.slice(0, -1).join(" "), answer: asked[asked.length - 1], config: own };
}

/** In which a recipe differs from another, in words, but for the seed. @param {Recipe} one @param {Recipe} other */
export function differences(one, other) {
  /** @param {Recipe} recipe */
  const textOf = ({ corpus, prompt, answer }) => [...corpus, prompt, answer].map((line) => wordsOf(line).join(" ")).join("\n");
  const numbers = /** @type {const} */ (["steps", "learning_rate", "dropout", "weight_decay", "n_context"]);
  const changed = numbers.filter((name) => one.config[name] !== other.config[name]);
  const said = changed.map((name) => `${worded(name)} ${one.config[name]}`);
  return textOf(one) === textOf(other) ? said : ["other sentences", ...said];
}
