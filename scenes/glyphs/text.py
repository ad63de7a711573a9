"""Texts as shapes: the outlines of letters, filled with triangles."""

import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, cast

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from scenes import style
from scenes.glyphs.shapes import Point, Point3, boxes, mesh, to_bytes


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


def fitted(texts: Iterable[str], pitch: float = style.SPACING) -> tuple[list[str], float]:
    """Texts for places that are `pitch` apart, in units of the scene, and the font size at which all of them fit there.

    A text that would make the others too small is cut, with an ellipsis; read-outs and tables have it whole.
    """
    room = pitch - 2 * style.TEXT_MARGIN
    most = room / (style.TEXT_SIZE * style.TEXT_SHRINK)
    shown = [text if width_of(text) <= most else cut(text, most) for text in texts]
    return shown, min(style.TEXT_SIZE, room / (max(map(width_of, shown), default=1) or 1))


def cut(text: str, most: float) -> str:
    """The beginning of a text with an ellipsis, no wider than `most` font sizes."""
    fits = takewhile(lambda n: width_of(f"{text[:n]}\N{HORIZONTAL ELLIPSIS}") <= most, range(1, len(text)))
    return f"{text[: sum(1 for _ in fits)]}\N{HORIZONTAL ELLIPSIS}"


def number(value: float) -> str:
    """A number for a label: two decimals, nothing after the point that is zero, and a true minus sign."""
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")


def lettering(
    text: str, size: float, origin: NDArray[np.float64], up: NDArray[np.float64], color: Sequence[float], **side: Any
) -> Any:
    """A text as one flat shape, which knows how many points and triangles each letter has.

    It also travels as itself, with its origin, the vector of one font size to the right and the one upwards, for
    renderers that have letters of their own, and with the `side` of what it names that it stands on ("align"), or the
    mark that it stands over ("of"). A text without letters is an empty group.
    """
    known: dict[str, Any] = {"text": text, "width": size * width_of(text), "color": color, "material": "ink"}
    known |= {"origin": origin.tolist(), "right": [size, 0, 0], "up": up.tolist(), **side}
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
        scene.append(lettering(text, size, origin, up, style.INK, align=align), f"label/{name}")
    if plates := cast("pv.PolyData | None", scene.get("plates")):
        known = np.asarray(plates.points).reshape(-1, 2, 4, 3)
        bottoms, tops = [*known[:, 0], *bottoms], [*known[:, 1], *tops]
    if bottoms:
        scene["plates"] = cast(Any, boxes(bottoms, tops, to_bytes(style.STONE), material="plates"))


def label(
    scene: pv.MultiBlock, name: str, text: str, at: Point, size: float = style.TEXT_SIZE, align: float = 0.5
) -> None:
    """Adds one of `labels`."""
    labels(scene, [(name, text, at, size, align)])


def tag(scene: pv.MultiBlock, name: str, text: str, at: Point3, size: float = style.TAG_SIZE, **side: Any) -> None:
    """Adds a text that stands upright over a place, without a plate, as the block `label/<name>`, like `lettering`."""
    origin, up = np.array(at) - [size * width_of(text) / 2, 0, 0], np.array([0, 0, size])
    scene.append(lettering(text, size, origin, up, style.SLATE, **side), f"label/{name}")


def signs(scene: pv.MultiBlock, name: str, texts: Iterable[tuple[str, Point, float, float]]) -> None:
    """Adds texts that lie on the floor, without plates, as one shape, the block `label/<name>`.

    Each is a text, where it stands, its font size, and how much of it lies left of there, 0 to 1.
    """
    points, faces, written, n = [], [], [], 0
    for text, (x, y), size, align in texts:
        left, up = x - align * size * width_of(text), [0, size, 0]
        known = {"text": text, "width": size * width_of(text), "origin": [left, y, 0], "right": [size, 0, 0]}
        written.append(known | {"up": up, "align": align})
        for (flat, corners), along in letters(text, style.SIGN_TOLERANCE):
            points.append(np.insert(flat * size + np.array([left + along * size, y]), 2, style.TILE_LIFT, axis=1))
            faces.append(corners + n)
            n += len(flat)
    shape = mesh(np.concatenate(points), np.concatenate(faces), to_bytes(style.SLATE), material="ink", written=written)
    scene.append(shape, f"label/{name}")
