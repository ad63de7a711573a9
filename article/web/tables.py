"""The exact numbers of a scene, as tables.

Each table is {"title", "corner", "columns", "rows"}; a row is its head and its cells, which are texts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from article.evidence.words import three
from scenes.export.readback import APART

if TYPE_CHECKING:
    import pyvista as pv


def tables(scene: "pv.MultiBlock", shown: Any) -> list[dict]:
    """A table for each row of the residual stream, each attention pattern, and for what else is alike in a scene.

    `shown` is the view that the scene was built from, which has the words for its arrays.

    Where a scene tells differences, they have tables of their own, which come last.
    """
    groups: dict[tuple, list[dict]] = {}
    differences: dict[tuple, list[dict]] = {}
    for block in scene:
        mark = block.user_dict.data
        if "trace" in mark:
            array = mark["trace"].removesuffix(APART)
            if array != mark["trace"]:
                values = mark["values"]
                mark = mark | {"trace": array, "values": values[::2]}  # a copy: what the scene knows stays
                differences.setdefault(group(mark, shown), []).append(mark | {"values": values[1::2]})
            groups.setdefault(group(mark, shown), []).append(mark)
    told = (table(marks, shown) for marks in differences.values())
    named = [made | {"title": f"{made['title']}, {shown.title}"} for made in told]
    return [table(marks, shown) for marks in groups.values()] + named


def written(tables: list[dict]) -> list[dict]:
    """Tables whose cells are texts and numbers, with the numbers as they are written."""
    return [
        table | {"rows": [[cell if isinstance(cell, str) else three(cell) for cell in row] for row in table["rows"]]}
        for table in tables
    ]


def group(mark: dict, shown: Any) -> tuple:
    """What the marks of one table have in common."""
    table = shown.words_of(mark["trace"]).table
    return (mark["trace"], *mark["index"][: table.split]) if table else ("", len(mark["values"]))


def table(marks: list[dict], shown: Any) -> dict:
    """The table of the marks of a group."""
    first = marks[0]
    words, n = shown.words_of(first["trace"]), len(first["values"])
    if words.table:
        title, corner = words.table.title(shown, first["index"]), words.table.corner
    else:
        alone = words.title if {mark["trace"] for mark in marks} == {first["trace"]} else ""
        title = alone or ("Numbers" if n == 1 else f"Vectors of {n} components")
        corner = "of" if n == 1 else "component"
    cells = {}
    for mark in marks:
        place = cell_of(mark, shown)
        cells |= {place(shown, mark["index"], k): three(value) for k, value in enumerate(mark["values"])}
    rows, columns = (list(dict.fromkeys(heads)) for heads in zip(*cells, strict=True))
    body = [[row[1], *(cells.get((row, column), "") for column in columns)] for row in rows]
    return {"title": title, "corner": corner, "columns": [text for _, text in columns], "rows": body}


def cell_of(mark: dict, shown: Any) -> Callable:
    """What says, of the n-th number of a mark, its row and its column: each with what tells it from others, and a text.

    Of a vector that its words have no place for, it is a row for each number, of a single number a row of its own.
    """
    words = shown.words_of(mark["trace"])
    if words.table:
        return words.table.cell
    name = (mark["trace"], *mark["index"]), words.name(shown, mark["index"])
    if len(mark["values"]) == 1:
        return lambda *_: (name, (0, "number"))
    return lambda _, __, n: ((n, str(n + 1)), name)
