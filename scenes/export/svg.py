"""A scene as an SVG, from its default camera; its labels are text.

Camera and light are the viewer's own, so that the still and the first frame of the 3D figure lie on each other.
"""

import itertools
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from article.escaping import PICTURES
from scenes.export.camera import Camera
from scenes.export.painter import Painted, _flat, _middle, _painted, _parts, _screen

FINE = 10  # parts of a pixel, in which an SVG measures: whole numbers are short


def to_svg(scene: pv.MultiBlock, camera: Camera) -> str:
    """The scene as an SVG document, its labels as text; a film as it is at rest."""
    return stills(scene, camera, [-1])[0]


def stills(scene: pv.MultiBlock, camera: Camera, steps: Sequence[int]) -> list[str]:
    """The SVG documents of a film at some of its recorded steps, by their numbers; -1 is the last one."""
    parts, meaning = _parts(scene, labels_as_text=True), scene.user_dict.data
    title = escape(f"{meaning['scene']}: {meaning['sentence']}".translate(PICTURES))
    width, height = camera.pixels
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {FINE * width} {FINE * height}" text-anchor="middle" font-size="100" '
        f'font-family="DejaVu Sans, Verdana, sans-serif"><title>{title}</title>'
    )
    return ["".join([head, *_elements(_painted(parts, camera, k), camera), "</svg>\n"]) for k in steps]


def _elements(painted: Painted, camera: Camera) -> Iterator[str]:
    """The elements of an SVG document, from back to front."""
    shown = _showing(painted, camera)
    # Rounded in two steps, so that processors agree on which side of a half a number lies.
    places = np.round(np.round(painted.polygons * FINE, 6)).astype(int)
    for is_text, group in itertools.groupby(shown, key=lambda n: painted.labels[n] is not None):
        numbers = list(group)
        if is_text:
            yield from (_text(label, camera, painted.colors[n]) for n in numbers if (label := painted.labels[n]))
        else:
            data = _data(places[numbers])
            for color, path in _paths([painted.colors[n] for n in numbers], places[numbers]):
                yield f'<path fill="{color}" d="{_path([data[n] for n in path])}"/>'


def _paths(colors: Sequence[str], places: NDArray[np.int64]) -> list[tuple[str, list[int]]]:
    """Faces (n, k, 2), from back to front, as paths of one colour: the places of their faces in the list.

    A face joins the last path of its colour, unless that lies behind something that the face overlaps.
    """
    low, high = places.min(axis=1), places.max(axis=1)
    across = (np.roll(places, -1, axis=1) - places)[..., ::-1] * [1, -1]  # of each side (n, k, 2)
    paths: list[tuple[str, list[int]]] = []
    latest: dict[str, int] = {}
    path_of = np.zeros(len(places), int)
    for n, color in enumerate(colors):
        last = latest.get(color, -1)
        if -1 < last < len(paths) - 1:
            over = (path_of[:n] > last) & (low[:n] < high[n]).all(axis=1) & (high[:n] > low[n]).all(axis=1)
            (others,) = over.nonzero()
            if len(others) and _overlaps(places[n], across[n], places[others], across[others]):
                last = -1
        if last < 0:
            latest[color] = last = len(paths)
            paths.append((color, []))
        paths[last][1].append(n)
        path_of[n] = last
    return paths


def _overlaps(
    one: NDArray[np.int64], across: NDArray[np.int64], others: NDArray[np.int64], across_others: NDArray[np.int64]
) -> bool:
    """Whether a polygon (k, 2) overlaps one of others (n, k, 2): no side, which `across` stands on, parts the two."""
    sides = np.concatenate([np.broadcast_to(across, others.shape), across_others], axis=1)  # (n, 2k, 2)
    (a, b), (c, d) = ((reach.min(axis=2), reach.max(axis=2)) for reach in (sides @ one.T, sides @ others.mT))
    return not ((b <= c) | (d <= a)).any(axis=1, where=sides.any(axis=2)).all()


def _showing(painted: Painted, camera: Camera) -> list[int]:
    """The places of what is painted, without faces of which others leave nothing to be seen, not even half a pixel."""
    width, height = camera.pixels
    everything = len(painted.labels)
    kind = np.uint16 if everything < 2**16 else np.int32  # the first is three times as quick
    image = Image.fromarray(np.full((2 * height, 2 * width), everything, kind))
    draw = ImageDraw.Draw(image)
    for n, (polygon, label) in enumerate(zip(_flat(2 * painted.polygons), painted.labels, strict=True)):
        if label is None:
            draw.polygon(polygon, fill=n)
    pixels = np.asarray(image).ravel()
    shows = np.zeros(everything + 1, bool)
    shows[pixels[0]] = shows[pixels[1:][pixels[1:] != pixels[:-1]]] = True  # of a run of pixels, the first one will do
    return [n for n, label in enumerate(painted.labels) if shows[n] or label is not None]


def _data(polygons: NDArray[np.int64]) -> list[tuple[tuple[int, int], str, tuple[int, int]]]:
    """Of each polygon (n, k, 2): its first corner, the way to each of the others as path data, and the last one."""
    steps = np.diff(polygons, axis=1).tolist()
    more = ["".join([f" {dx} {dy}" for dx, dy in way if dx or dy]) for way in steps]
    first, last = (list(map(tuple, polygons[:, end].tolist())) for end in (0, -1))
    return list(zip(first, more, last, strict=True))


def _path(polygons: list[tuple[tuple[int, int], str, tuple[int, int]]]) -> str:
    """Polygons as path data, each from where the one before ended: filling closes them, a move goes on as lines."""
    lines, (x, y) = [], (0, 0)
    for (left, top), more, end in polygons:
        lines.append(f"m{left - x} {top - y}{more}")
        x, y = end
    return "".join(lines).replace(" -", "-")


def _text(label: dict, camera: Camera, color: str) -> str:
    """A label as text in the perspective of its middle."""
    middle, right, up = _middle(label), np.array(label["right"]), np.array(label["up"])
    center, a, b = _screen([middle, middle + right, middle + up], camera)[:, :2] * FINE
    ax, ay, bx, by = *(a - center), *(b - center)
    matrix = " ".join(f"{v:.4g}" for v in (ax / 100, ay / 100, -bx / 100, -by / 100))
    length = 100 * label["width"] / np.linalg.norm(right)
    return (
        f'<text transform="matrix({matrix} {center[0]:.0f} {center[1]:.0f})" textLength="{length:.0f}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{color}">{escape(label["text"].translate(PICTURES))}</text>'
    )
