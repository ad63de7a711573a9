"""Prompts as they are typed, and the tokens that a model reads of them."""

from dataclasses import dataclass

import numpy as np

import gpt
from article.errors import RefusalError
from article.models.model import OpenedModel

MOST = 200_000_000  # numbers of a trace; with a model of that size, they fill two gigabytes


@dataclass(frozen=True)
class Prompt:
    """What is asked of a model."""

    text: str
    ids: tuple[int, ...]  # of the whole text; at least one
    n_context: int  # the most tokens that the model reads at once

    @property
    def read(self) -> list[int]:
        """The ids that the model reads: all, or the last ones."""
        return list(self.ids[-self.n_context :])

    @property
    def note(self) -> str:
        """What is left out of the prompt, in a sentence; nothing if all of it is read."""
        n, most = len(self.ids), self.n_context
        return f"The prompt has {n} tokens, of which the model reads the last {most}." if n > most else ""

    @property
    def notes(self) -> list[str]:
        """The note, if there is one."""
        return [self.note] if self.note else []


def read(run: OpenedModel, text: str, cut: bool) -> Prompt:
    """The prompt of a text. What is longer than the model's context is an error, unless it may be cut.

    Raises RefusalError for a text without a token, with what the model has no token for, or too long.
    """
    words = type(run.tokenizer) is gpt.Tokenizer
    text = " ".join(text.split()) if words else text
    try:
        ids = run.tokenizer.encode(text)
    except ValueError as error:
        lacking = [piece for piece in dict.fromkeys(text.split() if words else text) if lacks(run.tokenizer, piece)]
        what = f"{'word' if words else 'character'}{'s' if len(lacking) > 1 else ''}"
        named = f"the corpus lacks the {what} {', '.join(map(repr, lacking))}"
        raise RefusalError(f"{named if lacking else error}; write the prompt with what the model has met.") from None
    if not ids:
        raise RefusalError("the prompt is empty; it needs at least one token.")
    if len(ids) > run.config.n_context and not cut:
        raise RefusalError(
            f"the prompt has {len(ids)} tokens, and the model reads at most {run.config.n_context}; "
            f"with --cut it reads the last ones."
        )
    return Prompt(text, tuple(ids), run.config.n_context)


def lacks(tokenizer: gpt.Tokenizer, piece: str) -> bool:
    """Whether a tokenizer has no ids for a piece of text."""
    try:
        tokenizer.encode(piece)
    except ValueError:
        return True
    return False


def numbers(config: gpt.Config, T: int) -> int:
    """How many numbers the trace of T tokens has."""
    V, D, L, H = config.n_vocab, config.n_embd, config.n_layer, config.n_head
    M = config.n_hidden or 4 * D
    block = T * (D * (9 + H) + 2 * M) + 2 * H * T * T  # vectors, what heads write, hidden units; scores and patterns
    return (1 if config.tied else 2) * V * D + 2 * D + T * D + L * block + (L + 1) * T * (2 * D + V)


class Cut(gpt.Tokenizer):
    """Has ids already. The text of the last ids need not have the same ids again: its tokens may be cut elsewhere."""

    def __init__(self, tokenizer: gpt.Tokenizer, ids: list[int]) -> None:
        self.vocab, self.ids, self.given = tokenizer.vocab, tokenizer.ids, ids

    def encode(self, sentence: str) -> list[int]:
        return self.given


def traced(run: OpenedModel, prompt: Prompt) -> gpt.Trace:
    """The trace of what the model reads of a prompt. Raises RefusalError if it would have too many numbers to keep."""
    n, T = numbers(run.config, len(prompt.read)), len(prompt.read)
    if n > MOST:
        raise RefusalError(
            f"the pass of {T} tokens through this model has {n:,} numbers, and at most {MOST:,} are kept; give a "
            f"shorter prompt."
        )
    text = run.tokenizer.decode(prompt.read) if prompt.note else prompt.text
    return gpt.trace(run.model, Cut(run.tokenizer, prompt.read), text)


def arrays(trace: gpt.Trace, prompt: Prompt) -> dict[str, np.ndarray]:
    """Everything in a trace as arrays, those of texts as well: its fields, and what notebooks ask for first.

    These are `logits` and `probabilities` (T, V) and `ids` (T,).
    """
    more = {"ids": prompt.read, "logits": trace.lens[-1], "probabilities": gpt.softmax(trace.lens[-1])}
    return {name: np.asarray(value) for name, value in (vars(trace) | more).items() if value is not None}
