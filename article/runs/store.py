"""A run on the disk: the model as `model.safetensors`, the configuration as `config.toml`, and the tokenizer."""

from dataclasses import dataclass
from pathlib import Path

import gpt


@dataclass(frozen=True)
class Run:
    """A trained model, and what is needed to ask it."""

    config: gpt.Config
    tokenizer: gpt.Tokenizer
    model: gpt.GPT  # in float64, so that what it computes is what a trace has
    corpus: tuple[str, ...]  # sentences that it was trained on, if they are known


def own(seed: int | None = None) -> Run:
    """The article's own model, trained if it is not kept. Raises RefusalError for an unusable `data/`."""
    from article import build, survey

    config, tokenizer, corpus, _ = build.read(seed)
    (model,) = survey.trainings(survey.Recipe(config), tokenizer, corpus, [config.seed])
    return Run(config, tokenizer, model, tuple(corpus))


def load(folder: Path) -> Run:
    """The run of a folder. Raises RefusalError for one that is none, or that is damaged."""
    raise NotImplementedError(folder)


def ask(folder: Path | None, seed: int | None = None) -> Run:
    """The run of a folder, or the article's own model. Raises RefusalError."""
    return own(seed) if folder is None else load(folder)
