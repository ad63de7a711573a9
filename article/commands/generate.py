"""`generate`: goes on from a prompt, and shows each draw."""

import argparse
import sys

from article.commands.shared.options import asking, count, seed, share, temperature
from article.escaping import say

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


def run(options: argparse.Namespace) -> int:
    """Goes on from a prompt, token by token. Raises RefusalError."""
    import torch

    from article.commands.shared import narration, terminal
    from article.models import loading, prompts, sampling

    run = loading.open_model(options.checkpoint, options.tokenizer)
    prompt, n_context = prompts.read(run, options.prompt, options.cut), run.config.n_context
    random = torch.Generator().manual_seed(options.seed)
    how = sampling.Sampling(options.temperature, options.top_k, options.top_p)
    draws = sampling.draws(run.model, prompt.read, options.tokens, how, random, n_context)
    out, ids = terminal.Terminal(), list(prompt.ids)
    if options.quiet and prompt.note:
        say(f"gpt.py: {prompt.note}", sys.stderr)
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
    return 0
