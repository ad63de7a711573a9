"""`generate`: goes on from a prompt, and shows each draw."""

import argparse


def run(options: argparse.Namespace) -> None:
    """Goes on from a prompt, token by token. Raises RefusalError."""
    from article.commands.shared import answering

    answering.generate(options)
