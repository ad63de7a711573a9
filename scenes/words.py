"""The words for arrays: what each of their numbers is, how it came about, and where it stands in a table."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Index = tuple[int, ...]
Head = tuple[Any, str]  # of a row or a column of a table: what tells it from others, and how it is written


class Table(NamedTuple):
    """How the numbers of an array stand in a table."""

    title: Callable[[Any, Index], str]  # from what is shown and an index
    corner: str
    cell: Callable[[Any, Index, int], tuple[Head, Head]]  # row and column of the n-th number at an index
    split: int = 0  # the leading axes whose entries have a table each


class Words(NamedTuple):
    """What can be said of the vectors, or numbers, of an array."""

    name: Callable[[Any, Index], str]  # of one of them, from what is shown and its index; the head of its column, too
    how: str | Callable[[Any, Index], str]  # it was computed
    place: int = 0  # the leading axes that its name does not tell: 1 for the block, 2 for the block and the head
    parts: Callable[[Any, int], Sequence[str]] = lambda _, n: [f"component {d + 1}" for d in range(n)]
    table: Table | None = None  # if none, vectors of one length share a table
    title: str = ""  # of a table of them alone


def unnamed(array: str) -> Words:
    """Of an array that no view has words for: its name and its index."""
    return Words(
        lambda _, i: " ".join([array, *(str(n + 1) for n in i)]),
        f"a number of the array {array}",
        parts=lambda _, n: [""] if n == 1 else [f"entry {d + 1}" for d in range(n)],
    )


class Data:
    """What a scene of one's own shows: arrays by their names, and as `words` what can be said of them, if anything."""

    def __init__(self, arrays: Any, sentence: str) -> None:
        self.arrays, self.sentence = arrays, sentence

    def __getattr__(self, name: str) -> Any:
        return getattr(self.arrays, name)

    def words_of(self, array: str) -> Words:
        """The words for an array; if there are none, its name."""
        return getattr(self.arrays, "words", {}).get(array) or unnamed(array)


def level_name(level: int) -> str:
    """What a level of the residual stream is called."""
    return f"after block {level}" if level else "entering block 1"
