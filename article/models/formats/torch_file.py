"""Pickles of plain values, and the files of torch.save, read without running anything that they ask for.

A pickle is a program: to unpickle a foreign one is to run it. Here it is taken apart, opcode by opcode, and only those
are followed that put texts, numbers, lists, tuples and dicts together. In the place of an object of another kind stands
its name; a pickle that wants a function called is refused, but for a few that are known to make such objects.
"""

import mmap
import pickletools
import re
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

from article.files import plain
from article.models.formats.safetensors import FLOATS, Weight, quoted

LARGEST = 1 << 22  # bytes of a pickle; that of GPT-2 with its optimizer has a fifth of a million
BITS = 64  # of a whole number
VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict}
NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
TEXTS = {"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
BYTES = {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"}
HARMLESS = re.compile(  # what is called to make an object that is not read
    r"torch\.(device|Size)|builtins\.(set|frozenset|complex|range|slice|bytearray)|collections\.deque|"
    r"(copyreg|copy_reg)\._reconstructor|datetime\.(date|datetime|timedelta)|types\.SimpleNamespace|pathlib\..*|"
    r"numpy\._?core\.(multiarray\._reconstruct|numeric\._frombuffer)",
    re.DOTALL,
)
KEYS = (str, int, float, type(None))  # whose hash takes no time; that of a tuple in a tuple in a tuple may take years


# --- Pickles ------------------------------------------------------------------------------------------------------


class RefusedError(ValueError):
    """A pickle wants what is not done here; says what."""


class Unread:
    """Stands in the place of an object of a kind that is not plain; has what a dict says of its state."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: dict[Any, Any] = {}


def unpickled(data: bytes) -> object:
    """The plain value of a pickle. Raises ValueError for a pickle that is none, damaged or too large, or wants more."""
    if len(data) > LARGEST:
        raise ValueError(f"its pickle has {len(data):,} bytes, and one of plain values at most {LARGEST:,}")
    return Machine().run(data)[0]


class Machine:
    """What a pickle is a program for: a stack of values, and a memory of them by number.

    What is `known`, by names such as "collections.OrderedDict", may be referred to, and called if it is a function;
    `stored` gives what is kept outside of the pickle. If these are given, what is not known is `unread`.
    """

    def __init__(self, known: Mapping[str, Any] | None = None, stored: Callable[..., object] | None = None) -> None:
        self.known, self.stored = known or {}, stored
        self.unread: dict[str, Unread] = {}
        self.stack: list[Any] = []  # above the last mark
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memory: dict[int, Any] = {}

    def run(self, data: bytes) -> tuple[object, int]:
        """The value of a pickle, and how many bytes it has. Raises ValueError."""
        self.stack, self.below, self.memory, place = [], [], {}, 0
        try:
            with warnings.catch_warnings():  # of escapes in a text that make no sense
                warnings.simplefilter("ignore")
                for opcode, argument, at in pickletools.genops(data):
                    self.follow(opcode.name, argument)
                    place = int(at or 0) + 1
            (value,) = self.stack
        except RefusedError:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, struct.error) as error:  # of a damaged program
            raise ValueError("it is no pickle, or a damaged one") from error
        return value, place

    def follow(self, name: str, argument: Any) -> None:
        """Follows one opcode. Raises RefusedError for one that is not followed, others for what makes no sense."""
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self.below.append(self.stack)
                self.stack = []
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memory[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memory[len(self.memory)] = self.stack[-1]
            case _:
                value = self.value(name, argument)  # which may change what the stack is
                self.stack.append(value)

    def value(self, name: str, argument: Any) -> Any:
        """What an opcode puts onto the stack."""
        if name in VALUES:
            return VALUES[name]
        if name in EMPTY:
            return EMPTY[name]()
        if name in TEXTS or (name in BYTES and self.stored):
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
            case "LIST":
                return self.marked()
            case "APPEND" | "APPENDS":
                items = self.taken(1) if name == "APPEND" else self.marked()
                result = self.popped(list, Unread)
                if isinstance(result, list):
                    result.extend(items)
                return result
            case "DICT":
                return filled({}, self.marked())
            case "SETITEM" | "SETITEMS":
                items = self.taken(2) if name == "SETITEM" else self.marked()
                result = self.popped(dict, Unread)
                return result if isinstance(result, Unread) else filled(result, items)
            case "EMPTY_SET" | "FROZENSET" if self.stored:
                if name == "FROZENSET":
                    self.marked()
                return self.named("builtins.set")
            case "ADDITEMS" if self.stored:
                self.marked()
                return self.popped(Unread)
            case "GET" | "BINGET" | "LONG_BINGET":
                return self.memory[argument]
            case "GLOBAL":
                return self.named(argument.replace(" ", ".", 1))
            case "STACK_GLOBAL":
                return self.named(".".join(self.taken(2)))
            case "REDUCE":
                return self.called(*self.taken(2))
            case "NEWOBJ" | "NEWOBJ_EX" if self.stored:
                kind, *_ = self.taken(2 if name == "NEWOBJ" else 3)
                return Unread(kind.name)
            case "BUILD":
                (state,) = self.taken(1)  # of a dict, what an OrderedDict of weights has to say of itself
                result = self.popped(dict, Unread)
                if isinstance(result, Unread) and isinstance(state, dict):
                    result.state = state
                return result
            case "BINPERSID" if self.stored:
                return self.stored(*self.taken(1)[0])
        raise RefusedError(f"its pickle has the opcode {name}, and one of plain values has none such")

    def called(self, function: Any, arguments: Any) -> Any:
        """What a function gives: there is none to be called but those that are known."""
        if not isinstance(function, Unread):
            return function(*arguments)
        if not HARMLESS.fullmatch(function.name):
            raise refusal(function.name)
        return Unread(function.name)

    def named(self, name: str) -> Any:
        """What a name stands for."""
        name = name.replace("__builtin__.", "builtins.", 1)  # as Python 2 called it
        if name in self.known:
            return self.known[name]
        if not self.stored:
            raise refusal(name)
        return self.unread.setdefault(name, Unread(name))

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

    def popped(self, *kinds: type) -> Any:
        """The uppermost value, off the stack; it is to be of a kind."""
        (value,) = self.taken(1)
        if not isinstance(value, kinds):
            raise TypeError
        return value


def refusal(name: str) -> RefusedError:
    return RefusedError(f"its pickle asks for {quoted(name)}, which is not done; nothing of it was run")


def filled(result: dict[Any, Any], items: Sequence[Any]) -> dict[Any, Any]:
    """A dict, with keys and values that come one after the other put into it."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, KEYS):
            raise RefusedError(f"it has a dict with a {type(key).__name__} for a key")
        result[key] = value
    return result


# --- Files of torch.save ------------------------------------------------------------------------------------------

STORAGES = {  # their names in the pickle, and what they hold
    **{"FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "DoubleStorage": "float64"},
    **{"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8"},
    **{"ByteStorage": "uint8", "BoolStorage": "bool"},
}


class Stored(NamedTuple):
    """Where a tensor lies: in which storage, and how. What a file says, not checked yet."""

    dtype: str
    key: str
    offset: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


def rebuilt(storage: Stored, offset: int, shape: Any, strides: Any, *_: object) -> Stored:
    return storage._replace(offset=offset, shape=shape, strides=strides)


NUMBERS_OF_NUMPY = {"f2": "<e", "f4": "<f", "f8": "<d", "b1": "<?"} | {
    f"{kind}{size}": f"<{letter.lower() if kind == 'i' else letter}"
    for kind in "iu"
    for size, letter in ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))
}


def number(dtype: Unread, data: bytes) -> int | float | bool | Unread:
    """A number of numpy; unread if it is of another type, such as a text."""
    form = NUMBERS_OF_NUMPY.get(dtype.name)
    return struct.unpack(form, data)[0] if form else Unread("numpy.generic")


KNOWN = {f"torch.{name}": dtype for name, dtype in STORAGES.items()} | {
    "collections.OrderedDict": lambda: {},
    "collections.defaultdict": lambda *_: {},
    "numpy.dtype": lambda code, *_: Unread(str(code)),
    "numpy._core.multiarray.scalar": number,
    "numpy.core.multiarray.scalar": number,
    "_codecs.encode": lambda text, *_: str(text).encode("latin-1"),  # how protocol 2 writes bytes
    "torch._utils._rebuild_tensor_v2": rebuilt,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
}


class Saved(NamedTuple):
    """What torch.save has written into a file."""

    value: object  # with a `Weight` in the place of each tensor that it, or a dict in it, has for a value
    unread: list[str]  # the names of what is not plain in it


def read_file(path: Path) -> Saved:
    """What torch.save has written into a file.

    The file is mapped, so that only those weights are read that are asked for. Raises ValueError for what is no such
    file, and for one that wants more than is plain; OSError.
    """
    with plain(path).open("rb") as file:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # PyTorch wants to be able to write
    if mapped[: len(MAGIC)] == MAGIC:
        return old_file(mapped)
    parts = parts_of(path, mapped)
    names = [name for name in parts if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise ValueError("it is no file of torch.save")
    root = names[0].removesuffix("data.pkl")
    if bytes(parts.get(f"{root}byteorder", b"little")[:9]) != b"little":
        raise ValueError("its numbers have their bytes in the order of another kind of processor")
    if len(parts[names[0]]) > LARGEST:
        raise ValueError(f"its pickle has more than {LARGEST:,} bytes")
    machine = Machine(KNOWN, lambda _, dtype, key, *__: Stored(dtype, key))
    value, _ = machine.run(bytes(parts[names[0]]))
    places = {name.removeprefix(f"{root}data/"): part for name, part in parts.items()}
    return Saved(with_weights(value, partial(weight, places)), [*machine.unread])


def read_weights(path: Path) -> dict[str, Weight]:
    """The weights of a file that has nothing else, by name. Raises ValueError for any other, OSError."""
    try:
        value = read_file(path).value
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from None
    if not isinstance(value, dict) or not all(isinstance(one, Weight) for one in value.values()):
        raise ValueError(f"{path.name} is not a dict of weights alone")
    return value


MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")  # what torch.save wrote first before version 1.6, a pickle


def old_file(mapped: mmap.mmap) -> Saved:
    """What torch.save has written before version 1.6: pickles one after the other, and then the storages."""
    at, values, sizes = len(MAGIC), [], {}

    def measured(_: str, dtype: str, key: str, *more: object) -> Stored:
        if more[2:] not in ((), (None,)):
            raise RefusedError("it has views of storages, as very old versions of PyTorch have")
        sizes[key] = getattr(torch, dtype).itemsize  # in bytes
        return Stored(dtype, key)

    machine = Machine(KNOWN, measured)
    for _ in range(4):  # the version of the form, the machine, the value, the keys of its storages
        value, n = machine.run(mapped[at : at + LARGEST])
        values.append(value)
        at += n
    version, system, value, keys = values
    if version != 1001 or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("it is a file of torch.save of a form that is not known")
    places, whole = {}, memoryview(mapped)
    for key in keys if isinstance(keys, list) else ():
        size = sizes.get(key, 0) if isinstance(key, str) else 0
        if len(whole) < at + 8 or not size:
            raise ValueError("it is damaged")
        (n,) = struct.unpack("<q", whole[at : at + 8])
        places[key] = whole[at + 8 : at + 8 + n * size]
        at += 8 + n * size
        if n < 0 or at > len(whole):
            raise ValueError("it is damaged")
    return Saved(with_weights(value, partial(weight, places)), [*machine.unread])


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
    except (zipfile.BadZipFile, struct.error, ValueError, EOFError, RuntimeError, OverflowError) as error:
        reason = str(error) if type(error) is ValueError and str(error).startswith("it is") else ""
        raise ValueError(reason or "it is no file of torch.save, or a damaged one") from None
    return result


def with_weights(value: object, weight: Callable[[Stored], Weight], depth: int = 2) -> object:
    """The same value, with a `Weight` for each tensor in a dict, or in a dict of a dict."""
    if isinstance(value, Stored):
        return weight(value)
    if isinstance(value, dict) and depth:
        return {key: with_weights(part, weight, depth - 1) for key, part in value.items()}
    return value


def weight(places: Mapping[str, memoryview], place: Stored) -> Weight:
    """A tensor by the place where it lies. Raises ValueError for one that does not lie there as weights do."""
    dtype, key, offset, shape, strides = place
    sizes = (offset, *shape, *strides) if type(shape) is tuple and type(strides) is tuple else ("",)
    if not (type(dtype) is type(key) is str and all(type(size) is int and size >= 0 for size in sizes)):
        raise ValueError("it has a tensor of no size")
    return Weight(shape, dtype, partial(tensor, places.get(key), place))


def tensor(data: memoryview | None, place: Stored) -> Tensor:
    """The tensor of a storage (a view). Raises ValueError if it does not lie in it in one piece."""
    n = prod(place.shape)
    size = getattr(torch, place.dtype).itemsize if place.dtype in FLOATS else 0
    steps = tuple(prod(place.shape[axis:]) for axis in range(1, len(place.shape) + 1))
    if data is None or not size or place.strides != steps or not 0 < n * size <= len(data) - place.offset * size:
        raise ValueError("does not lie in the file in one piece")
    flat = torch.frombuffer(data, dtype=getattr(torch, place.dtype), count=n, offset=place.offset * size)
    return flat.view(place.shape)
