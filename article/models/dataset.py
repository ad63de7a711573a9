"""What a model reads of a text in a training: examples, and the loss on them."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

import gpt
from article.errors import RefusalError

AT_ONCE = 4096  # tokens, about, that are evaluated at once


def stream(*names: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A source of random numbers of its own for what is named."""
    digest = hashlib.sha256(" ".join(map(str, names)).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


class Examples(NamedTuple):
    """What a model can be trained on: rows of ids and the ids that follow, or one long row to cut windows from.

    Each row has a target at least, so that every part of a batch has.
    """

    ids: Tensor  # (B, T), filled up on the right; or (N,)
    targets: Tensor  # (B, T), NO_TARGET where it is filled up; or (N,)
    n_context: int

    @classmethod
    def of_lines(cls, tokenizer: gpt.Tokenizer, lines: Sequence[str], n_context: int) -> "Examples":
        """Each line an example, but for those of a single token, which nothing follows.

        Raises RefusalError for lines with more than n_context + 1 tokens, and if no line has two.
        """
        ids, targets = gpt.batch(tokenizer, lines)
        if ids.shape[1] > n_context:
            raise RefusalError(
                f"a line has {ids.shape[1] + 1} tokens, but n_context = {n_context} lets the model read lines of at "
                f"most {n_context + 1}; raise n_context, or set examples = 'windows'."
            )
        follows = (targets != gpt.NO_TARGET).any(1)
        if not follows.any():
            raise RefusalError("no line has two tokens; there is nothing to predict.")
        return cls(ids[follows], targets[follows], n_context)

    @classmethod
    def of_text(cls, ids: Tensor, n_context: int) -> "Examples":
        """Every window of the ids (N,) an example; all of them, if they are fewer than n_context + 1.

        Raises RefusalError for fewer than two ids.
        """
        if len(ids) < 2:
            raise RefusalError(f"a text of {len(ids)} tokens is too short; there is nothing to predict.")
        return cls(ids[:-1], ids[1:], n_context)

    @property
    def tokens(self) -> int:
        """How many targets there are."""
        return count_targets(self.targets)

    def draw(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """So many examples (n, T) at random, with repetition; all lines in order if n is 0."""
        if self.ids.ndim == 1:
            T = min(self.n_context, len(self.ids))
            starts = (torch.rand(n, generator=random, dtype=torch.float64) * (len(self.ids) - T + 1)).long()
            places = starts[:, None] + torch.arange(T)
            return self.ids[places], self.targets[places]
        if not n:
            return self.ids, self.targets
        rows = (torch.rand(n, generator=random, dtype=torch.float64) * len(self.ids)).long()
        return trim(self.ids[rows], self.targets[rows])

    def parts(self, most: float = math.inf) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples in turn, in batches (B, T): every line, or windows side by side and what is left at the end.

        Of more than `most` tokens, as many lines or windows as have about that many, evenly spaced.
        """
        ids, targets, rest = self.ids, self.targets, 0
        if ids.ndim == 1:
            T = min(self.n_context, len(ids))
            rest = len(ids) % T
            ids, targets = (x[: len(x) - rest].view(-1, T) for x in (ids, targets))
        if self.tokens > most:
            n = max(1, int(len(ids) * most / self.tokens))
            rows = torch.arange(n) * len(ids) // n
            ids, targets, rest = ids[rows], targets[rows], 0
        n = max(1, AT_ONCE // ids.shape[1])
        yield from map(trim, ids.split(n), targets.split(n))
        if rest:
            yield self.ids[None, -rest:], self.targets[None, -rest:]


def count_targets(targets: Tensor) -> int:
    """How many targets there are, of any shape."""
    return int((targets != gpt.NO_TARGET).sum())


def trim(ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (B, T) as long as the longest of them."""
    T = int((targets != gpt.NO_TARGET).any(0).sum())
    return ids[:, :T], targets[:, :T]


@torch.no_grad()
def evaluate(model: nn.Module, examples: Examples, most: float = math.inf) -> float:
    """The mean loss in nats a token, without dropout, of all tokens or of about `most`."""
    device = next(model.parameters()).device
    total, n = 0.0, 0
    for ids, targets in examples.parts(most):
        total += float(gpt.loss(model(ids.to(device)).logits, targets.to(device))) * count_targets(targets)
        n += count_targets(targets)
    return total / n
