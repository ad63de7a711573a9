"""The weights of the GPT-2 family, under its names, as parameters of gpt.GPT, and their tokenizer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gpt
from article.errors import RefusalError
from article.models import tokenizers
from article.models.formats import safetensors, torch_file
from article.models.formats.safetensors import Weight, quoted
from article.models.model import OpenedModel

META = "meta.pkl"
MOST = 2**31 - 1  # of a size; it is compared with the shapes before it is believed
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


def config_of(sizes: Mapping[str, Any], where: str, context: str, activation: str, biases: bool) -> gpt.Config:
    """A configuration by its sizes. Raises ValueError for those that are none, or that do not fit each other."""
    for name in ("vocab_size", context, "n_embd", "n_layer", "n_head"):
        if name not in sizes:
            raise ValueError(f"{where} has no {name}")
        if type(sizes[name]) is not int or not 1 <= sizes[name] <= MOST:
            raise ValueError(f"{where} has {name} = {quoted(sizes[name])}, which must be a whole number from 1")
    D, H = sizes["n_embd"], sizes["n_head"]
    if D % H:
        raise ValueError(f"{where} has n_embd = {D}, which n_head = {H} heads cannot share")
    shape = {"n_context": sizes[context], "n_embd": D, "n_layer": sizes["n_layer"], "n_head": H}
    return gpt.Config(sizes["vocab_size"], **shape, activation=activation, biases=biases)


def tokenizer_named(kind: str) -> gpt.Tokenizer:
    """The tokenizer that --tokenizer names. Raises RefusalError."""
    path = Path(kind)
    try:
        if kind.startswith("tiktoken:"):
            return tokenizers.encoding_of(kind.removeprefix("tiktoken:"))
        if not path.is_file():
            raise ValueError("there is no such file; name a meta.pkl or a tokenizer.json, or tiktoken:gpt2")
        return characters(path) if path.suffix == ".pkl" else tokenizers.load(safetensors.read_whole(path))
    except OSError as error:
        raise RefusalError(f"tokenizer {kind}: it cannot be read: {error.strerror}; name another one.") from None
    except ValueError as error:
        raise RefusalError(f"tokenizer {kind}: {error}.") from None


def characters(path: Path) -> tokenizers.Characters:
    """The characters of nanoGPT's meta.pkl, with the ids that they have there. Raises ValueError, OSError."""
    meta = torch_file.unpickled(safetensors.read_whole(path, torch_file.LARGEST))
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
        raise ValueError(f"it has vocab_size = {quoted(meta['vocab_size'])}, and {n} characters")
    return tokenizers.Characters("".join(map(str, alphabet)))


def padded_to(tokenizer: gpt.Tokenizer, n_vocab: int) -> gpt.Tokenizer:
    """A tokenizer for a model of so many tokens, filled up if only padding is missing. Raises ValueError if more is."""
    n = len(tokenizer.vocab)
    if n == n_vocab:
        return tokenizer
    if tokenizers.padded(n) == n_vocab:
        return tokenizers.Padded(tokenizer)
    raise ValueError(f"it has {n_vocab} tokens, and its tokenizer {n}; name the one that it was trained with")


def opened_model(
    config: gpt.Config,
    tokenizer: gpt.Tokenizer,
    found: Mapping[str, Weight],
    layout: Layout,
    origin: str,
    where: str,
) -> OpenedModel:
    """The run of weights as they were found, in the precision of the finest of them, at least float32.

    `where` says what the sizes in the configuration come from. Raises ValueError for weights that do not fit them.
    """
    found = stripped(found)
    head = found.pop("lm_head.weight", None)
    wanted = shapes(config, layout, found, f"by its {where}")
    kinds = {found[name].dtype for name in wanted}
    dtype = torch.float64 if "float64" in kinds else torch.float32
    tensors = safetensors.read_tensors(found, wanted, dtype)
    if head and not (head.shape == found["wte.weight"].shape and same(head, tensors["wte.weight"])):
        raise ValueError("its lm_head.weight is not its wte.weight, and the embedding is its own unembedding here")
    biases = replace(config, biases=layout.biased)
    model = safetensors.to_model(biases, renamed(tensors, config.n_layer, layout))
    return OpenedModel(biases, tokenizer, model, (), origin, notes(kinds, layout, tokenizer))


def same(head: Weight, embedding: Tensor) -> bool:
    """Whether a weight is the embedding."""
    return head.dtype in safetensors.FLOATS and torch.equal(
        safetensors.mapped("lm_head.weight", head).to(embedding.dtype), embedding
    )


def stripped(found: Mapping[str, Weight]) -> dict[str, Weight]:
    """The weights by names without what torch.compile and a head put before them, and without the masks.

    Raises ValueError if two have one name then.
    """
    result: dict[str, Weight] = {}
    for name, weight in found.items():
        short = str(name).removeprefix("_orig_mod.").removeprefix("transformer.")
        if short in result:
            raise ValueError(f"it has two weights {quoted(short)}")
        if not MASKS.fullmatch(short):
            result[short] = weight
    return result


def shapes(config: gpt.Config, layout: Layout, found: Mapping[str, Weight], why: str) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights by name, which those that were found have. Raises ValueError if they have not."""
    V, D, L = config.n_vocab, config.n_embd, config.n_layer
    result: dict[str, tuple[int, ...]] = {"wte.weight": (V, D), "wpe.weight": (config.n_context, D)}
    n = safetensors.blocks(found, r"h\.(\d+)\.")
    safetensors.fits({name: found[name] for name in result if name in found}, result, why)
    if n != L:
        raise ValueError(f"it has the weights of {n} blocks; {why} it needs {L}")
    block = zip(BLOCK, [(D,), (3 * D, D), (D, D), (D,), (4 * D, D), (D, 4 * D)], strict=True)
    parts = {f"h.{l}.{name}": shape for name, shape in block for l in range(L)} | {"ln_f": (D,)}
    for name, shape in parts.items():
        result[f"{name}.weight"] = shape[::-1] if layout.turned else shape
        if layout.biased:
            result[f"{name}.bias"] = shape[:1]
    safetensors.fits(found, result, why)
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
    if isinstance(tokenizer, tokenizers.Padded):
        first, last = tokenizer.unused[0], tokenizer.unused[-1]
        between = f"{first} to {last}" if first != last else first
        result.append(f"The model has more tokens than its tokenizer: {between}, which no text has.")
    return tuple(result)
