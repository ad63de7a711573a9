"""The painter's algorithm: what a camera sees of a scene, from back to front, in the light.

In pixels, it is a PNG for link previews, a WebP where an SVG would be too much. Needs no GPU and no display.
"""

import io
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from scenes import glyphs, style
from scenes.export.camera import Camera
from scenes.export.glb import leaves, polygons, to_linear
from scenes.export.light import shade


class Painted(NamedTuple):
    """What is seen of a scene, from back to front: n faces of up to k corners, and labels that are to be written."""

    colors: list[str]  # n
    polygons: NDArray[np.float64]  # (n, k, 2), in pixels; with fewer corners, the last one is there repeatedly
    labels: list[dict | None]  # n; a label stands in the place of a face


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


def to_png(scene: pv.MultiBlock, camera: Camera, background: str) -> bytes:
    """The scene as a PNG on a plain background."""
    return _drawn(scene, camera, "RGB", background, 3, format="PNG")


def to_webp(scene: pv.MultiBlock, camera: Camera) -> bytes:
    """The scene as a WebP without a background: the still of a scene that would be too much for an SVG."""
    return _drawn(scene, camera, "RGBA", "#00000000", 2, format="WEBP", quality=80)


def _drawn(scene: pv.MultiBlock, camera: Camera, mode: str, background: str, finer: int, **saved: Any) -> bytes:
    """The scene in pixels of a mode of Pillow's, drawn so many times as fine first, for smooth edges, as a file."""
    width, height = camera.pixels
    image = Image.new(mode, (finer * width, finer * height), background)
    draw = ImageDraw.Draw(image)
    painted = _painted(_parts(scene, labels_as_text=False), camera, -1)
    for color, polygon in zip(painted.colors, _flat(finer * painted.polygons), strict=True):
        draw.polygon(polygon, fill=color)
    file = io.BytesIO()
    image.reduce(finer).save(file, **saved)
    return file.getvalue()


def _flat(polygons: NDArray[np.float64]) -> list[list[float]]:
    """Polygons (n, k, 2) as Pillow takes them."""
    return polygons.reshape(len(polygons), -1).tolist()


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
    shapes = [glyphs.posed(p.film["unit"], p.film["film"], k) if p.film else p.points for p in parts]
    for n, (part, points) in enumerate(zip(parts, shapes, strict=True)):
        if part.label:
            middle, layer = np.broadcast_to(_middle(part.label), (len(part.corners), 3)), 2
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
    written = [part.label if part.label and not len(part.points) else None for part in parts]
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
    faces = [part.corners[:, np.minimum(np.arange(most), part.corners.shape[1] - 1)] for part in parts]
    corners = np.concatenate([rows + n for rows, n in zip(faces, first, strict=False)])
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
    colors[lit] *= shade(alike)[back.ravel(), None]
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


def _middle(label: dict) -> NDArray[np.float64]:
    """The middle of a label's baseline."""
    origin, right = np.array(label["origin"]), np.array(label["right"])
    return origin + right / np.linalg.norm(right) * label["width"] / 2
