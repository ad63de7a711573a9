"""What every mark of a scene says when a reader points at it: what it is, its numbers, and how they came about.

A mark is a node of a `.glb` that stands for numbers. Its words lie beside the file, as `<scene>.marks.json`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scenes import style
from scenes.export import readback
from scenes.export.glb import leaves, turn
from scenes.glyphs.text import level_name

if TYPE_CHECKING:
    import pyvista as pv


Index = tuple[int, ...]


class Words(NamedTuple):
    """What can be said of the vectors, or numbers, of an array."""

    name: Callable[[Any, Index], str]  # of one of them, from what is shown and its index; the head of its column, too
    how: str | Callable[[Any, Index], str]  # it was computed
    place: int = 0  # the leading axes that its name does not tell: 1 for the block, 2 for the block and the head
    parts: Callable[[Any, int], Sequence[str]] = lambda _, n: [f"component {d + 1}" for d in range(n)]


def tokens(shown: Any, _: int) -> Sequence[str]:
    return shown.vocab


def plain(_: Any, n: int) -> Sequence[str]:
    """Of a single number, or of numbers that have no name."""
    return [""] * n


def directions(_: Any, n: int) -> Sequence[str]:
    return ["first direction", "second direction", "third direction"][:n]


def hidden(_: Any, n: int) -> Sequence[str]:
    return [f"hidden unit {u + 1}" for u in range(n)]


def entering(_: Any, index: Index) -> str:
    """How a vector of the residual stream came about."""
    l, _ = index
    return (
        f"what entered block {l}, plus what its attention and its MLP wrote"
        if l
        else "the sum of embedding and position"
    )


def of_head(what: str) -> Callable[[Any, Index], str]:
    return lambda s, i: f"{what} of {s.tokens[i[2]]}"


def mean(what: str) -> Words:
    return Words(
        lambda _, i: f"{what} {i[-1] + 1}",
        f"the mean of this component of the {what} over all places of the corpus where the token stands",
        2,
        tokens,
    )


def boxes_of(digest: Any, n: int) -> Sequence[str]:
    """Of the boxes of a row of columns."""
    C = len(digest.names)
    return [f"{digest.column(c)}, {digest.group(g)}:" for c in range(C) for g in range(n // C)]


def tiles_of(digest: Any, _: int) -> Sequence[str]:
    """Of the tiles of a pattern."""
    names = [digest.column(c) for c in range(len(digest.names))]
    return [f"{names[q]} looks at {names[k]}:" for q in range(len(names)) for k in range(q + 1)]


def largest(what: str) -> Callable[[Any, Index], str]:
    """Says how a number of a row of columns was found, and how what it was found among was computed."""
    return lambda *_: f"the one of largest magnitude among those that share the box, each {what}"


def compared(words: Words) -> Words:
    """The same of numbers that each have, beside them, how much more they are than the other's at the same place."""

    def parts(shown: Any, n: int) -> list[str]:
        return [name for part in words.parts(shown, n // 2) for name in (part, shown.title)]

    def how(shown: Any, index: Index) -> str:
        said = words.how if isinstance(words.how, str) else words.how(shown, index)
        return f"{said}, and what is left of it when the number of {shown.names[1]} at this place is taken away"

    return Words(words.name, how, words.place, parts)


WORDS: dict[str, Words] = {
    "stream": Words(
        lambda s, i: "after the final LayerNorm" if i[0] == len(s.residual) else level_name(i[0]),
        largest("a component of the residual stream there"),
        0,
        boxes_of,
    ),
    "look": Words(
        lambda _, i: f"attention in block {i[0] + 1}",
        "the largest weight of any head, and of all tokens that share a tile",
        0,
        tiles_of,
    ),
    "inside": Words(
        lambda s, i: (
            f"block {s.block + 1}, "
            + ("what enters", "what attention writes", "after attention", "what the MLP writes", "what leaves")[i[0]]
        ),
        largest("a component of the vector there"),
        0,
        boxes_of,
    ),
    "heads": Words(
        lambda s, i: f"attention in block {s.block + 1}, head {i[0] + 1}",
        "the softmax of the scores that the mask leaves; the largest where tokens share a tile",
        0,
        tiles_of,
    ),
    "embedding": Words(lambda s, i: s.vocab[i[0]], "a learned number: the token's row in the table of embeddings"),
    "token": Words(
        lambda s, i: f"embedding of {s.tokens[i[0]]}", "the row of the table of embeddings at the token's id"
    ),
    "position": Words(
        lambda _, i: f"position {i[0] + 1}", "a learned number: the vector of this place in the sentence"
    ),
    "residual": Words(lambda s, i: f"{s.tokens[i[1]]}, {level_name(i[0])}", entering),
    "normed": Words(
        lambda s, i: f"{s.tokens[i[1]]}, after the final LayerNorm",
        "the residual stream at one mean and one size, × gain + bias",
    ),
    "query": Words(of_head("query"), "the token's vector, after LayerNorm, times the matrix of queries", 2),
    "key": Words(of_head("key"), "the token's vector, after LayerNorm, times the matrix of keys", 2),
    "value": Words(of_head("value"), "the token's vector, after LayerNorm, times the matrix of values", 2),
    "product": Words(
        lambda s, i: f"query × key of {s.tokens[i[3]]}",
        "the product of one component of both, divided by the root of their number",
        2,
    ),
    "score": Words(
        lambda s, i: f"score of {s.tokens[i[2]]} for {s.tokens[i[3]]}",
        "the sum of query × key, divided by the root of their length",
        2,
        plain,
    ),
    "attention": Words(
        lambda s, i: f"{s.tokens[i[2]]} looks at {s.tokens[i[3]]}",
        "the softmax of the scores that the mask leaves",
        2,
        plain,
    ),
    "mixed": Words(
        lambda s, i: f"mixed for {s.tokens[i[2]]}", "the sum of all values, each times its attention weight", 2
    ),
    "head_write": Words(
        lambda _, i: f"block {i[0] + 1}, head {i[1] + 1} writes",
        "the mixed values times the head's part of the projection",
    ),
    "attention_write": Words(lambda _, i: f"attention {i[0] + 1} writes", "the writes of all heads, plus a bias"),
    "normed_2": Words(
        lambda _, i: f"LayerNorm in block {i[0] + 1}",
        "the stream after attention, at one mean and one size, × gain + bias",
    ),
    "up": Words(
        lambda _, i: f"hidden in block {i[0] + 1}", "what the MLP reads times its first matrix, plus a bias", 0, hidden
    ),
    "hidden": Words(
        lambda _, i: f"after ReLU in block {i[0] + 1}", "the hidden unit where it is positive, else 0", 0, hidden
    ),
    "mlp_write": Words(lambda _, i: f"MLP {i[0] + 1} writes", "the hidden units times the second matrix, plus a bias"),
    "centred": Words(lambda *_: "less its mean", "the last residual stream less the mean of its components"),
    "standard": Words(lambda *_: "to one size", "the centred vector divided by its standard deviation"),
    "scaled": Words(lambda *_: "times gain", "the standard vector times the learned gain"),
    "candidate": Words(
        lambda s, i: f"{i[0] + 1}. {s.vocab[s.ranking[i[0]]]}", "a learned number: the embedding of the candidate"
    ),
    "agreement": Words(
        lambda s, i: f"last vector × {s.vocab[s.ranking[i[0]]]}",
        "last vector × embedding, component by component; their sum is the logit",
    ),
    "share": Words(
        lambda s, i: f"{s.origins[i[0]]}, for {s.vocab[i[1]]}",
        "what this part adds to the logit, sent through the final LayerNorm by itself",
        0,
        plain,
    ),
    "probabilities": Words(
        lambda s, i: f"{s.vocab[i[2]]}, {level_name(i[0])}",
        "the softmax of the logits that the stream gives there",
        0,
        plain,
    ),
    "component": Words(
        lambda _, i: f"component {i[0] + 1} of the embedding",
        "a learned number: the component in each token's embedding",
        0,
        tokens,
    ),
    "place": Words(
        lambda _, i: f"component {i[0] + 1} of the position",
        "a learned number: the component in each position's vector",
        0,
        lambda _, n: [f"position {t + 1}" for t in range(n)],
    ),
    "query_of_token": mean("query"),
    "key_of_token": mean("key"),
    "value_of_token": mean("value"),
    "map": Words(
        lambda s, i: s.vocab[i[0]], "the embedding along the first principal components of all", 0, directions
    ),
    "route": Words(
        lambda _, i: f"position {i[0] + 1}", "the position along the first principal components of all", 0, directions
    ),
    "course": Words(
        lambda s, i: f"{s.vocab[i[0]]}, component {i[1] + 1}",
        "a learned number, as it was at this step",
        0,
        plain,
    ),
    "way": Words(
        lambda s, i: s.vocab[i[0]],
        "the embedding at this step along the first principal components of the last one",
        0,
        lambda _, n: ["first direction", "second direction", "third direction"] * (n // 3),
    ),
    "height": Words(lambda *_: "loss", "the loss on the corpus with the weights of this place of the plane", 0, plain),
    "path": Words(
        lambda s, i: f"step {i[0] * s.every}",
        "the place of the plane that is nearest to the weights at this step",
        0,
        directions,
    ),
    "weight_effect": Words(
        lambda s, i: f"without the look at {s.tokens[i[2]]}",
        "what the answer's probability loses when the weight is set to 0",
        2,
        plain,
    ),
    "head_effect": Words(
        lambda *_: "without the head", "what the answer's probability loses when the head says nothing", 2, plain
    ),
    "heads_effect": Words(
        lambda *_: "without all heads",
        "what the answer's probability loses when no head of the block says anything",
        1,
        plain,
    ),
    "mlp_effect": Words(
        lambda *_: "without the MLP", "what the answer's probability loses when the MLP writes nothing", 1, plain
    ),
    "last": Words(lambda *_: "last vector", "the last position's vector after the final LayerNorm"),
    "chance": Words(
        lambda s, i: f"{s.vocab[i[1]]}, {level_name(i[0])}",
        "the softmax of the logits that the stream gives there",
        0,
        plain,
    ),
}
WORDS |= {
    f"{array}{readback.APART}": compared(WORDS[array])
    for array in ("embedding", "residual", "normed", "attention", "last", "chance")
}


def marks(scene: "pv.MultiBlock", glb: bytes, shown: Any) -> dict:
    """What is known of every mark of a scene, and of the file made of it, as JSON can hold it.

    "marks" has for each, in the order of the file: "node", its name; "title"; "how" and "parts", places in the lists of
    that name, of sentences and of what each of its numbers is called; "glyph"; "mesh", the number of its mesh in the
    file; "at" and "half", the middle of the box around it and half its edges, in metres, y up; for a
    ribbon "tip", a place on it near its query; for a point of a film "path", where it is at each step; for what stands
    for a whole row, what `grown` says; "values".
    """
    meshes = {node["name"]: node.get("mesh") for node in readback.header(glb)["nodes"] if "extras" in node}
    how: dict[str, int] = {}
    parts: dict[tuple[str, ...], int] = {}
    found = []
    for name, block in zip(scene.keys(), scene, strict=True):
        mark = block.user_dict.data
        if "trace" not in mark:
            continue
        array, index, words = mark["trace"], mark["index"], WORDS[mark["trace"]]
        texts = [f"{what} {n + 1}" for what, n in zip(("block", "head"), index[: words.place], strict=False)]
        points = turn(np.concatenate([np.asarray(shape.points, float) for shape in leaves([block])]))
        glyph = scene.user_dict["glyphs"][array]
        path = None
        if glyph == "moving":  # where the point is at each step
            path = turn(style.MAP_SPAN * np.reshape(mark["values"], (-1, 3)) / scene.user_dict["limit"])
            path = (path + np.array([0, style.MAP_HEIGHT, 0])) * style.METER
        tip = points[-4:].mean(axis=0) * style.METER  # a ribbon ends with the rims at its query
        low, high = points.min(axis=0) * style.METER, points.max(axis=0) * style.METER
        half, at = (high - low) / 2, (low + high) / 2
        if glyph == "growing":  # the room in which it grows
            half = np.array([style.BASE + style.SPAN, style.PITCH / 2, style.BASE + style.SPAN]) * style.METER
            at[1] = (style.PLINTH_HEIGHT + style.PITCH * (index[1] + 0.5)) * style.METER
        elif path is not None:
            half = np.full(3, style.POINT * style.METER)
        said = words.how if isinstance(words.how, str) else words.how(shown, index)
        names = tuple(words.parts(shown, len(mark["values"])))
        found.append(
            {
                "node": name,
                "title": ", ".join([words.name(shown, index), *texts]),
                "how": how.setdefault(said, len(how)),
                "parts": parts.setdefault(names, len(parts)),
                "glyph": glyph,
                "mesh": meshes[name],
                "at": np.round(at, 5).tolist(),
                "half": np.round(half, 5).tolist(),
                **({} if path is None else {"path": np.round(path, 4).tolist()}),
                **({"tip": np.round(tip, 5).tolist()} if glyph.endswith("ribbon") else {}),
                **(grown(shown, array, index) if glyph in ("crowd", "carpet") else {}),
                "values": mark["values"],
            }
        )
    return {"how": list(how), "parts": [list(names) for names in parts], "marks": found}


def grown(digest: Any, array: str, index: Index) -> dict:
    """What is known of a row of columns, or of a pattern: how many "columns" it has, and how far apart, in metres.

    "leads" says where all numbers are that it was drawn from, and how many "together" and "grouped" share a shape.
    """
    leads = digest.leads(array, index[0]) | {"together": digest.together, "grouped": digest.grouped}
    return {"columns": len(digest.names), "spacing": style.SPACING * style.METER, "leads": leads}
