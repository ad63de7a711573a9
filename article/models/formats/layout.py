"""The weights of the GPT-2 family, under its names, as parameters of gpt.GPT."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

import gpt
from article.models import tokenizers
from article.models.formats import safetensors
from article.models.formats.safetensors import Weight, quoted
from article.models.model import OpenedModel

MOST = 2**31 - 1  # of a size; it is compared with the shapes before it is believed
SEVERAL = 3  # names in a note
WRAPPED = re.compile(r"(?:(?:_orig_mod|module|base_model|pretrained_model|model|transformer)\.)*")  # before a name
MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # which tokens are of the future; no weights
HEADS = re.compile(r"(?!lm_head\.)(\w*head\w*|score|classifier|summary|qa_outputs)\..+")  # for other tasks
HEAD = "lm_head.weight"
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
    """How weights lie in a checkpoint, and what is done with them there that gpt.GPT does not do."""

    turned: bool  # matrices are (in, out), as in Hugging Face's GPT-2, not (out, in)
    biased: bool  # there are biases
    divided: bool = True  # scores are divided by the root of a head's size
    by_block: bool = False  # the scores of block n, from 1, are also divided by n


def config_of(sizes: Mapping[str, Any], where: str, context: str, activation: str, biases: bool) -> gpt.Config:
    """A configuration by its sizes. Raises ValueError for those that are none, or that do not fit each other."""
    for name in ("vocab_size", context, "n_embd", "n_layer", "n_head"):
        if name not in sizes:
            raise ValueError(f"{where} has no {name}")
        size_of(sizes[name], name, where)
    D, H = sizes["n_embd"], sizes["n_head"]
    if D % H:
        raise ValueError(f"{where} has n_embd = {D}, which n_head = {H} heads cannot share")
    shape = {"n_context": sizes[context], "n_embd": D, "n_layer": sizes["n_layer"], "n_head": H}
    return gpt.Config(sizes["vocab_size"], **shape, activation=activation, biases=biases)


def size_of(value: object, name: str, where: str) -> int:
    """The value itself. Raises ValueError for one that is no size."""
    if type(value) is not int or not 1 <= value <= MOST:
        raise ValueError(f"{where} has {name} = {quoted(value)}, which must be a whole number from 1")
    return value


def flag(said: Mapping[str, Any], name: str, where: str, default: bool) -> bool:
    """What is said to be so or not. Raises ValueError for anything else."""
    value = said.get(name, default)
    if type(value) is not bool:
        raise ValueError(f"{where} has {name} = {quoted(value)}, which must be true or false")
    return value


def opened_model(
    config: gpt.Config, tokenizer: gpt.Tokenizer, found: Mapping[str, Weight], layout: Layout, origin: str, where: str
) -> OpenedModel:
    """The model of weights as they were found, in the precision of the finest of them, at least float32.

    `where` says what the sizes in the configuration come from. If the unembedding is there and is not the embedding, it
    is used, whatever the configuration says. Raises ValueError for weights that do not fit the sizes.
    """
    found = stripped(found)
    aside = [name for name in found if HEADS.fullmatch(name)]  # such as to tell a value or a class
    found = {name: weight for name, weight in found.items() if name not in aside}
    more = []
    if HEAD in found and same(found[HEAD], found.get("wte.weight")):
        del found[HEAD]
        config = replace(config, tied=True)
    elif HEAD in found and config.tied:
        config = replace(config, tied=False)
        more = ["The checkpoint has an unembedding that is not its embedding; it is used."]
    wanted = shapes(config, layout, found, f"by its {where}")
    kinds = {found[name].dtype for name in wanted}
    dtype = torch.float64 if "float64" in kinds else torch.float32
    tensors = safetensors.read_tensors(found, wanted, dtype)
    config = replace(config, biases=layout.biased)
    model = safetensors.to_model(config, renamed(tensors, config, layout))
    return OpenedModel(config, tokenizer, model, (), origin, (*notes(kinds, layout, tokenizer, aside), *more))


def same(head: Weight, embedding: Weight | None) -> bool:
    """Whether the unembedding is the embedding."""
    if embedding is None or head.shape != embedding.shape or not {head.dtype, embedding.dtype} <= {*safetensors.FLOATS}:
        return False
    ours = safetensors.mapped("wte.weight", embedding)
    return torch.equal(safetensors.mapped(HEAD, head).to(ours.dtype), ours)


def stripped(found: Mapping[str, Weight]) -> dict[str, Weight]:
    """The weights by names without what wraps them: torch.compile, data parallel, other models; without the masks.

    Raises ValueError if two have one name then.
    """
    result: dict[str, Weight] = {}
    for name, weight in found.items():
        short = WRAPPED.sub("", str(name), count=1)
        if short in result:
            raise ValueError(f"it has two weights {quoted(short)}")
        if not MASKS.fullmatch(short):
            result[short] = weight
    return result


def shapes(config: gpt.Config, layout: Layout, found: Mapping[str, Weight], why: str) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights by name, which those that were found have. Raises ValueError if they have not."""
    V, D, L, M = config.n_vocab, config.n_embd, config.n_layer, config.n_hidden or 4 * config.n_embd
    result: dict[str, tuple[int, ...]] = {"wte.weight": (V, D), "wpe.weight": (config.n_context, D)}
    result |= {} if config.tied else {HEAD: (V, D)}
    safetensors.sizes_fit(found, result, r"h\.(\d+)\.", L, why)
    block = zip(BLOCK, [(D,), (3 * D, D), (D, D), (D,), (M, D), (D, M)], strict=True)
    parts = {f"h.{l}.{name}": shape for name, shape in block for l in range(L)} | {"ln_f": (D,)}
    for name, shape in parts.items():
        result[f"{name}.weight"] = shape[::-1] if layout.turned else shape
        if layout.biased:
            result[f"{name}.bias"] = shape[:1]
    safetensors.fits(found, result, why)
    return result


def renamed(tensors: Mapping[str, Tensor], config: gpt.Config, layout: Layout) -> dict[str, Tensor]:
    """The parameters of gpt.GPT, by its names: views of the same numbers, and zeros where there are no biases.

    Only queries whose scores are not divided as in gpt.GPT are other numbers.
    """
    result = {"embedding.weight": tensors["wte.weight"], "position.weight": tensors["wpe.weight"]}
    result |= {} if config.tied else {"unembed.weight": tensors[HEAD]}
    parts = {f"h.{l}.{name}": (l, ours) for l in range(config.n_layer) for name, ours in BLOCK.items()}
    for name, (l, ours) in parts.items():
        whole = tensors[f"{name}.weight"]
        matrix = whole.T if layout.turned and whole.ndim == 2 else whole  # (out, in)
        bias = tensors.get(f"{name}.bias", matrix.new_zeros(len(matrix)))
        if ours:
            result |= {f"blocks.{l}.{ours}.weight": matrix, f"blocks.{l}.{ours}.bias": bias}
            continue
        root = 1 if layout.divided else math.sqrt(config.n_embd // config.n_head)
        factor = root / (l + 1 if layout.by_block else 1)  # of the queries, to have the scores that are meant
        for part, rows, shift in zip(("query", "key", "value"), matrix.chunk(3), bias.chunk(3), strict=True):
            as_meant = factor if part == "query" else 1
            result[f"blocks.{l}.attention.{part}.weight"] = rows if as_meant == 1 else rows * as_meant
            if layout.biased:
                result[f"blocks.{l}.attention.{part}.bias"] = shift if as_meant == 1 else shift * as_meant
    gain = tensors["ln_f.weight"]
    return result | {"ln_f.weight": gain, "ln_f.bias": tensors.get("ln_f.bias", torch.zeros_like(gain))}


def notes(kinds: set[str], layout: Layout, tokenizer: gpt.Tokenizer, aside: list[str]) -> tuple[str, ...]:
    """What is not as in the checkpoint, in a sentence each."""
    halves = " and ".join(sorted(kinds & {"float16", "bfloat16"}))
    resized = tokenizer.note if isinstance(tokenizer, tokenizers.Resized) else ""
    same = "which comes to the same"
    possible = {
        "The checkpoint has no biases; here they are zeros.": not layout.biased,
        f"The checkpoint has weights in {halves}; here all are computed with in float32.": halves,
        "The checkpoint does not divide scores by the root of a head's size; here its queries are multiplied by that, "
        f"{same}.": not layout.divided,
        f"The checkpoint divides the scores of block n by n; here its queries are, {same}.": layout.by_block,
        resized: resized,
        f"The checkpoint has weights for other tasks, which are left aside: {some(aside)}.": aside,
    }
    return tuple(note for note, holds in possible.items() if holds)


def some(names: list[str]) -> str:
    """The first names of a foreign file, and how many more there are."""
    more = f" and {len(names) - SEVERAL:,} more" if len(names) > SEVERAL else ""
    return f"{', '.join(map(quoted, names[:SEVERAL]))}{more}"
