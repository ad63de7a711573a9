"""The exact numbers of a scene, as tables.

Each table is {"title", "corner", "columns", "rows"}; a row is its head and its cells, which are texts.
"""

from typing import TYPE_CHECKING, Any, cast

from article.evidence.words import three
from article.web.marks import WORDS
from scenes.export.readback import APART
from scenes.glyphs.text import level_name

if TYPE_CHECKING:
    import pyvista as pv


def tables(scene: "pv.MultiBlock", shown: Any) -> list[dict]:
    """A table for each row of the residual stream, each attention pattern, and for what else is alike in a scene.

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
                differences.setdefault(group(mark), []).append(mark | {"values": values[1::2]})
            groups.setdefault(group(mark), []).append(mark)
    found = [table(key, marks, shown) for key, marks in groups.items()]
    for key, marks in differences.items():
        made = table(key, marks, shown)
        found.append(made | {"title": f"{made['title']}, {cast(Any, shown).title}"})
    return found


def written(tables: list[dict]) -> list[dict]:
    """Tables whose cells are texts and numbers, with the numbers as they are written."""

    def cell(value: float | str) -> str:
        return value if isinstance(value, str) else three(value)

    return [table | {"rows": [[*map(cell, row)] for row in table["rows"]]} for table in tables]


def group(mark: dict) -> tuple:
    """What the marks of one table have in common."""
    array, index = mark["trace"], mark["index"]
    if array in ("height", "path"):
        return (array,)
    if array in ("residual", "normed") and len(mark["values"]) > 1:
        return array, index[0]
    if array == "attention":
        return array, *index[:2]
    if array in READ_AS:
        return (array,)
    return ("vectors", len(mark["values"])) if len(mark["values"]) > 1 else (array,)


def table(key: tuple, marks: list[dict], shown: Any) -> dict:
    """The table of the marks of a group."""
    array, tokens = key[0], list(shown.tokens)
    if array == "height":
        n = round(len(marks[0]["values"]) ** 0.5)
        numbers, places = iter(map(three, marks[0]["values"])), [str(i + 1) for i in range(n)]
        rows = [[place, *(next(numbers) for _ in places)] for place in places]
        return {"title": "Loss", "corner": "second \\ first direction", "columns": places, "rows": rows}
    if array == "path":
        rows = [[str(mark["index"][0] + 1), *map(three, mark["values"])] for mark in marks]
        return {"title": "Path", "corner": "point", "columns": ["first direction", "second"], "rows": rows}
    if array in GRIDS:
        title, corner, row, column = GRIDS[array]
        cells = {(row(shown, m["index"]), column(shown, m["index"])): m["values"][0] for m in marks}
        rows, columns = (list(dict.fromkeys(part)) for part in zip(*cells, strict=True))
        body = [[r, *(three(cells[r, c]) if (r, c) in cells else "" for c in columns)] for r in rows]
        return {"title": title(key), "corner": corner, "columns": columns, "rows": body}
    vectors = zip(*(mark["values"] for mark in marks), strict=True)
    rows = [[str(d + 1), *map(three, line)] for d, line in enumerate(vectors)]
    if array in READ_AS:
        title, corner, names = READ_AS[array]
        rows = [[name, *row[1:]] for name, row in zip(names(shown), rows, strict=True)]
        columns = [str(mark["index"][-1] + 1) for mark in marks]
        return {"title": title, "corner": corner, "columns": columns, "rows": rows}
    if array == "residual":
        title = f"Residual stream, {level_name(key[1])}"
    else:
        title = "After the final LayerNorm" if array == "normed" else f"Vectors of {key[1]} components"
    if array == "vectors":
        columns = [WORDS[mark["trace"]].name(shown, mark["index"]) for mark in marks]
    else:
        columns = [tokens[mark["index"][1]] for mark in marks]
    if {mark["trace"] for mark in marks} == {"embedding"}:
        title = "Embedding"
    return {"title": title, "corner": "component", "columns": columns, "rows": rows}


# Components read by what they are the components of: the title, the corner, and what each number belongs to.
READ_AS: dict[str, tuple[str, str, Any]] = {
    "component": ("Embedding, by component", "token", lambda s: s.vocab),
    "place": ("Position, by component", "position", lambda s: [str(t + 1) for t in range(len(s.tokens))]),
    "query_of_token": ("Query, by component: means over the corpus", "token", lambda s: s.vocab),
    "key_of_token": ("Key, by component: means over the corpus", "token", lambda s: s.vocab),
    "value_of_token": ("Value, by component: means over the corpus", "token", lambda s: s.vocab),
}

# Single numbers in two directions: the title, the corner, and what a row and a column are called.
GRIDS: dict[str, tuple[Any, str, Any, Any]] = {
    "attention": (
        lambda key: f"Attention in block {key[1] + 1}, head {key[2] + 1}",
        "query \\ key",
        lambda s, i: s.tokens[i[2]],
        lambda s, i: s.tokens[i[3]],
    ),
    "score": (lambda _: "Scores", "query \\ key", lambda s, i: s.tokens[i[2]], lambda s, i: s.tokens[i[3]]),
    "probabilities": (lambda _: "Probabilities", "level", lambda _, i: level_name(i[0]), lambda s, i: s.vocab[i[2]]),
    "chance": (lambda _: "Probabilities", "level", lambda _, i: level_name(i[0]), lambda s, i: s.vocab[i[1]]),
    "share": (lambda _: "Shares of the logit", "origin", lambda s, i: s.origins[i[0]], lambda s, i: s.vocab[i[1]]),
}
