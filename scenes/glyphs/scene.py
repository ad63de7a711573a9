"""Into the scene: rows of columns, attention patterns, matrices of bars, and what every mark knows of itself.

A scene is a `pv.MultiBlock`; what a shape stands for travels with it in `user_dict`.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from scenes import style
from scenes.glyphs.shapes import Glyph, Point, bar, box, column, foot, post, ribbon, to_bytes
from scenes.glyphs.text import fitted, label, labels
from scenes.style import Scale


def start(name: str, trace: Any, scale: Scale, view: tuple[float, float] = style.VIEW_OF_ROW) -> pv.MultiBlock:
    """An empty scene of a `gpt.Trace`, or of anything that has a sentence, weights and arrays.

    It knows its name, its sentence and the tokens of it, its weights, how its shapes are to be read, and from which
    side it is seen first: degrees to the left of straight ahead, and from straight above.
    """
    scene = pv.MultiBlock()
    meaning: dict[str, Any] = {
        "scene": name,
        "sentence": trace.sentence,
        "tokens": list(getattr(trace, "tokens", ())),
        "weights": trace.weights,
        "view": view,
        "meter": style.METER,
        "limit": scale.limit,
        "column": {"base": style.BASE, "span": style.SPAN},
        "ribbon": {"hair": style.HAIR, "span": style.RIBBON},
        "bar": {"base": style.BAR_BASE, "span": style.BAR_SPAN},
        "surface": {"base": style.PLINTH_HEIGHT, "height": style.LAND_HEIGHT, "span": style.LAND_SPAN},
        "point": {"height": style.MAP_HEIGHT, "span": style.MAP_SPAN},
        "positive": style.POSITIVE,
        "negative": style.NEGATIVE,
        "glyphs": {},
    }
    scene.user_dict = meaning
    scene.append(pv.MultiBlock(), "plinths")
    return scene


def ground(scene: pv.MultiBlock, stone: pv.PolyData) -> None:
    """Adds a plinth to the group "plinths"."""
    cast(pv.MultiBlock, scene["plinths"]).append(stone)


def mark(
    scene: pv.MultiBlock, shape: pv.PolyData, trace: Any, array: str, index: Sequence[int], name: str = ""
) -> None:
    """Adds a shape that stands for the numbers `getattr(trace, array)[index]`, and says so in its `user_dict`.

    If it has no other name, that is its path, such as `residual/2/5`.
    """
    index, known = tuple(map(int, index)), scene.user_dict.data
    drawn = array.removesuffix("_apart")
    if drawn in ("residual", "normed") and index[1]:
        row = [f"{one}/{index[0]}" for one in (drawn, f"{drawn}_apart")]
        goes_on = scene.get_block_name(scene.n_blocks - 1) in [f"{one}/{index[1] - 1}" for one in row]
        if not goes_on and all(scene.get(f"{one}/0") is None for one in row):  # to look through the scene takes long
            scene.user_dict |= {"last_only": list(dict.fromkeys([*known.get("last_only", []), f"{drawn}/{index[0]}"]))}
    least = min(known["limit"], known.get("beside", known)["limit"])
    size = int(np.ceil(-np.log10(least)))
    finer = max(0, size - 1) + min(0, size + 2)  # where the scale itself is small, or very large
    values = np.round(np.ravel(getattr(trace, array)[index]), style.DECIMALS + finer).tolist()
    shape.user_dict = shape.user_dict.data | {"trace": array, "index": index, "values": values}
    scene.append(shape, name or "/".join(map(str, (array, *index))))


def stand(
    scene: pv.MultiBlock, trace: Any, array: str, index: Sequence[int], at: Point, head: int | None = None
) -> None:
    """Adds the number `getattr(trace, array)[index]` as a bar at a place, or as one in the colour of a head."""
    scale, value = Scale(scene.user_dict["limit"]), getattr(trace, array)[tuple(index)]
    drawn_as(scene, **{array: "bar" if head is None else "post"})
    mark(scene, bar(value, scale, at) if head is None else post(value, scale, at, head), trace, array, index)


def drawn_as(scene: pv.MultiBlock, **glyphs: str) -> None:
    """Notes by which glyphs arrays are drawn."""
    known = scene.user_dict["glyphs"]
    if known | glyphs != known:
        scene.user_dict |= {"glyphs": known | glyphs}


def row(
    scene: pv.MultiBlock,
    trace: Any,
    array: str,
    indices: Sequence[Sequence[int]],
    texts: Sequence[str],
    row: float = 0,
    place: float = 0,
    glyph: Glyph = column,
) -> None:
    """Adds vectors `getattr(trace, array)[index]` side by side, with name plates if there are texts, like `line`."""
    words = texts or [""] * len(indices)
    line(scene, trace, [(array, index, text) for index, text in zip(indices, words, strict=True)], row, place, glyph)


def line(
    scene: pv.MultiBlock,
    trace: Any,
    terms: Sequence[tuple[str, Sequence[int], str]],
    row: float = 0,
    place: float = 0,
    glyph: Glyph = column,
) -> None:
    """Adds vectors side by side on plinths: each the name of an array of the trace, an index into it, and a text or "".

    `row` and `place` say where the first one stands, in steps of the grid of blocks and tokens. A mark's name is its
    path: `residual/2/5`, and for an embedding `embedding/<token>`.
    """
    scale, y = Scale(scene.user_dict["limit"]), row * style.DEPTH
    for t, (array, index, _) in enumerate(terms):
        drawn_as(scene, **{array: glyph.__name__})
        x = (place + t) * style.SPACING
        ground(scene, box(*foot((x, y)), to_bytes(style.STONE)))
        shape = glyph(np.ravel(getattr(trace, array)[tuple(index)]), scale, (x, y))
        mark(scene, shape, trace, array, index, f"{array}/{trace.vocab[index[0]]}" if array == "embedding" else "")
    names(scene, [text for *_, text in terms], style.SPACING, row, place)


def unembedding(*traces: Any) -> str:
    """The array that the last vectors of traces are compared with: the embedding, where that is its own unembedding."""
    return "embedding" if all(trace.unembed is None for trace in traces) else "unembedding"


def names(scene: pv.MultiBlock, texts: Sequence[str], pitch: float, row: float = 0, place: float = 0) -> None:
    """Adds name plates in front of a row of plinths, as many units of the scene apart; none for an empty text.

    A word too long for its place makes all the names of the row smaller, to a limit; beyond it, it is cut.
    """
    shown, size = fitted(texts, pitch)
    front = row * style.DEPTH - style.PLINTH - style.PLATE_GAP - size * style.LINE
    left = place * style.SPACING
    named = [(f"token/{row:g}/{place + t:g}", text, left + t * pitch) for t, text in enumerate(shown) if text]
    labels(scene, [(name, text, (x, front), size, 0.5) for name, text, x in named])


def side(scene: pv.MultiBlock, text: str, row: float) -> None:
    """Adds the name of a row at its left."""
    left = -style.PLINTH - style.PLATE_GAP - style.TEXT_MARGIN
    label(scene, f"row/{row:g}", text, (left, row * style.DEPTH - style.PLINTH), align=1)


def stream(scene: pv.MultiBlock, trace: Any) -> None:
    """Adds the residual stream: a row of columns for what enters block 1, what leaves each block, and after ln_f."""
    L, T = len(trace.residual) - 1, len(trace.tokens)
    rows = [("residual", l) for l in range(L + 1)] + [("normed", L)]
    texts = ["embedding + position", *(f"block {l + 1}" for l in range(L)), "final LayerNorm"]
    for y, ((array, l), text) in enumerate(zip(rows, texts, strict=True)):
        row(scene, trace, array, [(l, t) for t in range(T)], () if y else trace.tokens, y)
        side(scene, text, y)


def pattern(scene: pv.MultiBlock, trace: Any, l: int, h: int, first: int = 0, row: int | None = None) -> None:
    """Adds the attention pattern of head h in block l: a ribbon for every weight, from the key's plinth to the query's.

    Queries before the `first` one are left out. It starts at the row of the block's number, or at another `row`.

    At its query's plinth the ribbons of a head lie side by side, in the order of the keys; together they are as wide as
    a weight of 1. The wider a ribbon, the lower it lies, so that none cuts through another or hides a fainter one.
    """
    weights = trace.attention[l, :, :, :]
    H, T, _ = weights.shape
    heights = heights_of(weights, [(head, q, k) for head in range(H) for q in range(T) for k in range(q + 1)])
    port = style.RIBBON + T * style.HAIR  # what a head's ribbons need at most, side by side
    share = min(1.0, style.RIBBON_ROOM / (H * (port + style.RIBBON_GAP)))
    drawn_as(scene, attention="ribbon")
    scene.user_dict |= {"ribbon": {"hair": share * style.HAIR, "span": share * style.RIBBON}}
    lane = share * (h - (H - 1) / 2) * (port + style.RIBBON_GAP)
    y = (l if row is None else row) * style.DEPTH + style.PLINTH
    for q in range(first, T):
        arrive = arrivals(weights[h, q, : q + 1], q * style.SPACING + lane, share)
        for k in range(q + 1):
            band = ribbon(
                weights[h, q, k], (k * style.SPACING + lane, y), (arrive[k], y + style.DEPTH - 2 * style.PLINTH),
                heights[h, q, k], style.HEADS[h % len(style.HEADS)], share,
            )  # fmt: skip
            mark(scene, band, trace, "attention", (l, h, q, k))


def heights_of(weights: NDArray[np.float64], cells: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
    """How high the ribbon of each cell of weights lies: the wider, the lower."""
    order = sorted(cells, key=lambda cell: -weights[cell])
    return dict(zip(order, np.linspace(style.RIBBON_LOW, style.RIBBON_HIGH, len(order)).tolist(), strict=True))


def arrivals(weights: NDArray[np.float64], x: float, share: float) -> NDArray[np.float64]:
    """Where the ribbons of weights (n,) arrive, side by side around a place."""
    widths = share * (style.HAIR + style.RIBBON * weights)
    return x + np.cumsum(widths) - widths / 2 - widths.sum() / 2


def matrix(scene: pv.MultiBlock, trace: Any, array: str, l: int, h: int) -> float:
    """Adds an array (L, H, T, T) of head h in block l: a row of bars for each query, a bar for each key.

    The future stands on slate; attention does not reach there, and so there are no bars of it. Returns where the last
    key stands along x.
    """
    T, attention = len(trace.tokens), array == "attention"
    right = (T - 1) * style.SPACING
    for q, token in enumerate(trace.tokens):
        x, y = q * style.SPACING, q * style.BAR_DEPTH
        ground(scene, box(*foot((0, y), (x, y)), to_bytes(style.STONE)))
        if q < T - 1:
            ground(scene, box(*foot((x + style.SPACING, y), (right, y)), to_bytes(style.SLATE)))
        for k in range(q + 1 if attention else T):
            stand(scene, trace, array, (l, h, q, k), (k * style.SPACING, y), h if attention else None)
        front = y - style.TEXT_SIZE * style.LINE / 2
        label(scene, f"query/{q}", token, (-style.PLINTH - style.PLATE_GAP - style.TEXT_MARGIN, front), align=1)
    beside = right + style.PLINTH + style.PLATE_GAP + style.TEXT_MARGIN
    label(scene, "future", "masked", (beside, (T - 2) / 2 * style.BAR_DEPTH), align=0)
    names(scene, trace.tokens, style.SPACING)
    return right


def level_row(scene: pv.MultiBlock, level: int, text: str, right: float, apart: float = style.BAR_DEPTH) -> float:
    """Adds the plinth of a row of bars up to the one at `right`, for what is called so. Returns where it is along y."""
    y = level * apart
    ground(scene, box(*foot((0.0, y), (right, y)), to_bytes(style.STONE)))
    label(scene, f"row/{level}", text, (-style.PLINTH - 0.4, y - style.TEXT_SIZE * style.LINE / 2), align=1)
    return y
