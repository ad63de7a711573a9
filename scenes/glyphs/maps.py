"""Maps: points over a floor, with their names."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.glyphs.scene import drawn_as, ground, mark
from scenes.glyphs.shapes import Point3, box, point, stick, to_bytes
from scenes.glyphs.text import label, number, tag, width_of
from scenes.style import Scale


def atlas(
    scene: pv.MultiBlock,
    trace: Any,
    array: str,
    shares: Sequence[float],
    texts: Sequence[str],
    colors: Mapping[str, ArrayLike],
    links: Sequence[tuple[int, int]],
) -> None:
    """Adds a map: a point for each row of `getattr(trace, array)` (n, 3), with its name, and the linked ones joined.

    `shares` are those of the variance along the three directions. Texts that have no color are small and pale, if
    others have one.
    """
    scale = Scale(scene.user_dict["limit"])
    drawn_as(scene, **{array: "point"})
    chart(scene, shares)
    sizes = [1.0 if text in colors or not colors else style.FAINT for text in texts]
    shapes = [
        point(row, scale, size * style.POINT, colors.get(text, style.STONE))
        for row, size, text in zip(getattr(trace, array), sizes, texts, strict=True)
    ]
    places = [np.asarray(shape.points).mean(axis=0) for shape in shapes]
    rods = [(places[one], places[other]) for one, other in links]
    named = spread(texts, places, sizes, rods, scene.user_dict["view"])
    for n, (text, shape, size) in enumerate(zip(texts, shapes, sizes, strict=True)):
        mark(scene, shape, trace, array, (n,))
        tag(scene, f"point/{n}", text, named[n], size * style.POINT_NAME, of=f"{array}/{n}")
    for (one, other), ends in zip(links, rods, strict=True):
        scene.append(stick(*ends, style.SLATE), f"link/{one}/{other}")


def chart(scene: pv.MultiBlock, shares: Sequence[float]) -> None:
    """Adds the floor of a map, its three directions, and its legend, a stick that is as long as the scale's limit."""
    scale, (first, second, third) = Scale(scene.user_dict["limit"]), (f"{share:.0%}" for share in shares)
    half = style.MAP_SPAN + 2 * style.PLINTH
    ground(scene, box((-half, -half, 0), (half, half, style.PLINTH_HEIGHT), to_bytes(style.STONE)))
    corner, front = (-half, half, style.PLINTH_HEIGHT), -half - style.PLINTH
    scene.append(stick(corner, (-half, half, style.MAP_HEIGHT), style.SLATE), "axis/3")
    tag(scene, "axis/3", f"direction 3, {third}", (-half, half, style.MAP_HEIGHT + style.LETTER))
    label(scene, "axis/1", f"direction 1, {first} of the variance", (half, front - 2 * style.TEXT_SIZE), align=1)
    label(scene, "axis/2", f"direction 2, {second}", (-half - style.PLINTH, 0), align=1)
    start = np.array([-half, front, style.STICK])
    end = start + np.array([style.MAP_SPAN, 0, 0])
    scene.append(stick(start, end, style.SLATE), "legend/reach")
    middle, below = (start[0] + end[0]) / 2, start[1] - 2 * style.TEXT_SIZE
    label(scene, "legend/reach", number(scale.limit), (middle, below), align=0)
    label(scene, "legend/quantity", "distance", (middle - style.TEXT_SIZE, below), align=1)


def spread(
    texts: Sequence[str],
    places: Sequence[NDArray[np.float64]],
    sizes: Sequence[float],
    rods: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    view: Sequence[float],
) -> dict[int, Point3]:
    """Where the names of points (n, 3) stand: over, beside or under them, so that, seen so, they hide little.

    One after the other, the large ones first, takes of its places the first that is free of names, points and rods, or
    else the one where it hides least.
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

    taken = [
        room(place, *(style.POINT * size * np.array([1.2, -1.2, 1.2])))
        for place, size in zip(places, sizes, strict=True)
    ]
    taken += [room(one + part * (other - one), 0.2, -0.2, 0.2) for one, other in rods for part in np.linspace(0, 1, 25)]
    found: dict[int, Point3] = {}
    for n in sorted(range(len(texts)), key=lambda n: -sizes[n]):
        place, half, size = places[n], sizes[n] * style.POINT, sizes[n] * style.POINT_NAME
        wide, high = size * width_of(texts[n]) / 2, size * style.LETTER
        over, under, beside = 2 * half, -2 * half - high, wide + 2 * half
        choices = [(x, z) for z in (over, -high / 2, under) for x in (0, beside, -beside) if x or z != -high / 2]
        choices += [(0, over + high), (0, over + 2 * high), (0, under - high)]
        spots = [place + np.array([x, -half, z]) for x, z in choices]
        rooms = [room(spot, wide * np.cos(around), 0, high) for spot in spots]
        best = int(np.argmin([round(sum(shared(one, other) for other in taken), 6) for one in rooms]))
        taken.append(rooms[best])
        x, y, z = spots[best].tolist()
        found[n] = (x, y, z)
    return found


def shared(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The area that two rectangles share: each from the left to the right and from the bottom to the top."""
    wide, high = np.minimum(one[1::2], other[1::2]) - np.maximum(one[::2], other[::2])
    return float(max(wide, 0) * max(high, 0))
