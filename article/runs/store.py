"""A run on the disk: the model as `model.safetensors`, the settings as `config.toml`, and `tokenizer.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import gpt
from article.build import RefusalError
from article.runs import tokens
from article.runs.settings import Settings, read, settle, to_toml

MODEL, SETTINGS, TOKENIZER = "model.safetensors", "config.toml", "tokenizer.json"


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


def files(settings: Settings, tokenizer: gpt.Tokenizer, weights: Mapping[str, Tensor]) -> dict[str, bytes]:
    """What `load` reads, by name."""
    from safetensors.torch import save

    whole = {name: weight.cpu().contiguous() for name, weight in weights.items()}
    return {MODEL: save(whole), SETTINGS: to_toml(settings).encode()} | tokens.files(tokenizer)


def load(folder: Path) -> Run:
    """The run of a folder. Raises RefusalError for one that is none, or that is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load as parse

    missing = [name for name in (MODEL, SETTINGS, TOKENIZER) if not (folder / name).is_file()]
    if missing:
        raise RefusalError(f"{folder} has no {missing[0]}; name the folder that gpt.py --data DIR --out wrote.")
    settings = settle(read(folder / SETTINGS), Settings(), f"{folder / SETTINGS}: ")
    try:
        tokenizer = tokens.load((folder / TOKENIZER).read_bytes())
        config = settings.config(len(tokenizer.vocab))
        model = gpt.GPT(config).double()
        weights = parse((folder / MODEL).read_bytes())
        shapes = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
        for name in shapes.keys() | weights.keys():
            found = tuple(weights[name].shape) if name in weights else None
            if found != shapes.get(name):
                raise ValueError(
                    f"{name} has the shape {found}, but {SETTINGS} and {TOKENIZER} make it {shapes.get(name)}"
                )
            if not torch.isfinite(weights[name]).all():
                raise ValueError(f"{name} has numbers that are not finite")
        model.load_state_dict(weights)
    except OSError as error:
        raise RefusalError(f"{folder} cannot be read: {error.strerror}.") from None
    except (ValueError, SafetensorError) as error:
        raise RefusalError(f"{folder} cannot be used: {error}.") from None
    return Run(config, tokenizer, model, ())


def ask(folder: Path | None, seed: int | None = None) -> Run:
    """The run of a folder, or the article's own model. Raises RefusalError."""
    return own(seed) if folder is None else load(folder)
