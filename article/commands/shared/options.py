"""The options of commands: what the TOML files beside them say, and how a text is read as what it stands for."""

import argparse
import math
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from article.errors import RefusalError
from article.models.settings import LONGEST, SEEDS


def folder(text: str) -> Path:
    """A path that the system can have."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no path")
    return Path(text)


def whole(least: int, most: int, named: str, text: str) -> int:
    """A whole number from `least` to `most`, which is `named` so."""
    if not text.isdecimal() or len(text) > LONGEST or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text[:LONGEST]!r} is no whole number from {least} to {named}")
    return int(text)


def number(fits: Callable[[float], bool], named: str, text: str) -> float:
    """A number that fits, which is `named` so."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan  # which is in no range
    if not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number {named}")
    return value


seed = partial(whole, 0, SEEDS - 1, "2**32 - 1")  # that torch takes
seeds = partial(whole, 1, 1000, "1000")  # of trainings
count = partial(whole, 1, 999_999_999, "999999999")
temperature = partial(number, lambda value: 0 <= value < math.inf, "from 0")
share = partial(number, lambda value: 0 < value <= 1, "above 0 and at most 1")


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one sentence, as is done with all other input."""

    def error(self, message: str) -> NoReturn:
        raise RefusalError(f"{message}; {self.prog} -h explains.")


TYPES = {
    **{"path": folder, "seed": seed, "seeds": seeds, "count": count, "number": float},
    **{"temperature": temperature, "share": share},
}


def described(name: str) -> dict[str, Any]:
    """What a command says of itself: its TOML file, which lies beside its module."""
    return tomllib.loads((Path(__file__).parents[1] / f"{name}.toml").read_text("utf-8"))


def parser_of(name: str, prog: str) -> Parser:
    """The parser of a command, from its TOML file."""
    told, common = described(name), described("shared/options")
    result = Parser(prog=prog, description=told["description"], allow_abbrev=False)
    add(result, {option: common[option] for option in told.get("shared", [])} | told["options"])
    return result


def add(parser: argparse._ActionsContainer, options: Mapping[str, dict[str, Any]]) -> None:
    """Adds options by their names, each with what `add_argument` takes, its type by a name of TYPES."""
    for option, about in options.items():
        kind = {"type": TYPES[about["type"]]} if "type" in about else {}
        parser.add_argument(option, **about | kind)
