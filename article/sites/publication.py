"""An article of a folder: its texts, scenes, claims and values, by the same path as our own; no model is needed.

The folder is the package `content` while it is published, so that its files can import each other, and none of them
shadows ours.
"""

import argparse
import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from article import paths
from article.errors import FalsehoodError, RefusalError
from article.escaping import say
from article.evidence.claim import CLAIMS, FactError, Facts, establish
from article.web import claims_page, imprint
from article.web.publish import Page, add_page, add_pages
from article.web.site import Site, to_json

CONTENT = "content"


def publish(options: argparse.Namespace) -> None:
    """Publishes a folder; prints the summary. Raises RefusalError and FalsehoodError."""
    site = Site("draft" if options.draft else "publication", options.url)
    with site.published(options.out):
        claims = make(site, options.folder)
    lines = [f"claims      {len(claims)}, all true", *(f"note        {note}" for note in site.notes)]
    say("\n".join([*lines, *site.told(options.out / "index.html")]))


def make(site: Site, folder: Path) -> list[dict]:
    """Adds the pages of a folder to a site; returns their claims. Raises RefusalError and FalsehoodError."""
    site.imprint = imprint.read(folder / "article.toml")
    with opened(folder):
        known = {name: module(name) for name in ("values", "claims")}
        runs = getattr(known["values"], "runs", lambda: [None])()
        package = f"{CONTENT}.scenes"
        pages = [
            Page(f"{path.stem}.html", f"{folder.name}/{path.name}", text, None, package=package, kept=False)
            for path, text in texts(folder)
        ]
        shown = [name for page in pages for name in page.document.scenes]
        asked = any(page.document.claims for page in pages)
        parts = ("publication", *(["claims"] if asked else []))
        facts, judged = add_pages(
            site, pages, parts, lambda: gather(known["values"], list(runs), site), next(iter(shown), "")
        )
    if asked:
        several = "runs" if len(runs) > 1 else ""
        add_page(site, "evidence.html", claims_page.body(judged, facts, site.at, "article", several), parts)
        site.files["claims.json"] = to_json(judged)
    return judged


def gather(values: ModuleType | None, runs: list[Any], site: Site) -> Facts:
    """The values and the claims of the folder, judged on what each run came to. Raises RefusalError."""
    if not runs:
        raise RefusalError("values.py: runs() gives none; it gives a list of what claims are asked of, one or more.")
    own, *_ = runs
    found = getattr(values, "values", lambda _: {})(own)
    written = {name: value if isinstance(value, str) else f"{value:g}" for name, value in found.items()}
    try:
        names = [name for name, predicate in CLAIMS.items() if predicate.judge.__module__ == f"{CONTENT}.claims"]
        claims = {name: establish(name, own, runs) for name in names}
    except FactError as error:
        raise RefusalError(f"claims.py: {error}; change the claim.") from None
    counts = {f"{name}.held": str(claim.held) for name, claim in claims.items()}
    return Facts({**written, **counts, "seeds": str(len(runs)), "base": site.base}, claims)


def texts(folder: Path) -> list[tuple[Path, str]]:
    """The texts of a folder, `index.md` first. Raises RefusalError."""
    every = sorted(folder.glob("*.md"), key=lambda path: (path.name != "index.md", path.name))
    if not every or every[0].name != "index.md":
        raise RefusalError(f"{folder} has no index.md; {paths.COMMAND} new DIR writes a folder that has one.")
    try:
        return [(path, path.read_text("utf-8")) for path in every]
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"{folder}: a text cannot be read: {error}; save it as UTF-8.") from None


def module(name: str) -> ModuleType | None:
    """A module of the folder; nothing if there is none of that name."""
    whole = f"{CONTENT}.{name}"
    return importlib.import_module(whole) if importlib.util.find_spec(whole) else None


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[None]:
    """Has a folder as the package `content`. Says of an error in its code which it is, where, and in which line."""
    package = ModuleType(CONTENT)
    package.__path__ = [str(folder.resolve())]
    sys.modules[CONTENT] = package
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")  # for plotters without a display
    try:
        yield
    except (RefusalError, FalsehoodError):
        raise
    except Exception as error:  # whatever the author's code raises
        raise RefusalError(f"{place(error, folder)}: {type(error).__name__}: {error}; change it.") from error
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == CONTENT]:
            del sys.modules[name]
        for name in [name for name, one in CLAIMS.items() if one.judge.__module__.partition(".")[0] == CONTENT]:
            del CLAIMS[name]


def place(error: Exception, folder: Path) -> str:
    """The last line of the folder's code on the way to an error; the folder if none was on it."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}"
    root = folder.resolve()
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(root)]
    return f"{Path(frames[-1].filename).relative_to(root)}, line {frames[-1].lineno}" if frames else str(folder)
