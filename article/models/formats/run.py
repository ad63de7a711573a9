"""A run of gpt.py: the model as `model.safetensors`, the settings as `config.toml`, and `tokenizer.json`."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

import gpt
from article.errors import RefusalError
from article.models import tokenizers
from article.models.formats import safetensors
from article.models.model import Run
from article.models.settings import Settings, read, settle, to_toml

MODEL, SETTINGS, TOKENIZER = "model.safetensors", "config.toml", "tokenizer.json"


def files(settings: Settings, tokenizer: gpt.Tokenizer, weights: Mapping[str, Tensor]) -> dict[str, bytes]:
    """What `load` reads, by name."""
    from safetensors.torch import save

    whole = {name: weight.cpu().contiguous() for name, weight in weights.items()}
    return {MODEL: save(whole), SETTINGS: to_toml(settings).encode()} | tokenizers.files(tokenizer)


def load(folder: Path) -> Run:
    """The run of a folder that gpt.py has written. Raises RefusalError for one that is none, or that is damaged."""
    missing = [name for name in (MODEL, SETTINGS, TOKENIZER) if not (folder / name).is_file()]
    if missing:
        raise RefusalError(f"{folder} has no {missing[0]}; name the folder that gpt.py --data DIR --out wrote.")
    settings = settle(read(folder / SETTINGS), Settings(), f"{folder / SETTINGS}: ")
    with refused(folder):
        tokenizer = tokenizers.load(safetensors.read_whole(folder / TOKENIZER))
        config = settings.config(len(tokenizer.vocab))
        found, why = safetensors.safetensors(folder / MODEL), f"by {SETTINGS} and {TOKENIZER}"
        sizes = {"embedding.weight": (config.n_vocab, config.n_embd)}
        sizes |= {"position.weight": (config.n_context, config.n_embd)}
        safetensors.fits({name: found[name] for name in sizes if name in found}, sizes, why)
        n = safetensors.blocks(found, r"blocks\.(\d+)\.")
        if n != config.n_layer:
            raise ValueError(f"it has the weights of {n} blocks; {why} it needs {config.n_layer}")
        shapes = {name: tuple(weight.shape) for name, weight in safetensors.hollow(config).state_dict().items()}
        safetensors.fits(found, shapes, why)
        model = safetensors.model(config, safetensors.read(found, shapes, torch.float64))
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
