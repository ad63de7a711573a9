"""A folder that is replaced whole or not at all: built beside, then exchanged in one step."""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from article.errors import RefusalError
from article.web.site import assets

FILES = {
    "index.html",
    "evidence.html",
    "flow.html",
    "flow.json",
    "flow",
    "gallery.html",
    "embed",
    "light.hdr",
    "scenes.json",
    "claims.json",
    ".nojekyll",
    "vendor",
    "report.html",
    "report.md",
    "log.csv",
    "plots",
    "model.safetensors",
    "config.toml",
    "tokenizer.json",
    "numbers",
    "compare.json",
}
KINDS = {  # of sites, by a file that tells them from those further down
    "evidence.html": "the article",
    "config.toml": "a run",
    "report.html": "a checkpoint's site",
    "compare.json": "a comparison",
    "flow.json": "the full flow of a prompt",
}


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place when all went well, and goes away in any case.

    It is locked while in use, so that the remains of a killed build can be told from a build under way.
    """
    out = out.absolute()
    refuse_to_replace(out)
    prefix = f".{out.name}.building-"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for remains in out.parent.glob(f"{prefix}*"):
            with contextlib.suppress(OSError), locked(remains):
                shutil.rmtree(remains, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
    except OSError as error:
        raise RefusalError(f"{out} cannot be written: {error.strerror}; choose another --out.") from None
    try:
        with locked(work):
            work.chmod(0o755)
            yield work
            if out.exists():
                exchange(work, out)
            else:
                work.rename(out)
    except OSError as error:
        raise RefusalError(f"{out} cannot be written: {error.strerror}; it is as it was.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def refuse_another_kind(out: Path, own: str) -> None:
    """Raises RefusalError if a folder holds a site of another kind than the one that is told by its `own` file.

    Who names a folder by mistake would lose more than a page.
    """
    found = next((file for file in KINDS if (out / file).exists()), own)
    if found != own:
        raise RefusalError(f"{out} holds {KINDS[found]}; name another folder with --out.")


def refuse_to_replace(out: Path) -> None:
    """Raises RefusalError if `out` is anything but a site of ours, an empty folder, or not there yet."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RefusalError(f"{out} is a file; name a folder with --out.")
    foreign = sorted({entry.name for entry in out.iterdir()} - made(out)) if out.exists() else []
    if foreign:
        raise RefusalError(f"{out} holds {foreign[0]!r}, which no build has made; move it, or name another folder.")


def made(out: Path) -> set[str]:
    """The names of what a build puts into a folder, its scenes as its `scenes.json` has them."""
    try:
        scenes = json.loads((out / "scenes.json").read_bytes())
        names = {str(scene[key]) for scene in scenes for key in ("name", "file", "still")}
        names |= {str(file) for scene in scenes for file in scene.get("strip", ())}
    except (OSError, ValueError, TypeError, KeyError):
        return set()
    return {*FILES, *assets(), *names} | {f"{name}.{kind}" for name in names for kind in ("png", "marks.json", "html")}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder. Raises BlockingIOError if another process does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def exchange(one: Path, other: Path) -> None:
    """Exchanges two folders in one step, by the system call that Linux and macOS have for it.

    Where the file system cannot, they are renamed one after the other.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(*paths, 2)  # RENAME_SWAP
    else:
        failed = libc.renameat2(-100, paths[0], -100, paths[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    if failed:
        aside = one.with_name(one.name + ".old")
        other.rename(aside)
        one.rename(other)
        aside.rename(one)
