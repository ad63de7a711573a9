"""A scene as the article shows it: built, verified and drawn; what an earlier build has made of the same is kept.

What is made of a scene is {"files": bytes by name, "entry": its part of `scenes.json`, "figure": what the page knows}.
"""

import base64
import contextlib
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import gpt
from article import survey

HERE = Path(__file__).resolve().parent
LIBRARIES = ("numpy", "pyvista", "matplotlib", "pillow")
KEPT_SCENES = 128  # others go


def kept(name: str, shown: gpt.Trace, preview: bool, make: Callable[[], dict], fresh: bool) -> dict:
    """What `make` makes of a scene, or what it has made before of the same numbers with the same program."""
    path = survey.KEPT / "scenes" / key(name, shown, preview)
    if fresh:
        path.unlink(missing_ok=True)
    made = load(path)
    with contextlib.suppress(OSError):
        os.utime(path)  # the least used go first
    if made is None:
        made = make()
        with contextlib.suppress(OSError):  # a disk that has no room keeps nothing
            path.parent.mkdir(parents=True, exist_ok=True)
            survey.replace_file(path, dump(made))
            for old in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime)[:-KEPT_SCENES]:
                old.unlink(missing_ok=True)
    return made


def key(name: str, shown: gpt.Trace, preview: bool) -> str:
    """SHA-256 of all that decides what is made: the program, its libraries and the numbers."""
    digest = hashlib.sha256(f"{name} {preview}".encode())
    for path in (*sorted(HERE.parent.glob("scenes/*.py")), *sorted(HERE.glob("*.py"))):
        digest.update(path.name.encode() + path.read_bytes())
    for library in LIBRARIES:
        digest.update(version(library).encode())
    for field in fields(shown):
        value = getattr(shown, field.name)
        parts = [getattr(value, part.name) for part in fields(gpt.Trace)] if isinstance(value, gpt.Trace) else [value]
        for part in parts:
            digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()


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
