"""`verify`: the numbers of scenes, read back out of them, and what they draw, against the same drawn anew."""

import argparse
import sys

from article.errors import FalsehoodError
from article.escaping import say


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
