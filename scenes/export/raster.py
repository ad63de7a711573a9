"""A scene in pixels: a PNG for link previews, a WebP where an SVG would be too much. Needs no GPU and no display."""

import io

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scenes.export.camera import Camera
from scenes.export.painter import _painted, _parts


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


def _drawn(scene: pv.MultiBlock, camera: Camera, mode: str, background: str, finer: int) -> Image.Image:
    """The scene in pixels of a mode of Pillow's, drawn so many times as fine first, for smooth edges."""
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
