"""`trace`: every array of the forward pass, for numpy."""

import argparse
import os

from article.commands.shared.options import asking, folder
from article.errors import RefusalError

USAGE, WHAT = "PROMPT --out FILE.npz", "keeps every array of the forward pass for numpy"


def parser() -> argparse.ArgumentParser:
    """The options of `trace`."""
    result = asking("trace", "Writes every array of the forward pass of a prompt to a file for numpy.load.")
    result.add_argument("--out", type=folder, required=True, metavar="FILE.npz", help="write them there")
    return result


def run(options: argparse.Namespace) -> None:
    """Writes the arrays of a forward pass to a file, in one step. Raises RefusalError."""
    file = options.out
    placed = os.path.isdir(file.parent)
    if file.suffix != ".npz" or os.path.isdir(file) or not placed:
        what = "is no name for a file that ends in .npz" if placed else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --out, such as trace.npz.")
    from article.commands.shared import answering

    answering.save_trace(options)
