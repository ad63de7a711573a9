"""A `ckpt.pt` of nanoGPT."""

from pathlib import Path

import gpt
from article.models.formats import torch_file
from article.models.formats.layout import META, Layout, config_of, opened_model, padded_to, tokenizer_named
from article.models.formats.safetensors import Weight, quoted
from article.models.model import OpenedModel

NANO = "a nanoGPT checkpoint"


def recognises(path: Path) -> bool:
    """Whether it may be a checkpoint of nanoGPT: any file."""
    return path.is_file()


def read(path: Path, tokenizer: str | None) -> OpenedModel:
    """The model of a nanoGPT checkpoint. Raises ValueError for what is none or cannot be used, OSError."""
    if path.suffix == ".safetensors":
        raise ValueError("it is a part of a model; name the folder that it lies in")
    content = torch_file.read_file(path)
    if not isinstance(content, dict) or not {"model", "model_args"} <= content.keys():
        raise ValueError("it has no model and model_args, as a ckpt.pt of nanoGPT has")
    config, layout = nano(content["model_args"])
    found = content["model"]
    if not isinstance(found, dict) or not all(isinstance(one, Weight) for one in found.values()):
        raise ValueError("its model is not a dict of weights alone")
    beside = path.parent / META
    if tokenizer is None and not beside.is_file():
        raise ValueError(
            "it has no tokenizer; name one with --tokenizer: a meta.pkl, a tokenizer.json or tiktoken:gpt2"
        )
    asked = tokenizer_named(str(beside) if tokenizer is None else tokenizer)
    return opened_model(config, padded_to(asked, config.n_vocab), found, layout, NANO, "model_args")


def nano(sizes: object) -> tuple[gpt.Config, Layout]:
    """The configuration that nanoGPT's model_args say. Raises ValueError."""
    if not isinstance(sizes, dict):
        raise ValueError("its model_args are no dict")
    biased = sizes.get("bias", True)  # the first versions had biases, and did not say so
    if type(biased) is not bool:
        raise ValueError(f"model_args has bias = {quoted(biased)}, which must be true or false")
    return config_of(sizes, "model_args", "block_size", "gelu", biased), Layout(turned=False, biased=biased)
