"""What is kept from one build to the next, in `.kept`; whatever is lost or damaged is made anew.

A file is known by the `key` of all that decides what is in it, and stands behind its own SHA-256.
"""

import base64
import contextlib
import hashlib
import inspect
import io
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from article import paths
from article.files import replace_file

KEPT = paths.KEPT / ".kept"
DIGEST = 32  # bytes of a SHA-256
OURS = ("gpt", "article", "scenes")  # modules
KEPT_SCENES, KEPT_VALUES = 256, 32  # of a kind; others go
IMPORT = re.compile(r"^\s*(?:from ([\w.]+) import (\([^)]*\)|.*)|import (.+))", re.MULTILINE)
WORD, SETTING = re.compile(r"[\w.]+"), re.compile(r"\b[A-Z][A-Z0-9_]+\b")


def key(*parts: Any) -> str:
    """SHA-256 of all that decides what is made: texts, the content of files, arrays, dataclasses of these, and values
    that their `repr` tells apart.
    """
    digest = hashlib.sha256()
    for n, part in enumerate(parts):
        for piece in (b"\0" if n else b"", *pieces(part)):
            digest.update(piece)
    return digest.hexdigest()


def pieces(part: Any) -> Iterator[bytes]:
    """What is hashed of a part of a key."""
    if is_dataclass(part):
        for field in fields(part):
            yield from pieces(getattr(part, field.name))
    elif isinstance(part, Path):
        yield part.name.encode()
        with contextlib.suppress(OSError):  # whoever needs what cannot be read says so
            yield part.read_bytes()
    elif isinstance(part, np.ndarray):
        yield part.tobytes()
    else:
        yield part.encode() if isinstance(part, str) else repr(part).encode()


def source_of(*parts: Any) -> str:
    """The source of functions and classes, by which a change of them is noticed; to move them is none."""
    return "\0".join(inspect.getsource(part) for part in parts)


def keep(path: Path, data: bytes) -> None:
    """Keeps bytes in a file, made with its folder. A disk that has no room keeps nothing, and stops nothing."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, seal(data) + data)


def load(path: Path) -> bytes | None:
    """What a file keeps, or nothing if there is no such file, or a damaged one."""
    try:
        return opened(path.read_bytes())
    except OSError:
        return None


def keep_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Keeps arrays by name, as `keep` does."""
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # pyright: ignore[reportArgumentType] - of its stub
    keep(path, packed.getvalue())


def load_arrays(path: Path) -> Mapping[str, np.ndarray] | None:
    """The arrays that a file keeps, or nothing if there is no such file, or a damaged one."""
    data = load(path)
    return None if data is None else np.load(io.BytesIO(data), allow_pickle=False)


def forget(folder: Path, most: int) -> None:
    """Leaves in a folder so many files and folders: those that were used last."""
    with contextlib.suppress(OSError):
        for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-most]:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def use(path: Path) -> None:
    """Notes that a file or folder is used, if it is there."""
    with contextlib.suppress(OSError):
        os.utime(path)


def seal(data: bytes | memoryview) -> bytes:
    """What stands before data that are kept, so that damage is noticed."""
    return hashlib.sha256(data).digest()


def opened(sealed: bytes) -> bytes | None:
    """The data behind their seal; nothing if they are not what was sealed."""
    data = sealed[DIGEST:]
    return data if seal(data) == sealed[:DIGEST] else None


def kept_value(kind: str, key: str, make: Callable[[], Any], fresh: bool, most: int = KEPT_VALUES) -> Any:
    """What `make` gives, as JSON has it, or what it has given before of the same key; so many of a kind are kept."""
    path = KEPT / kind / key
    data = None if fresh else load(path)
    use(path)
    if data is None:
        data = json.dumps(make(), allow_nan=False).encode()
        keep(path, data)
        forget(path.parent, most)
    return json.loads(data)


def kept_scene(key: str, make: Callable[[], dict], fresh: bool) -> dict:
    """What `make` makes of a scene, or what it has made before of the same key.

    That is {"files": bytes by name, "entry": its part of `scenes.json`, "figure": what the page knows}.
    """

    def packed() -> dict:
        made = make()
        return made | {"files": {file: base64.b64encode(data).decode() for file, data in made["files"].items()}}

    made = kept_value("scenes", key, packed, fresh, KEPT_SCENES)
    return made | {"files": {file: base64.b64decode(text) for file, text in made["files"].items()}}


def scene_key(name: str, shown: Any, preview: bool) -> str:
    """By what is made of a scene: the program, its libraries and the numbers."""
    return key(name, preview, drawing(name, type(shown).__module__), shown)


def drawing(name: str, *modules: str) -> list[str]:
    """What decides how a scene is drawn and what is said of it, besides its numbers; further modules may do so, too."""
    return made_by(f"scenes.{module_of(name)}", "article.web.figures", *modules)


def module_of(name: str) -> str:
    """The name of the module of a scene; "-a", "-b", "-1" tell its figures apart."""
    return re.sub(r"-([ab]|[0-9]+)$", "", name)


def made_by(*modules: str) -> list[str]:
    """What decides what modules make: the sources of all that they import, and the installed libraries.

    Of the numbers of the style, it is only those that the others name.
    """
    files: set[Path] = set()
    new = {path for module in modules if (path := file_of(module))}
    while new:
        files |= new
        new = {path for one in new for path in source(one)[1]} - files
    style = files & {paths.ROOT / "scenes" / "style.py"}
    named = {name for path in files - style for name in source(path)[2]}
    stated = [f"{path.name} {source(path)[0]}" for path in sorted(files - style)]
    return [*stated, *(with_numbers(path, named) for path in style), *installed()]


@cache
def source(path: Path) -> tuple[str, frozenset[Path], frozenset[str]]:
    """SHA-256 of a module and of what it reads that has its name; which of ours it imports; and names in capitals."""
    text = path.read_text("utf-8")
    names = [".".join(path.parent.relative_to(paths.ROOT).parts)]  # a package runs before what is in it
    for of, some, whole in IMPORT.findall(text):
        names += [of, *(f"{of}.{one}" for one in WORD.findall(some))] if of else WORD.findall(whole)
    imports = frozenset(file for name in names if (file := file_of(name)))
    return key(*sorted(path.parent.glob(f"{path.stem}.*"))), imports, frozenset(SETTING.findall(text))


def file_of(module: str) -> Path | None:
    """The file of a module, if it is one of ours."""
    stem = paths.ROOT / module.replace(".", "/")
    some = (stem.with_suffix(".py"), stem / "__init__.py") if module.partition(".")[0] in OURS else ()
    return next((path for path in some if path.is_file()), None)


def with_numbers(path: Path, named: Collection[str]) -> str:
    """A module, and those numbers of the TOML file of its name that are named, by it or by others."""
    text, numbers = path.read_text("utf-8"), tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
    wanted = {*named, *SETTING.findall(text)}
    return "\n".join([text, *(f"{name} = {number}" for name, number in numbers.items() if name in wanted)])


@cache
def installed() -> tuple[str, ...]:
    """The libraries that are installed, with their versions, and Python's."""
    places = [Path(place) for place in sys.path if place]
    found = {path.name for place in places if place.is_dir() for path in place.glob("*.dist-info")}
    return (sys.version, *sorted(found))
