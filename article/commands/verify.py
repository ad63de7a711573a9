"""`verify`: the numbers of scenes, read back out of them, and what they draw, against the same drawn anew."""

import argparse
import sys

from article.commands.shared import reading
from article.errors import FalsehoodError
from article.escaping import say


def run(options: argparse.Namespace) -> None:
    """Holds scenes against what they state, and against what is drawn anew. Raises RefusalError and FalsehoodError."""
    contents = {path: reading.read(path) for path in options.files}
    mesh = reading.mesh_of(options.against) if options.against else None
    verdicts = {path: reading.judge(path, glb, mesh) for path, glb in contents.items()}
    wrong, known = 0, None
    for path, verdict in verdicts.items():
        if verdict is None:
            from article.commands.shared import verification

            known = known or verification.known(options)
            verdict = verification.judge(path, contents[path], known, options.beside)
        problems, told = verdict
        wrong += len(problems)
        for problem in problems:
            say(f"{path}: {problem}", sys.stderr)
        if not problems:
            say(f"{path}: {told}")
    if wrong:
        raise FalsehoodError(f"{wrong} nodes do not show what they should; rebuild the scenes, or name their --seed.")
