"""From numbers to shapes: columns, bars, ribbons, points, surfaces.

Every shape is a `pv.PolyData` in the frame of `scenes.style` (z up) with an sRGB "color" per point: bytes, or floats
where the colour itself is a number to be read back.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.style import Scale

Point = tuple[float, float]  # a place on the floor, x and y
Point3 = tuple[float, float, float]
Glyph = Callable[[ArrayLike, Scale, Point], pv.PolyData]  # a vector, its scale and its place, as a shape

# The faces of a box whose points are the four corners of its bottom, counter-clockwise, then those of its top.
BOX = np.array([[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
TURNED = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]]) * np.sqrt(2)  # the same square, turned by 45 degrees


def mesh(points: ArrayLike, faces: ArrayLike, color: ArrayLike, **meaning: Any) -> pv.PolyData:
    """A shape from points (n, 3), faces (m, k) and one colour (3,) or one a point (n, 3), as bytes or floats 0 to 1."""
    points, faces, color = np.asarray(points, float), np.asarray(faces), np.asarray(color)
    shape = pv.PolyData.from_regular_faces(points, faces)
    shape.point_data["color"] = np.broadcast_to(color, points.shape)
    if meaning:  # it is kept as text, which takes its time
        shape.user_dict = meaning
    return shape


def to_bytes(color: ArrayLike) -> NDArray[np.uint8]:
    """Colours 0 to 1 as colours 0 to 255."""
    return np.round(np.asarray(color) * 255).astype(np.uint8)


def boxes(bottoms: ArrayLike, tops: ArrayLike, color: ArrayLike, **meaning: Any) -> pv.PolyData:
    """Boxes from their bottoms and tops (n, 4, 3), counter-clockwise, and a colour (3,) each (n, 3) or for all (3,)."""
    points = np.concatenate([bottoms, tops], axis=1)
    n = len(points)
    color = np.broadcast_to(np.asarray(color)[..., None, :], (n, 8, 3)).reshape(-1, 3)
    return mesh(points.reshape(-1, 3), (BOX + 8 * np.arange(n)[:, None, None]).reshape(-1, 4), color, **meaning)


def box(low: ArrayLike, high: ArrayLike, color: ArrayLike, **meaning: Any) -> pv.PolyData:
    """The box between two opposite corners (3,)."""
    (x0, y0, z0), (x1, y1, z1) = np.asarray(low), np.asarray(high)
    ring = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return boxes([np.insert(ring, 2, z0, axis=1)], [np.insert(ring, 2, z1, axis=1)], color, **meaning)


def column(values: ArrayLike, scale: Scale, at: Point) -> pv.PolyData:
    """A vector (D,) as D boxes, the first at the bottom.

    A box's half-width is the scale's length of its value. A positive one stands square to the axes and is warm, a
    negative one is the same square turned by 45 degrees, and cool.
    """
    values = np.asarray(values, float)
    square = np.where((values < 0)[:, None, None], TURNED, CORNERS) * scale.length(values)[:, None, None] + at
    low = style.PLINTH_HEIGHT + style.PITCH * np.arange(len(values))
    grid = byte_grid(at, np.abs(square - at).max())
    if len(values) * style.PITCH_STEPS > 255:  # too tall for bytes
        grid |= {"bits": 16}
    return boxes(*standing(square, low, low + style.PITCH - style.GAP), to_bytes(scale.color(values)), grid=grid)


def standing(
    square: NDArray[np.floating], low: NDArray[np.floating], high: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The bottoms and the tops (n, 4, 3) of boxes over squares (n, 4, 2), from one height (n,) to another (n,)."""
    bottoms, tops = (
        np.concatenate([square, np.broadcast_to(z[:, None, None], (len(square), 4, 1))], axis=2) for z in (low, high)
    )
    return bottoms, tops


def byte_grid(at: Point, reach: float) -> dict[str, Any]:
    """A grid of 256 steps along each axis for a column whose boxes reach so far from its axis.

    Its phases at the axis, 1/8 and 3/8 of a step, round the corners of a square differently: their mean is four times
    as fine as the grid.
    """
    step = np.array([reach / 126, reach / 126, style.PITCH / style.PITCH_STEPS])
    origin = np.array([*at, style.PLINTH_HEIGHT]) + step * [-127.125, 127.375, 0]  # y runs backwards in the file
    return {"origin": origin.tolist(), "step": step.tolist(), "bits": 8}


def bar(value: ArrayLike, scale: Scale, at: Point, color: ArrayLike | None = None) -> pv.PolyData:
    """A value (1,) as an upright bar: as high as it is large, warm where positive, cool and turned where negative."""
    (number,) = np.ravel(value)
    square = style.BAR * (TURNED if number < 0 else CORNERS) + at
    top = style.BAR_BASE + style.BAR_SPAN * abs(float(scale.fraction(number)))
    bottoms, tops = (np.insert(square, 2, style.PLINTH_HEIGHT + z, axis=1)[None] for z in (0, top))
    color = to_bytes(scale.color(number) if color is None else color)[None]
    return boxes(bottoms, tops, color, grid=grid_around(bottoms, tops))


def post(weight: ArrayLike, scale: Scale, at: Point, head: int = 0) -> pv.PolyData:
    """An attention weight (1,) as a bar in the colour of its head."""
    return bar(weight, scale, at, style.HEADS[head % len(style.HEADS)])


def ribbon(weight: float, start: Point, end: Point, height: float, color: ArrayLike, share: float = 1.0) -> pv.PolyData:
    """An attention weight as a flat band on the floor, from the key to the query, as wide as the weight.

    The width is measured across the band and is the same all along it. It leaves and arrives along y. Where many heads
    share a plinth, all widths are a `share` of what they would be.
    """
    (x0, y0), (x1, y1) = start, end
    u = np.linspace(0, 1, 2 if x0 == x1 else style.RIBBON_STEPS[int(weight > style.RIBBON_THIN)])
    ease, slope = u * u * (3 - 2 * u), 6 * u * (1 - u)
    along = np.stack([(x1 - x0) * slope, np.full_like(u, y1 - y0)], axis=1)
    across = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    middle = np.stack([x0 + (x1 - x0) * ease, y0 + (y1 - y0) * u], axis=1)
    half = share * (style.HAIR + style.RIBBON * weight) / 2
    points = np.stack([middle - half * across, middle + half * across], axis=1).reshape(-1, 2)
    first = 2 * np.arange(len(u) - 1)[:, None]
    return mesh(np.insert(points, 2, height, axis=1), first + np.array([0, 1, 3, 2]), to_bytes(color), material="sheet")


def point(values: ArrayLike, scale: Scale, half: float, color: ArrayLike) -> pv.PolyData:
    """Three numbers as a place on a map: to the right, into the depth and upwards from the map's middle."""
    middle = [0, 0, style.MAP_HEIGHT] + style.MAP_SPAN * scale.fraction(values)
    return box(middle - half, middle + half, to_bytes(color))


def surface(heights: ArrayLike, scale: Scale) -> pv.PolyData:
    """Values (n, n) as a landscape over the floor, by the depth and the place to the right; the darker, the higher."""
    heights = np.asarray(heights, float)
    rows, columns = heights.shape
    y, x = np.meshgrid(*(np.linspace(-style.LAND_SPAN, style.LAND_SPAN, n) for n in (rows, columns)), indexing="ij")
    points = np.stack([x, y, style.PLINTH_HEIGHT + style.LAND_HEIGHT * scale.fraction(heights)], axis=-1).reshape(-1, 3)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    faces = first + np.array([0, 1, columns + 1, columns])
    return mesh(points, faces, to_bytes(scale.color(heights.ravel())), material="land")


def bead(place: ArrayLike, height: float) -> pv.PolyData:
    """Two numbers from -1 to 1 as a place on a landscape, at a height over the floor."""
    middle = np.append(style.LAND_SPAN * np.asarray(place, float), height)
    return box(middle - style.BEAD, middle + style.BEAD, to_bytes(style.HEADS[0]))


def stick(start: ArrayLike, end: ArrayLike, color: ArrayLike) -> pv.PolyData:
    """A thin straight bar between two places (3,)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / (np.linalg.norm(end - start) or 1)
    one = np.cross(along, [0, 0, 1] if abs(along[2]) < 0.9 else [1, 0, 0])
    one /= np.linalg.norm(one)
    other = np.cross(along, one)
    ring = style.STICK * np.array([-one - other, one - other, one + other, -one + other])
    return boxes([start + ring], [end + ring], to_bytes(color))


def grid_around(*points: NDArray[np.floating]) -> dict[str, Any]:
    """A grid of 2**16 steps along each axis, which just holds points (..., 3)."""
    every = np.concatenate([some.reshape(-1, 3) for some in points])
    low, high = every.min(axis=0), every.max(axis=0)
    step = np.maximum(high - low, 1e-3) / 65535  # of what is flat, too
    return {"origin": [low[0], high[1], low[2]], "step": step.tolist(), "bits": 16}  # y runs backwards in the file


def foot(first: Point, last: Point | None = None) -> tuple[Point3, Point3]:
    """The corners of a plinth under a place, or under all places from one to another."""
    (x0, y0), (x1, y1) = first, last or first
    return (x0 - style.PLINTH, y0 - style.PLINTH, 0), (x1 + style.PLINTH, y1 + style.PLINTH, style.PLINTH_HEIGHT)
