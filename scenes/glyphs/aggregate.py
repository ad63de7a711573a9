"""Large models: rows of columns and patterns of tiles, in which a shape stands for several numbers."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike

from scenes import style
from scenes.glyphs.scene import ground, mark
from scenes.glyphs.shapes import CORNERS, TURNED, box, boxes, column, foot, grid_around, mesh, standing, to_bytes
from scenes.glyphs.text import fitted, number, signs
from scenes.style import Scale


def crowd(values: ArrayLike, scale: Scale, y: float) -> pv.PolyData:
    """Vectors (C, G) as C columns side by side in one shape, the boxes of `column` in the order of the values.

    Their distance is that of tokens; a box is higher, for it stands for several components. Its number is its depth.
    """
    values = np.asarray(values, float)
    C, G = values.shape
    pitch = crowd_pitch(G)
    half = scale.length(values.ravel())
    square = np.where((values.ravel() < 0)[:, None, None], TURNED, CORNERS) * half[:, None, None]
    square += np.column_stack([np.repeat(np.arange(C) * style.SPACING, G), np.full(C * G, y)])[:, None]
    low = style.PLINTH_HEIGHT + np.tile(pitch * np.arange(G), C)
    bottoms, tops = standing(square, low, low + (1 - style.CROWD_GAP) * pitch)
    shape = boxes(bottoms, tops, to_bytes(scale.color(values.ravel())), grid=grid_around(bottoms, tops))
    shape.faces = shape.faces.reshape(-1, 6, 5)[:, 1:].ravel()  # nobody sees a box from below
    return shape


def crowd_pitch(n: int) -> float:
    """From one box of such a column to the next, if it has so many."""
    return max(style.CROWD_PITCH, style.CROWD_HEIGHT / n)


def carpet(weights: ArrayLike, y: float) -> pv.PolyData:
    """An attention pattern (C * (C+1) / 2), the keys of each query up to itself, as tiles on the floor.

    Those of a query lie in front of its column, behind each other into the depth, from the one at `y`; a tile is the
    darker the larger its weight.
    """
    weights = np.asarray(weights, float)
    C = int((2 * len(weights)) ** 0.5)
    query, key = np.tril_indices(C)
    deep = (style.CROWD_DEPTH - 2 * style.PLINTH - 2 * style.PLATE_GAP) / C
    corner = np.column_stack([(query - 0.5) * style.SPACING, y + key * deep])
    return tiles(corner, [style.SPACING, deep], style.weight_color(weights))


def tiles(corners: ArrayLike, size: ArrayLike, color: ArrayLike) -> pv.PolyData:
    """Tiles of one size (2,) on the floor, from their corners (n, 2) at the left front and their colours (n, 3)."""
    ring = np.asarray(corners)[:, None] + (CORNERS + 1) / 2 * np.asarray(size)
    points = np.insert(ring.reshape(-1, 2), 2, style.TILE_LIFT, axis=1)
    faces = 4 * np.arange(len(ring))[:, None] + np.arange(4)
    return mesh(points, faces, np.repeat(to_bytes(color), 4, axis=0), material="tiles")


def crowds(scene: pv.MultiBlock, aggregation: Any, array: str, index: int, y: float) -> None:
    """Adds a row of columns `getattr(aggregation, array)[index]` on one plinth, as one mark."""
    values = getattr(aggregation, array)[index]
    scene.user_dict |= {"glyphs": scene.user_dict["glyphs"] | {array: "crowd"}}
    ground(scene, box(*foot((0, y), ((len(values) - 1) * style.SPACING, y)), to_bytes(style.STONE)))
    mark(scene, crowd(values, Scale(scene.user_dict["limit"]), y), aggregation, array, (index,))


def carpets(scene: pv.MultiBlock, aggregation: Any, array: str, index: int, y: float) -> None:
    """Adds a pattern `getattr(aggregation, array)[index]` on the floor behind the row at `y`, as one mark."""
    scene.user_dict |= {"glyphs": scene.user_dict["glyphs"] | {array: "carpet"}, "weight": style.WEIGHT}
    shape = carpet(getattr(aggregation, array)[index], y + style.PLINTH + style.PLATE_GAP)
    mark(scene, shape, aggregation, array, (index,))


def crowd_signs(scene: pv.MultiBlock, aggregation: Any, rows: Iterable[tuple[str, float]], told: Iterable[str]) -> None:
    """Adds what is written in a large scene, and its legend.

    At the left the names of the rows, each with its place along y; in front the tokens, of many only every few, in a
    size to be read from afar; below them what is `told`, and what is drawn together.
    """
    names, small = fitted(aggregation.names)
    size = float(np.interp(len(aggregation.names), [1, style.SIGN_MANY], style.SIGN_SIZE))
    line = size * style.LINE
    near = -style.PLINTH - style.PLATE_GAP - small * style.LINE
    left, columns = -style.SPACING - style.PLINTH, range(len(aggregation.names))
    written = [(text, (left, y - size * style.LETTER / 2), size, 1.0) for text, y in rows]
    if len(columns) <= 2 * style.SIGN_EVERY:
        written += [(names[c], (c * style.SPACING, near), small, 0.5) for c in columns]
    else:
        near -= line
        some = [(c, f"{c * aggregation.together + 1} {aggregation.names[c]}") for c in columns[:: style.SIGN_EVERY]]
        written += [(text, (c * style.SPACING - style.PLINTH, near), size, 0.0) for c, text in some]
    lines = [*told, *([f"a box: the largest of {aggregation.grouped} components"] if aggregation.grouped > 1 else [])]
    lines += [f"a column: the largest of {aggregation.together} tokens"] if aggregation.together > 1 else []
    low = near
    for text in lines:
        low -= line
        written.append((text, (-style.PLINTH, low), size, 0.0))
    scale, y = Scale(scene.user_dict["limit"]), low - style.PLINTH - 0.5 * line
    x = max(columns[-1] * style.SPACING, 8 * style.SIGN_SPACING * size)
    for name, parts in (("value", style.LEGEND_PARTS), ("weight", style.LEGEND_TILES)):
        group = pv.MultiBlock()
        for part in reversed(parts):
            value = part * scale.limit if name == "value" else part
            shape = column([value], scale, (x, y))
            if name == "weight":
                corner, edge = (x - style.PLINTH, y - style.PLINTH), 2 * style.PLINTH
                shape = tiles([corner], [edge, edge], style.weight_color([value]))
            group.append(shape)
            written.append((number(value), (x, y - style.PLINTH - line), size, 0.5))
            x -= style.SIGN_SPACING * size
        scene.append(group, f"legend/{name}")
    signs(scene, "signs", written)
