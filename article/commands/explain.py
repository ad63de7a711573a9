"""`explain`: the forward pass in its numbers."""

import argparse
import sys

from article.commands.shared.options import asking
from article.errors import RefusalError

USAGE, WHAT = "PROMPT", "tells the forward pass in its numbers"


def parser() -> argparse.ArgumentParser:
    """The options of `explain`."""
    result = asking(
        "explain", "Tells the forward pass of a prompt in the numbers that the model computed, from ids to the answer."
    )
    result.add_argument("--step", action="store_true", help="wait for a key after each stage; q quits")
    result.add_argument("--training", action="store_true", help="tell one more step of the model's training, too")
    return result


def run(options: argparse.Namespace) -> None:
    """Tells a forward pass, and a step of the training if that is asked for. Raises RefusalError."""
    if options.step and not sys.stdin.isatty():
        raise RefusalError("--step waits for keys, and there is no terminal to press them at; leave it out.")
    from article.commands.shared import answering

    answering.explain(options)
