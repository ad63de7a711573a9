"""Glyphs of two that are compared: the shape tells a number, the colour how much more it is than the other's there.

Both are drawn by the same builder, on the same scales and with the same places. What the other lacks is slate, and its
colour tells nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike

from scenes import style
from scenes.glyphs import scene as scene_
from scenes.glyphs import shapes as shapes_
from scenes.glyphs import text
from scenes.glyphs.scene import ground, mark
from scenes.glyphs.shapes import Point, box, foot, ribbon, to_bytes
from scenes.style import Scale

NOISE = 1e-9  # of the scale's limit; what is less apart is the same
DRAW: dict[str, tuple[str, str]] = {  # what draws a number: beside another one, and where there is none
    "column": ("tinted", "silent"),
    "ribbon": ("tinted_ribbon", "ribbon"),
    "bar": ("tinted_bar", "post"),
}
Draw = Callable[[Any], pv.PolyData]  # numbers as a shape


def start(
    name: str, comparison: Any, scale: Scale, drawn: Sequence[ArrayLike], view: tuple[float, float]
) -> pv.MultiBlock:
    """An empty scene of two, on a scale for the numbers and one for the differences that are `drawn` (..., 2)."""
    most = max((np.nanmax(np.abs(np.asarray(pairs)[..., 1]), initial=0.0) for pairs in drawn), default=0.0)
    apart = Scale.of(most) if most > NOISE * scale.limit else scale
    scene = scene_.start(name, comparison, scale, view)
    scene.user_dict |= {
        "beside": {
            "names": list(comparison.names),
            "sentence": comparison.other.sentence,
            "weights": comparison.other.weights,
            "limit": apart.limit,
            "more": style.MORE,
            "less": style.LESS,
        }
    }
    return scene


def tint(shape: pv.PolyData, differences: ArrayLike, scene: pv.MultiBlock) -> pv.PolyData:
    """A shape in the colours of differences (n,), an equal part of its points each."""
    scale = Scale(scene.user_dict["beside"]["limit"])
    colors = scale.tint(np.ravel(differences))
    shape.point_data["color"] = np.repeat(colors, shape.n_points // len(colors), axis=0)
    return shape


def silence(shape: pv.PolyData) -> pv.PolyData:
    """A shape in slate."""
    shape.point_data["color"] = np.broadcast_to(to_bytes(style.SLATE), (shape.n_points, 3))
    return shape


def place(scene: pv.MultiBlock, comparison: Any, array: str, index: Sequence[int], glyph: str, draw: Draw) -> None:
    """Adds the numbers `getattr(comparison, array)[index]`, drawn as a glyph, in the colours of their differences."""
    pairs = np.reshape(getattr(comparison, f"{array}_apart")[tuple(index)], (-1, 2))
    compared = not np.isnan(pairs).any()
    shape = draw(pairs[:, 0])
    shape = tint(shape, pairs[:, 1], scene) if compared else silence(shape)
    name = f"{array}_apart" if compared else array
    scene.user_dict |= {"glyphs": scene.user_dict["glyphs"] | {name: DRAW[glyph][not compared]}}
    mark(scene, shape, comparison, name, index)


def column(scene: pv.MultiBlock, comparison: Any, array: str, index: Sequence[int], at: Point) -> None:
    """Adds a vector as a column on a plinth."""
    scale = Scale(scene.user_dict["limit"])
    ground(scene, box(*foot(at), to_bytes(style.STONE)))
    place(scene, comparison, array, index, "column", lambda values: shapes_.column(values, scale, at))


def bar(scene: pv.MultiBlock, comparison: Any, array: str, index: Sequence[int], at: Point) -> None:
    """Adds a number as a bar."""
    scale = Scale(scene.user_dict["limit"])
    place(scene, comparison, array, index, "bar", lambda value: shapes_.bar(value, scale, at))


def legend(scene: pv.MultiBlock, right: float, kind: str = "column", rows: int = 1) -> None:
    """Adds, in front, shapes of known numbers and of known differences, with words; the last one stands at `right`.

    If something in the scene has no counterpart, so is a shape in slate. In a narrow scene there are two `rows`.
    """
    known = scene.user_dict
    own, other = known["beside"]["names"]
    limit, apart = known["limit"], known["beside"]["limit"]
    y = style.BAR_LEGEND_ROW if kind == "bar" else style.LEGEND_ROW
    x = right * style.SPACING
    if {"silent", "post", "ribbon"} & set(known["glyphs"].values()):
        x = group(scene, "lacking", f"not in {other}", kind, [(0.5 * limit, None)], x, y, style.LEGEND_NARROW)
    middle = [(0.5 * limit, part * apart) for part in style.LEGEND_DIFFERENCES]
    words = f"colour: {own} \N{MINUS SIGN} {other}"
    x = group(scene, "difference", words, kind, middle, x, y, style.LEGEND_NARROW)
    if rows == 2:
        x, y = right * style.SPACING, y - style.LEGEND_DEPTH
    shape = {"column": "shape", "ribbon": "width", "bar": "height"}[kind]
    parts = style.LEGEND_PARTS if kind == "column" else (0.0, 0.5, 1.0)
    wide = style.LEGEND_SPACING if kind == "column" else style.LEGEND_NARROW
    group(scene, "value", f"{shape}: {own}", kind, [(part * limit, 0.0) for part in parts], x, y, wide)


def group(
    scene: pv.MultiBlock,
    name: str,
    title: str,
    kind: str,
    shown: Sequence[tuple[float, float | None]],
    right: float,
    y: float,
    pitch: float,
) -> float:
    """Adds shapes of numbers and their differences, with what they stand for on plates; returns where it ends.

    What has no difference is slate. The plates say the numbers in the group "value", else the differences.
    """
    shapes = pv.MultiBlock()
    size = style.LEGEND_SIZE
    front = y - style.PLINTH - style.LEGEND_GAP - size * style.LINE
    x = right + pitch
    for n, (value, difference) in reversed(list(enumerate(shown))):
        x -= pitch
        shape = sample(scene, kind, value, (x, y))
        shapes.append(silence(shape) if difference is None else tint(shape, [difference], scene))
        stated = value if name == "value" else difference
        if stated is not None and (len(shown) < 5 or n % 2 == 0):  # for more there is no room
            text.label(scene, f"{name}/{n}", short(stated), (x, front), size)
    scene.append(shapes, f"legend/{name}")
    if kind != "ribbon":
        ground(scene, box(*foot((x, y), (right, y)), to_bytes(style.STONE)))
    left = x - style.PLINTH - 2 * style.TEXT_MARGIN
    text.label(scene, f"legend/{name}", title, (left, front), size, align=1)
    return left - size * text.width_of(title) - 2 * style.PLINTH - style.LEGEND_GAP


def sample(scene: pv.MultiBlock, kind: str, value: float, at: Point) -> pv.PolyData:
    """A shape of the legend."""
    scale = Scale(scene.user_dict["limit"])
    if kind == "ribbon":
        (x, y), share = at, scene.user_dict["ribbon"]["span"] / style.RIBBON
        ends = (x, y - style.PLINTH), (x, y + style.PLINTH)
        return ribbon(value, *ends, style.RIBBON_LOW, style.SLATE, share)
    return shapes_.bar([value], scale, at) if kind == "bar" else shapes_.column([value], scale, at)


def short(value: float) -> str:
    """A number for a label, with two digits at least, however small.

    >>> short(-1.5), short(0.0), short(0.004321)
    ('−1.5', '0', '0.0043')
    """
    return text.number(value) if abs(value) >= 0.1 else f"{value:.2g}".replace("-", "\N{MINUS SIGN}")
