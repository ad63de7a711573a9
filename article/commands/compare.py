"""`compare`: two models or prompts, side by side."""

import argparse

from article import paths
from article.commands.shared.options import Parser, folder

USAGE, WHAT = "A B PROMPT --out DIR", "sets two models, or prompts, side by side"
SITE = "comparison"


def parser() -> argparse.ArgumentParser:
    """The options of `compare`."""
    result = Parser(
        prog=f"{paths.COMMAND} compare",
        description="Sets two models, or one model with two prompts, side by side: scenes in step whose colours tell "
        "the differences, and a list of what is true of the one and not of the other.",
        allow_abbrev=False,
    )
    result.add_argument(
        "a",
        metavar="A",
        help="the path of a checkpoint, such as the folder of a run; if there is none of that name, a whole number is "
        "the seed of a training of the article's model",
    )
    result.add_argument("b", metavar="B", help="the other one; A again to compare prompts")
    result.add_argument("prompt", metavar="PROMPT", help="what both read")
    result.add_argument("prompt_of_b", nargs="?", metavar="PROMPT_OF_B", help="what B reads instead")
    result.add_argument("--out", type=folder, required=True, metavar="DIR", help="write the site there")
    result.add_argument("--tokenizer", metavar="T", help="the tokenizer of checkpoints that have none of their own")
    result.add_argument("--tokenizer-b", metavar="T", help="that of B, if it is another one")
    result.add_argument("--cut", action="store_true", help="of a prompt that is too long, read the last tokens")
    return result


def run(options: argparse.Namespace) -> None:
    """Writes a site of two, side by side. Raises RefusalError and FalsehoodError."""
    from article.sites import comparison

    comparison.publish(options)
