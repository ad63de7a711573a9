"""What the commands do that ask a model on the terminal."""

import argparse
import sys
import tempfile
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from article import paths
from article.commands.shared import narration, terminal
from article.errors import RefusalError
from article.escaping import say
from article.models import loading, prompts, sampling


def generate(options: argparse.Namespace) -> None:
    """Goes on from a prompt, token by token. Raises RefusalError."""
    run = loading.open_model(options.checkpoint, options.tokenizer)
    prompt, n_context = prompts.read(run, options.prompt, options.cut), run.config.n_context
    random = torch.Generator().manual_seed(options.seed)
    how = sampling.Sampling(options.temperature, options.top_k, options.top_p)
    draws = sampling.draws(run.model, prompt.read, options.tokens, how, random, n_context)
    out, ids = terminal.Terminal(), list(prompt.ids)
    if options.quiet and prompt.note:
        say(f"{paths.COMMAND}: {prompt.note}", sys.stderr)
    if not options.quiet:
        out.say([*run.notes, *prompt.notes])
    for n, draw in enumerate(draws, 1):
        if not options.quiet:
            longer = n > 1 and len(ids) == n_context + 1
            out.say([f"The text is longer than {n_context} tokens now; the model reads the last ones."] * longer)
            out.say(narration.drawn(draw, n, run.tokenizer))
        ids.append(draw.id)
    if not options.quiet:
        out.say([terminal.heading("The text")])
    say(run.tokenizer.decode(ids))


def explain(options: argparse.Namespace) -> None:
    """Tells a forward pass, and a step of the training if that is asked for. Raises RefusalError."""
    run = loading.open_model(options.checkpoint, options.tokenizer)
    if options.training and not run.corpus:
        raise RefusalError("it is not known what the model was trained on, so --training has no step to tell.")
    prompt = prompts.read(run, options.prompt, options.cut)
    sections = [narration.forward(prompts.traced(run, prompt), [*run.notes, *prompt.notes])]
    sections += [narration.training(run, prompt)] if options.training else []
    out = terminal.Terminal()
    for n, section in enumerate(chain.from_iterable(sections)):
        if options.step and n and not terminal.go_on():
            break
        out.say(section)


def save_trace(options: argparse.Namespace) -> None:
    """Writes the arrays of a forward pass to a file, in one step. Raises RefusalError."""
    file = options.out
    run = loading.open_model(options.checkpoint, options.tokenizer)
    prompt = prompts.read(run, options.prompt, options.cut)
    arrays = prompts.arrays(prompts.traced(run, prompt), prompt)
    try:
        # Written where it will lie: it may be too large for the memory.
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            np.savez(Path(folder) / "new.npz", allow_pickle=False, **arrays)
            (Path(folder) / "new.npz").replace(file)
    except OSError as error:
        raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    say("\n".join([*run.notes, *prompt.notes, f"{file}: {len(arrays)} arrays of {len(prompt.read)} tokens"]))
