"""What is kept from one build to the next, in `article/.kept`; whatever is lost or damaged is made anew.

What is made of a scene is {"files": bytes by name, "entry": its part of `scenes.json`, "figure": what the page knows}.
"""

import base64
import contextlib
import hashlib
import importlib.metadata
import inspect
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from article import paths

LIBRARIES = ("numpy", "pyvista", "matplotlib", "pillow")
KEPT = paths.ARTICLE / ".kept"
KEPT_SCENES = 128  # others go


def kept(name: str, shown: Any, preview: bool, make: Callable[[], dict], fresh: bool) -> dict:
    """What `make` makes of a scene, or what it has made before of the same numbers with the same program."""
    path = KEPT / "scenes" / key(name, shown, preview)
    if fresh:
        path.unlink(missing_ok=True)
    made = load(path)
    with contextlib.suppress(OSError):
        os.utime(path)  # the least used go first
    if made is None:
        made = make()
        with contextlib.suppress(OSError):  # a disk that has no room keeps nothing
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, dump(made))
            for old in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime)[:-KEPT_SCENES]:
                old.unlink(missing_ok=True)
    return made


def key(name: str, shown: Any, preview: bool) -> str:
    """SHA-256 of all that decides what is made: the program, its libraries and the numbers."""
    digest = hashlib.sha256(f"{name} {preview}".encode())
    for path in program():
        digest.update(str(path.relative_to(paths.ROOT)).encode() + path.read_bytes())
    for library in LIBRARIES:
        digest.update(version(library).encode())
    for part in parts(shown):
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()


def parts(shown: Any) -> list[Any]:
    """All that a dataclass holds, and those in it."""
    if not is_dataclass(shown):
        return [shown]
    return [part for field in fields(shown) for part in parts(getattr(shown, field.name))]


def source_of(*parts: Any) -> str:
    """The source of functions and classes, by which a change of them is noticed; to move them is none."""
    return "\0".join(inspect.getsource(part) for part in parts)


def program() -> list[Path]:
    """The files that decide what is made of a scene: those of scenes/, and those that make its figure."""
    found = [paths.ROOT / "scenes", paths.ARTICLE / "web", paths.ARTICLE / "evidence"]
    return sorted(path for folder in found for path in folder.rglob("*.py"))


version = cache(importlib.metadata.version)  # of a library; to look it up takes as long as to draw a small scene


def dump(made: dict) -> bytes:
    """What is made, as text behind its own SHA-256."""
    files = {name: base64.b64encode(data).decode() for name, data in made["files"].items()}
    text = json.dumps(made | {"files": files}).encode()
    return hashlib.sha256(text).hexdigest().encode() + text


def load(path: Path) -> dict | None:
    """What a file keeps, or nothing if there is no such file, or a damaged one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data[64:]).hexdigest().encode() != data[:64]:
        return None
    made: dict[str, Any] = json.loads(data[64:])
    return made | {"files": {name: base64.b64decode(text) for name, text in made["files"].items()}}


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file in one step: it is the old one or the new one at every moment."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(data)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
