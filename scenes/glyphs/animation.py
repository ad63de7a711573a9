"""Films: shapes that nodes move, for each of the recorded steps.

A film's shapes are moved by nodes: "film" in their user_dict says how, for each of the recorded steps, and "unit" is
what is moved, points (n, 3) of whole numbers.
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.glyphs.scene import drawn_as, mark
from scenes.glyphs.shapes import CORNERS, TURNED, Point, boxes, to_bytes
from scenes.style import Scale


def roll(scene: pv.MultiBlock, steps: int) -> None:
    """Makes a film of a scene: so many recorded steps, at equal distances, the last one held for as long."""
    scene.user_dict |= {"times": [round(style.FRAME * k, 4) for k in range(steps + 1)]}


def posed(unit: ArrayLike, film: Mapping[str, Any], k: int) -> NDArray[np.float64]:
    """The corners (8, 3) of a box of a film at a recorded step, by its number."""
    return np.asarray(film["pivot"], float) + np.asarray(unit) * film["scale"][k]


def film_part(unit: ArrayLike, color: ArrayLike, **film: Any) -> pv.PolyData:
    """A box of a film, as it is at rest: what it is made from (8, 3), and how that is moved."""
    rows = {name: np.round(np.asarray(values, float), 6).tolist() for name, values in film.items()}
    points = posed(unit, rows, -1)
    meaning = {"unit": np.asarray(unit, int).tolist(), "film": rows}
    return boxes([points[:4]], [points[4:]], to_bytes(color)[None], **meaning)


def growing(scene: pv.MultiBlock, history: Any, index: tuple[int, int], at: Point) -> None:
    """Adds a number (K,) of `history.course`, as it was at all steps: a box of a column that grows and shrinks.

    A warm box is there while it is positive, a cool and turned one while it is negative; their colours do not change.
    """
    scale, values = Scale(scene.user_dict["limit"]), np.asarray(history.course[index], float)
    half, low = scale.length(values), style.PLINTH_HEIGHT + style.PITCH * index[1]
    group = pv.MultiBlock()
    for ring, shown, color in ((CORNERS, values >= 0, style.POSITIVE[1]), (TURNED, values < 0, style.NEGATIVE[1])):
        across = np.abs(ring).max()
        unit = np.concatenate([np.insert(np.round(ring / across), 2, z, axis=1) for z in (0, 1)])
        sizes = np.column_stack([half * across, half * across, np.full(len(half), style.PITCH - style.GAP)])
        sizes[~shown] = 0
        group.append(film_part(unit, color, scale=sizes, pivot=[*at, low]))
    drawn_as(scene, course="growing")
    mark(scene, cast(Any, group), history, "course", index)
