"""A run of gpt.py: the model as `model.safetensors`, the settings as `config.toml`, and `tokenizer.json`."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

import gpt
from article.errors import RefusalError
from article.models import tokenizers
from article.models.formats import safetensors
from article.models.model import OpenedModel
from article.models.settings import Settings, read_toml, settle, to_toml

MODEL, SETTINGS, TOKENIZER = "model.safetensors", "config.toml", "tokenizer.json"


def run_files(settings: Settings, tokenizer: gpt.Tokenizer, weights: Mapping[str, Tensor]) -> dict[str, bytes]:
    """What `read` reads, by name."""
    from safetensors.torch import save

    whole = {name: weight.cpu().contiguous() for name, weight in weights.items()}
    return {MODEL: save(whole), SETTINGS: to_toml(settings).encode()} | tokenizers.files(tokenizer)


def recognises(folder: Path) -> bool:
    """Whether it may be a folder that gpt.py has written."""
    return (folder / SETTINGS).is_file()


def read(folder: Path, given: str | None = None) -> OpenedModel:
    """The model of a folder that gpt.py has written; another tokenizer cannot be given.

    Raises RefusalError and ValueError for one that is none, or that is damaged, OSError.
    """
    if given is not None:
        raise ValueError("a run of gpt.py has its own tokenizer; leave --tokenizer out")
    missing = [name for name in (MODEL, SETTINGS, TOKENIZER) if not (folder / name).is_file()]
    if missing:
        raise RefusalError(f"{folder} has no {missing[0]}; name the folder that gpt.py --data DIR --out wrote.")
    settings = settle(read_toml(folder / SETTINGS), Settings(), f"{folder / SETTINGS}: ")
    tokenizer = tokenizers.load(safetensors.read_whole(folder / TOKENIZER))
    config = settings.config(len(tokenizer.vocab))
    found, why = safetensors.read_file(folder / MODEL), f"by {SETTINGS} and {TOKENIZER}"
    sizes = {"embedding.weight": (config.n_vocab, config.n_embd)}
    sizes |= {"position.weight": (config.n_context, config.n_embd)}
    safetensors.sizes_fit(found, sizes, r"blocks\.(\d+)\.", config.n_layer, why)
    shapes = {name: tuple(weight.shape) for name, weight in safetensors.hollow(config).state_dict().items()}
    safetensors.fits(found, shapes, why)
    model = safetensors.to_model(config, safetensors.read_tensors(found, shapes, torch.float64))
    return OpenedModel(config, tokenizer, model, (), "a run of gpt.py")
