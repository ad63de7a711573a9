"""Maps: points over a floor, with their names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.glyphs.scene import drawn_as, ground, mark
from scenes.glyphs.shapes import Point3, box, point, stick, to_bytes
from scenes.glyphs.text import label, number, tag, width_of
from scenes.style import Scale


def chart(scene: pv.MultiBlock) -> None:
    """Adds the floor of a map and, in front, its legend: a stick that is as long as the scale's limit."""
    scale = Scale(scene.user_dict["limit"])
    half = style.MAP_SPAN + 2 * style.PLINTH
    ground(scene, box((-half, -half, 0), (half, half, style.PLINTH_HEIGHT), to_bytes(style.STONE)))
    start = np.array([-half + style.PLINTH, -half - style.PLINTH, style.STICK])
    end = start + np.array([style.MAP_SPAN, 0, 0])
    scene.append(stick(start, end, style.SLATE), "legend/reach")
    label(scene, "legend/reach", number(scale.limit), ((start[0] + end[0]) / 2, start[1] - 2 * style.TEXT_SIZE))


def atlas(
    scene: pv.MultiBlock,
    trace: Any,
    array: str,
    texts: Sequence[str],
    colors: Sequence[ArrayLike],
    links: Sequence[tuple[int, int]],
) -> None:
    """Adds a map: a point for each row of `getattr(trace, array)` (n, 3), on a stick over the floor, with its name.

    Points that are linked are joined by a dark stick.
    """
    scale = Scale(scene.user_dict["limit"])
    drawn_as(scene, **{array: "point"})
    chart(scene)
    shapes = [point(row, scale, (0, 0), color) for row, color in zip(getattr(trace, array), colors, strict=True)]
    places = [np.asarray(shape.points).mean(axis=0) for shape in shapes]
    named = spread(texts, places, scene.user_dict["view"])
    for n, (text, shape, place) in enumerate(zip(texts, shapes, places, strict=True)):
        ground(scene, stick(place * [1, 1, 0], place, style.STONE))
        mark(scene, f"{array}/{n}", shape, trace, array, (n,))
        tag(scene, f"point/{n}", text, named[n], style.POINT_NAME)
    for one, other in links:
        scene.append(stick(places[one], places[other], style.SLATE), f"link/{one}/{other}")


def spread(texts: Sequence[str], places: Sequence[ArrayLike], view: Sequence[float]) -> list[Point3]:
    """Where the names of points (n, 3) of a map stand: over, beside or under them, so that, seen so, they hide little.

    One after the other takes, of its places, the first that is free, or else the one where it hides least.
    """
    around, down = np.radians(view)
    right, depth = np.array([np.cos(around), np.sin(around), 0]), np.array([-np.sin(around), np.cos(around), 0])
    up, forward = np.array([[np.cos(down), np.sin(down)], [np.sin(down), -np.cos(down)]]) @ [depth, [0, 0, 1]]

    def room(at: NDArray[np.float64], left: float, low: float, high: float) -> NDArray[np.float64]:
        """What is seen of something upright: from the left to the right, from the bottom to the top."""
        off = at - [0, 0, style.MAP_HEIGHT]
        near = 1 / (1 + off @ forward / style.MAP_DISTANCE)
        x, y = off @ right, off @ up
        return near * np.array([x - left, x + left, y + low * np.sin(down), y + high * np.sin(down)])

    size, half = style.POINT_NAME, style.POINT
    taken = [room(np.asarray(place), 1.2 * half, -1.2 * half, 1.2 * half) for place in places]
    found: list[Point3] = []
    for text, place in zip(texts, map(np.asarray, places), strict=True):
        wide, high = size * width_of(text) / 2, size * style.LETTER
        over, under, beside = 2 * half, -2 * half - high, wide + 2 * half
        choices = [(x, z) for z in (over, -high / 2, under) for x in (0, beside, -beside) if x or z != -high / 2]
        choices += [(0, over + high), (0, over + 2 * high), (0, under - high)]
        spots = [place + np.array([x, -half, z]) for x, z in choices]
        rooms = [room(spot, wide * np.cos(around), 0, high) for spot in spots]
        best = int(np.argmin([round(sum(shared(one, other) for other in taken), 6) for one in rooms]))
        taken.append(rooms[best])
        x, y, z = spots[best].tolist()
        found.append((x, y, z))
    return found


def shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The area that two rectangles share: each from the left to the right and from the bottom to the top."""
    wide, high = np.minimum(one[1::2], other[1::2]) - np.maximum(one[::2], other[::2])
    return float(max(wide, 0) * max(high, 0))
