"""What every mark of a scene says when a reader points at it: what it is, its numbers, and how they came about.

A mark is a node of a `.glb` that stands for numbers. Its words lie beside the file, as `<scene>.marks.json`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from article.web.html import version
from scenes import style
from scenes.export import readback
from scenes.export.glb import leaves, turn

if TYPE_CHECKING:
    import pyvista as pv


def marks(scene: "pv.MultiBlock", glb: bytes, shown: Any) -> dict:
    """What is known of every mark of a scene, and of the file made of it, as JSON can hold it.

    `shown` is the view that the scene was built from, which has the words for its arrays.

    "of" is the version of the file, as addresses have it.
    "marks" has for each, in the order of the file: "node", its name; "title"; "how" and "parts", places in the lists of
    that name, of sentences and of what each of its numbers is called; "glyph"; "mesh", the number of its mesh in the
    file; "at" and "half", the middle of the box around it and half its edges, in metres, y up; for a
    ribbon "tip", a place on it near its query; for what stands for a whole row, what `grown` says; "values".
    "labels" is what `labels_of` says.
    """
    meshes = {node["name"]: node.get("mesh") for node in readback.header(glb)["nodes"] if "extras" in node}
    how: dict[str, int] = {}
    parts: dict[tuple[str, ...], int] = {}
    found = []
    for name, block in zip(scene.keys(), scene, strict=True):
        mark = block.user_dict.data
        if "trace" not in mark:
            continue
        array, index, words = mark["trace"], mark["index"], shown.words_of(mark["trace"])
        texts = [f"{what} {n + 1}" for what, n in zip(("block", "head"), index[: words.place], strict=False)]
        points = turn(np.concatenate([np.asarray(shape.points, float) for shape in leaves([block])]))
        glyph = scene.user_dict["glyphs"][array]
        tip = points[-4:].mean(axis=0) * style.METER  # a ribbon ends with the rims at its query
        low, high = points.min(axis=0) * style.METER, points.max(axis=0) * style.METER
        half, at = (high - low) / 2, (low + high) / 2
        if glyph == "growing":  # the room in which it grows
            half = np.array([style.BASE + style.SPAN, style.PITCH / 2, style.BASE + style.SPAN]) * style.METER
            at[1] = (style.PLINTH_HEIGHT + style.PITCH * (index[1] + 0.5)) * style.METER
        said = words.how if isinstance(words.how, str) else words.how(shown, index)
        found.append(
            {
                "node": name,
                "title": ", ".join([words.name(shown, index), *texts]),
                "how": how.setdefault(said, len(how)),
                "parts": parts.setdefault(tuple(words.parts(shown, len(mark["values"]))), len(parts)),
                "glyph": glyph,
                "mesh": meshes[name],
                "at": np.round(at, 5).tolist(),
                "half": np.round(half, 5).tolist(),
                **({"tip": np.round(tip, 5).tolist()} if glyph.endswith("ribbon") else {}),
                **(grown(shown, array, index) if glyph in ("crowd", "carpet") else {}),
                "values": mark["values"],
            }
        )
    stated = {"how": list(how), "parts": [list(names) for names in parts], "marks": found}
    return {"of": version(glb), **stated, "labels": labels_of(scene)}


def labels_of(scene: "pv.MultiBlock") -> list[dict]:
    """What is written in a scene, for a page that writes it by itself, facing the reader.

    Of each label: "name", "text"; "size" of the font and where it is "at", in metres, y up; its side of what it names:
    "out" along x, 1 or -1, "reach" metres before it, towards the reader, or over it, "of" a mark if it is of one.
    """
    found, reach = [], style.PLATE_GAP + style.PLINTH
    for name, block in zip(scene.keys(), scene, strict=True):
        known = block.user_dict.data
        for text in known.get("written", [known] if known.get("text", "").strip() else []):
            at, size, align = np.array(text["origin"]), text["right"][0], text.get("align")
            at[0] += (0.5 if align is None else align) * text["width"]
            label: dict[str, Any] = {"name": name.removeprefix("label/"), "text": text["text"]}
            label["size"] = round(style.METER * size, 4)
            if align == 0.5:
                at, label["reach"] = at * [1, 1, 0] + [0, size + reach, 0], round(style.METER * reach, 4)
            elif align is not None:
                at, label["out"] = at + np.array(text["up"]) * style.LETTER / 2, 1 - 2 * align
            label |= {"of": text["of"]} if "of" in text else {}
            found.append(label | {"at": np.round(style.METER * turn(at), 4).tolist()})
    return found


def grown(shown: Any, array: str, index: tuple[int, ...]) -> dict:
    """What is known of a row of columns, or of a pattern: how many "columns" it has, and how far apart, in metres.

    "leads" says where all numbers are that it was drawn from, and how many "together" and "grouped" share a shape.
    """
    leads = shown.leads(array, index[0]) | {"together": shown.together, "grouped": shown.grouped}
    return {"columns": len(shown.names), "spacing": style.SPACING * style.METER, "leads": leads}
