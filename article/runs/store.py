"""Models to ask: the article's own, and those on the disk, by what lies there.

A run of gpt.py is a folder with the model as `model.safetensors`, the settings as `config.toml`, and `tokenizer.json`.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import gpt
from article.build import RefusalError
from article.runs import tokens, weights
from article.runs.settings import Settings, read, settle, to_toml

MODEL, SETTINGS, TOKENIZER = "model.safetensors", "config.toml", "tokenizer.json"
FAMILY = "config.json"  # what a folder of Hugging Face has


@dataclass(frozen=True)
class Run:
    """A trained model, and what is needed to ask it."""

    config: gpt.Config
    tokenizer: gpt.Tokenizer
    model: gpt.GPT  # ours in float64; those from elsewhere in their own precision, at least float32
    corpus: tuple[str, ...]  # sentences that it was trained on, if they are known
    origin: str = ""  # what it is, such as "a nanoGPT checkpoint"
    notes: tuple[str, ...] = ()  # what is not as in the checkpoint, in a sentence each


def own(seed: int | None = None) -> Run:
    """The article's own model, trained if it is not kept. Raises RefusalError for an unusable `data/`."""
    from article import build, survey

    config, tokenizer, corpus, _ = build.read(seed)
    (model,) = survey.trainings(survey.Recipe(config), tokenizer, corpus, [config.seed])
    return Run(config, tokenizer, model, tuple(corpus), "the article's own model")


def files(settings: Settings, tokenizer: gpt.Tokenizer, weights: Mapping[str, Tensor]) -> dict[str, bytes]:
    """What `load` reads, by name."""
    from safetensors.torch import save

    whole = {name: weight.cpu().contiguous() for name, weight in weights.items()}
    return {MODEL: save(whole), SETTINGS: to_toml(settings).encode()} | tokens.files(tokenizer)


def load(folder: Path) -> Run:
    """The run of a folder that gpt.py has written. Raises RefusalError for one that is none, or that is damaged."""
    missing = [name for name in (MODEL, SETTINGS, TOKENIZER) if not (folder / name).is_file()]
    if missing:
        raise RefusalError(f"{folder} has no {missing[0]}; name the folder that gpt.py --data DIR --out wrote.")
    settings = settle(read(folder / SETTINGS), Settings(), f"{folder / SETTINGS}: ")
    with refused(folder):
        tokenizer = tokens.load(weights.read_whole(folder / TOKENIZER))
        config = settings.config(len(tokenizer.vocab))
        found, why = weights.safetensors(folder / MODEL), f"by {SETTINGS} and {TOKENIZER}"
        sizes = {"embedding.weight": (config.n_vocab, config.n_embd)}
        sizes |= {"position.weight": (config.n_context, config.n_embd)}
        weights.fits({name: found[name] for name in sizes if name in found}, sizes, why)
        n = weights.blocks(found, r"blocks\.(\d+)\.")
        if n != config.n_layer:
            raise ValueError(f"it has the weights of {n} blocks; {why} it needs {config.n_layer}")
        shapes = {name: tuple(weight.shape) for name, weight in weights.hollow(config).state_dict().items()}
        weights.fits(found, shapes, why)
        model = weights.model(config, weights.read(found, shapes, torch.float64))
    return Run(config, tokenizer, model, (), "a run of gpt.py")


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    """Says of what is wrong inside, where it is."""
    try:
        yield
    except OSError as error:
        raise RefusalError(f"{path} cannot be read: {error.strerror or error}; name another --checkpoint.") from None
    except ValueError as error:
        raise RefusalError(f"{path} cannot be used: {error}.") from None


def ask(checkpoint: Path | None, tokenizer: str | None = None, seed: int | None = None) -> Run:
    """The run of a checkpoint, by what it is, or the article's own model.

    A file is nanoGPT's. A folder with a `config.toml` is a run of gpt.py; one with a `config.json` is of the GPT-2
    family. A `tokenizer` is a file, or tiktoken:NAME. Raises RefusalError.
    """
    if checkpoint is None:
        if tokenizer is not None:
            raise RefusalError("--tokenizer is about a model from elsewhere; name that with --checkpoint.")
        return own(seed)
    if seed is not None:
        raise RefusalError("--seed trains the article's own model, and --checkpoint takes its place; leave one out.")
    from article.runs import checkpoint as foreign

    with refused(checkpoint):
        if checkpoint.is_file():
            return foreign.of_file(checkpoint, tokenizer)
        if not checkpoint.is_dir():
            what = "it is no file" if checkpoint.exists() else "there is no such file or folder"
            raise ValueError(f"{what}; name nanoGPT's ckpt.pt, or the folder of a model")
        if (checkpoint / SETTINGS).is_file():
            if tokenizer is not None:
                raise ValueError("a run of gpt.py has its own tokenizer; leave --tokenizer out")
            return load(checkpoint)
        if (checkpoint / FAMILY).is_file():
            return foreign.of_folder(checkpoint, tokenizer)
        raise ValueError(
            f"it has no {SETTINGS}, as a run of gpt.py has, and no {FAMILY}, as a folder of Hugging Face has; name the "
            f"folder of a model, or nanoGPT's ckpt.pt itself"
        )
