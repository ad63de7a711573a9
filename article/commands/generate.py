"""`generate`: goes on from a prompt, and shows each draw."""

import argparse

from article.commands.shared.options import asking, count, seed, share, temperature

USAGE, WHAT = "PROMPT", "goes on from a prompt and shows each draw"


def parser() -> argparse.ArgumentParser:
    """The options of `generate`."""
    result = asking(
        "generate",
        "Goes on from a prompt, and shows of each token how it was drawn: the candidates, their probabilities before "
        "and after temperature, top-k and top-p, and where the random number fell.",
    )
    result.add_argument("--tokens", type=count, default=20, metavar="N", help="how many to draw (20)")
    result.add_argument(
        "--temperature",
        type=temperature,
        default=1.0,
        metavar="T",
        help="below 1 the probable ones gain, above 1 the others; 0 takes the most probable one (1)",
    )
    result.add_argument("--top-k", type=count, metavar="K", help="draw from the K most probable tokens only")
    result.add_argument(
        "--top-p", type=share, metavar="P", help="draw from the fewest tokens only that have this probability together"
    )
    result.add_argument("--seed", type=seed, default=1, metavar="N", help="of the random numbers (1)")
    result.add_argument("--quiet", action="store_true", help="print the text alone")
    return result


def run(options: argparse.Namespace) -> None:
    """Goes on from a prompt, token by token. Raises RefusalError."""
    from article.commands.shared import answering

    answering.generate(options)
