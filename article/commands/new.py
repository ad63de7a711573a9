"""`new`: a small article to begin with, in a folder of its own."""

import argparse
import shutil
import tempfile
from pathlib import Path

from article import paths
from article.errors import RefusalError
from article.escaping import say


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
