"""The commands that ask models: `generate`, `explain`, `trace` and `compare`; their options and what they do.

Importing this is cheap; what a command needs is imported when it runs.
"""

import argparse
import math
import os
import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import NoReturn

from article.build import RefusalError, folder, seed


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one sentence, as is done with all other input."""

    def error(self, message: str) -> NoReturn:
        raise RefusalError(f"{message}; {self.prog} -h explains.")


def asking(name: str, description: str) -> Parser:
    """The parser of a command that asks a model."""
    result = Parser(prog=f"gpt.py {name}", description=description, allow_abbrev=False)
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


def generate_parser() -> argparse.ArgumentParser:
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


def explain_parser() -> argparse.ArgumentParser:
    """The options of `explain`."""
    result = asking(
        "explain", "Tells the forward pass of a prompt in the numbers that the model computed, from ids to the answer."
    )
    result.add_argument("--step", action="store_true", help="wait for a key after each stage; q quits")
    result.add_argument("--training", action="store_true", help="tell one more step of the model's training, too")
    return result


def trace_parser() -> argparse.ArgumentParser:
    """The options of `trace`."""
    result = asking("trace", "Writes every array of the forward pass of a prompt to a file for numpy.load.")
    result.add_argument("--out", type=folder, required=True, metavar="FILE.npz", help="write them there")
    return result


def compare_parser() -> argparse.ArgumentParser:
    """The options of `compare`."""
    result = Parser(
        prog="gpt.py compare",
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


def count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 999999999")
    return int(text)


def temperature(text: str) -> float:
    """A number from 0."""
    if not 0 <= number(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0")
    return number(text)


def share(text: str) -> float:
    """A number above 0, and at most 1."""
    if not 0 < number(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0 and at most 1")
    return number(text)


def number(text: str) -> float:
    """What a text says as a number; NaN, which is in no range, if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


# --- What they do -------------------------------------------------------------------------------------------------


def generate(options: argparse.Namespace) -> int:
    """Goes on from a prompt, token by token. Raises RefusalError."""
    import torch

    from article.runs import narrate, prompts, sampling, store, terminal

    run = store.ask(options.checkpoint, options.tokenizer)
    prompt, n_context = prompts.read(run, options.prompt, options.cut), run.config.n_context
    random = torch.Generator().manual_seed(options.seed)
    asked = (options.tokens, options.temperature, options.top_k, options.top_p, random, n_context)
    out, ids = terminal.Terminal(), list(prompt.ids)
    if options.quiet and prompt.note:
        print(f"gpt.py: {prompt.note}", file=sys.stderr)
    if not options.quiet:
        out.say([*run.notes, *prompt.notes])
    for n, draw in enumerate(sampling.draws(run.model, prompt.read, *asked), 1):
        if not options.quiet:
            longer = n > 1 and len(ids) == n_context + 1
            out.say([f"The text is longer than {n_context} tokens now; the model reads the last ones."] * longer)
            out.say(narrate.drawn(draw, n, run.tokenizer))
        ids.append(draw.id)
    if not options.quiet:
        out.say([terminal.heading("The text")])
    print(run.tokenizer.decode(ids))
    return 0


def explain(options: argparse.Namespace) -> int:
    """Tells a forward pass, and a step of the training if that is asked for. Raises RefusalError."""
    if options.step and not sys.stdin.isatty():
        raise RefusalError("--step waits for keys, and there is no terminal to press them at; leave it out.")
    from article.runs import narrate, prompts, store, terminal

    run = store.ask(options.checkpoint, options.tokenizer)
    if options.training and not run.corpus:
        raise RefusalError("it is not known what the model was trained on, so --training has no step to tell.")
    prompt = prompts.read(run, options.prompt, options.cut)
    sections = [narrate.forward(prompts.traced(run, prompt), [*run.notes, *prompt.notes])]
    sections += [narrate.training(run, prompt)] if options.training else []
    out = terminal.Terminal()
    for n, section in enumerate(chain.from_iterable(sections)):
        if options.step and n and not terminal.go_on():
            break
        out.say(section)
    return 0


def save_trace(options: argparse.Namespace) -> int:
    """Writes the arrays of a forward pass to a file, in one step. Raises RefusalError."""
    file = options.out
    placed = os.path.isdir(file.parent)
    if file.suffix != ".npz" or os.path.isdir(file) or not placed:
        what = "is no name for a file that ends in .npz" if placed else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --out, such as trace.npz.")
    import numpy as np

    from article.runs import prompts, store

    run = store.ask(options.checkpoint, options.tokenizer)
    prompt = prompts.read(run, options.prompt, options.cut)
    arrays = prompts.arrays(prompts.traced(run, prompt), prompt)
    try:
        # Written where it will lie: it may be too large for the memory.
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            np.savez(Path(folder) / "new.npz", allow_pickle=False, **arrays)
            (Path(folder) / "new.npz").replace(file)
    except OSError as error:
        raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    print(*run.notes, *prompt.notes, f"{file}: {len(arrays)} arrays of {len(prompt.read)} tokens", sep="\n")
    return 0


def compare(options: argparse.Namespace) -> int:
    """Writes a site of two, side by side. Raises RefusalError and FalsehoodError."""
    from article.runs import compare

    return compare.compare(options)
