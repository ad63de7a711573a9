"""A folder that is replaced whole or not at all: built beside, then exchanged in one step.

It is the old one or the new one at every moment. What a folder holds stands in its `site.json`; one that holds anything
else, or a site of another kind, is left alone.
"""

import contextlib
import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from article import __version__, paths
from article.errors import RefusalError
from article.files import locked, umask
from article.web.viewer import VENDORED

RECORD = "site.json"
ASIDE = ".old"
KNOWN = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
KINDS: dict[str, list[str]] = KNOWN["kinds"]


def assets() -> list[str]:
    """The names of the style and the scripts that every page has."""
    return ["page.css", *sorted(path.name for path in paths.ASSETS.glob("*.js"))]


def record(kind: str, files: Collection[str]) -> bytes:
    """The `site.json` of a site: its kind, the version of the program, and its files but for what npm brings."""
    stated = {"kind": kind, "version": __version__, "files": sorted({*files, RECORD})}
    return (json.dumps(stated, indent=1, ensure_ascii=False) + "\n").encode()


def recorded(out: Path) -> tuple[str, set[str]] | None:
    """The kind of the site in a folder, and its files; nothing if there is no site."""
    try:
        stated = json.loads((out / RECORD).read_bytes())
        return str(stated["kind"]), {RECORD, *VENDORED, *map(str, stated["files"])}
    except FileNotFoundError:
        return earlier(out)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def earlier(out: Path) -> tuple[str, set[str]] | None:
    """The same of a site without a `site.json`, whose kind a file tells, and its scenes `scenes.json`."""
    kind = next((kind for kind, (_, file) in KINDS.items() if (out / file).exists()), None)
    try:
        scenes = json.loads((out / "scenes.json").read_bytes())
        names = {str(scene[key]) for scene in scenes for key in ("name", "file", "still")}
        names |= {str(file) for scene in scenes for file in scene.get("strip", ())}
    except (OSError, ValueError, TypeError, KeyError):
        return None
    names |= {f"{name}.{ending}" for name in names for ending in ("png", "marks.json")} | {*assets()}
    past = [pattern for patterns in KNOWN["earlier"].values() for pattern in patterns]
    made = {file for file in contents(out) if file in names or any(fnmatchcase(file, one) for one in past)}
    return (kind, made) if kind else None


def contents(out: Path) -> list[str]:
    """The files in a folder and in those inside it, by their paths."""
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir() or path.is_symlink())


def refuse_to_replace(out: Path, kind: str) -> None:
    """Raises RefusalError if `out` is anything but a site of this kind, an empty folder, or not there yet.

    Who names a folder by mistake would lose more than a page.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise RefusalError(f"{out} is a file; name a folder with --out.")
    if os.path.ismount(out):
        raise RefusalError(f"{out} is where a file system is mounted, which cannot be exchanged; name a folder in it.")
    found, made = recorded(out) or (kind, set())
    if found != kind:
        what, *_ = KINDS.get(found, ("another site",))
        raise RefusalError(f"{out} holds {what}; name another folder with --out.")
    if foreign := next((file for file in contents(out) if file not in made), ""):
        raise RefusalError(f"{out} holds {foreign!r}, which no build has made; move it, or name another folder.")
    if is_fixed(out.resolve()):
        raise RefusalError(f"{out} lies on a layer of an overlay that it cannot leave; name another folder with --out.")


def is_fixed(folder: Path) -> bool:
    """Whether a folder cannot be exchanged because it lies on a lower layer of an overlay.

    To find out, it is moved onto a folder that is not empty, which never gives way: the errors differ.
    """
    with contextlib.suppress(OSError):
        mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
        _, kind = max((mount for mount in mounts if folder.is_relative_to(mount[0])), key=lambda mount: len(mount[0]))
        if kind == "overlay":
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as full:
                Path(full, "file").touch()
                try:
                    folder.rename(full)
                except OSError as error:
                    return error.errno == errno.EXDEV
    return False


@contextlib.contextmanager
def workplace(out: Path, kind: str) -> Iterator[Path]:
    """A new folder beside `out` that takes its place when all went well, and goes away in any case.

    It is locked while in use, so that the remains of a killed build can be told from a build under way. Raises
    RefusalError if `out` is anything but a site of the kind.
    """
    out = out.resolve()
    prefix = f".{out.name}.building-"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out.parent, wait=True):
            clear(out, prefix)
            refuse_to_replace(out, kind)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
    except OSError as error:
        raise RefusalError(f"{out} cannot be written: {error.strerror}; choose another --out.") from None
    try:
        with locked(work):
            work.chmod(0o777 & ~umask())  # as any folder that is made here; tempfile's are private
            yield work
            with locked(out.parent, wait=True):  # or what another build puts there is taken for foreign
                refuse_to_replace(out, kind)  # what was put into it meanwhile stays, too
                if out.exists():
                    exchange(work, out)
                else:
                    work.rename(out)
    except OSError as error:
        raise RefusalError(f"{out} cannot be written: {error.strerror}; it is as it was.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def clear(out: Path, prefix: str) -> None:
    """Takes away what killed builds left; a site that one of them had moved aside, and not replaced yet, goes back."""
    every = (path for path in out.parent.iterdir() if path.name.startswith(prefix))
    for remains in sorted(every, reverse=True):  # what was moved aside before what replaces it
        work = remains.with_name(remains.name.removesuffix(ASIDE))
        with contextlib.suppress(OSError), locked(work if work.exists() else remains):
            if remains != work and not out.exists():
                remains.rename(out)
            else:
                shutil.rmtree(remains, ignore_errors=True)


def exchange(one: Path, other: Path) -> None:
    """Exchanges two folders in one step, by the system call that Linux and macOS have for it.

    Where the file system cannot, they are renamed one after the other; `clear` puts back what a kill leaves aside.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(*names, 2)  # RENAME_SWAP
    else:
        failed = libc.renameat2(-100, names[0], -100, names[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    if failed:
        aside = one.with_name(one.name + ASIDE)
        other.rename(aside)
        one.rename(other)
        shutil.rmtree(aside, ignore_errors=True)
