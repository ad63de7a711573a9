"""`verify`: the numbers of scenes, read back out of them, and what they draw, against the same drawn anew."""

import argparse
import sys
from pathlib import Path

from article import paths
from article.commands.shared.options import add_checkpoint, seed
from article.errors import FalsehoodError
from article.escaping import say

USAGE, WHAT = "FILE.glb ...", "reads the numbers back out of scenes"


def parser() -> argparse.ArgumentParser:
    """The options of `verify`."""
    result = argparse.ArgumentParser(
        prog=f"{paths.COMMAND} verify",
        description="Decodes the numbers in scenes from their geometry and compares them with what the files state and "
        "with a fresh trace of the sentence that they show. Draws each scene anew from that trace, and compares all "
        "that is drawn. Exits 1 and names the node where they differ.",
    )
    result.add_argument("files", nargs="+", type=Path, metavar="FILE.glb")
    result.add_argument("--seed", type=seed, metavar="N", help="the seed that the model of the files was trained with")
    add_checkpoint(result)
    result.add_argument(
        "--beside", metavar="B", help="of scenes of two, the other one: the path of a checkpoint, or a seed"
    )
    return result


def run(options: argparse.Namespace) -> None:
    """Holds scenes against what they state, and against what is drawn anew. Raises RefusalError and FalsehoodError."""
    from article.commands.shared import verification

    contents = {path: verification.read(path) for path in options.files}
    known = verification.known(options)
    wrong = 0
    for path, glb in contents.items():
        problems, verdict = verification.judge(path, glb, known, options.beside)
        wrong += len(problems)
        for problem in problems:
            say(f"{path}: {problem}", sys.stderr)
        if not problems:
            say(f"{path}: {verdict}")
    if wrong:
        raise FalsehoodError(f"{wrong} nodes do not show what they should; rebuild the scenes, or name their --seed.")
