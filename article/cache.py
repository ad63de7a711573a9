"""What is kept from one build to the next, in `.kept`; whatever is lost or damaged is made anew.

A file is known by the `key` of all that decides what is in it, and stands behind its own SHA-256.
"""

import base64
import contextlib
import hashlib
import importlib.metadata
import inspect
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from article import paths
from article.files import replace_file

KEPT = paths.KEPT / ".kept"
DIGEST = 32  # bytes of a SHA-256
LIBRARIES = ("numpy", "pyvista", "matplotlib", "pillow")  # which decide how a scene looks
KEPT_SCENES = 128  # others go


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
        yield part.name.encode() + part.read_bytes()
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


def kept_scene(name: str, shown: Any, preview: bool, make: Callable[[], dict], fresh: bool) -> dict:
    """What `make` makes of a scene, or what it has made before of the same numbers with the same program.

    That is {"files": bytes by name, "entry": its part of `scenes.json`, "figure": what the page knows}.
    """
    path = KEPT / "scenes" / scene_key(name, shown, preview)
    data = None if fresh else load(path)
    use(path)
    if data is not None:
        made: dict[str, Any] = json.loads(data)
        return made | {"files": {file: base64.b64decode(text) for file, text in made["files"].items()}}
    made = make()
    files = {file: base64.b64encode(content).decode() for file, content in made["files"].items()}
    keep(path, json.dumps(made | {"files": files}).encode())
    forget(path.parent, KEPT_SCENES)
    return made


def scene_key(name: str, shown: Any, preview: bool) -> str:
    """By what is made of a scene: the program, its libraries and the numbers."""
    return key(name, preview, *program(), *map(version, LIBRARIES), shown)


def program() -> list[Path]:
    """The files that decide what is made of a scene: those of scenes/, and those that make its figure."""
    found = [paths.ROOT / "scenes", paths.ARTICLE / "web", paths.ARTICLE / "evidence"]
    return sorted(path for folder in found for path in folder.rglob("*.py"))


version = cache(importlib.metadata.version)  # of a library; to look it up takes as long as to draw a small scene
