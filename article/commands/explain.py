"""`explain`: the forward pass in its numbers."""

import argparse
import sys

from article.errors import RefusalError


def run(options: argparse.Namespace) -> None:
    """Tells a forward pass, and a step of the training if that is asked for. Raises RefusalError."""
    if options.step and not sys.stdin.isatty():
        raise RefusalError("--step waits for keys, and there is no terminal to press them at; leave it out.")
    from article.commands.shared import answering

    answering.explain(options)
