"""`trace`: every array of the forward pass, for numpy."""

import argparse
import os

from article.errors import RefusalError


def run(options: argparse.Namespace) -> None:
    """Writes the arrays of a forward pass to a file, in one step. Raises RefusalError."""
    file = options.out
    placed = os.path.isdir(file.parent)
    if file.suffix != ".npz" or os.path.isdir(file) or not placed:
        what = "is no name for a file that ends in .npz" if placed else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --out, such as trace.npz.")
    from article.commands.shared import answering

    answering.save_trace(options)
