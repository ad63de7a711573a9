"""`trace`: every array of the forward pass, for numpy."""

import argparse
import os
import tempfile
from pathlib import Path

from article.commands.shared.options import asking, folder
from article.errors import RefusalError
from article.escaping import say

USAGE, WHAT = "PROMPT --out FILE.npz", "keeps every array of the forward pass for numpy"


def parser() -> argparse.ArgumentParser:
    """The options of `trace`."""
    result = asking("trace", "Writes every array of the forward pass of a prompt to a file for numpy.load.")
    result.add_argument("--out", type=folder, required=True, metavar="FILE.npz", help="write them there")
    return result


def run(options: argparse.Namespace) -> int:
    """Writes the arrays of a forward pass to a file, in one step. Raises RefusalError."""
    file = options.out
    placed = os.path.isdir(file.parent)
    if file.suffix != ".npz" or os.path.isdir(file) or not placed:
        what = "is no name for a file that ends in .npz" if placed else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --out, such as trace.npz.")
    import numpy as np

    from article.models import loading, prompts

    run = loading.open_model(options.checkpoint, options.tokenizer)
    prompt = prompts.read(run, options.prompt, options.cut)
    arrays = prompts.arrays(prompts.traced(run, prompt), prompt)
    try:
        # Written where it will lie: it may be too large for the memory.
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            np.savez(Path(folder) / "new.npz", allow_pickle=False, **arrays)
            (Path(folder) / "new.npz").replace(file)
    except OSError as error:
        raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    say("\n".join([*run.notes, *prompt.notes, f"{file}: {len(arrays)} arrays of {len(prompt.read)} tokens"]))
    return 0
