
import { Tokenizer, configured, wordsOf } from "./model.js?4f3e04e6b0";
import { train } from "./training.js?4f3e04e6b0";



function fieldsOf(form) {
  const all = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[name]"));
  return Object.fromEntries([...all].map((field) => [field.name, field]));
}

const worded = (name) => name.replace(/^n_/, "").replace("_", " ");

export function fill(form, { corpus, prompt, answer, config }) {
  const said = { ...config, corpus: corpus.join("\n"), held_out: `${prompt} ${answer}` };
  for (const [name, field] of Object.entries(fieldsOf(form))) field.value = `${said[/** @type {keyof typeof said} */ (name)]}`;
}

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

export function differences(one, other) {
  const textOf = ({ corpus, prompt, answer }) => [...corpus, prompt, answer].map((line) => wordsOf(line).join(" ")).join("\n");
  const numbers = /** @type {const} */ (["steps", "learning_rate", "dropout", "weight_decay", "n_context"]);
  const changed = numbers.filter((name) => one.config[name] !== other.config[name]);
  const said = changed.map((name) => `${worded(name)} ${one.config[name]}`);
  return textOf(one) === textOf(other) ? said : ["other sentences", ...said];
}
