"""Checkpoints from elsewhere as runs: nanoGPT's `ckpt.pt`, and folders of the GPT-2 family as Hugging Face saves them.

Both name their weights alike, and both are what gpt.GPT is once the matrix of queries, keys and values is cut in three.
All sizes are compared with the shapes in the files before anything is made of them, and the weights stay in the files,
mapped into memory, as long as their precision is that of the model.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gpt
from article.build import RefusalError
from article.runs import plain, tokens, weights
from article.runs.store import Run
from article.runs.weights import Weight, shown

CONFIG, META = "config.json", "meta.pkl"
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")
MOST = 2**31 - 1  # of a size; it is compared with the shapes before it is believed
ACTIVATIONS = {"gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "gelu": "gelu", "relu": "relu"}
FIXED = {  # what config.json may say, if it says it, and why
    "scale_attn_weights": (True, "scores are divided by the root of a head's size here"),
    "scale_attn_by_inverse_layer_idx": (False, "scores are scaled alike in all blocks here"),
    "add_cross_attention": (False, "there is no other text to attend to here"),
    "tie_word_embeddings": (True, "the embedding is its own unembedding here"),
    "layer_norm_epsilon": (1e-5, "LayerNorm adds 1e-05 to the variance here"),
    "quantization_config": (None, "weights are numbers of 16 bits or more here; save the model unquantised"),
}
MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # which tokens are of the future; no weights
BLOCK = {  # the parts of a block, theirs and ours
    "ln_1": "ln_1",
    "attn.c_attn": "",  # query, key and value in one
    "attn.c_proj": "attention.project",
    "ln_2": "ln_2",
    "mlp.c_fc": "mlp.up",
    "mlp.c_proj": "mlp.down",
}


@dataclass(frozen=True)
class Layout:
    """How weights lie in a checkpoint."""

    turned: bool  # matrices are (in, out), as in Hugging Face's GPT-2, not (out, in)
    biased: bool  # there are biases


NANO = "a nanoGPT checkpoint"
FAMILY = "a model of the GPT-2 family"


# --- The two kinds ------------------------------------------------------------------------------------------------


def of_file(path: Path, tokenizer: str | None) -> Run:
    """The run of a nanoGPT checkpoint. Raises ValueError for what is none or cannot be used, OSError."""
    if path.suffix == ".safetensors":
        raise ValueError("it is a part of a model; name the folder that it lies in")
    content = plain.saved(path)
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
    asked = named(str(beside) if tokenizer is None else tokenizer)
    return run(config, fitted(asked, config.n_vocab), found, layout, NANO, "model_args")


def of_folder(folder: Path, tokenizer: str | None) -> Run:
    """The run of a folder of the GPT-2 family. Raises ValueError for what is none or cannot be used, OSError."""
    config = family(weights.read_json(folder / CONFIG))
    if not any((folder / name).is_file() for name in (weights.WHOLE, weights.INDEX)):
        pickled = next((name for name in PICKLED if (folder / name).is_file()), None)
        if pickled:
            raise ValueError(f"it has its weights in {pickled} only, a pickle; save the model as safetensors")
        raise ValueError(f"it has no weights; {weights.WHOLE} has them")
    beside = folder / tokens.FILE
    if tokenizer is None and not beside.is_file():
        raise ValueError(f"it has no {tokens.FILE}; name one with --tokenizer, or tiktoken:gpt2")
    asked = named(str(beside) if tokenizer is None else tokenizer)
    found = weights.of_folder(folder)
    return run(config, fitted(asked, config.n_vocab), found, Layout(turned=True, biased=True), FAMILY, CONFIG)


def nano(sizes: object) -> tuple[gpt.Config, Layout]:
    """The configuration that nanoGPT's model_args say. Raises ValueError."""
    if not isinstance(sizes, dict):
        raise ValueError("its model_args are no dict")
    biased = sizes.get("bias", True)  # the first versions had biases, and did not say so
    if type(biased) is not bool:
        raise ValueError(f"model_args has bias = {shown(biased)}, which must be true or false")
    return configured(sizes, "model_args", "block_size", "gelu", biased), Layout(turned=False, biased=biased)


def family(said: Mapping[str, Any]) -> gpt.Config:
    """The configuration that a config.json says. Raises ValueError for one of another family, or one that differs."""
    if said.get("model_type") != "gpt2":
        raise ValueError(f"{CONFIG} says that its family is {shown(said.get('model_type'))}; only gpt2 can be opened")
    for name, (value, why) in FIXED.items():
        found = said.get(name, value)
        if type(found) is not type(value) or found != value:
            raise ValueError(f"{CONFIG} has {name} = {shown(found)}, and {why}")
    activation = said.get("activation_function", "gelu_new")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ValueError(f"{CONFIG} has activation_function = {shown(activation)}, and what is known is {known}")
    config = configured(said, CONFIG, "n_positions", ACTIVATIONS[activation], biases=True)
    inner = said.get("n_inner")
    if inner is not None and (type(inner) is not int or inner != 4 * config.n_embd):
        raise ValueError(f"{CONFIG} has n_inner = {shown(inner)}, and an MLP has 4 · n_embd hidden units here")
    return config


def configured(sizes: Mapping[str, Any], where: str, context: str, activation: str, biases: bool) -> gpt.Config:
    """A configuration by its sizes. Raises ValueError for those that are none, or that do not fit each other."""
    for name in ("vocab_size", context, "n_embd", "n_layer", "n_head"):
        if name not in sizes:
            raise ValueError(f"{where} has no {name}")
        if type(sizes[name]) is not int or not 1 <= sizes[name] <= MOST:
            raise ValueError(f"{where} has {name} = {shown(sizes[name])}, which must be a whole number from 1")
    D, H = sizes["n_embd"], sizes["n_head"]
    if D % H:
        raise ValueError(f"{where} has n_embd = {D}, which n_head = {H} heads cannot share")
    shape = {"n_context": sizes[context], "n_embd": D, "n_layer": sizes["n_layer"], "n_head": H}
    return gpt.Config(sizes["vocab_size"], **shape, activation=activation, biases=biases)


# --- Tokenizers ---------------------------------------------------------------------------------------------------


def named(kind: str) -> gpt.Tokenizer:
    """The tokenizer that --tokenizer names. Raises RefusalError."""
    path = Path(kind)
    try:
        if kind.startswith("tiktoken:"):
            return tokens.encoding_of(kind.removeprefix("tiktoken:"))
        if not path.is_file():
            raise ValueError("there is no such file; name a meta.pkl or a tokenizer.json, or tiktoken:gpt2")
        return characters(path) if path.suffix == ".pkl" else tokens.load(weights.read_whole(path))
    except OSError as error:
        raise RefusalError(f"tokenizer {kind}: it cannot be read: {error.strerror}; name another one.") from None
    except ValueError as error:
        raise RefusalError(f"tokenizer {kind}: {error}.") from None


def characters(path: Path) -> tokens.Characters:
    """The characters of nanoGPT's meta.pkl, with the ids that they have there. Raises ValueError, OSError."""
    meta = plain.unpickled(weights.read_whole(path, plain.LARGEST))
    stoi, itos = (meta.get(name) if isinstance(meta, dict) else None for name in ("stoi", "itos"))
    if not isinstance(meta, dict) or not isinstance(stoi, dict) or not isinstance(itos, dict):
        raise ValueError("it has no stoi and itos, as a meta.pkl of nanoGPT has; name another file")
    n = len(itos)
    alphabet = [itos.get(id) for id in range(n)]
    if not n or not all(isinstance(letter, str) and len(letter) == 1 for letter in alphabet):
        raise ValueError(f"its itos does not have a character for each id from 0 to {max(n - 1, 0)}")
    if stoi != {letter: id for id, letter in enumerate(alphabet)}:
        raise ValueError("its stoi does not say the same as its itos")
    if meta.get("vocab_size", n) != n:
        raise ValueError(f"it has vocab_size = {shown(meta['vocab_size'])}, and {n} characters")
    return tokens.Characters("".join(map(str, alphabet)))


def fitted(tokenizer: gpt.Tokenizer, n_vocab: int) -> gpt.Tokenizer:
    """A tokenizer for a model of so many tokens, filled up if only padding is missing. Raises ValueError if more is."""
    n = len(tokenizer.vocab)
    if n == n_vocab:
        return tokenizer
    if tokens.padded(n) == n_vocab:
        return tokens.Padded(tokenizer)
    raise ValueError(f"it has {n_vocab} tokens, and its tokenizer {n}; name the one that it was trained with")


# --- Weights ------------------------------------------------------------------------------------------------------


def run(
    config: gpt.Config,
    tokenizer: gpt.Tokenizer,
    found: Mapping[str, Weight],
    layout: Layout,
    origin: str,
    where: str,
) -> Run:
    """The run of weights as they were found, in the precision of the finest of them, at least float32.

    `where` says what the sizes in the configuration come from. Raises ValueError for weights that do not fit them.
    """
    found = stripped(found)
    head = found.pop("lm_head.weight", None)
    wanted = shapes(config, layout, found, f"by its {where}")
    kinds = {found[name].dtype for name in wanted}
    dtype = torch.float64 if "float64" in kinds else torch.float32
    tensors = weights.read(found, wanted, dtype)
    if head and not (head.shape == found["wte.weight"].shape and same(head, tensors["wte.weight"])):
        raise ValueError("its lm_head.weight is not its wte.weight, and the embedding is its own unembedding here")
    biases = replace(config, biases=layout.biased)
    model = weights.model(biases, renamed(tensors, config.n_layer, layout))
    return Run(biases, tokenizer, model, (), origin, notes(kinds, layout, tokenizer))


def same(head: Weight, embedding: Tensor) -> bool:
    """Whether a weight is the embedding."""
    return head.dtype in weights.FLOATS and torch.equal(
        weights.mapped("lm_head.weight", head).to(embedding.dtype), embedding
    )


def stripped(found: Mapping[str, Weight]) -> dict[str, Weight]:
    """The weights by names without what torch.compile and a head put before them, and without the masks.

    Raises ValueError if two have one name then.
    """
    result: dict[str, Weight] = {}
    for name, weight in found.items():
        short = str(name).removeprefix("_orig_mod.").removeprefix("transformer.")
        if short in result:
            raise ValueError(f"it has two weights {shown(short)}")
        if not MASKS.fullmatch(short):
            result[short] = weight
    return result


def shapes(config: gpt.Config, layout: Layout, found: Mapping[str, Weight], why: str) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights by name, which those that were found have. Raises ValueError if they have not."""
    V, D, L = config.n_vocab, config.n_embd, config.n_layer
    result: dict[str, tuple[int, ...]] = {"wte.weight": (V, D), "wpe.weight": (config.n_context, D)}
    n = weights.blocks(found, r"h\.(\d+)\.")
    weights.fits({name: found[name] for name in result if name in found}, result, why)
    if n != L:
        raise ValueError(f"it has the weights of {n} blocks; {why} it needs {L}")
    block = zip(BLOCK, [(D,), (3 * D, D), (D, D), (D,), (4 * D, D), (D, 4 * D)], strict=True)
    parts = {f"h.{l}.{name}": shape for name, shape in block for l in range(L)} | {"ln_f": (D,)}
    for name, shape in parts.items():
        result[f"{name}.weight"] = shape[::-1] if layout.turned else shape
        if layout.biased:
            result[f"{name}.bias"] = shape[:1]
    weights.fits(found, result, why)
    return result


def renamed(tensors: Mapping[str, Tensor], n_layer: int, layout: Layout) -> dict[str, Tensor]:
    """The parameters of gpt.GPT, by its names: views of the same numbers, and zeros where there are no biases."""
    result = {"embedding.weight": tensors["wte.weight"], "position.weight": tensors["wpe.weight"]}
    parts = {f"h.{l}.{name}": (l, ours) for l in range(n_layer) for name, ours in BLOCK.items()}
    for name, (l, ours) in parts.items():
        whole = tensors[f"{name}.weight"]
        matrix = whole.T if layout.turned and whole.ndim == 2 else whole  # (out, in)
        bias = tensors.get(f"{name}.bias", matrix.new_zeros(len(matrix)))
        if ours:
            result |= {f"blocks.{l}.{ours}.weight": matrix, f"blocks.{l}.{ours}.bias": bias}
            continue
        for part, rows, shift in zip(("query", "key", "value"), matrix.chunk(3), bias.chunk(3), strict=True):
            result[f"blocks.{l}.attention.{part}.weight"] = rows
            if layout.biased:
                result[f"blocks.{l}.attention.{part}.bias"] = shift
    gain = tensors["ln_f.weight"]
    return result | {"ln_f.weight": gain, "ln_f.bias": tensors.get("ln_f.bias", torch.zeros_like(gain))}


def notes(kinds: set[str], layout: Layout, tokenizer: gpt.Tokenizer) -> tuple[str, ...]:
    """What is not as in the checkpoint, in a sentence each."""
    result = [] if layout.biased else ["The checkpoint has no biases; here they are zeros."]
    halves = sorted(kinds & {"float16", "bfloat16"})
    if halves:
        result.append(f"The checkpoint has weights in {' and '.join(halves)}; here all are computed with in float32.")
    if isinstance(tokenizer, tokens.Padded):
        first, last = tokenizer.unused[0], tokenizer.unused[-1]
        between = f"{first} to {last}" if first != last else first
        result.append(f"The model has more tokens than its tokenizer: {between}, which no text has.")
    return tuple(result)
