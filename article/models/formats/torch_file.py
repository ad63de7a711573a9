"""Pickles of plain values, and the files of torch.save, read without running anything that they ask for.

A pickle is a program: to unpickle a foreign one is to run it. Here it is taken apart, opcode by opcode, and only those
are followed that put texts, numbers, lists, tuples and dicts together. A pickle that wants more is refused.
"""

import mmap
import pickletools
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from article.models.formats.safetensors import FLOATS, Weight, quoted

LARGEST = 1 << 22  # bytes of a pickle; that of GPT-2 with its optimizer has a fifth of a million
BITS = 64  # of a whole number
VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
TEXTS = {"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
KEYS = (str, int, float, type(None))  # whose hash takes no time; that of a tuple in a tuple in a tuple may take years


# --- Pickles ------------------------------------------------------------------------------------------------------


class RefusedError(ValueError):
    """A pickle wants what is not done here; says what."""


def unpickled(
    data: bytes, known: Mapping[str, Any] | None = None, stored: Callable[..., object] | None = None
) -> object:
    """The value of a pickle.

    What is `known`, by names such as "collections.OrderedDict", may be referred to, and called if it is a function;
    `stored` gives what is kept outside of the pickle. Raises ValueError for a pickle that is none, damaged or too
    large, and for one that wants more.
    """
    if len(data) > LARGEST:
        raise ValueError(f"its pickle has {len(data):,} bytes, and one of plain values at most {LARGEST:,}")
    machine = Machine(known or {}, stored)
    try:
        with warnings.catch_warnings():  # of escapes in a text that make no sense
            warnings.simplefilter("ignore")
            for opcode, argument, _ in pickletools.genops(data):
                machine.follow(opcode.name, argument)
        (value,) = machine.stack
    except RefusedError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # what comes of a damaged program
        raise ValueError("it is no pickle, or a damaged one") from error
    return value


class Machine:
    """What a pickle is a program for: a stack of values, and a memory of them by number."""

    def __init__(self, known: Mapping[str, Any], stored: Callable[..., object] | None) -> None:
        self.known, self.stored = known, stored
        self.stack: list[Any] = []  # above the last mark
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memory: dict[int, Any] = {}

    def follow(self, name: str, argument: Any) -> None:
        """Follows one opcode. Raises RefusedError for one that is not followed, others for what makes no sense."""
        match name:
            case "PROTO" | "FRAME" | "STOP":
                return
            case "MARK":
                self.below.append(self.stack)
                self.stack = []
                return
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memory[argument] = self.stack[-1]
                return
            case "MEMOIZE":
                self.memory[len(self.memory)] = self.stack[-1]
                return
        value = self.value(name, argument)
        self.stack.append(value)

    def value(self, name: str, argument: Any) -> Any:
        """What an opcode puts onto the stack."""
        if name in VALUES:
            return VALUES[name]
        if name in TEXTS:
            return argument
        if name in NUMBERS:
            if isinstance(argument, int) and argument.bit_length() > BITS:
                raise RefusedError(f"it has a whole number of more than {BITS} bits")
            return argument
        if name in TUPLES:
            return tuple(self.taken(TUPLES[name]))
        match name:
            case "TUPLE":
                return tuple(self.marked())
            case "EMPTY_LIST":
                return []
            case "LIST":
                return self.marked()
            case "APPEND" | "APPENDS":
                items = self.taken(1) if name == "APPEND" else self.marked()
                result = self.popped(list)
                result.extend(items)
                return result
            case "EMPTY_DICT":
                return {}
            case "DICT":
                return filled({}, self.marked())
            case "SETITEM" | "SETITEMS":
                items = self.taken(2) if name == "SETITEM" else self.marked()
                return filled(self.popped(dict), items)
            case "GET" | "BINGET" | "LONG_BINGET":
                return self.memory[argument]
            case "GLOBAL":
                return self.named(argument.replace(" ", ".", 1))
            case "STACK_GLOBAL":
                return self.named(".".join(self.taken(2)))
            case "REDUCE":
                function, arguments = self.taken(2)
                return function(*arguments)  # there is nothing else to be called than the functions that are known
            case "BUILD":
                self.taken(1)  # what an OrderedDict of weights has to say of itself
                return self.popped(dict)
            case "BINPERSID" if self.stored:
                return self.stored(*self.taken(1)[0])
        raise RefusedError(f"its pickle has the opcode {name}, and one of plain values has none such")

    def named(self, name: str) -> Any:
        """What a name stands for."""
        if name not in self.known:
            raise RefusedError(f"its pickle asks for {quoted(name)}, which is not done; nothing of it was run")
        return self.known[name]

    def taken(self, n: int) -> list[Any]:
        """The uppermost n values, off the stack."""
        if len(self.stack) < n:
            raise IndexError
        values = self.stack[len(self.stack) - n :]
        del self.stack[len(self.stack) - n :]
        return values

    def marked(self) -> list[Any]:
        """The values above the last mark, off the stack with it."""
        values, self.stack = self.stack, self.below.pop()
        return values

    def popped(self, kind: type) -> Any:
        """The uppermost value, off the stack; it is to be of a kind."""
        (value,) = self.taken(1)
        if type(value) is not kind:
            raise TypeError
        return value


def filled(result: dict[Any, Any], items: Sequence[Any]) -> dict[Any, Any]:
    """A dict, with keys and values that come one after the other put into it."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, KEYS):
            raise RefusedError(f"it has a dict with a {type(key).__name__} for a key")
        result[key] = value
    return result


# --- Files of torch.save ------------------------------------------------------------------------------------------

STORAGES = {  # their names in the pickle, and what they hold
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
DAMAGED = (zipfile.BadZipFile, struct.error, ValueError, EOFError, NotImplementedError, RuntimeError, OverflowError)


class Stored(NamedTuple):
    """Where a tensor lies: in which storage, and how. What a file says, not checked yet."""

    dtype: str
    key: str
    offset: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


def stored(_: str, dtype: str, key: str, *__: object) -> Stored:
    return Stored(dtype, key)


def rebuilt(storage: Stored, offset: int, shape: Any, strides: Any, *_: object) -> Stored:
    return storage._replace(offset=offset, shape=shape, strides=strides)


KNOWN = {f"torch.{name}": dtype for name, dtype in STORAGES.items()} | {
    "collections.OrderedDict": lambda: {},
    "torch._utils._rebuild_tensor_v2": rebuilt,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
}


def read_file(path: Path) -> object:
    """What torch.save has written into a file, with a `Weight` in the place of each tensor that a dict has for a value.

    The file is mapped, so that only those are read that are asked for. Raises ValueError for what is no such file, and
    for one that wants more than is plain; OSError.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # PyTorch wants to be able to write
    parts = parts_of(path, mapped)
    names = [name for name in parts if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise ValueError("it is no file of torch.save, or one of a version before 1.6")
    root = names[0].removesuffix("data.pkl")
    if bytes(parts.get(f"{root}byteorder", b"little")[:9]) != b"little":
        raise ValueError("its numbers have their bytes in the order of another kind of processor")
    if len(parts[names[0]]) > LARGEST:
        raise ValueError(f"its pickle has more than {LARGEST:,} bytes")
    value = unpickled(bytes(parts[names[0]]), KNOWN, stored)
    return with_weights(value, partial(weight, parts, f"{root}data/"))


def parts_of(path: Path, mapped: mmap.mmap) -> dict[str, memoryview]:
    """The files in a zip archive that is mapped, by name; they are not compressed in those of torch.save."""
    whole, result = memoryview(mapped), {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                    raise ValueError("it is compressed, as torch.save does not do")
                head = whole[info.header_offset : info.header_offset + 30]
                start = info.header_offset + 30 + sum(struct.unpack("<HH", head[26:]))
                result[info.filename] = whole[start : start + info.file_size]
                if bytes(head[:4]) != b"PK\3\4" or len(result[info.filename]) != info.file_size:
                    raise ValueError("it is damaged")
    except DAMAGED as error:
        reason = str(error) if type(error) is ValueError and str(error).startswith("it is") else ""
        raise ValueError(reason or "it is no file of torch.save, or a damaged one") from None
    return result


def with_weights(value: object, weight: Callable[[Stored], Weight]) -> object:
    """The same value, with a `Weight` for each tensor in a dict of a dict."""
    if not isinstance(value, dict):
        return value
    inner = {key: part for key, part in value.items() if isinstance(part, dict)}
    return value | {
        key: {name: weight(part) if isinstance(part, Stored) else part for name, part in parts.items()}
        for key, parts in inner.items()
    }


def weight(parts: Mapping[str, memoryview], folder: str, place: Stored) -> Weight:
    """A tensor by the place where it lies. Raises ValueError for one that does not lie there as weights do."""
    dtype, key, offset, shape, strides = place
    sizes = (offset, *shape, *strides) if type(shape) is tuple and type(strides) is tuple else ("",)
    if not (type(dtype) is type(key) is str and all(type(size) is int and size >= 0 for size in sizes)):
        raise ValueError("it has a tensor of no size")
    return Weight(shape, dtype, partial(tensor, parts.get(f"{folder}{key}"), place))


def tensor(data: memoryview | None, place: Stored) -> Tensor:
    """The tensor of a storage (a view). Raises ValueError if it does not lie in it in one piece."""
    n = prod(place.shape)
    size = torch.finfo(getattr(torch, place.dtype)).bits // 8 if place.dtype in FLOATS else 0
    steps = tuple(prod(place.shape[axis + 1 :]) for axis in range(len(place.shape)))
    if data is None or not size or place.strides != steps or not 0 < n * size <= len(data) - place.offset * size:
        raise ValueError("does not lie in the file in one piece")
    flat = torch.frombuffer(data, dtype=getattr(torch, place.dtype), count=n, offset=place.offset * size)
    return flat.view(place.shape)
