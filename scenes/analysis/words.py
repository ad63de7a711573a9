"""The words for the arrays of the views, which stand in words.toml; `WORDS` has them by view and array.

In the names and titles there, `{token[1]}` is the token that the second entry of an index numbers, whatever `KINDS`
has in its place, and `{name}` is an attribute of the view.
"""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenes.words import Head, Index, Table, Words, level_name

PLACE = re.compile(r"\{(\w+)(?:\[(\d)\])?\}")
DIRECTIONS = ("first direction", "second direction", "third direction")
PASSAGES = ("what enters", "what attention writes", "after attention", "what the MLP writes", "what leaves")  # a block
ENTERING = "what entered block {}, plus what its attention and its MLP wrote"
KINDS: dict[str, Callable[[Any, int], str]] = {  # what an entry of an index can number, and what that is called
    "number": lambda _, n: str(n + 1),
    "token": lambda view, n: view.tokens[n],
    "word": lambda view, n: view.vocab[n],
    "candidate": lambda view, n: view.vocab[view.ranking[n]],
    "origin": lambda view, n: view.origins[n],
    "who": lambda view, n: view.who[n],
    "block": lambda _, n: f"block {n + 1}",
    "level": lambda view, n: level_name(n) if n < len(view.residual) else "after the final LayerNorm",
    "entering": lambda _, n: ENTERING.format(n) if n else "the sum of embedding and position",
    "passage": lambda _, n: PASSAGES[n],
    "step": lambda view, n: str(n * view.every),
    "direction": lambda _, n: ("first direction", "second")[n],
}
PARTS: dict[str, Callable[[Any, int], list[str]]] = {  # what the numbers of a mark are called
    "nothing": lambda _, n: [""] * n,
    "directions": lambda _, n: [*DIRECTIONS[:n]],
    "boxes": lambda view, n: view.boxes(n),
    "tiles": lambda view, _: view.tiles(),
}


def template(text: str) -> Callable[[Any, Index], str]:
    """What fills in a template, of a view and an index."""

    def said(view: Any, index: Index) -> str:
        def label(place: re.Match[str]) -> str:
            return KINDS[place[1]](view, index[int(place[2])]) if place[2] else str(getattr(view, place[1]))

        return PLACE.sub(label, text)

    return said


def to_table(title: str, corner: str, row: tuple[str, int], column: tuple[str, int], split: int = 0) -> Table:
    """A table whose rows and columns each are what an entry of the index numbers; the last one numbers the vector's."""

    def cell(view: Any, index: Index, n: int) -> tuple[Head, Head]:
        places = (*index, n)
        first, second = ((places[at], KINDS[kind](view, places[at])) for kind, at in (row, column))
        return first, second

    return Table(template(title), corner, cell, split)


def words(name: str, how: str, parts: str = "", table: dict[str, Any] | None = None, **more: Any) -> Words:
    """The words for an array, as words.toml has them."""
    made = Words(template(name), template(how), **more)
    made = made._replace(parts=PARTS[parts]) if parts else made
    return made._replace(table=to_table(**table)) if table else made


TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
WORDS = {view: {array: words(**said) for array, said in arrays.items()} for view, arrays in TOLD.items()}
