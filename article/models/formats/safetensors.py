"""Weights in files, by name: their shapes are known before they are read, and reading them copies nothing."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import gpt
from article.files import plain

FLOATS = ("float32", "float16", "bfloat16", "float64")
FORMATS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16", "F64": "float64"}  # as safetensors calls them
WHOLE = "model.safetensors"
LONGEST = 60  # letters of what a foreign file says, in an error
TEXT = 1 << 25  # bytes of a file that is read whole


class Weight(NamedTuple):
    """A tensor in a file."""

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], Tensor]  # maps it from the file, where that is possible


def quoted(value: object) -> str:
    r"""A value of a foreign file in an error: short, and on one line.

    >>> quoted("a\nb"), quoted([1, 2]), quoted(1e-6)
    ("'a\\nb'", 'a list', '1e-06')
    """
    if isinstance(value, dict | list | tuple):
        return f"a {type(value).__name__}"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    text = repr(value[:LONGEST] if isinstance(value, str) else value)
    return text if len(text) <= LONGEST + 2 else f"{text[:LONGEST]}…"


def read_whole(path: Path, most: int = TEXT) -> bytes:
    """The bytes of a small file. Raises ValueError for one that is too large, OSError."""
    with plain(path).open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path.name} has more than {most:,} bytes")
    return data


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ValueError for anything else, OSError."""
    try:
        value = json.loads(read_whole(path))
    except (ValueError, RecursionError):
        raise ValueError(f"{path.name} is no JSON, or a damaged one") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is no JSON object")
    return value


def read_file(path: Path) -> dict[str, Weight]:
    """The weights of a file. Raises ValueError for one that is none or damaged, OSError."""
    from safetensors import SafetensorError, safe_open

    plain(path).open("rb").close()  # whose error says why it cannot be read
    try:
        file = safe_open(path, framework="pt")
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        kinds = {name: str(part.get_dtype()) for name, part in parts.items()}
        return {
            name: Weight(tuple(part.get_shape()), FORMATS.get(kinds[name], kinds[name]), partial(file.get_tensor, name))
            for name, part in parts.items()
        }
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path.name} is no file of safetensors, or a damaged one ({quoted(str(error))})") from None


def read_folder(folder: Path, whole: str, read: Callable[[Path], Mapping[str, Weight]]) -> dict[str, Weight]:
    """The weights of a folder, in one file or in several that an index names, each of which is `read`.

    Raises ValueError and OSError.
    """
    if (folder / whole).is_file():
        return dict(read(folder / whole))
    index = f"{whole}.index.json"
    places = read_json(folder / index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ValueError(f"{index} has no weight_map")
    result: dict[str, Weight] = {}
    for name in sorted({shard(folder, place, index, Path(whole).suffix) for place in places.values()}):
        for key, weight in read(folder / name).items():
            if places.get(key) != name:
                raise ValueError(f"{name} has {quoted(key)}, which {index} does not say")
            result[key] = weight
    missing = next((key for key in places if key not in result), None)
    if missing is not None:
        raise ValueError(f"{index} has {quoted(missing)}, which is not in {quoted(places[missing])}")
    return result


def shard(folder: Path, name: object, index: str, suffix: str) -> str:
    """The name of a file in the folder. Raises ValueError for any other, and for one that is not there."""
    if not isinstance(name, str) or not re.fullmatch(rf"[\w.-]{{1,200}}{re.escape(suffix)}", name):
        raise ValueError(f"{index} has {quoted(name)} in its weight_map, which is no file of the folder")
    if not (folder / name).is_file():
        raise ValueError(f"{name}, which {index} names, is not there")
    return name


def fits(found: Mapping[str, Weight], wanted: Mapping[str, tuple[int, ...]], why: str) -> None:
    """Raises ValueError if these are not the weights of these names and shapes, of numbers that are computed with."""
    for name, shape in wanted.items():
        if name not in found:
            raise ValueError(f"it has no {name}; {why} it needs one of the shape {shape}")
        if found[name].shape != shape:
            theirs = ", ".join(map(str, found[name].shape[:4])) + ", …" * (len(found[name].shape) > 4)
            raise ValueError(f"{name} has the shape ({theirs}); {why} it needs {shape}")
        if found[name].dtype not in FLOATS:
            raise ValueError(
                f"{name} is kept as {quoted(found[name].dtype)}, and what can be read is {', '.join(FLOATS)}; "
                f"save it as one of these"
            )
    for name in found:
        if name not in wanted:
            raise ValueError(f"it has a weight {quoted(name)}, which {why} it cannot have")


def sizes_fit(found: Mapping[str, Weight], wanted: Mapping[str, tuple[int, ...]], block: str, n: int, why: str) -> None:
    """Raises ValueError for other shapes of these weights, or other than n blocks, which a group of a pattern numbers.

    It is said before a model of such sizes is made.
    """
    fits({name: found[name] for name in wanted if name in found}, wanted, why)
    blocks = len({match[1] for name in found if (match := re.match(block, name))})
    if blocks != n:
        raise ValueError(f"it has the weights of {blocks} blocks; {why} it needs {n}")


def mapped(name: str, weight: Weight) -> Tensor:
    """The tensor of a weight, as it lies in its file. Raises ValueError if it does not lie there."""
    try:
        return weight.read()
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def read_tensors(weights: Mapping[str, Weight], names: Iterable[str], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors of these names, of a dtype; only what is of another one is copied.

    Raises ValueError for a number that is none.
    """
    result = {}
    for name in names:
        tensor = mapped(name, weights[name])
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} has numbers that are not finite")
        result[name] = tensor.to(dtype)
    return result


class Unfilled(TorchFunctionMode):
    """Where this is on, no tensor is filled with normal random numbers. To do so with one that has shape alone, PyTorch
    loads its compiler, which takes seconds.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        return given["tensor"] if func is nn.init.normal_ else func(*args, **given)


def hollow(config: gpt.Config) -> gpt.GPT:
    """A model whose parameters have shapes and no numbers, and take no memory."""
    with torch.device("meta"), Unfilled():
        return gpt.GPT(config)


def to_model(config: gpt.Config, tensors: Mapping[str, Tensor]) -> gpt.GPT:
    """The model whose parameters are these tensors themselves, not copies."""
    result = hollow(config)
    result.load_state_dict(tensors, assign=True)
    return result
