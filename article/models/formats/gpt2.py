"""A folder of the GPT-2 family, as Hugging Face saves it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gpt
from article.models import tokenizers
from article.models.formats import safetensors, torch_file
from article.models.formats.layout import Layout, config_of, flag, opened_model, size_of
from article.models.formats.safetensors import Weight, quoted
from article.models.formats.vocabulary import VOCAB, resized, tokenizer_named
from article.models.model import OpenedModel

CONFIG = "config.json"
WEIGHTS = {  # by the file that has all of them, with what reads a file; whole or in parts
    safetensors.WHOLE: safetensors.read_file,
    "pytorch_model.bin": torch_file.read_weights,
}
OTHER_NAMES = {  # of sizes, as other families and older versions call them
    "n_positions": ("n_ctx", "max_position_embeddings"),
    "n_embd": ("hidden_size",),
    "n_layer": ("num_hidden_layers",),
    "n_head": ("num_attention_heads",),
}
TANH = ("gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh")  # many names of one
ACTIVATIONS = {"gelu": "gelu", "gelu_python": "gelu"} | dict.fromkeys(TANH, "gelu_tanh")  # theirs and ours
ACTIVATIONS |= {"gelu_10": "gelu_clipped", "quick_gelu": "gelu_sigmoid"}
ACTIVATIONS |= {"silu": "silu", "swish": "silu", "relu": "relu", "tanh": "tanh"}
FIXED = {  # what config.json may say, if it says it, and why
    "add_cross_attention": (False, "there is no other text to attend to here"),
    "quantization_config": (None, "weights are numbers of 16 bits or more here; save the model unquantised"),
}
FAMILY = "a model of the GPT-2 family"


def recognises(folder: Path) -> bool:
    """Whether it may be a folder of Hugging Face."""
    return (folder / CONFIG).is_file()


def read(folder: Path, tokenizer: str | None) -> OpenedModel:
    """The model of a folder of the GPT-2 family. Raises ValueError for what is none or cannot be used, OSError."""
    config, layout = family(safetensors.read_json(folder / CONFIG))
    found = weights(folder)
    beside = (str(folder / name) for name in (tokenizers.FILE, VOCAB) if (folder / name).is_file())
    named = next(beside, None) if tokenizer is None else tokenizer
    if named is None:
        raise ValueError(
            f"it has no {tokenizers.FILE}, and no {VOCAB}; name a tokenizer with --tokenizer, such as tiktoken:gpt2"
        )
    return opened_model(config, resized(tokenizer_named(named), config.n_vocab), found, layout, FAMILY, CONFIG)


def weights(folder: Path) -> dict[str, Weight]:
    """The weights of a folder, by name. Raises ValueError and OSError."""
    for whole, read_file in WEIGHTS.items():
        if (folder / whole).is_file() or (folder / f"{whole}.index.json").is_file():
            return safetensors.read_folder(folder, whole, read_file)
    raise ValueError(f"it has no weights; {' or '.join(WEIGHTS)} has them")


def family(said: Mapping[str, Any]) -> tuple[gpt.Config, Layout]:
    """The configuration that a config.json says. Raises ValueError for one of another family, or one that differs."""
    said = {name: value for name, value in said.items() if value is not None}
    for name, others in OTHER_NAMES.items():
        given = [said[other] for other in (name, *others) if other in said]
        said |= {name: given[0]} if given else {}
    kind = said.get("model_type", "gpt2")
    classes = said.get("architectures", [])
    if kind != "gpt2" or ("model_type" not in said and not all(str(name).startswith("GPT2") for name in classes)):
        what = quoted(kind) if kind != "gpt2" else quoted(classes[0])
        raise ValueError(f"{CONFIG} says that its family is {what}; only gpt2 can be opened")
    for name, (value, why) in FIXED.items():
        found = said.get(name, value)
        if type(found) is not type(value) or found != value:
            raise ValueError(f"{CONFIG} has {name} = {quoted(found)}, and {why}")
    activation = said.get("activation_function", "gelu_new")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"{CONFIG} has activation_function = {quoted(activation)}, and what is known is {known}")
    config = config_of(said, CONFIG, "n_positions", ACTIVATIONS[activation], biases=True)
    inner = size_of(said["n_inner"], "n_inner", CONFIG) if "n_inner" in said else 0
    epsilon = said.get("layer_norm_epsilon", 1e-5)
    if type(epsilon) not in (int, float) or not math.isfinite(epsilon) or not 0 <= epsilon <= 1:
        raise ValueError(f"{CONFIG} has layer_norm_epsilon = {quoted(epsilon)}, which must be a number from 0 to 1")
    config = replace(
        config, n_hidden=inner, epsilon=float(epsilon), tied=flag(said, "tie_word_embeddings", CONFIG, True)
    )
    divided = flag(said, "scale_attn_weights", CONFIG, True)
    by_block = flag(said, "scale_attn_by_inverse_layer_idx", CONFIG, False)
    return config, Layout(turned=True, biased=True, divided=divided, by_block=by_block)
