"""`flow`: every number of a prompt on a page."""

import argparse

from article.commands.shared.options import asking, folder, seed

USAGE, WHAT = "PROMPT --out DIR", "shows every number of a prompt on a page"
SITE = "flow"


def parser() -> argparse.ArgumentParser:
    """The options of `flow`."""
    result = asking(
        "flow",
        "Shows every number between a prompt and the next token on one page, stage by stage: as tables, with the lines "
        "of gpt.py that computed them, and as CSV and JSON.",
    )
    result.add_argument("--out", type=folder, required=True, metavar="DIR", help="write the page there, as index.html")
    result.add_argument("--seed", type=seed, metavar="N", help="train with another seed")
    return result


def run(options: argparse.Namespace) -> None:
    """Writes a site of one page, the full flow of a prompt. Raises RefusalError."""
    from article.sites import flow

    flow.publish(options)
