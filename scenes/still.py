"""A scene as a flat picture, from its default camera: an SVG, or a PNG for link previews. Needs no GPU and no display.

Camera and light are the viewer's own, so that the still and the first frame of the 3D figure lie on each other.
"""

import io
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import glyphs, light, style
from scenes.glb import leaves, polygons, to_linear

if TYPE_CHECKING:
    from PIL import Image

FINE = 10  # parts of a pixel, in which an SVG measures: whole numbers are short


class Painted(NamedTuple):
    """What is seen of a scene, from back to front: n faces of up to k corners, and labels that are to be written."""

    colors: list[str]  # n
    polygons: NDArray[np.float64]  # (n, k, 2), in pixels; with fewer corners, the last one is there repeatedly
    labels: list[dict | None]  # n; a label stands in the place of a face


@dataclass(frozen=True)
class Camera:
    """An eye that looks at a target, in the frame of the scene (z up), as model-viewer describes it.

    Azimuth in degrees from straight ahead (looking along y), to the right; zenith in degrees from straight above; the
    field of view is vertical, in degrees; the aspect of the picture is its width over its height.
    """

    target: tuple[float, float, float]
    distance: float
    azimuth: float
    zenith: float
    aspect: float
    field_of_view: float = style.FIELD_OF_VIEW

    @property
    def pixels(self) -> tuple[int, int]:
        """The width and height of a still."""
        return style.STILL_WIDTH, round(style.STILL_WIDTH / self.aspect)

    def axes(self) -> NDArray[np.float64]:
        """The directions to the right, upwards and forwards of the picture, as rows (3, 3)."""
        a, z = np.radians([self.azimuth, self.zenith])
        forward = -np.array([np.sin(z) * np.sin(a), -np.sin(z) * np.cos(a), np.cos(z)])
        right = np.array([np.cos(a), np.sin(a), 0])
        return np.array([right, np.cross(right, forward), forward])

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (n, 3) of the scene as (n, 3): x and y in half-heights of the picture, y up, and the distance."""
        from_target = np.asarray(points, float) - self.target
        # By hand, because matrix routines differ in the last digits: which of two things is farther must not.
        seen = (from_target[:, None, :] * self.axes()).sum(axis=2)
        depth = seen[:, 2] + self.distance
        return np.column_stack([seen[:, :2] / (depth * np.tan(np.radians(self.field_of_view / 2)))[:, None], depth])


def frame(scene: pv.MultiBlock) -> Camera:
    """The nearest camera that sees the whole scene, with a margin, from the side that its `user_dict` names."""
    azimuth, zenith = scene.user_dict["view"]
    points = np.concatenate([np.asarray(shape.points, float) for shape in leaves(scene)])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    axes = Camera((0, 0, 0), 1, azimuth, zenith, 1).axes()
    x, y, z = axes @ (points - middle).T
    high = math.tan(math.radians(style.FIELD_OF_VIEW / 2)) * (1 - 2 * style.MARGIN)
    # The eye (a, b, c) sees a point if |x - a| <= wide (z - c) and |y - b| <= high (z - c): four planes, each as near
    # as its nearest point allows. Of the aspects, that one is best in which both directions ask for the same distance.
    top, bottom = (y - high * z).max(), (-y - high * z).max()
    sides = {a: ((x - high * a * z).max(), (-x - high * a * z).max()) for a in style.ASPECTS}
    depths = {a: (-(right + left) / (2 * high * a), -(top + bottom) / (2 * high)) for a, (right, left) in sides.items()}
    aspect = min(style.ASPECTS, key=lambda a: abs(depths[a][0] - depths[a][1]))
    (right, left), depth = sides[aspect], min(depths[aspect])
    target = middle + np.array([(right - left) / 2, (top - bottom) / 2, 0]) @ axes
    x, y, z = target.tolist()
    return Camera((x, y, z), float(-depth), azimuth, zenith, aspect)


def to_svg(scene: pv.MultiBlock, camera: Camera) -> str:
    """The scene as an SVG document, its labels as text; a film as it is at rest."""
    return stills(scene, camera, [-1])[0]


def stills(scene: pv.MultiBlock, camera: Camera, steps: Sequence[int]) -> list[str]:
    """The SVG documents of a film at some of its recorded steps, by their numbers; -1 is the last one."""
    parts, meaning = _parts(scene, labels_as_text=True), scene.user_dict.data
    title = escape(f"{meaning['scene']}: {meaning['sentence']}")
    width, height = camera.pixels
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {FINE * width} {FINE * height}" text-anchor="middle" font-size="100" '
        f'font-family="DejaVu Sans, Verdana, sans-serif"><title>{title}</title>'
    )
    return ["".join([head, *_elements(_painted(parts, camera, k), camera), "</svg>\n"]) for k in steps]


def to_png(scene: pv.MultiBlock, camera: Camera, background: str) -> bytes:
    """The scene as a PNG on a plain background."""
    file = io.BytesIO()
    _drawn(scene, camera, "RGB", background, 3).save(file, "PNG")
    return file.getvalue()


def to_webp(scene: pv.MultiBlock, camera: Camera) -> bytes:
    """The scene as a WebP without a background: the still of a scene that would be too much for an SVG."""
    file = io.BytesIO()
    _drawn(scene, camera, "RGBA", "#00000000", 2).save(file, "WEBP", quality=80)
    return file.getvalue()


def _drawn(scene: pv.MultiBlock, camera: Camera, mode: str, background: str, finer: int) -> "Image.Image":
    """The scene in pixels of a mode of Pillow's, drawn so many times as fine first, for smooth edges."""
    from PIL import Image, ImageDraw

    width, height = camera.pixels
    image = Image.new(mode, (finer * width, finer * height), background)
    draw = ImageDraw.Draw(image)
    painted = _painted(_parts(scene, labels_as_text=False), camera, -1)
    for color, polygon in zip(painted.colors, _flat(finer * painted.polygons), strict=True):
        draw.polygon(polygon, fill=color)
    return image.reduce(finer)


def _flat(polygons: NDArray[np.float64]) -> list[list[float]]:
    """Polygons (n, k, 2) as Pillow takes them."""
    return polygons.reshape(len(polygons), -1).tolist()


def _elements(painted: Painted, camera: Camera) -> Iterator[str]:
    """The elements of an SVG document, from back to front."""
    shown = _showing(painted, camera)
    # Rounded in two steps, so that processors agree on which side of a half a number lies.
    places = np.round(np.round(painted.polygons * FINE, 6)).astype(int)
    for is_text, group in itertools.groupby(shown, key=lambda n: painted.labels[n] is not None):
        numbers = list(group)
        colors = [painted.colors[n] for n in numbers]
        if is_text:
            labels = [painted.labels[n] for n in numbers]
            yield from (_text(label, camera, color) for label, color in zip(labels, colors, strict=True) if label)
        else:
            data = _data(places[numbers])
            for color, path in _paths(colors, places[numbers]):
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
    """Whether a polygon (k, 2) overlaps one of others (n, k, 2): no side of either has them on its two sides.

    With each goes what stands across its sides.
    """
    sides = np.concatenate([np.broadcast_to(across, others.shape), across_others], axis=1)  # (n, 2k, 2)
    (a, b), (c, d) = ((reach.min(axis=2), reach.max(axis=2)) for reach in (sides @ one.T, sides @ others.mT))
    return not ((b <= c) | (d <= a)).any(axis=1, where=sides.any(axis=2)).all()


def _showing(painted: Painted, camera: Camera) -> list[int]:
    """The places of what is painted, without faces of which others leave nothing to be seen, not even half a pixel."""
    from PIL import Image, ImageDraw

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


@dataclass(frozen=True)
class _Part:
    """A shape as pictures need it: points (n, 3), faces (m, k) and the light that each of them can reflect (m, 3).

    A label that is to be written is a part without points.
    """

    points: NDArray[np.float64]
    corners: NDArray[np.int64]
    color: NDArray[np.float64]
    material: str = "ink"
    label: dict | None = None  # that it belongs to
    film: dict | None = None  # how it moves

    def at(self, k: int) -> NDArray[np.float64]:
        """The points at a recorded step."""
        return glyphs.posed(self.film["unit"], self.film["film"], k) if self.film else self.points


def _parts(scene: pv.MultiBlock, labels_as_text: bool) -> list[_Part]:
    """The shapes of a scene, in order."""
    parts = []
    for block in scene:
        meaning = block.user_dict.data
        label = meaning if "text" in meaning else None
        if label and labels_as_text:
            ink = to_linear([label["color"]])
            parts.append(_Part(np.empty((0, 3)), np.zeros((1, 1), int), ink, label=label))
            continue
        for shape in leaves([block]):
            known = meaning if shape is block else shape.user_dict.data
            corners, color = polygons(shape), np.asarray(shape.point_data["color"])
            reflected = to_linear(color[corners[:, 0]] / (255 if color.dtype == np.uint8 else 1))
            film = known if "film" in known else None
            points, material = np.asarray(shape.points, float), known.get("material", "solid")
            parts.append(_Part(points, corners, reflected, material, label, film))
    return parts


def _painted(parts: list[_Part], camera: Camera, k: int) -> Painted:
    """What is seen at a recorded step.

    Ribbons come first, by their height, then plinths. What stands on the floor or on a plinth follows by the distance
    of its foot, and from the foot upwards: a column as a whole, plates and landscapes by their faces, letters at last.
    """
    # Of each face: the layer, what stands for its foot (x, y), how far its words stick out, its height, its part.
    layers, feet, lips, heights, owners = [], [], [], [], []
    shapes = [part.at(k) for part in parts]
    for n, (part, points) in enumerate(zip(parts, shapes, strict=True)):
        if part.label:
            middle, layer = np.broadcast_to(_middle(part.label, k), (len(part.corners), 3)), 2
            height = points[part.corners].mean(axis=1)[:, 2] if len(points) else np.zeros(1)
        else:
            middle = points[part.corners].mean(axis=1)
            low, high = points[:, 2].min() - style.PLINTH_HEIGHT, points[:, 2].max() - style.PLINTH_HEIGHT
            layer = 0 if part.material in ("sheet", "tiles") else 1 if high <= 1e-9 else 2
            # The faces of a land follow each other by their distance alone.
            height = middle[:, 2] * (part.material != "land")
            if (low >= -1e-9 or high <= 1e-9) and part.material != "land":
                middle = np.broadcast_to(points.mean(axis=0), middle.shape)
        layers.append(np.full(len(middle), layer))
        feet.append(middle * [1, 1, 0])
        lips.append(np.full(len(middle), style.PLATE_LIP if part.label else 0.0))
        heights.append(height)
        owners.append(np.full(len(middle), n))
    layer, lip, height, owner = map(np.concatenate, (layers, lips, heights, owners))
    far = np.where(layer == 0, height, lip - _screen(np.concatenate(feet), camera)[:, 2])
    # Rounded, so that processors agree on what is as far as something else; that follows the order of the scene.
    order = np.lexsort((np.round(np.where(layer == 0, 0.0, height), 9), np.round(far, 9), layer))
    outline, colors, faces_us = _shaded(parts, shapes, camera)
    seen = order[faces_us[order]]
    written = [_moved(part.label, k) if part.label and not len(part.points) else None for part in parts]
    inks = [_to_srgb(part.color)[0] if label else "" for part, label in zip(parts, written, strict=True)]
    labels = [written[n] for n in owner[seen]]
    colors = [inks[owner[n]] or colors[n] for n in seen.tolist()]
    return Painted(colors, outline[seen], labels)


def _shaded(
    parts: list[_Part], shapes: list[NDArray[np.float64]], camera: Camera
) -> tuple[NDArray[np.float64], list[str], NDArray[np.bool_]]:
    """The faces of all shapes in pixels (n, k, 2), their colours in the light, and whether they face the camera (n,).

    Faces with fewer corners than others have their last one repeatedly. A label is a face that is to be seen.
    """
    first = np.cumsum([0, *map(len, shapes)])
    most = max(part.corners.shape[1] for part in parts)
    corners = np.concatenate(
        [
            part.corners[:, np.minimum(np.arange(most), part.corners.shape[1] - 1)] + n
            for part, n in zip(parts, first, strict=False)
        ]
    )
    points = np.vstack([*shapes, np.zeros((1, 3))])  # the last one is for a label without points that is the last part
    edges = points[corners[:, 1:3]] - points[corners[:, :1]]
    normals = np.cross(edges[:, 0], edges[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    outline = _screen(points, camera)[corners][:, :, :2]
    (ax, ay), (bx, by) = (outline[:, 1] - outline[:, 0]).T, (outline[:, 2] - outline[:, 0]).T
    materials = np.repeat([part.material for part in parts], [len(part.corners) for part in parts])
    two_sided = np.isin(materials, ("sheet", "land", "tiles"))  # the upper side is seen
    normals[two_sided, 2] = np.abs(normals[two_sided, 2])
    is_label = np.repeat([not len(points) for points in shapes], [len(part.corners) for part in parts])
    faces_us = (ax * by - ay * bx < 0) | two_sided | is_label
    colors = np.concatenate([part.color for part in parts])
    lit = faces_us & ~np.isin(materials, ("ink", "tiles"))
    alike, back = np.unique(np.round(normals[lit], 6), axis=0, return_inverse=True)
    colors[lit] *= light.shade(alike)[back.ravel(), None]
    return outline, _to_srgb(colors), faces_us


def _screen(points: ArrayLike, camera: Camera) -> NDArray[np.float64]:
    """Points (n, 3) of the scene as (n, 3): pixels to the right and down, and the distance."""
    width, height = camera.pixels
    return camera.project(points) * [height / 2, -height / 2, 1] + [width / 2, height / 2, 0]


def _to_srgb(light: NDArray[np.float64]) -> list[str]:
    """Light (n, 3) as CSS colours; the inverse of `to_linear`."""
    light = np.clip(light, 0, 1)
    color = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    digits = np.round(color * 255).astype(np.uint8).tobytes().hex()
    return [f"#{digits[n : n + 6]}" for n in range(0, len(digits), 6)]


def _data(polygons: NDArray[np.int64]) -> list[tuple[tuple[int, int], str, tuple[int, int]]]:
    """Of each polygon (n, k, 2): its first corner, the way to each of the others as path data, and the last one."""
    steps = np.diff(polygons, axis=1).tolist()
    more = ["".join([f" {dx} {dy}" for dx, dy in way if dx or dy]) for way in steps]
    first, last = (list(map(tuple, polygons[:, end].tolist())) for end in (0, -1))
    return list(zip(first, more, last, strict=True))


def _path(polygons: list[tuple[tuple[int, int], str, tuple[int, int]]]) -> str:
    """Polygons as path data: each corner, and each polygon, from where the one before ended.

    Filling closes them, and a move goes on as lines.
    """
    lines, (x, y) = [], (0, 0)
    for (left, top), more, end in polygons:
        lines.append(f"m{left - x} {top - y}{more}")
        x, y = end
    return "".join(lines).replace(" -", "-")


def _middle(label: dict, k: int) -> NDArray[np.float64]:
    """The middle of a label's baseline at a recorded step."""
    origin, right = np.array(_moved(label, k)["origin"]), np.array(label["right"])
    return origin + right / np.linalg.norm(right) * label["width"] / 2


def _moved(label: dict, k: int) -> dict:
    """A label as it is at a recorded step."""
    along = label.get("along")
    return label | {"origin": np.add(label["origin"], np.subtract(along[k], along[-1]))} if along else label


def _text(label: dict, camera: Camera, color: str) -> str:
    """A label as text in the perspective of its middle."""
    middle, right, up = _middle(label, -1), np.array(label["right"]), np.array(label["up"])
    center, a, b = _screen([middle, middle + right, middle + up], camera)[:, :2] * FINE
    ax, ay, bx, by = *(a - center), *(b - center)
    matrix = " ".join(f"{v:.4g}" for v in (ax / 100, ay / 100, -bx / 100, -by / 100))
    length = 100 * label["width"] / np.linalg.norm(right)
    return (
        f'<text transform="matrix({matrix} {center[0]:.0f} {center[1]:.0f})" textLength="{length:.0f}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{color}">{escape(label["text"])}</text>'
    )
