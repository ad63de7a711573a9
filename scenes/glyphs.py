"""From numbers to shapes: columns, stacks, ribbons, plinths, name plates and the legend.

Every shape is a `pv.PolyData` in the frame of `scenes.style` (z up) with an sRGB "color" per point: bytes, or floats
where the colour itself is a number to be read back. What a shape stands for travels with it in `user_dict`.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.style import Scale

if TYPE_CHECKING:
    from article.digest import Digest
    from article.effects import Compared
    from gpt import Trace

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


def fine_grid(at: Point, levels: int) -> dict[str, Any]:
    """A grid of 2**16 steps along each axis for a stack, which keeps it exact however large the scene is."""
    half, high = style.STACK_MIDDLE + style.STACK_SPAN, style.STACK_PITCH * levels
    origin = [at[0] - half, at[1] + half, style.PLINTH_HEIGHT]  # y runs backwards in the file
    return {"origin": origin, "step": [2 * half / 65535, 2 * half / 65535, high / 65535], "bits": 16}


def byte_grid(at: Point, reach: float) -> dict[str, Any]:
    """A grid of 256 steps along each axis for a column whose boxes reach so far from its axis.

    Its phases at the axis, 1/8 and 3/8 of a step, round the corners of a square differently: their mean is four times
    as fine as the grid.
    """
    step = np.array([reach / 126, reach / 126, style.PITCH / style.PITCH_STEPS])
    origin = np.array([*at, style.PLINTH_HEIGHT]) + step * [-127.125, 127.375, 0]  # y runs backwards in the file
    return {"origin": origin.tolist(), "step": step.tolist(), "bits": 8}


def stack(values: ArrayLike, scale: Scale, at: Point) -> pv.PolyData:
    """A vector (4n,) as n boxes, the first at the bottom; four values each: width (x), depth (y), height (z), colour.

    An edge grows and shrinks with its value from the middle size that stands for zero.
    """
    groups = np.asarray(values, float).reshape(-1, 4)
    half = (style.STACK_MIDDLE + style.STACK_SPAN * scale.fraction(groups[:, :3])) / 2
    middle = style.PLINTH_HEIGHT + style.STACK_PITCH * (np.arange(len(groups)) + 0.5)
    square = CORNERS * half[:, None, :2] + at
    rings = [np.insert(square, 2, (middle + side * half[:, 2])[:, None], axis=2) for side in (-1, 1)]
    return boxes(rings[0], rings[1], scale.color(groups[:, 3]), grid=fine_grid(at, len(groups)))


def bar(value: ArrayLike, scale: Scale, at: Point, color: ArrayLike | None = None) -> pv.PolyData:
    """A value (1,) as an upright bar: as high as it is large, warm where positive, cool and turned where negative."""
    (number,) = np.ravel(value)
    square = style.BAR * (TURNED if number < 0 else CORNERS) + at
    top = style.BAR_BASE + style.BAR_SPAN * abs(float(scale.fraction(number)))
    rings = [np.insert(square, 2, style.PLINTH_HEIGHT + z, axis=1)[None] for z in (0, top)]
    reach = np.array([*square.min(axis=0), style.PLINTH_HEIGHT]), np.array([*square.max(axis=0), 0])
    step = np.append(reach[1][:2] - reach[0][:2], top) / 65535
    grid = {"origin": [reach[0][0], reach[1][1], reach[0][2]], "step": step.tolist(), "bits": 16}
    return boxes(rings[0], rings[1], to_bytes(scale.color(number) if color is None else color)[None], grid=grid)


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


def point(values: ArrayLike, scale: Scale, _: Point, color: ArrayLike = style.STONE) -> pv.PolyData:
    """Three numbers as a place on a map: to the right, into the depth and upwards from the map's middle."""
    middle = [0, 0, style.MAP_HEIGHT] + style.MAP_SPAN * scale.fraction(values)
    return box(middle - style.POINT, middle + style.POINT, to_bytes(color))


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
    points = rod(start, end)
    return boxes([points[:4]], [points[4:]], to_bytes(color))


def rod(start: ArrayLike, end: ArrayLike) -> NDArray[np.float64]:
    """The corners (8, 3) of a thin straight bar between two places (3,)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / (np.linalg.norm(end - start) or 1)
    one = np.cross(along, [0, 0, 1] if abs(along[2]) < 0.9 else [1, 0, 0])
    one /= np.linalg.norm(one)
    other = np.cross(along, one)
    ring = style.STICK * np.array([-one - other, one - other, one + other, -one + other])
    return np.concatenate([start + ring, end + ring])


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


def grid_around(*points: NDArray[np.floating]) -> dict[str, Any]:
    """A grid of 2**16 steps along each axis, which just holds points (..., 3)."""
    every = np.concatenate([some.reshape(-1, 3) for some in points])
    low, high = every.min(axis=0), every.max(axis=0)
    step = np.maximum(high - low, 1e-3) / 65535  # of what is flat, too
    return {"origin": [low[0], high[1], low[2]], "step": step.tolist(), "bits": 16}  # y runs backwards in the file


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


def foot(first: Point, last: Point | None = None) -> tuple[Point3, Point3]:
    """The corners of a plinth under a place, or under all places from one to another."""
    (x0, y0), (x1, y1) = first, last or first
    return (x0 - style.PLINTH, y0 - style.PLINTH, 0), (x1 + style.PLINTH, y1 + style.PLINTH, style.PLINTH_HEIGHT)


def font_of_labels() -> Any:
    """The font that matplotlib brings along."""
    import matplotlib
    from matplotlib.font_manager import get_font

    return get_font(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf")


def lacking(texts: Iterable[str]) -> list[str]:
    """The letters of texts, each once, for which labels have an empty box only."""
    known = font_of_labels().get_charmap()
    return [letter for letter in dict.fromkeys("".join(texts)) if ord(letter) not in known]


@lru_cache(maxsize=512)
def letters(
    text: str, tolerance: float = style.TEXT_TOLERANCE
) -> tuple[tuple[tuple[NDArray[np.float64], NDArray[np.int64]], float], ...]:
    """A text as letters: each the flat triangles of its outline, points (n, 2) and faces (m, 3), and its place along x.

    Lengths are in units of the font size. The font is the DejaVu Sans that matplotlib brings along, so that labels are
    the same on every machine; matplotlib also shapes and orders the letters of other scripts. A letter that the font
    lacks is its empty box.
    """
    from matplotlib.textpath import text_to_path

    font = font_of_labels()
    unit = text_to_path.FONT_SCALE
    font.set_size(unit, text_to_path.DPI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib's own word about the empty box
        placed, outlines, _ = text_to_path.get_glyphs_with_font(font, text)
    shapes = {
        id: fill(tuple(map(tuple, np.asarray(vertices) / unit)), tuple(codes), tolerance)
        for id, (vertices, codes) in outlines.items()
        if len(vertices)
    }
    return tuple((shapes[id], x / unit) for id, x, *_ in placed if id in shapes)


@lru_cache(maxsize=512)
def fill(
    vertices: tuple[Point, ...], codes: tuple[int, ...], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The inside of an outline of lines and Bezier curves, as points (n, 2) and triangles (m, 3) that face upwards."""
    from matplotlib.path import Path

    rings: list[list[NDArray[np.float64]]] = []
    for curve, code in cast(Any, Path(vertices, codes).iter_bezier()):
        if code == Path.MOVETO:
            rings.append([])
        elif code != Path.CLOSEPOLY:
            bend = np.abs(np.diff(curve.control_points, 2, axis=0)).max(initial=0)
            steps = 1 + int(np.sqrt(bend / tolerance))
            rings[-1].extend(curve(t) for t in np.arange(steps) / steps)
    starts = np.cumsum([0, *map(len, rings)])
    lines = [
        [len(ring) + 1, *range(start, start + len(ring)), start] for ring, start in zip(rings, starts, strict=False)
    ]
    flat = pv.PolyData(
        np.insert(np.concatenate(rings), 2, 0, axis=1), lines=np.concatenate(lines)
    ).triangulate_contours()
    return np.asarray(flat.points, float)[:, :2], flat.regular_faces[:, ::-1]


@lru_cache(maxsize=512)
def width_of(text: str) -> float:
    """The width of a text in units of the font size."""
    return max((x + float(points[:, 0].max()) for (points, _), x in letters(text)), default=0.0)


def number(value: float) -> str:
    """A number for a label: two decimals, nothing after the point that is zero, and a true minus sign."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")


# --- Into the scene -----------------------------------------------------------------------------------------------


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
        "stack": {"middle": style.STACK_MIDDLE, "span": style.STACK_SPAN},
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


def mark(scene: pv.MultiBlock, name: str, shape: pv.PolyData, trace: Any, array: str, index: Sequence[int]) -> None:
    """Adds a shape that stands for the numbers `getattr(trace, array)[index]`, and says so in its `user_dict`."""
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
    scene.append(shape, name)


def drawn_as(scene: pv.MultiBlock, **glyphs: str) -> None:
    """Notes by which glyphs arrays are drawn."""
    known = scene.user_dict["glyphs"]
    if known | glyphs != known:
        scene.user_dict |= {"glyphs": known | glyphs}


def lettering(
    text: str, size: float, origin: NDArray[np.float64], up: NDArray[np.float64], color: Sequence[float]
) -> Any:
    """A text as one flat shape, which knows how many points and triangles each letter has.

    It also travels as itself, with its origin, the vector of one font size to the right and the one upwards, for
    renderers that have letters of their own. A text without letters is an empty group.
    """
    known: dict[str, Any] = {"text": text, "width": size * width_of(text), "color": color, "material": "ink"}
    known |= {"origin": origin.tolist(), "right": [size, 0, 0], "up": up.tolist()}
    words: Any = pv.MultiBlock()
    if placed := letters(text):
        flat = [origin + (points[:, :1] + x) * [size, 0, 0] + points[:, 1:] * up for (points, _), x in placed]
        first = np.cumsum([0, *map(len, flat)])
        faces = [triangles + n for ((_, triangles), _), n in zip(placed, first, strict=False)]
        known["letters"] = [[len(points), len(triangles)] for points, triangles in zip(flat, faces, strict=True)]
        words = mesh(np.concatenate(flat), np.concatenate(faces), to_bytes(color))
    words.user_dict = known
    return words


def labels(scene: pv.MultiBlock, texts: Iterable[tuple[str, str, Point, float, float]]) -> None:
    """Adds name plates that lean back, and the text on each as the block `label/<name>`.

    Of each: the name, the text, the middle of the plate's front rim, the font size, and how much of the text lies left
    of there, 0 to 1.
    """
    bottoms, tops = [], []
    for name, text, at, size, align in texts:
        width = size * width_of(text)
        left, deep = at[0] - align * width, size * style.LINE
        back = style.PLATE_LIP + deep * style.PLATE_SLOPE
        ring = np.array([[left, at[1]], [left + width, at[1]], [left + width, at[1] + deep], [left, at[1] + deep]])
        ring[:, 0] += np.array([-1, 1, 1, -1]) * style.TEXT_MARGIN
        bottoms.append(np.insert(ring, 2, 0, axis=1))
        tops.append(np.insert(ring, 2, [style.PLATE_LIP, style.PLATE_LIP, back, back], axis=1))
        up = size * np.array([0, 1, style.PLATE_SLOPE]) / np.hypot(1, style.PLATE_SLOPE)
        origin = np.array([left, at[1], style.PLATE_LIP + style.TEXT_LIFT]) + style.BASELINE * up
        scene.append(lettering(text, size, origin, up, style.INK), f"label/{name}")
    if plates := cast("pv.PolyData | None", scene.get("plates")):
        known = np.asarray(plates.points).reshape(-1, 2, 4, 3)
        bottoms, tops = [*known[:, 0], *bottoms], [*known[:, 1], *tops]
    if bottoms:
        scene["plates"] = cast(Any, boxes(bottoms, tops, to_bytes(style.STONE)))


def label(
    scene: pv.MultiBlock, name: str, text: str, at: Point, size: float = style.TEXT_SIZE, align: float = 0.5
) -> None:
    """Adds one of `labels`."""
    labels(scene, [(name, text, at, size, align)])


def tag(scene: pv.MultiBlock, name: str, text: str, at: Point3, size: float = style.TAG_SIZE) -> None:
    """Adds a text that stands upright over a place, without a plate, as the block `label/<name>`."""
    width = size * width_of(text)
    origin, up = np.array(at) - [width / 2, 0, 0], np.array([0, 0, size])
    words = lettering(text, size, origin, up, style.SLATE)
    scene.append(words, f"label/{name}")


def signs(scene: pv.MultiBlock, name: str, texts: Iterable[tuple[str, Point, float, float]]) -> None:
    """Adds texts that lie on the floor, without plates, as one shape, the block `label/<name>`.

    Each is a text, where it stands, its font size, and how much of it lies left of there, 0 to 1.
    """
    points, faces, n = [], [], 0
    for text, (x, y), size, align in texts:
        left = x - align * size * width_of(text)
        for (flat, corners), along in letters(text, style.SIGN_TOLERANCE):
            points.append(np.insert(flat * size + np.array([left + along * size, y]), 2, style.TILE_LIFT, axis=1))
            faces.append(corners + n)
            n += len(flat)
    scene.append(
        mesh(np.concatenate(points), np.concatenate(faces), to_bytes(style.SLATE), material="ink"), f"label/{name}"
    )


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


# A film's shapes are moved by nodes: "film" in their user_dict says how, for each of the recorded steps, and "unit" is
# what is moved, points (n, 3) of whole numbers.


def roll(scene: pv.MultiBlock, steps: int) -> None:
    """Makes a film of a scene: so many recorded steps, at equal distances, the last one held for as long."""
    scene.user_dict |= {"times": [round(style.FRAME * k, 4) for k in range(steps + 1)]}


def posed(unit: ArrayLike, film: Mapping[str, Any], k: int) -> NDArray[np.float64]:
    """The corners (8, 3) of a box of a film at a recorded step, by its number."""
    if "ends" in film:
        return rod(*film["ends"][k])
    pivot = np.asarray(film["pivot"], float)
    return (pivot if pivot.ndim == 1 else pivot[k]) + np.asarray(unit) * film["scale"][k]


def film_part(unit: ArrayLike, color: ArrayLike, **film: Any) -> pv.PolyData:
    """A box of a film, as it is at rest: what it is made from (8, 3), and how that is moved."""
    rows = {name: np.round(np.asarray(values, float), 6).tolist() for name, values in film.items()}
    points = posed(unit, rows, -1)
    meaning = {"unit": np.asarray(unit, int).tolist(), "film": rows}
    return boxes([points[:4]], [points[4:]], to_bytes(color)[None], **meaning)


def growing(scene: pv.MultiBlock, film: Any, index: tuple[int, int], at: Point) -> None:
    """Adds a number (K,) of `film.course`, as it was at all steps: a box of a column that grows and shrinks.

    A warm box is there while it is positive, a cool and turned one while it is negative; their colours do not change.
    """
    scale, values = Scale(scene.user_dict["limit"]), np.asarray(film.course[index], float)
    half, low = scale.length(values), style.PLINTH_HEIGHT + style.PITCH * index[1]
    group = pv.MultiBlock()
    for ring, shown, color in ((CORNERS, values >= 0, style.POSITIVE[1]), (TURNED, values < 0, style.NEGATIVE[1])):
        across = np.abs(ring).max()
        unit = np.concatenate([np.insert(np.round(ring / across), 2, z, axis=1) for z in (0, 1)])
        sizes = np.column_stack([half * across, half * across, np.full(len(half), style.PITCH - style.GAP)])
        sizes[~shown] = 0
        group.append(film_part(unit, color, scale=sizes, pivot=[*at, low]))
    drawn_as(scene, course="growing")
    mark(scene, "/".join(map(str, ("course", *index))), cast(Any, group), film, "course", index)


def places_of(scene: pv.MultiBlock, film: Any, v: int) -> NDArray[np.float64]:
    """Where a token of `film.way` is on the map at each step (K, 3)."""
    part = Scale(scene.user_dict["limit"]).fraction(film.way[v])
    return np.round(np.array([0, 0, style.MAP_HEIGHT]) + style.MAP_SPAN * part, 6)


def moving(scene: pv.MultiBlock, film: Any, v: int, text: str, color: ArrayLike, named: Point3) -> None:
    """Adds a token of `film.way`, as a point that moves over a map on a stick, with its name, at a place at rest."""
    places = places_of(scene, film, v)
    unit = np.concatenate([np.insert(CORNERS, 2, z, axis=1) for z in (-1, 1)])
    size = np.full((len(places), 3), style.POINT)
    group = pv.MultiBlock()
    group.append(film_part(unit, color, scale=size, pivot=places))
    thin = np.full(len(places), style.STICK)
    hanging = np.concatenate([np.insert(CORNERS, 2, z, axis=1) for z in (-1, 0)])
    tall = np.column_stack([thin, thin, places[:, 2]])
    group.append(
        film_part(hanging, style.STONE, scale=tall, pivot=places)
    )  # the same places, so that they are kept once
    drawn_as(scene, way="moving")
    mark(scene, f"way/{v}", cast(Any, group), film, "way", (v,))
    tag(scene, f"point/{v}", text, named, style.POINT_NAME)
    words = cast(Any, scene[f"label/point/{v}"])
    words.user_dict |= {"along": places.tolist()}  # what it moves with


def tie(scene: pv.MultiBlock, film: Any, one: int, other: int) -> None:
    """Adds the dark stick between two tokens of `film.way`."""
    ends = np.stack([places_of(scene, film, v) for v in (one, other)], axis=1)
    unit = np.array([[x, y, z] for z in (-1, 1) for x, y in ((0, -1), (1, -1), (1, 1), (0, 1))])
    group = pv.MultiBlock()
    group.append(film_part(unit, style.SLATE, ends=ends))
    scene.append(group, f"link/{one}/{other}")


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
        path = [trace.vocab[index[0]]] if array == "embedding" else map(str, index)
        shape = glyph(np.ravel(getattr(trace, array)[tuple(index)]), scale, (x, y))
        mark(scene, "/".join([array, *path]), shape, trace, array, index)
    names(scene, [text for *_, text in terms], style.SPACING, row, place)


def names(scene: pv.MultiBlock, texts: Sequence[str], pitch: float, row: float = 0, place: float = 0) -> None:
    """Adds name plates in front of a row of plinths, as many units of the scene apart; none for an empty text.

    A word too long for its place makes all the names of the row smaller.
    """
    room = pitch - 2 * style.TEXT_MARGIN
    size = min(style.TEXT_SIZE, room / (max(map(width_of, texts), default=1) or 1))
    front = row * style.DEPTH - style.PLINTH - style.PLATE_GAP - size * style.LINE
    left = place * style.SPACING
    named = [(f"token/{row:g}/{place + t:g}", text, left + t * pitch) for t, text in enumerate(texts) if text]
    labels(scene, [(name, text, (x, front), size, 0.5) for name, text, x in named])


def levels(scene: pv.MultiBlock, texts: Sequence[str], row: float = 0) -> None:
    """Adds names at the left of a row of columns, one for each box, from the first one at the bottom.

    Every second one is moved to the left, so that each has room.
    """
    size = style.PITCH * style.ROW_NAME
    for n, text in enumerate(texts):
        x = -style.PLINTH - style.TEXT_MARGIN - size * width_of(text) / 2 - n % 2 * style.ROW_SHIFT
        tag(scene, f"level/{row:g}/{n}", text, (x, row * style.DEPTH, style.PLINTH_HEIGHT + style.PITCH * n), size)


def crowds(scene: pv.MultiBlock, digest: "Digest", array: str, index: int, y: float) -> None:
    """Adds a row of columns `getattr(digest, array)[index]` on one plinth, as one mark."""
    values = getattr(digest, array)[index]
    scene.user_dict |= {"glyphs": scene.user_dict["glyphs"] | {array: "crowd"}}
    ground(scene, box(*foot((0, y), ((len(values) - 1) * style.SPACING, y)), to_bytes(style.STONE)))
    mark(scene, f"{array}/{index}", crowd(values, Scale(scene.user_dict["limit"]), y), digest, array, (index,))


def carpets(scene: pv.MultiBlock, digest: "Digest", array: str, index: int, y: float) -> None:
    """Adds a pattern `getattr(digest, array)[index]` on the floor behind the row at `y`, as one mark; cf. `carpet`."""
    scene.user_dict |= {"glyphs": scene.user_dict["glyphs"] | {array: "carpet"}, "weight": style.WEIGHT}
    shape = carpet(getattr(digest, array)[index], y + style.PLINTH + style.PLATE_GAP)
    mark(scene, f"{array}/{index}", shape, digest, array, (index,))


def crowd_signs(scene: pv.MultiBlock, digest: "Digest", rows: Iterable[tuple[str, float]], told: Iterable[str]) -> None:
    """Adds what is written in a large scene, and its legend.

    At the left the names of the rows, each with its place along y; in front the tokens, of many only every few, in a
    size to be read from afar; below them what is `told`, and what is drawn together.
    """
    room = style.SPACING - 2 * style.TEXT_MARGIN
    size = float(np.interp(len(digest.names), [1, style.SIGN_MANY], style.SIGN_SIZE))
    line = size * style.LINE
    small = min(style.TEXT_SIZE, room / (max(map(width_of, digest.names), default=1) or 1))
    near = -style.PLINTH - style.PLATE_GAP - small * style.LINE
    left, columns = -style.SPACING - style.PLINTH, range(len(digest.names))
    written = [(text, (left, y - size * style.LETTER / 2), size, 1.0) for text, y in rows]
    if len(columns) <= 2 * style.SIGN_EVERY:
        written += [(digest.names[c], (c * style.SPACING, near), small, 0.5) for c in columns]
    else:
        near -= line
        some = [(c, f"{c * digest.together + 1} {digest.names[c]}") for c in columns[:: style.SIGN_EVERY]]
        written += [(text, (c * style.SPACING - style.PLINTH, near), size, 0.0) for c, text in some]
    lines = [*told, *([f"a box: the largest of {digest.grouped} components"] if digest.grouped > 1 else [])]
    lines += [f"a column: the largest of {digest.together} tokens"] if digest.together > 1 else []
    low = near
    for text in lines:
        low -= line
        written.append((text, (-style.PLINTH, low), size, 0.0))
    scale, y = Scale(scene.user_dict["limit"]), low - style.PLINTH - 0.5 * line
    x = max(columns[-1] * style.SPACING, 8 * style.SIGN_SPACING * size)
    for name, parts in (("value", style.LEGEND_PARTS), ("weight", style.LEGEND_WEIGHTS)):
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


def matrix(scene: pv.MultiBlock, trace: "Trace", array: str, l: int, h: int) -> float:
    """Adds an array (L, H, T, T) of head h in block l: a row of bars for each query, a bar for each key.

    The future stands on slate; attention does not reach there, and so there are no bars of it. Returns where the last
    key stands along x.
    """
    scale, T = Scale(scene.user_dict["limit"]), len(trace.tokens)
    attention = array == "attention"
    drawn_as(scene, **{array: "post" if attention else "bar"})
    right = (T - 1) * style.SPACING
    for q, token in enumerate(trace.tokens):
        x, y = q * style.SPACING, q * style.BAR_DEPTH
        ground(scene, box(*foot((0, y), (x, y)), to_bytes(style.STONE)))
        if q < T - 1:
            ground(scene, box(*foot((x + style.SPACING, y), (right, y)), to_bytes(style.SLATE)))
        for k in range(q + 1 if attention else T):
            at, value = (k * style.SPACING, y), getattr(trace, array)[l, h, q, k]
            shape = post(value, scale, at, h) if attention else bar(value, scale, at)
            mark(scene, f"{array}/{l}/{h}/{q}/{k}", shape, trace, array, (l, h, q, k))
        front = y - style.TEXT_SIZE * style.LINE / 2
        label(scene, f"query/{q}", token, (-style.PLINTH - style.PLATE_GAP - style.TEXT_MARGIN, front), align=1)
    beside = right + style.PLINTH + style.PLATE_GAP + style.TEXT_MARGIN
    label(scene, "future", "masked", (beside, (T - 2) / 2 * style.BAR_DEPTH), align=0)
    names(scene, trace.tokens, style.SPACING)
    return right


def side(scene: pv.MultiBlock, text: str, row: float, place: float = 0) -> None:
    """Adds the name of a row at its left."""
    left = place * style.SPACING - style.PLINTH - style.PLATE_GAP - style.TEXT_MARGIN
    label(scene, f"row/{row:g}", text, (left, row * style.DEPTH - style.PLINTH), align=1)


def gallery(name: str, trace: "Trace", tokens: Sequence[str]) -> pv.MultiBlock:
    """A whole scene: the embeddings of some tokens, on the scale of all. Raises ValueError if the corpus lacks one."""
    scene = start(name, trace, Scale.of(trace.embedding))
    row(scene, trace, "embedding", [(trace.id(token),) for token in tokens], tokens)
    legend(scene, right=len(tokens) - 1)
    return scene


def alone(name: str, trace: "Trace", array: str, index: Sequence[int], text: str) -> pv.MultiBlock:
    """A whole scene: one vector alone, on the scale of the last vector and the embedding of the prediction."""
    scale = Scale.of(trace.normed[-1, -1], trace.embedding[trace.id(trace.prediction)])
    scene = start(name, trace, scale)
    line(scene, trace, [(array, index, text)])
    # Its middle lies before the column, and it is no wider than it must.
    legend(scene, right=style.LEGEND_SPACING / style.SPACING, of_limit=style.LEGEND_PARTS[::2])
    return scene


def by_component(name: str, trace: Any, array: str, texts: Sequence[str]) -> pv.MultiBlock:
    """A whole scene: `getattr(trace, array)` (D, n), a column for each component, in two rows, numbered from 1.

    At the left of each row are the names of the boxes, the first one at the bottom.
    """
    values = getattr(trace, array)
    wide = -(-len(values) // 2)
    scene = start(name, trace, Scale.of(values), style.VIEW_OF_GRID)
    for y in range(2):
        place = range(y * wide, min((y + 1) * wide, len(values)))
        line(scene, trace, [(array, (d,), str(d + 1)) for d in place], y)
        levels(scene, texts, y)
    legend(scene, right=wide - 1)
    return scene


def stream(scene: pv.MultiBlock, trace: "Trace", whole: int | None = None) -> None:
    """Adds the residual stream: a row of columns for what enters block 1, what leaves each block, and after ln_f.

    Rows from the one numbered `whole` on show the last position alone, and the scene says so.
    """
    L, T = len(trace.residual) - 1, len(trace.tokens)
    whole = L + 2 if whole is None else whole
    rows = [("residual", l) for l in range(L + 1)] + [("normed", L)]
    texts = ["embedding + position", *(f"block {l + 1}" for l in range(L)), "final LayerNorm"]
    for y, ((array, l), text) in enumerate(zip(rows, texts, strict=True)):
        first = 0 if y < whole else T - 1
        row(scene, trace, array, [(l, t) for t in range(first, T)], () if y else trace.tokens, y, first)
        side(scene, text, y, first)


def pattern(scene: pv.MultiBlock, trace: "Trace", l: int, h: int, first: int = 0, row: int | None = None) -> None:
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
            mark(scene, f"attention/{l}/{h}/{q}/{k}", band, trace, "attention", (l, h, q, k))


def heights_of(weights: NDArray[np.float64], cells: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
    """How high the ribbon of each cell of weights lies: the wider, the lower."""
    order = sorted(cells, key=lambda cell: -weights[cell])
    return dict(zip(order, np.linspace(style.RIBBON_LOW, style.RIBBON_HIGH, len(order)).tolist(), strict=True))


def arrivals(weights: NDArray[np.float64], x: float, share: float) -> NDArray[np.float64]:
    """Where the ribbons of weights (n,) arrive, side by side around a place."""
    widths = share * (style.HAIR + style.RIBBON * weights)
    return x + np.cumsum(widths) - widths / 2 - widths.sum() / 2


def verdict(name: str, compared: "Compared") -> pv.MultiBlock:
    """A whole scene: the way of the last position through one of two models, on the scale of both.

    Every attention weight into it is drawn; beside its last vector stand the embeddings of the answer and of what the
    model says instead, if it does.
    """
    L, H, T, _ = compared.attention.shape
    tokens = list(dict.fromkeys([compared.answer, compared.prediction]))
    both = [(one.residual, one.normed[-1, -1], one.embedding) for one in (compared, compared.other)]
    scene = start(name, compared, Scale.of(*(values for one in both for values in one)), style.VIEW_OF_GRID)
    stream(scene, compared, whole=L)
    for l, h in np.ndindex(L, H):
        pattern(scene, compared, l, h, first=T - 1)
    ids = [(compared.id(token),) for token in tokens]
    row(scene, compared, "embedding", ids, tokens, row=L + 1, place=T + 0.6)
    legend(scene, right=T - 1, heads=H)
    return scene


def level_name(level: int) -> str:
    """What a level of the residual stream is called."""
    return f"after block {level}" if level else "entering block 1"


def level_row(scene: pv.MultiBlock, level: int, right: float) -> float:
    """Adds the plinth of a row of bars up to the one at `right`, for a level of the stream, with its name.

    Returns where it stands along y.
    """
    y = level * style.BAR_DEPTH
    ground(scene, box(*foot((0.0, y), (right, y)), to_bytes(style.STONE)))
    label(
        scene, f"row/{level}", level_name(level), (-style.PLINTH - 0.4, y - style.TEXT_SIZE * style.LINE / 2), align=1
    )
    return y


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
    copies: int = 1,
    heads: int = 0,
    of_limit: Sequence[float] = style.LEGEND_PARTS,
) -> None:
    """Adds, in front of the first row, single boxes of known values, and for each head three ribbons of known weights.

    The last box stands at the place `right` of the row; a glyph that takes several values a box gets copies of one.
    """
    scale, y = Scale(scene.user_dict["limit"]), style.LEGEND_ROW
    reach = (style.BASE + style.SPAN) * np.sqrt(2)  # of the box that stands for the negative limit
    front = y - reach - style.LEGEND_GAP - style.LEGEND_SIZE * style.LINE
    parts = np.array(of_limit)
    places = right * style.SPACING + style.LEGEND_SPACING * np.arange(1 - len(parts), 1)
    group, words = pv.MultiBlock(), []
    for i, (x, value) in enumerate(zip(places, parts * scale.limit, strict=True)):
        group.append(glyph([value] * copies, scale, (x, y)))
        words.append((f"value/{i}", number(value), (x, front), style.LEGEND_SIZE, 0.5))
    scene.append(group, "legend/value")
    ground(scene, box(*foot((places[0], y), (places[-1], y)), to_bytes(style.STONE)))
    x = places[0] - style.PLINTH
    for h in reversed(range(heads)):
        group = pv.MultiBlock()
        known = list(enumerate(style.LEGEND_WEIGHTS))
        if heads > len(known):  # or the legend is wider than the rest
            known = known[-1:]
        for i, weight in reversed(known):
            x -= style.LEGEND_RIBBON
            ends = (x, y - style.PLINTH), (x, y + style.PLINTH)
            share = scene.user_dict["ribbon"]["span"] / style.RIBBON
            group.append(ribbon(weight, *ends, style.RIBBON_LOW, style.HEADS[h % len(style.HEADS)], share))
            words.append((f"weight/{h}/{i}", number(weight), (x, front), style.LEGEND_SIZE, 0.5))
        scene.append(group, f"legend/weight/{h}")
        x -= style.LEGEND_RIBBON
        words.append((f"head/{h}", f"head {h + 1}", (x, front), style.LEGEND_SIZE, 1.0))
        x -= style.LEGEND_SIZE * width_of(f"head {h + 1}")
    labels(scene, words)
