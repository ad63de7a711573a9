"""The command line: the commands, and the exit statuses.

A command is a TOML file of `article/commands/`: it says what the command is, its options, and which function it calls
with these; that is imported when they are known to be good. One that writes a site says its kind; what `--out` names is
then judged before anything heavy is imported.
"""

import argparse
import io
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from article import paths
from article.commands import build
from article.commands.shared.options import described, parser_of
from article.errors import FalsehoodError, RefusalError
from article.escaping import say
from article.web.folder import refuse_to_replace

BUILD = "build"  # what is done without a command
NAMES = sorted(path.stem for path in (Path(__file__).parent / "commands").glob("*.toml") if path.stem != BUILD)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0 done, 1 a claim or verification failed, 2 unusable input."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without a letter gets its number
        sys.stdout.reconfigure(errors="backslashreplace")
    name, given = (arguments[0], arguments[1:]) if arguments and arguments[0] in NAMES else (BUILD, arguments)
    kind = described(name).get("site")
    try:
        parser = parser_of(name, paths.COMMAND if name == BUILD else f"{paths.COMMAND} {name}")
        if name == BUILD:
            build.add_settings(parser)
            line = "  {:<30}{what}".format
            lines = [line(f"{other} {known['usage']}", **known) for other in NAMES if (known := described(other))]
            parser.epilog = "\n".join(["other commands, which -h after their names explains:", *lines])
            parser.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps these lines
        options = parser.parse_args(given)
        kind = "draft" if kind and getattr(options, "draft", False) else kind
        if kind:
            refuse_to_replace(options.out.resolve(), kind)
        pkgutil.resolve_name(described(name)["calls"])(options)
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
        whole += "; the same command goes on from what is kept" if name == BUILD else ""
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
