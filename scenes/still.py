"""A scene as a flat picture, from its default camera: an SVG, or a PNG for link previews. Needs no GPU and no display.

Camera and light are the viewer's own, so that the still and the first frame of the 3D figure lie on each other. What is
nearer is painted later: ribbons, then plinths and plates, then the labels on them, then what stands upright.
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
from scenes.glb import leaves, to_linear, triangles


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
    parts = [
        f'<path fill="{color}" d="{"".join(map(_path, polygons))}"/>'
        for color, polygons in _merged(_faces(scene, camera, 0, 1))
    ]
    for label in (block for block in scene if "text" in block.user_dict):
        parts.append(_text(label.user_dict, camera))
    parts += [
        f'<path fill="{color}" d="{"".join(map(_path, polygons))}"/>'
        for color, polygons in _merged(_faces(scene, camera, 3))
    ]
    size = "0 0 {} {}".format(*camera.pixels)
    title = escape(f"{scene.user_dict['scene']}: {scene.user_dict['sentence']}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}"><title>{title}</title>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def to_png(scene: pv.MultiBlock, camera: Camera, background: str) -> bytes:
    """The scene as a PNG on a plain background."""
    from PIL import Image, ImageDraw

    size = camera.pixels
    image = Image.new("RGB", (3 * size[0], 3 * size[1]), background)  # three times as fine, for smooth edges
    draw = ImageDraw.Draw(image)
    for color, polygon in _faces(scene, camera, 0, 1, 2, 3):
        draw.polygon([tuple(point) for point in 3 * polygon], fill=color)
    file = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


def _layer(shape: pv.PolyData) -> int:
    """0 for ribbons, 1 for what lies on the floor, 2 for letters, 3 for what stands upright."""
    kind = shape.user_dict.get("material", "solid")
    low = float(np.asarray(shape.points)[:, 2].min())
    return {"sheet": 0, "ink": 2}.get(kind, 3 if low >= style.PLINTH_HEIGHT else 1)


def _screen(points: ArrayLike, camera: Camera) -> NDArray[np.float64]:
    """Points (n, 3) of the scene as (n, 3): pixels to the right and down, and the distance."""
    width, height = camera.pixels
    return camera.project(points) * [height / 2, -height / 2, 1] + [width / 2, height / 2, 0]


def _faces(scene: pv.MultiBlock, camera: Camera, *layers: int) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """What is seen of these layers, from back to front: colours and polygons (k, 2) in pixels."""
    for layer in layers:
        found = []
        for shape in (shape for shape in leaves(scene) if _layer(shape) == layer):
            points, color = np.asarray(shape.points, float), np.asarray(shape.point_data["color"])
            try:
                corners = shape.regular_faces
            except ValueError:
                corners = triangles(shape)
            seen = _screen(points, camera)
            edges = points[corners[:, 1:3]] - points[corners[:, :1]]
            normals = np.cross(edges[:, 0], edges[:, 1])
            normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
            outline = seen[corners][:, :, :2]
            (ax, ay), (bx, by) = (outline[:, 1] - outline[:, 0]).T, (outline[:, 2] - outline[:, 0]).T
            front = (ax * by - ay * bx < 0) | (layer == 0)
            normals[:, 2] = np.abs(normals[:, 2]) if layer == 0 else normals[:, 2]
            tint = color[corners[:, 0]] / (255 if color.dtype == np.uint8 else 1)
            shades = 1.0 if layer == 2 else light.shade(normals)[:, None]
            middle = points[corners].mean(axis=1)
            depth = _screen(points.mean(axis=0, keepdims=True), camera)[0, 2]
            for polygon, rgb, height, distance, ok in zip(
                outline,
                _to_srgb(to_linear(tint) * shades),
                middle[:, 2],
                _screen(middle, camera)[:, 2],
                front,
                strict=True,
            ):
                # Upright shapes are painted from the floor upwards, one behind the other; ribbons by their height.
                key = {0: (height, 0.0), 3: (-depth, height)}.get(layer, (-distance, 0.0))
                if ok:
                    found.append((key, len(found), rgb, polygon))
        yield from ((color, polygon) for _, _, color, polygon in sorted(found, key=lambda face: face[:2]))


def _to_srgb(light: NDArray[np.float64]) -> list[str]:
    """Light (n, 3) as CSS colours; the inverse of `to_linear`."""
    light = np.clip(light, 0, 1)
    color = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return ["#" + bytes(row.tolist()).hex() for row in np.round(color * 255).astype(np.uint8)]


def _merged(faces: Iterator[tuple[str, NDArray[np.float64]]]) -> list[tuple[str, list[NDArray[np.float64]]]]:
    """Faces of one colour that are painted one after the other, together."""
    return [
        (color, [polygon for _, polygon in group])
        for color, group in itertools.groupby(faces, key=lambda face: face[0])
    ]


def _path(polygon: NDArray[np.float64]) -> str:
    """A polygon as path data, in tenths of a pixel."""
    tenths = np.round(polygon * 10).astype(int)
    moves = [tenths[0], *np.diff(tenths, axis=0)]
    return "M" + "l".join(f"{x / 10:g},{y / 10:g}" for x, y in moves) + "z"


def _text(label: dict, camera: Camera) -> str:
    """A label as text in the perspective of its middle."""
    origin, right, up = (np.array(label[key]) for key in ("origin", "right", "up"))
    middle = origin + right / np.linalg.norm(right) * label["width"] / 2
    center, a, b = _screen([middle, middle + right, middle + up], camera)[:, :2]
    ax, ay, bx, by = *(a - center), *(b - center)
    matrix = (
        " ".join(f"{v:.4g}" for v in (ax / 100, ay / 100, -bx / 100, -by / 100)) + f" {center[0]:.1f} {center[1]:.1f}"
    )
    length = 100 * label["width"] / np.linalg.norm(right)
    return (
        f'<text transform="matrix({matrix})" font-size="100" font-family="DejaVu Sans, Verdana, sans-serif" '
        f'text-anchor="middle" textLength="{length:.0f}" lengthAdjust="spacingAndGlyphs" '
        f'fill="{_to_srgb(to_linear([style.INK]))[0]}">{escape(label["text"])}</text>'
    )
