"""A folder of the GPT-2 family, as Hugging Face saves it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gpt
from article.models import tokenizers
from article.models.formats import safetensors
from article.models.formats.layout import Layout, config_of, opened_model, padded_to, tokenizer_named
from article.models.formats.safetensors import quoted
from article.models.model import OpenedModel

CONFIG = "config.json"
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}
FIXED = {  # what config.json may say, if it says it, and why
    "scale_attn_weights": (True, "scores are divided by the root of a head's size here"),
    "scale_attn_by_inverse_layer_idx": (False, "scores are scaled alike in all blocks here"),
    "add_cross_attention": (False, "there is no other text to attend to here"),
    "tie_word_embeddings": (True, "the embedding is its own unembedding here"),
    "layer_norm_epsilon": (1e-5, "LayerNorm adds 1e-05 to the variance here"),
    "quantization_config": (None, "weights are numbers of 16 bits or more here; save the model unquantised"),
}
FAMILY = "a model of the GPT-2 family"


def recognises(folder: Path) -> bool:
    """Whether it may be a folder of Hugging Face."""
    return (folder / CONFIG).is_file()


def read(folder: Path, tokenizer: str | None) -> OpenedModel:
    """The model of a folder of the GPT-2 family. Raises ValueError for what is none or cannot be used, OSError."""
    config = family(safetensors.read_json(folder / CONFIG))
    if not any((folder / name).is_file() for name in (safetensors.WHOLE, safetensors.INDEX)):
        pickled = next((name for name in PICKLED if (folder / name).is_file()), None)
        if pickled:
            raise ValueError(f"it has its weights in {pickled} only, a pickle; save the model as safetensors")
        raise ValueError(f"it has no weights; {safetensors.WHOLE} has them")
    beside = folder / tokenizers.FILE
    if tokenizer is None and not beside.is_file():
        raise ValueError(f"it has no {tokenizers.FILE}; name one with --tokenizer, or tiktoken:gpt2")
    asked = tokenizer_named(str(beside) if tokenizer is None else tokenizer)
    found = safetensors.read_folder(folder)
    return opened_model(
        config, padded_to(asked, config.n_vocab), found, Layout(turned=True, biased=True), FAMILY, CONFIG
    )


def family(said: Mapping[str, Any]) -> gpt.Config:
    """The configuration that a config.json says. Raises ValueError for one of another family, or one that differs."""
    if said.get("model_type") != "gpt2":
        raise ValueError(f"{CONFIG} says that its family is {quoted(said.get('model_type'))}; only gpt2 can be opened")
    for name, (value, why) in FIXED.items():
        found = said.get(name, value)
        if type(found) is not type(value) or found != value:
            raise ValueError(f"{CONFIG} has {name} = {quoted(found)}, and {why}")
    activation = said.get("activation_function", "gelu_new")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"{CONFIG} has activation_function = {quoted(activation)}, and what is known is {known}")
    config = config_of(said, CONFIG, "n_positions", ACTIVATIONS[activation], biases=True)
    inner = said.get("n_inner")
    if inner is not None and (type(inner) is not int or inner != 4 * config.n_embd):
        raise ValueError(f"{CONFIG} has n_inner = {quoted(inner)}, and an MLP has 4 · n_embd hidden units here")
    return config
