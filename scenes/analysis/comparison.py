"""Two traces side by side: each number of the one, and how much more it is than the other's at the same place."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

import gpt
from scenes.analysis.decomposition import Decomposition
from scenes.analysis.view import View
from scenes.analysis.words import WORDS
from scenes.words import Index, Words

CANDIDATES, FEW = 10, 4


@dataclass(frozen=True)
class Outcome(View):
    """A trace, set beside that of another training on the same sentence, which says another word."""

    words = View.words | WORDS["outcome"]
    who: ClassVar = ("this page’s", "stopped early")
    other: gpt.Trace

    @property
    def key(self) -> int:
        """The place of the token that the last position of the trace looks at most."""
        return int(self.attention[:, :, -1].max(axis=(0, 1)).argmax())

    @property
    def looked_at(self) -> str:
        """That token."""
        return self.tokens[self.key]

    @cached_property
    def looks(self) -> np.ndarray:
        """How much of its attention the last position of each gives to that token (2, L, H)."""
        return np.stack([one.attention[:, :, -1, self.key] for one in (self.trace, self.other)])

    @cached_property
    def says(self) -> np.ndarray:
        """The probability of each token after the sentence (2, V)."""
        return np.stack([chances(one)[-1] for one in (self.trace, self.other)])

    @cached_property
    def candidates(self) -> list[int]:
        """The ids of the tokens that are, in the mean of both, the most probable."""
        return np.argsort(-self.says.mean(axis=0), kind="stable")[:FEW].tolist()


def compared(words: Words) -> Words:
    """The same of numbers that each have, beside them, how much more they are than the other's at the same place."""

    def parts(shown: Any, n: int) -> list[str]:
        return [name for part in words.parts(shown, n // 2) for name in (part, shown.title)]

    def how(shown: Any, index: Index) -> str:
        said = words.how if isinstance(words.how, str) else words.how(shown, index)
        return f"{said}, and what is left of it when the number of {shown.names[1]} at this place is taken away"

    return words._replace(how=how, parts=parts)


@dataclass(frozen=True)
class Comparison(Decomposition):
    """A trace, and the other one that it is compared with.

    What ends in `_apart` has of each number itself and how much more it is than the other's at the same place
    (..., 2), as arrays of the letters of `gpt`. A difference is NaN where the other has no such place. Places are told
    by their numbers: of the position, counted from the first one, of the block and of the head; tokens by their text.
    """

    words = Decomposition.words | WORDS["comparison"]
    other: gpt.Trace
    names: tuple[str, str]  # of this one, and of the other

    def words_of(self, array: str) -> Words:
        words = super().words_of(array.removesuffix("_apart"))
        return compared(words) if array.endswith("_apart") else words

    @property
    def title(self) -> str:
        """What is subtracted from what."""
        return " \N{MINUS SIGN} ".join(self.names)

    @property
    def shared(self) -> int:
        """How many positions both have."""
        return min(len(self.tokens), len(self.other.tokens))

    @property
    def alike(self) -> bool:
        """Whether the vectors of both have as many components, without which they cannot be compared."""
        return self.embedding.shape[1] == self.other.embedding.shape[1]

    @cached_property
    def counterpart(self) -> np.ndarray:
        """The other's id of each token (V,), -1 if it has none."""
        if self.vocab == self.other.vocab:
            return np.arange(len(self.vocab))
        ids = {token: id for id, token in reversed(list(enumerate(self.other.vocab)))}
        return np.array([ids.get(token, -1) for token in self.vocab])

    @cached_property
    def residual_apart(self) -> np.ndarray:
        """(L+1, T, D, 2)."""
        return apart(self.residual, self.other.residual)

    @cached_property
    def normed_apart(self) -> np.ndarray:
        """(L+1, T, D, 2); what the unembedding reads is compared with what the other's reads."""
        result = apart(self.normed, self.other.normed)
        result[-1] = apart(self.normed[-1], self.other.normed[-1])
        return result

    @cached_property
    def attention_apart(self) -> np.ndarray:
        """(L, H, T, T, 2)."""
        return apart(self.attention, self.other.attention)

    @cached_property
    def embedding_apart(self) -> np.ndarray:
        """(V, D, 2)."""
        return apart(self.embedding, self.of_counterparts(self.other.embedding))

    @cached_property
    def unembedding_apart(self) -> np.ndarray:
        """(V, D, 2)."""
        return apart(self.unembedding, self.of_counterparts(self.other.unembedding))

    @property
    def last(self) -> np.ndarray:
        """The last vector (1, D), which the answer is read from."""
        return self.normed[-1, -1:]

    @cached_property
    def last_apart(self) -> np.ndarray:
        """(1, D, 2); compared with the other's last vector, wherever that stands."""
        return apart(self.last, self.other.normed[-1, -1:])

    @cached_property
    def chance(self) -> np.ndarray:
        """The probability of each token after the prompt, read at each level (L+1, V)."""
        return chances(self.trace)

    @cached_property
    def chance_apart(self) -> np.ndarray:
        """(L+1, V, 2); the answers are compared with each other, and the levels before them by their number."""
        theirs = self.of_counterparts(chances(self.other).T).T
        result = apart(self.chance, theirs)
        result[-1] = apart(self.chance[-1], theirs[-1])
        return result

    @cached_property
    def candidates(self) -> list[str]:
        """The tokens that are, in the mean of both, the most probable after the prompt."""
        both = [dict(zip(one.vocab, chances(one)[-1].tolist(), strict=True)) for one in (self.trace, self.other)]
        best = [sorted(known, key=lambda token: -known[token])[:CANDIDATES] for known in both]
        mean = {token: sum(known.get(token, 0) for known in both) / 2 for tokens in best for token in tokens}
        return sorted(mean, key=lambda token: (-round(mean[token], 12), token))[:CANDIDATES]

    @property
    def answers(self) -> list[str]:
        """What the two say, each once, in the order of their names."""
        said = sorted(zip(self.names, (self.prediction, self.other.prediction), strict=True))
        return list(dict.fromkeys(token for _, token in said))

    def heads(self, most: int) -> list[tuple[int, int]]:
        """Block and head of those, at most so many, in which the two differ most; in their order."""
        differs = np.nan_to_num(np.abs(self.attention_apart[..., 1]))  # (L, H, T, T)
        L, H = np.minimum(self.attention.shape[:2], self.other.attention.shape[:2])
        largest = differs.max(axis=(2, 3))[:L, :H].round(12)
        order = np.argsort(-largest.ravel(), kind="stable")[:most]
        return [divmod(int(n), int(H)) for n in sorted(order)]

    def of_counterparts(self, rows: np.ndarray) -> np.ndarray:
        """The other's rows (V', n) in the order of this vocabulary (V, n); NaN for a token that it lacks."""
        return np.where(self.counterpart[:, None] < 0, np.nan, rows[self.counterpart])


def apart(own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Numbers, and how much more each is than the other's at the same place (..., 2); NaN where there is none."""
    result = np.stack([own, np.full(own.shape, np.nan)], axis=-1)
    both = tuple(slice(min(sizes)) for sizes in zip(own.shape, theirs.shape, strict=True))
    result[(*both, 1)] = own[both] - theirs[both]
    return result


def chances(trace: gpt.Trace) -> np.ndarray:
    """The probability of each token after the sentence, read at each level (L+1, V)."""
    return gpt.softmax(trace.lens[:, -1])
