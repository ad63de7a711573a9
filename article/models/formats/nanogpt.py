"""A `ckpt.pt` of nanoGPT, and of what is like it."""

from dataclasses import replace
from pathlib import Path

import gpt
from article.models.formats import torch_file
from article.models.formats.layout import Layout, config_of, flag, opened_model, some
from article.models.formats.safetensors import Weight
from article.models.formats.vocabulary import META, resized, tokenizer_named
from article.models.model import OpenedModel

NANO = "a nanoGPT checkpoint"


def recognises(path: Path) -> bool:
    """Whether it may be a checkpoint of nanoGPT: any file."""
    return path.is_file()


def read(path: Path, tokenizer: str | None) -> OpenedModel:
    """The model of a nanoGPT checkpoint. Raises ValueError for what is none or cannot be used, OSError."""
    if path.suffix == ".safetensors":
        raise ValueError("it is a part of a model; name the folder that it lies in")
    content, unread = torch_file.read_file(path)
    if not isinstance(content, dict) or "model" not in content or not {"model_args", "config"} & content.keys():
        raise ValueError("it has no model and model_args, as a ckpt.pt of nanoGPT has")
    where = "model_args" if "model_args" in content else "config"
    sizes = content[where]
    if isinstance(sizes, torch_file.Unread):  # the configuration of build-nanogpt is an object
        unread = [name for name in unread if name != sizes.name]
        sizes = sizes.state
    found = content["model"]
    if not isinstance(found, dict) or not all(isinstance(one, Weight) for one in found.values()):
        raise ValueError("its model is not a dict of weights alone")
    config, layout = nano(sizes, where, any(str(name).endswith("ln_f.bias") for name in found))
    beside = path.parent / META
    if tokenizer is None and not beside.is_file():
        raise ValueError(
            "it has no tokenizer; name one with --tokenizer: a meta.pkl, a tokenizer.json or tiktoken:gpt2"
        )
    asked = tokenizer_named(str(beside) if tokenizer is None else tokenizer)
    model = opened_model(config, resized(asked, config.n_vocab), found, layout, NANO, where)
    more = [f"The checkpoint also holds what is not read: {some(unread)}."] if unread else []
    return replace(model, notes=(*model.notes, *more))


def nano(sizes: object, where: str, has_biases: bool) -> tuple[gpt.Config, Layout]:
    """The configuration that nanoGPT's model_args say, of weights that have biases or not. Raises ValueError."""
    if not isinstance(sizes, dict):
        raise ValueError(f"its {where} are no dict")
    biased = flag(sizes, "bias", where, has_biases)
    # The first versions did not say whether they had biases, and computed GELU by tanh.
    activation = "gelu" if "bias" in sizes else "gelu_tanh"
    return config_of(sizes, where, "block_size", activation, biased), Layout(turned=False, biased=biased)
