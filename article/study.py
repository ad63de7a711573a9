"""What makes a recipe robust: the same model trained in other ways, and with other sentences held out.

`make study` computes it, in minutes, and keeps the results in `data/study.json`. A build shows them as long as they
are results of this program: their hash covers the code that computes them and the weights that our own recipe comes to.
"""

import datetime
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace

import torch

import gpt
from article import cache, paths
from article.errors import RefusalError
from article.files import replace_file
from article.models import ensemble
from article.models.ensemble import Recipe
from article.models.own import read_data

KEPT = paths.DATA / "study.json"
SEEDS = range(1, 33)
FEWER = range(1, 17)  # of a recipe that takes ten times as long
CONTRAST = "third"  # the row that shows a training which fails


def recipes(config: gpt.Config) -> dict[str, tuple[str, Recipe, range]]:
    """Each row by its name: in words, the recipe and the seeds."""
    ours = Recipe(config)
    return {
        "ours": ("our recipe", ours, SEEDS),
        "padding": ("with padding as a target", replace(ours, padding_is_target=True), SEEDS),
        "undropped": ("without dropout", Recipe(replace(config, dropout=0.0)), SEEDS),
        "undecayed": ("without weight decay", Recipe(replace(config, weight_decay=0.0)), SEEDS),
        "third": ("with a third of the steps", Recipe(replace(config, steps=config.steps // 3)), SEEDS),
        "float32": ("in float32", replace(ours, dtype=torch.float32), SEEDS),
        "predecessor": (
            "as a predecessor published it",
            Recipe(
                replace(config, steps=10_000, learning_rate=1e-4, dropout=0.2),
                padding_is_target=True,
                sampled=64,
                plain=True,
                dtype=torch.float32,
            ),
            FEWER,
        ),
    }


def turns(corpus: Sequence[str], held_out: str) -> dict[str, tuple[list[str], str]]:
    """The corpus and the held-out sentence, by its last word, for each of the sentences that are analogous to ours.

    A sentence is analogous if it differs in two words, the linked ones; ours then takes its place in the corpus.
    """
    result = {held_out.split()[-1]: (list(corpus), held_out)}
    for sentence in corpus:
        one, other = sentence.split(), held_out.split()
        if (
            len(one) == len(other)
            and sum(a != b for a, b in zip(one, other, strict=True)) == 2
            and one[-1] != other[-1]
        ):
            result[one[-1]] = ([held_out if line == sentence else line for line in corpus], sentence)
    return result


def outcome(recipe: Recipe, corpus: Sequence[str], held_out: str, seeds: Sequence[int]) -> dict:
    """What the trainings of all seeds came to: {"seeds", "held", "probability", "loss", "looks"}, a number for each.

    The probability is that of the held-out word; "looks" is the least, over the blocks, of the most that a head's last
    position looks at the word that differs from all analogous sentences.
    """
    tokenizer = gpt.Tokenizer(corpus)
    *prompt, answer = tokenizer.encode(held_out)
    place = next(
        t for t in range(len(prompt)) if not any(tokenizer.encode(s)[: t + 1] == prompt[: t + 1] for s in corpus)
    )
    ids, targets = gpt.batch(tokenizer, corpus)
    result: dict[str, list] = {"seeds": list(seeds), "held": [], "probability": [], "loss": [], "looks": []}
    for model in ensemble.trainings(recipe, tokenizer, corpus, seeds):
        with torch.no_grad():
            read = model(torch.tensor([prompt]))
            loss = gpt.loss(model(ids).logits, targets)
        logits = read.logits[0, -1]
        result["held"].append(int(logits.argmax()) == answer)
        result["probability"].append(round(float(logits.softmax(-1)[answer]), 4))
        result["loss"].append(round(float(loss), 4))
        result["looks"].append(round(float(read.attention[:, 0, :, -1, place].amax(1).min()), 4))
    return result


def study(config: gpt.Config, corpus: list[str], held_out: str) -> dict:
    """All rows, the training that fails, and what they are results of."""
    rows, held = [], []
    for name, (words, recipe, seeds) in recipes(config).items():
        rows.append({"name": name, "words": words} | outcome(recipe, corpus, held_out, seeds))
        print(f"{words}: {sum(rows[-1]['held'])} of {len(seeds)}", file=sys.stderr)
    for name, (sentences, sentence) in turns(corpus, held_out).items():
        recipe = Recipe(replace(config, n_vocab=len(gpt.Tokenizer(sentences).vocab)))
        held.append({"name": name, "words": sentence} | outcome(recipe, sentences, sentence, SEEDS))
        print(f"{sentence}: {sum(held[-1]['held'])} of {len(SEEDS)}", file=sys.stderr)
    weak = next(row for row in rows if row["name"] == CONTRAST)
    trained = zip(*(weak[key] for key in ("probability", "seeds", "held", "looks")), strict=True)
    failing = [(p, seed) for p, seed, right, looks in trained if not right and looks > 0.5]
    models = ensemble.trainings(Recipe(config), gpt.Tokenizer(corpus), corpus, FEWER)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "hash": fingerprint(models),
        "recipes": rows,
        "held_out": held,
        "contrast": min(failing)[1] if failing else None,
    }


def fingerprint(models: Sequence[gpt.GPT]) -> str:
    """SHA-256 of what produced the results: the code, and models of our own recipe, from seed 1 on."""
    parts = [cache.source_of(recipes, turns, outcome), ensemble.training_code()]
    parts += [gpt.fingerprint(model) for model in models[: len(FEWER)]]
    return cache.key(*parts)


def load(models: Sequence[gpt.GPT]) -> dict | None:
    """The kept results, if they are those of this program with these models of our own recipe; else nothing."""
    try:
        kept = json.loads(KEPT.read_bytes())
        return kept if len(models) >= len(FEWER) and kept["hash"] == fingerprint(models) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def failing(config: gpt.Config) -> tuple[Recipe, int]:
    """The recipe and the seed of a training that looks at the right word and says the wrong one.

    Raises ValueError if the kept results know of none.
    """
    try:
        seed = json.loads(KEPT.read_bytes())["contrast"]
        if not isinstance(seed, int):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError("data/study.json knows of no training that fails; make study computes it") from None
    return recipes(config)[CONTRAST][1], seed


def main() -> int:
    """Computes the study and keeps it. Returns the exit status."""
    try:
        config, _, corpus, held_out = read_data()
    except RefusalError as problem:
        print(f"study: {problem}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    try:
        result = study(config, corpus, held_out[0])
    except KeyboardInterrupt:
        print("study: interrupted; data/study.json is as it was.", file=sys.stderr)
        return 130
    lines = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda row: f"[{' '.join(row[1].split())}]", json.dumps(result, indent=1))
    replace_file(KEPT, f"{lines}\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
