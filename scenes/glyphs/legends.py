"""The legend in front of a scene: boxes, bars and ribbons of known values."""

from collections.abc import Sequence

import numpy as np
import pyvista as pv

from scenes import style
from scenes.glyphs.scene import ground
from scenes.glyphs.shapes import Glyph, bar, box, column, foot, post, ribbon, to_bytes
from scenes.glyphs.text import label, labels, number, width_of
from scenes.style import Scale


def bar_legend(
    scene: pv.MultiBlock, right: float, parts: Sequence[float], title: str = "", heads: Sequence[int] = ()
) -> None:
    """Adds, in front, bars of known values, parts of the limit, if they have a title, and for each head one of its own.

    Where there is no title, the head has a bar for every part. The last bar stands at `right`, in units of the scene.
    """
    scale, y, size = Scale(scene.user_dict["limit"]), style.BAR_LEGEND_ROW, style.LEGEND_SIZE
    front = y - style.PLINTH - style.LEGEND_GAP - size * style.LINE
    x = right
    for head in (*([None] if title else []), *reversed(heads)):
        group, name = pv.MultiBlock(), "legend/effect" if head is None else f"legend/weight/{head}"
        start = x
        for part in reversed(parts if head is None or not title else parts[-1:]):
            value = part * scale.limit
            group.append(bar(value, scale, (x, y)) if head is None else post(value, scale, (x, y), head))
            label(scene, f"{name}/{part:g}", number(value), (x, front), size)
            x -= style.BAR_LEGEND_SPACING
        scene.append(group, name)
        ground(scene, box(*foot((x + style.BAR_LEGEND_SPACING, y), (start, y)), to_bytes(style.STONE)))
        text = title if head is None else f"weight (head {head + 1})"
        label(scene, name, text, (x + style.BAR_SPACING * 0.3, front), size, align=1)
        x -= size * width_of(text) + style.BAR_SPACING


def legend(
    scene: pv.MultiBlock,
    right: float,
    glyph: Glyph = column,
    heads: Sequence[int] = (),
    of_limit: Sequence[float] = style.LEGEND_PARTS,
    quantity: str = "component",
) -> None:
    """Adds, in front of the first row, single boxes of known values of a quantity, and for each head known weights.

    The last box stands at the place `right` of the row.
    """
    scale, y = Scale(scene.user_dict["limit"]), style.LEGEND_ROW
    front = y - style.PLINTH - style.LEGEND_GAP - style.LEGEND_SIZE * style.LINE
    parts = np.array(of_limit)
    places = right * style.SPACING + style.LEGEND_SPACING * np.arange(1 - len(parts), 1)
    group, words = pv.MultiBlock(), []
    for i, (x, value) in enumerate(zip(places, parts * scale.limit, strict=True)):
        group.append(glyph([value], scale, (x, y)))
        words.append((f"value/{i}", number(value), (x, front), style.LEGEND_SIZE, 0.5))
    scene.append(group, "legend/value")
    middle = (places[0] + places[-1]) / 2, front - style.LEGEND_BELOW
    words.append(("value", quantity, middle, style.LEGEND_SIZE, 0.5))
    ground(scene, box(*foot((places[0], y), (places[-1], y)), to_bytes(style.STONE)))
    x = places[0] - style.PLINTH
    for h in reversed(heads):
        group = pv.MultiBlock()
        for i, weight in reversed(list(enumerate(style.LEGEND_WEIGHTS))):
            x -= style.LEGEND_RIBBON
            ends = (x, y - style.PLINTH), (x, y + style.PLINTH)
            share = scene.user_dict["ribbon"]["span"] / style.RIBBON
            group.append(ribbon(weight, *ends, style.RIBBON_LOW, style.HEADS[h % len(style.HEADS)], share))
            words.append((f"weight/{h}/{i}", number(weight), (x, front), style.LEGEND_SIZE, 0.5))
        scene.append(group, f"legend/weight/{h}")
        x -= style.LEGEND_RIBBON
        text = f"head {h + 1} weight"
        words.append((f"head/{h}", text, (x, front), style.LEGEND_SIZE, 1.0))
        x -= style.LEGEND_SIZE * width_of(text)
    labels(scene, words)
