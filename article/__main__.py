"""The command line: the commands, and the exit statuses.

A command is two files of `article/commands/`: a TOML file says what it is and its options, and `run(options)` of its
module carries it out. Only the one that is asked for is imported, and what it needs only when it runs. One that writes
a site says its kind; what `--out` names is then judged before anything heavy is imported.
"""

import argparse
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from article import paths
from article.commands.shared.options import described, parser_of
from article.errors import FalsehoodError, RefusalError
from article.escaping import say
from article.web.folder import refuse_to_replace

BUILD = "build"  # what is done without a command
NAMES = sorted(path.stem for path in (Path(__file__).parent / "commands").glob("[a-z]*.py") if path.stem != BUILD)


def command_of(name: str) -> ModuleType:
    """The module of a command."""
    return importlib.import_module(f"article.commands.{name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0 done, 1 a claim or verification failed, 2 unusable input."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without a letter gets its number
        sys.stdout.reconfigure(errors="backslashreplace")
    name, given = (arguments[0], arguments[1:]) if arguments and arguments[0] in NAMES else (BUILD, arguments)
    command = command_of(name)
    kind = described(name).get("site")
    try:
        parser = parser_of(name, paths.COMMAND if name == BUILD else f"{paths.COMMAND} {name}")
        if name == BUILD:
            command.add_settings(parser)
            line = "  {:<30}{what}".format
            lines = [line(f"{other} {known['usage']}", **known) for other in NAMES if (known := described(other))]
            parser.epilog = "\n".join(["other commands, which -h after their names explains:", *lines])
            parser.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps these lines
        options = parser.parse_args(given)
        kind = "draft" if kind and getattr(options, "draft", False) else kind
        if kind:
            refuse_to_replace(options.out.resolve(), kind)
        command.run(options)
        sys.stdout.flush()  # here, where a pipe that nobody reads any more is no accident
        return 0
    except (RefusalError, FalsehoodError) as problem:
        say(f"{paths.COMMAND}: {problem}", sys.stderr)
        return 1 if isinstance(problem, FalsehoodError) else 2
    except ModuleNotFoundError as missing:
        if not paths.INSTALLED:
            raise
        lacking = f"there is no {missing.name}, which models need; pip install 'vitrine[gpt]' brings it"
        print(f"{paths.COMMAND}: {lacking}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        whole = "; the site is the old or the new one, whole" if kind is not None else ""
        print(f"{paths.COMMAND}: interrupted{whole}.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at the end
        return 141  # as for a program that SIGPIPE ends


def leave(number: int, _: object) -> None:
    """Ends as after Ctrl-C, so that nothing is left behind, with the status that a shell has for the signal."""
    sys.exit(128 + number)


def start() -> NoReturn:
    """What the shell runs."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    sys.exit(main())


if __name__ == "__main__":
    start()
