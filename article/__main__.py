"""The command line: the table of commands, and the exit statuses.

A command is a file of `article/commands/` with its options, `parser()`, and what carries it out, `run(options)`; only
the one that is asked for is imported.
"""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from article.errors import FalsehoodError, RefusalError


class Command(NamedTuple):
    """How a command is asked for, what it does, and whether it replaces a site."""

    usage: str
    what: str
    writes_site: bool = False


BUILD = "build"  # what is done without a command
COMMANDS = {
    "verify": Command("FILE.glb ...", "reads the numbers back out of scenes"),
    "flow": Command("PROMPT --out DIR", "shows every number of a prompt on a page", True),
    "compare": Command("A B PROMPT --out DIR", "sets two models, or prompts, side by side", True),
    "generate": Command("PROMPT", "goes on from a prompt and shows each draw"),
    "explain": Command("PROMPT", "tells the forward pass in its numbers"),
    "trace": Command("PROMPT --out FILE.npz", "keeps every array of the forward pass for numpy"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0 done, 1 a claim or verification failed, 2 unusable input."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without a letter gets its number
        sys.stdout.reconfigure(errors="backslashreplace")
    name, given = (arguments[0], arguments[1:]) if arguments and arguments[0] in COMMANDS else (BUILD, arguments)
    command = importlib.import_module(f"article.commands.{name}")
    try:
        parser = command.parser()
        if name == BUILD:
            parser.epilog = "other commands, which -h after their names explains:\n" + "\n".join(
                f"  {f'{other} {known.usage}':<30}{known.what}" for other, known in COMMANDS.items()
            )
        status = command.run(parser.parse_args(given))
        sys.stdout.flush()  # here, where a pipe that nobody reads any more is no accident
        return status
    except (RefusalError, FalsehoodError) as problem:
        print(f"gpt.py: {problem}", file=sys.stderr)
        return 1 if isinstance(problem, FalsehoodError) else 2
    except KeyboardInterrupt:
        whole = "; the site is the old or the new one, whole" if name == BUILD or COMMANDS[name].writes_site else ""
        print(f"gpt.py: interrupted{whole}.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at the end
        return 141  # as for a program that SIGPIPE ends


if __name__ == "__main__":
    sys.exit(main())
