"""The article's own model: what `data/` holds, and the training on it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import gpt
from article import paths
from article.errors import RefusalError
from article.models import corpus as corpus_
from article.models import ensemble, recording
from article.models.model import OpenedModel
from article.parallel import beside


def read_data(seed: int | None = None) -> tuple[gpt.Config, gpt.Tokenizer, list[str], list[str]]:
    """What `data/` holds: the configuration, the tokenizer, the corpus and what is held out. Raises RefusalError."""
    corpus, held_out = sentences(paths.DATA / "train.txt"), sentences(paths.DATA / "held_out.txt")
    tokenizer = gpt.Tokenizer(sentence for _, sentence in corpus)
    config = gpt.Config(n_vocab=len(tokenizer.vocab))
    config = config if seed is None else replace(config, seed=seed)
    for path, lines in (("data/train.txt", corpus), ("data/held_out.txt", held_out)):
        for line, sentence in lines:
            n, most = len(sentence.split()), config.n_context + 1
            if not 2 <= n <= most:
                raise RefusalError(
                    f"{path}, line {line}: the sentence has {n} words; it needs at least 2 and at most {most}."
                )
            try:
                tokenizer.encode(sentence)
            except ValueError as error:
                raise RefusalError(
                    f"{path}, line {line}: {error}; use it in data/train.txt, too, or leave it out."
                ) from None
    return config, tokenizer, [sentence for _, sentence in corpus], [sentence for _, sentence in held_out]


def sentences(path: Path) -> list[tuple[int, str]]:
    """The numbered lines of a text that hold words. Raises RefusalError where there is none to be had."""
    name = path.relative_to(paths.ROOT)
    text = corpus_.file_text(path, 0, name)
    lines = [(n, " ".join(line.split())) for n, line in enumerate(text.split("\n"), 1) if line.split()]
    if not lines:
        raise RefusalError(f"{name} holds no sentence; write one a line.")
    return lines


def prompt_of(held_out: list[str]) -> str:
    """The held-out sentence without its last word."""
    return held_out[0].rsplit(maxsplit=1)[0]


@contextlib.contextmanager
def trained_beside(seed: int | None, fresh: bool) -> Iterator[None]:
    """Trains the article's own model and looks around it, if that is not kept, while something else is done inside.

    Raises RefusalError for an unusable `data/`.
    """
    config, tokenizer, corpus, held_out = read_data(seed)
    prompt = prompt_of(held_out)
    if not fresh and recording.kept_at(config, corpus, prompt).exists():
        yield
        return
    with beside(lambda: recording.explored(config, tokenizer, corpus, prompt, fresh)) as wait:
        yield
        wait()


def trainings(
    config: gpt.Config,
    tokenizer: gpt.Tokenizer,
    corpus: list[str],
    prompt: str,
    others: Sequence[int],
    fresh: bool = False,
) -> list[gpt.GPT]:
    """The article's own model, and those of other seeds. What is kept is not trained again, unless it is to be fresh.

    The own one is kept with what is recorded of its training, if there are others to compare it with.
    """
    recipe = ensemble.Recipe(config)
    if others:
        recording.explored(config, tokenizer, corpus, prompt)
    (mine,) = ensemble.trainings(recipe, tokenizer, corpus, [config.seed])
    rest = [other for other in others if other != config.seed]
    trained = dict(zip(rest, ensemble.trainings(recipe, tokenizer, corpus, rest, fresh), strict=True))
    return [mine, *(mine if other == config.seed else trained[other] for other in others)]


def own_model(seed: int | None = None) -> OpenedModel:
    """The article's own model, trained if it is not kept. Raises RefusalError for an unusable `data/`."""
    config, tokenizer, corpus, _ = read_data(seed)
    (mine,) = ensemble.trainings(ensemble.Recipe(config), tokenizer, corpus, [config.seed])
    return OpenedModel(config, tokenizer, mine, tuple(corpus), "the article's own model")
