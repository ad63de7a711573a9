"""`new`: a small article to begin with, in a folder of its own."""

import argparse
import shutil
import tempfile
from pathlib import Path

from article import paths
from article.commands.shared.options import Parser, folder
from article.errors import RefusalError
from article.escaping import say

USAGE, WHAT = "DIR", "writes a small article of your own to begin with"


def parser() -> argparse.ArgumentParser:
    """The options of `new`."""
    result = Parser(
        prog=f"{paths.COMMAND} new",
        description="Writes a folder with a small article about tides: a text, two scenes, a value and a claim. Change "
        "them, and publish it.",
        allow_abbrev=False,
    )
    result.add_argument("folder", type=folder, metavar="DIR", help="a folder that is not there yet")
    return result


def run(options: argparse.Namespace) -> None:
    """Writes the folder, whole or not at all. Raises RefusalError."""
    new = options.folder
    if new.exists() or new.is_symlink():
        raise RefusalError(f"{new} is there already; name a folder that is not.")
    try:
        new.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{new.name}.", dir=new.parent) as work:
            ignored = shutil.ignore_patterns("__pycache__", "__init__.py")
            shutil.copytree(paths.ARTICLE / "sites" / "tides", Path(work) / "new", ignore=ignored)
            (Path(work) / "new").rename(new)
    except OSError as error:
        raise RefusalError(f"{new} cannot be written: {error.strerror}; name another folder.") from None
    say(f"{new}: index.md, scenes/, claims.py and values.py; {paths.COMMAND} publish {new} --out SITE publishes it.")
