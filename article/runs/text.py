"""The corpus of a folder, and what can be said of it without a model: its counts, a bigram, and a floor of the loss."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Self

import numpy as np

from article.build import RefusalError

LIMIT = 20_000_000  # bytes of a file; BPE takes half a minute to cut as many, and counting n-grams a gigabyte
LEAST = {"train.txt": 100, "held_out.txt": 10}  # characters
UNKNOWN = -1  # in the place of the id of a token that the training text lacks
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but the tab and the line end


# --- Reading ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Texts:
    """What a folder holds for a model to learn, and what it is tested on. Lines end with one line feed."""

    name: str  # the folder's
    train: str
    held_out: str
    cut: bool  # whether what is held out is the end of train.txt, and no file of its own


def read(folder: Path, share: float = 0.1) -> Texts:
    """The texts of a folder: train.txt, and held_out.txt or, where there is none, a share of train.txt's end.

    Raises RefusalError for what is no text or too little of it.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        raise RefusalError(f"{folder} {what}; name a folder that holds a train.txt.")
    text = file_text(folder / "train.txt")
    words = dict.fromkeys(text.split())
    if len(words) == 1 and text.strip() != (word := next(iter(words))):
        raise RefusalError(f"{folder / 'train.txt'} says {word[:20]!r} again and again; a model needs more to learn.")
    if (folder / "held_out.txt").exists():
        return Texts(folder.resolve().name, text, file_text(folder / "held_out.txt"), cut=False)
    at = end_of_training(text, share)
    return Texts(folder.resolve().name, text[:at], text[at:], cut=True)


def file_text(path: Path) -> str:
    """The text of a file, its line ends as line feeds. Raises RefusalError."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device would never end
            raise RefusalError(f"{path} is no file; save the text there as one.")
        size = path.stat().st_size
        if size > LIMIT:
            raise RefusalError(f"{path} has {size} bytes; a tiny model can use {LIMIT}, so keep a part of that size.")
        data = path.read_bytes()
    except OSError as error:
        raise RefusalError(f"{path} cannot be read: {error.strerror}; save the text there, in UTF-8.") from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        at, line = error.start, data.count(b"\n", 0, error.start) + 1
        raise RefusalError(
            f"{path}, line {line}: byte 0x{data[at]:02X} at {at} is not UTF-8; save the text as UTF-8."
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if found := CONTROL.search(text):
        line, code = text.count("\n", 0, found.start()) + 1, ord(found[0])
        raise RefusalError(
            f"{path}, line {line}: control character U+{code:04X}, as binary files have; save plain text."
        )
    n = len(text.strip())
    if n < LEAST[path.name]:
        what = f"has {n} characters" if n else "is empty"
        raise RefusalError(f"{path} {what}; write at least {LEAST[path.name]}.")
    return text


def end_of_training(text: str, share: float) -> int:
    """Where to cut: at the line end, or else at the space, that is nearest to the share, if one is near. Raises
    RefusalError for a share that leaves nothing to one of both.
    """
    if not 0.01 <= share <= 0.5:
        raise RefusalError(f"a share of {share} cannot be held out; name one from 0.01 to 0.5.")
    goal = round(len(text) * (1 - share))
    for mark in "\n", " ":
        ends = [at + 1 for at in (text.rfind(mark, 0, goal), text.find(mark, goal)) if at >= 0]
        near = [at for at in ends if abs(at - goal) <= share / 2 * len(text) and text[at:].strip()]
        if near:
            return min(near, key=lambda at: abs(at - goal))
    return goal


# --- Counting -----------------------------------------------------------------------------------------------------


def entropy(ids: np.ndarray) -> float:
    """The entropy of what is counted, in nats, of ids or ranks from 0, (N,)."""
    counts = np.bincount(ids)
    counts = counts[counts > 0]
    return float(np.log(len(ids)) - (counts * np.log(counts)).sum() / len(ids))


# --- The bigram ---------------------------------------------------------------------------------------------------


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


# --- The floor ----------------------------------------------------------------------------------------------------


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


def floor_of_sentences(sentences: Sequence[Sequence[int]]) -> float:
    """The same for sentences of which a model sees all tokens so far: in nats a token that is asked for.

    The first token of a sentence is never asked for. Raises ValueError if no sentence has two.
    """
    lengths = np.array([len(ids) for ids in sentences])
    starts = np.cumsum(lengths) - lengths
    flat = np.fromiter(chain.from_iterable(sentences), np.int64)
    asked = int(np.maximum(lengths - 1, 0).sum())
    if not asked:
        raise ValueError("no sentence has two tokens")
    total, t = 0.0, 1
    going = lengths > 1
    starts, lengths = starts[going], lengths[going]
    begun = flat[starts]  # a number for every beginning of t tokens
    while len(starts):
        longer = joined(begun, flat[starts + t])
        total += len(starts) * (entropy(longer) - entropy(begun))
        t += 1
        going = lengths > t
        starts, lengths, begun = starts[going], lengths[going], longer[going]
    return max(0.0, total) / asked
