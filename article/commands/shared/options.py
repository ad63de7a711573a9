"""What several commands have in common: how options are read, and which name a model."""

import argparse
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from article import paths
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


def asking(name: str, description: str) -> Parser:
    """The parser of a command that asks a model."""
    result = Parser(prog=f"{paths.COMMAND} {name}", description=description, allow_abbrev=False)
    result.add_argument("prompt", metavar="PROMPT", help='such as "the fox made this", in what the model has met')
    add_checkpoint(result)
    result.add_argument("--cut", action="store_true", help="of a prompt that is too long, read the last tokens")
    return result


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """The options that name another model than the article's own."""
    parser.add_argument(
        "--checkpoint",
        type=folder,
        metavar="PATH",
        help="of another model: nanoGPT's ckpt.pt, a folder of GPT-2's family, or what --data has written",
    )
    parser.add_argument(
        "--tokenizer", metavar="T", help="of that model: a meta.pkl, a tokenizer.json, or tiktoken:NAME such as gpt2"
    )
