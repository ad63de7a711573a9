"""A trace of a large model in fewer numbers, so that its scenes can be drawn and turned; nothing large is hidden.

Neighbouring components, and in a long text neighbouring tokens, share a number: of vectors the one of largest
magnitude, with its sign, of attention weights the largest. So every number that is drawn is one that the model
computed, and none that is left out is larger. Letters of shapes beyond those of `gpt`: C columns, groups of tokens; G
groups of components.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenes.analysis.view import View
from scenes.analysis.words import WORDS

COLUMNS = 64  # of a row, at most
TALL = 16  # boxes of a column, at most
BOXES = 1800  # of a scene, about
TILES = 50_000  # of a scene, at most


def size_of(n: int, most: int) -> int:
    """How many neighbours of n share a number, so that no more than so many are left."""
    return -(-n // max(most, 1))


def extreme(values: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Of every `size` neighbours along an axis, the value of largest magnitude; of two alike, the positive one."""
    if size == 1:
        return values
    starts = np.arange(0, values.shape[axis], size)
    high, low = (join.reduceat(values, starts, axis) for join in (np.maximum, np.minimum))
    return np.where(high >= -low, high, low)


@dataclass(frozen=True)
class Aggregation(View):
    """The whole way of a text through a large model."""

    words = View.words | WORDS["aggregation"]

    @property
    def rows(self) -> int:
        """Vectors of each token that are drawn: what enters, what leaves each block, and after the final LayerNorm."""
        return len(self.residual) + 1

    @property
    def patterns(self) -> int:
        """Attention patterns that are drawn: one a block."""
        return len(self.attention)

    @cached_property
    def together(self) -> int:
        """Tokens that share a column."""
        most = min(COLUMNS, BOXES // self.rows, int((2 * TILES / self.patterns + 0.25) ** 0.5 - 0.5))
        return size_of(len(self.tokens), most)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of each column, its first token (C)."""
        return self.tokens[:: self.together]

    @cached_property
    def grouped(self) -> int:
        """Components that share a box."""
        return size_of(self.residual.shape[-1], min(TALL, BOXES // (self.rows * len(self.names))))

    def group(self, g: int) -> str:
        """The components of a box, by their numbers from 1."""
        first, last = g * self.grouped + 1, min((g + 1) * self.grouped, self.residual.shape[-1])
        return f"component {first}" if first == last else f"components {first} to {last}"

    def column(self, c: int) -> str:
        """The tokens of a column, by their numbers from 1, and the first of them."""
        first, last = c * self.together + 1, min((c + 1) * self.together, len(self.tokens))
        return f"{first} {self.names[c]}" if first == last else f"{first} to {last}, {self.names[c]} …"

    def boxes(self, n: int) -> list[str]:
        """What the boxes of a row of columns are called."""
        C = len(self.names)
        return [f"{self.column(c)}, {self.group(g)}:" for c in range(C) for g in range(n // C)]

    def tiles(self) -> list[str]:
        """What the tiles of a pattern are called."""
        names = [self.column(c) for c in range(len(self.names))]
        return [f"{names[q]} looks at {names[k]}:" for q in range(len(names)) for k in range(q + 1)]

    def leads(self, array: str, index: int) -> dict:
        """Where the numbers are that an array is drawn from: the page, and what it calls them there."""
        L = len(self.attention)
        if array == "look":
            return {"page": f"block-{index + 1}.html", "of": "attention"}
        of = "enters" if index == 0 else "leaves" if index <= L else "final"
        return {"page": f"block-{min(max(index, 1), L)}.html", "of": of}

    def drawn(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (..., T, D) as the columns of a scene (..., C, G)."""
        return extreme(extreme(vectors, self.grouped, -1), self.together, -2)

    def joined(self, weights: np.ndarray) -> np.ndarray:
        """Attention weights (..., T, T) as those between columns, of each query up to itself (..., C * (C+1) / 2)."""
        square = extreme(extreme(weights, self.together, -1), self.together, -2)
        query, key = np.tril_indices(square.shape[-1])
        return square[..., query, key]

    @cached_property
    def stream(self) -> np.ndarray:
        """The residual stream at each level, and after the final LayerNorm (L+2, C, G)."""
        return self.drawn(np.concatenate([self.residual, self.normed[-1:]]))

    @cached_property
    def look(self) -> np.ndarray:
        """The largest weight of any head of each block (L, C * (C+1) / 2)."""
        return self.joined(self.attention.max(axis=1))


# What `inside` has, by the names of the files of numbers.
INSIDE = ("enters", "attention-write", "middle", "mlp-write", "leaves")


@dataclass(frozen=True)
class BlockAggregation(Aggregation):
    """What one block does, every head of it."""

    words = Aggregation.words | WORDS["block"]
    block: int

    @property
    def number(self) -> int:
        """The block's, from 1."""
        return self.block + 1

    def leads(self, array: str, index: int) -> dict:
        page = f"block-{self.block + 1}.html"
        if array == "heads":
            return {"page": page, "of": "attention", "head": index + 1}
        return {"page": page, "of": INSIDE[index]}

    @property
    def rows(self) -> int:
        return len(INSIDE)

    @property
    def patterns(self) -> int:
        return self.attention.shape[1]

    @cached_property
    def inside(self) -> np.ndarray:
        """What enters, what attention writes, their sum, what the MLP writes, and what leaves (5, C, G)."""
        l = self.block
        every = (self.residual[l], self.attention_write[l], self.middle[l], self.mlp_write[l], self.residual[l + 1])
        return self.drawn(np.stack(every))

    @cached_property
    def heads(self) -> np.ndarray:
        """The attention pattern of each head (H, C * (C+1) / 2)."""
        return self.joined(self.attention[self.block])
