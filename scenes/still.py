"""A scene as a flat picture, from its default camera: an SVG, or a PNG for link previews. Needs no GPU and no display.

Camera and light are the viewer's own, so that the still and the first frame of the 3D figure lie on each other.
"""

import io
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import light, style
from scenes.glb import leaves, polygons, to_linear


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
        seen = (np.asarray(points, float) - self.target) @ self.axes().T
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
    """The scene as an SVG document, its labels as text."""
    parts = []
    for color, things in itertools.groupby(_painted(scene, camera, labels_as_text=True), key=lambda thing: thing[0]):
        for is_text, group in itertools.groupby(
            (thing for _, thing in things), key=lambda thing: isinstance(thing, dict)
        ):
            if is_text:
                parts += [_text(label, camera, color) for label in group if isinstance(label, dict)]
            else:
                path = "".join(_path(polygon) for polygon in group if not isinstance(polygon, dict))
                parts.append(f'<path fill="{color}" d="{path}"/>')
    size = "0 0 {} {}".format(*camera.pixels)
    title = escape(f"{scene.user_dict['scene']}: {scene.user_dict['sentence']}")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}"><title>{title}</title>'
    return "\n".join([head, *parts, "</svg>", ""])


def to_png(scene: pv.MultiBlock, camera: Camera, background: str) -> bytes:
    """The scene as a PNG on a plain background."""
    from PIL import Image, ImageDraw

    width, height = camera.pixels
    image = Image.new("RGB", (3 * width, 3 * height), background)  # three times as fine, for smooth edges
    draw = ImageDraw.Draw(image)
    for color, polygon in _painted(scene, camera, labels_as_text=False):
        draw.polygon([tuple(point) for point in 3 * np.asarray(polygon)], fill=color)
    file = io.BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


def _painted(
    scene: pv.MultiBlock, camera: Camera, labels_as_text: bool
) -> Iterator[tuple[str, NDArray[np.float64] | dict]]:
    """What is seen, from back to front: colours with polygons (k, 2) in pixels or, as text, with labels.

    Ribbons come first, by their height, then plinths. What stands on the floor or on a plinth follows by the distance
    of its foot, and from the foot upwards: a column as a whole, plates and landscapes by their faces, letters at last.
    """
    found: list[tuple[tuple[int, float, float, int], str, NDArray[np.float64] | dict]] = []

    def foot(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return _screen(points * [1, 1, 0], camera)[:, 2]

    for block in scene:
        label = dict(block.user_dict) if "text" in block.user_dict else None
        on_plate = float(foot(_middle(label)[None])[0]) - style.PLATE_LIP if label else 0.0
        if label and labels_as_text:
            ink = label.get("color", style.INK)
            found.append(((2, -on_plate, 0.0, len(found)), _to_srgb(to_linear([ink]))[0], label))
            continue
        for shape in leaves(block) if isinstance(block, pv.MultiBlock) else [block]:
            points, material = np.asarray(shape.points, float), shape.user_dict.get("material", "solid")
            low, high = points[:, 2].min(), points[:, 2].max()
            corners = polygons(shape)
            middle = points[corners].mean(axis=1)
            distance = foot(middle)
            if label:
                distance[:] = on_plate
            elif material == "land":
                middle = middle * [1, 1, 0]  # its faces follow each other by their distance alone
            elif low >= style.PLINTH_HEIGHT - 1e-9 or high <= style.PLINTH_HEIGHT + 1e-9:
                distance[:] = foot(points.mean(axis=0, keepdims=True))
            layer = 0 if material == "sheet" else 1 if high <= style.PLINTH_HEIGHT + 1e-9 and not label else 2
            outline, colors, faces_us = _shaded(shape, corners, camera, material)
            for n in np.flatnonzero(faces_us):
                height = float(middle[n, 2])
                far, up = (height, 0.0) if layer == 0 else (-float(distance[n]), height)
                found.append(((layer, far, up, len(found)), colors[n], outline[n]))
    yield from ((color, thing) for _, color, thing in sorted(found, key=lambda entry: entry[0]))


def _shaded(
    shape: pv.PolyData, corners: NDArray[np.int64], camera: Camera, material: str
) -> tuple[NDArray[np.float64], list[str], NDArray[np.bool_]]:
    """The faces of a shape in pixels (n, k, 2), their colours in the light, and whether they face the camera (n,)."""
    points, color = np.asarray(shape.points, float), np.asarray(shape.point_data["color"])
    edges = points[corners[:, 1:3]] - points[corners[:, :1]]
    normals = np.cross(edges[:, 0], edges[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    outline = _screen(points, camera)[corners][:, :, :2]
    (ax, ay), (bx, by) = (outline[:, 1] - outline[:, 0]).T, (outline[:, 2] - outline[:, 0]).T
    faces_us = ax * by - ay * bx < 0
    if material in ("sheet", "land"):  # it has two sides; the upper one is seen
        faces_us[:], normals[:, 2] = True, np.abs(normals[:, 2])
    light_ = to_linear(color[corners[:, 0]] / (255 if color.dtype == np.uint8 else 1))
    return outline, _to_srgb(light_ if material == "ink" else light_ * light.shade(normals)[:, None]), faces_us


def _screen(points: ArrayLike, camera: Camera) -> NDArray[np.float64]:
    """Points (n, 3) of the scene as (n, 3): pixels to the right and down, and the distance."""
    width, height = camera.pixels
    return camera.project(points) * [height / 2, -height / 2, 1] + [width / 2, height / 2, 0]


def _to_srgb(light: NDArray[np.float64]) -> list[str]:
    """Light (n, 3) as CSS colours; the inverse of `to_linear`."""
    light = np.clip(light, 0, 1)
    color = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return ["#" + bytes(row.tolist()).hex() for row in np.round(color * 255).astype(np.uint8)]


def _path(polygon: NDArray[np.float64]) -> str:
    """A polygon as path data, in tenths of a pixel."""
    tenths = np.round(polygon * 10).astype(int)
    moves = [tenths[0], *np.diff(tenths, axis=0)]
    return "M" + "l".join(f"{x / 10:g},{y / 10:g}" for x, y in moves) + "z"


def _middle(label: dict) -> NDArray[np.float64]:
    """The middle of a label's baseline."""
    origin, right = np.array(label["origin"]), np.array(label["right"])
    return origin + right / np.linalg.norm(right) * label["width"] / 2


def _text(label: dict, camera: Camera, color: str) -> str:
    """A label as text in the perspective of its middle."""
    middle, right, up = _middle(label), np.array(label["right"]), np.array(label["up"])
    center, a, b = _screen([middle, middle + right, middle + up], camera)[:, :2]
    ax, ay, bx, by = *(a - center), *(b - center)
    matrix = " ".join(f"{v:.4g}" for v in (ax / 100, ay / 100, -bx / 100, -by / 100))
    length = 100 * label["width"] / np.linalg.norm(right)
    return (
        f'<text transform="matrix({matrix} {center[0]:.1f} {center[1]:.1f})" font-size="100" '
        f'font-family="DejaVu Sans, Verdana, sans-serif" text-anchor="middle" textLength="{length:.0f}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{color}">{escape(label["text"])}</text>'
    )
