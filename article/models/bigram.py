"""What counting alone can do: the bigram model, and the entropy that no model can go below."""

from dataclasses import dataclass
from random import Random
from typing import Self

import numpy as np

UNKNOWN = -1  # in the place of the id of a token that the training text lacks


def entropy(ids: np.ndarray) -> float:
    """The entropy of what is counted, in nats, of ids or ranks from 0, (N,)."""
    counts = np.bincount(ids)
    counts = counts[counts > 0]
    return float(np.log(len(ids)) - (counts * np.log(counts)).sum() / len(ids))


@dataclass(frozen=True)
class Bigram:
    """The probability of a token after another, counted: (pairs + smoothing/V) / (pairs that start alike + smoothing).

    Memory is that of the different pairs, not of all that could be.
    """

    n_vocab: int  # V
    pairs: np.ndarray  # (P,); first * V + second, ascending
    counts: np.ndarray  # (P,); how often each is there
    totals: np.ndarray  # (V,); how often a token starts a pair
    smoothing: float

    @classmethod
    def of(cls, ids: np.ndarray, n_vocab: int, smoothing: float = 1.0) -> Self:
        """Counted on ids, (..., T)."""
        pairs, counts = np.unique(pairs_of(ids, n_vocab), return_counts=True)
        totals = np.bincount(pairs // n_vocab, counts, minlength=n_vocab)
        return cls(n_vocab, pairs, counts, totals, smoothing)

    def loss(self, ids: np.ndarray) -> float:
        """The mean loss on ids, (..., T), in nats a token; what stands beside an unknown one is left out.

        Infinite for a pair that is new to a bigram without smoothing. Raises ValueError if no pair is left.
        """
        pairs = pairs_of(ids, self.n_vocab)
        if not len(pairs):
            raise ValueError("a loss takes two tokens that are known and follow each other")
        places = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        counts = np.where(self.pairs[places] == pairs, self.counts[places], 0)
        totals = self.totals[pairs // self.n_vocab] + self.smoothing
        shares = np.divide(counts + self.smoothing / self.n_vocab, totals, out=np.zeros(len(pairs)), where=totals > 0)
        with np.errstate(divide="ignore"):  # log 0 is minus infinity, as said
            return float(-np.log(shares).mean())

    def sample(self, n: int, random: Random) -> list[int]:
        """The ids of n tokens; the first is drawn as often as it starts a pair."""
        heaped = self.counts.cumsum()
        id = int(self.pairs[np.searchsorted(heaped, random.random() * heaped[-1], side="right")] // self.n_vocab)
        result = [id]
        while len(result) < n:
            at = random.random() * (self.totals[id] + self.smoothing)
            if at < self.totals[id]:
                before = heaped[start - 1] if (start := np.searchsorted(self.pairs, id * self.n_vocab)) else 0
                id = int(self.pairs[np.searchsorted(heaped, before + at, side="right")] % self.n_vocab)
            else:  # what smoothing adds is the same for all
                id = random.randrange(self.n_vocab)
            result.append(id)
        return result[:n]


def pairs_of(ids: np.ndarray, n_vocab: int) -> np.ndarray:
    """Neighbours that are both known, each as one number: first * V + second."""
    first, second = ids[..., :-1], ids[..., 1:]
    known = (first != UNKNOWN) & (second != UNKNOWN)
    return first[known] * n_vocab + second[known]


def floor(ids: np.ndarray, n_context: int) -> float:
    """What no model can stay below in training, however large: in nats a token, of the ids of a text, (N,).

    A window shows n_context tokens and asks for each one's next. At position t a model knows t tokens, and cannot be
    surer of the next than the text is: its loss is at least the entropy of the next token given those t, counted over
    all N - n_context windows. That is the entropy of t + 1 tokens less that of t; the mean over the positions is what
    is left of the sum: the entropy of whole windows less that of their first tokens. It holds for the mean loss over
    all windows, each as often as any other. Raises ValueError for a text that is shorter than a window.
    """
    if len(ids) <= n_context:
        raise ValueError(f"the text has {len(ids)} tokens; a window has {n_context + 1}")
    windows = ranks(ids, n_context + 1)
    return max(0.0, entropy(windows) - entropy(ids[: len(windows)])) / n_context


def ranks(ids: np.ndarray, n: int) -> np.ndarray:
    """A number for every n neighbours, (N - n + 1,), the same for the same ones, from 0. Made from those of halves."""
    if n == 1:
        return ids
    half = ranks(ids, n // 2)
    even = joined(half[: len(half) - n // 2], half[n // 2 :])
    return even if n % 2 == 0 else joined(even[:-1], ids[n - 1 :])


def joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A number for every pair, (N,), the same for the same ones, from 0."""
    return np.unique(first * (second.max() + 1) + second, return_inverse=True)[1]


def floor_of_lines(rows: np.ndarray) -> float:
    """The same for lines of which a model sees all tokens so far, (B, T), with UNKNOWN where they are filled up.

    In nats a token that is asked for: the first of a line never is. Raises ValueError if no line has two.
    """
    asked = int((rows[:, 1:] != UNKNOWN).sum())
    if not asked:
        raise ValueError("no line has two tokens")
    total, begun = 0.0, rows[:, 0]  # the second has a number for every beginning of t tokens
    for t in range(1, rows.shape[1]):
        going = rows[:, t] != UNKNOWN
        rows, begun = rows[going], begun[going]
        longer = joined(begun, rows[:, t])
        total += len(rows) * (entropy(longer) - entropy(begun))
        begun = longer
    return max(0.0, total) / asked
