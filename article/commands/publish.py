"""`publish`: an article of a folder of one's own."""

import argparse

from article import paths
from article.commands.shared.options import Parser, folder

USAGE, WHAT = "DIR --out SITE", "publishes an article of a folder of your own"
SITE = "publication"


def parser() -> argparse.ArgumentParser:
    """The options of `publish`."""
    result = Parser(
        prog=f"{paths.COMMAND} publish",
        description="Publishes the article of a folder: index.md and further texts, scenes/*.py with build(), claims.py"
        " and values.py. It needs no model. `new DIR` writes a folder to begin with.",
        allow_abbrev=False,
    )
    result.add_argument("folder", type=folder, metavar="DIR", help="the folder of the article")
    result.add_argument("--out", type=folder, required=True, metavar="SITE", help="write the site there")
    result.add_argument("--url", default="", help="where the site will be published; makes link previews absolute")
    return result


def run(options: argparse.Namespace) -> None:
    """Writes the site. Raises RefusalError and FalsehoodError."""
    from article.sites import publication

    publication.publish(options)
