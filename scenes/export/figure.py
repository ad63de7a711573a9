"""A mesh or a plotter as a figure of any page: the file, a still, and the lines that show them."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from numpy.typing import NDArray

from scenes.export.anything import ERROR, scene_of
from scenes.export.light import shade, to_hdr
from scenes.export.part import Part
from scenes.export.parts_glb import pack
from scenes.export.plotter import Block, How
from scenes.export.view import View, upright

VIEWER = "model-viewer.min.js"
KINDS = {".glb": "model/gltf-binary", ".png": "image/png", ".hdr": "image/vnd.radiance", ".js": "text/javascript"}
FINER = 2  # times as many pixels are drawn as are kept, for smooth edges


class Lines(str):
    """HTML that shows files; a notebook, which finds none, shows them from inside it."""

    files: dict[str, bytes]

    def _repr_html_(self) -> str:
        def inside(address: re.Match[str]) -> str:
            data = base64.b64encode(self.files.get(address[1], b"")).decode()
            return f'"data:{KINDS[Path(address[1]).suffix]};base64,{data}{address[2]}"' if data else address[0]

        return re.sub(r'"([^"#]+)((?:#\.hdr)?)"', inside, self)


def figure(thing: Any, name: str, folder: Path | str, *, alt: str = "", viewer: str = VIEWER, **look: Any) -> Lines:
    """Writes `NAME.glb`, its still `NAME.png` and the light into a folder, and gives the HTML that shows them there.

    `look` is what `anything.to_glb` takes in PyVista's words; `viewer` is where the page finds model-viewer, without
    which it shows the still. A notebook shows the figure where the lines end a cell. Raises ValueError like `to_glb`,
    and for a name that is none of a file; then nothing is written.
    """
    files, said = made(thing, name, alt, look)
    for file, data in files.items():
        (Path(folder) / file).write_bytes(data)
    result = Lines(lines(said, viewer))
    script = Path(folder) / viewer
    result.files = files | ({viewer: script.read_bytes()} if script.is_file() else {})
    return result


def made(thing: Any, name: str, alt: str, look: dict[str, Any]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of a figure, by their names, and what its lines say of it. Raises ValueError like `figure`."""
    if not name or Path(name).name != name:
        raise ValueError(f"the name {name!r} is none of a file")
    glb, png, extras, view = drawn(thing, name, look)
    caption = ", ".join([text["text"] for text in extras.get("texts", [])])
    said = {"name": name, "alt": alt or caption or name, "view": view.said(), "caption": caption}
    said["aspect"] = f"{view.window[0]} / {view.window[1]}"
    return {f"{name}.glb": glb, f"{name}.png": png, "light.hdr": to_hdr()}, said


def lines(said: dict[str, Any], viewer: str = VIEWER, base: str = "") -> str:
    """The HTML of a figure whose files are at the address `base`, and the viewer there at its own."""
    template = Environment(autoescape=True).from_string(Path(__file__).with_suffix(".html").read_text("utf-8"))
    return template.render(said, viewer=viewer, base=base)


def drawn(thing: Any, name: str, look: dict[str, Any]) -> tuple[bytes, bytes, dict[str, Any], View]:
    """The `.glb` of a thing, its still as a PNG, what is said about it, and how it is seen. Raises ValueError."""
    blocks, extras, view, size = scene_of(thing, How(), name, None, look)
    return pack(blocks, extras, view, size, ERROR, False), still(blocks, view), extras, view


def still(blocks: list[Block], view: View) -> bytes:
    """What a view sees of blocks, as a PNG on white, by the painter's algorithm; a face has one colour."""
    from PIL import Image, ImageDraw

    window, parts = np.array(view.window), [part for block in blocks for part in block.parts]
    seen = [_seen(part, view) for part in parts]
    order = np.argsort(np.concatenate([-depth for _, depth, _ in seen]), kind="stable")
    shapes = [(outline, color) for outlines, _, colors in seen for outline, color in zip(outlines, colors, strict=True)]
    image = Image.new("RGB", tuple((FINER * window).tolist()), "white")
    draw = ImageDraw.Draw(image, "RGBA")
    for n in order.tolist():
        outline, color = shapes[n]
        if len(outline) == 6:
            draw.polygon(outline, fill=color)
        else:  # a line, or a point
            draw.line(outline * (4 // len(outline)), fill=color, width=FINER)
    file = io.BytesIO()
    image.reduce(FINER).save(file, "PNG", optimize=True)
    return file.getvalue()


def _seen(part: Part, view: View) -> tuple[list[list[float]], NDArray[np.float64], list[tuple[int, ...]]]:
    """The corners of a part in pixels, how far each is away, and its colour in the light."""
    right, up, far = ((part.points - view.eye) @ view.axes().T).T
    scale = FINER * view.distance / view.pixel / np.maximum(far, 1e-9 * view.distance)
    middle = FINER * np.array(view.window) / 2
    pixels = np.column_stack([middle[0] + right * scale, middle[1] - up * scale])[part.corners]
    color = np.tile(np.array(part.color) * 255, (len(part.corners), 1))
    if part.colors is not None:
        color = color * part.colors[part.corners].mean(axis=1) / 255
    elif part.picture is not None and part.coordinates is not None:
        high, wide = part.picture.shape[:2]
        u, v = part.coordinates[part.corners].mean(axis=1).T
        u, v = (u % 1, v % 1) if part.repeats else (np.clip(u, 0, 1), np.clip(v, 0, 1))
        row, column = np.minimum((v * high).astype(int), high - 1), np.minimum((u * wide).astype(int), wide - 1)
        color = color * part.picture[row, column] / 255
    if part.lit and part.kind == "triangles":
        a, b, c = part.points[part.corners].swapaxes(0, 1)
        normals = np.cross(b - a, c - a)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
        normals *= np.where((normals * (view.eye - a)).sum(axis=1, keepdims=True) < 0, -1, 1)
        normals = (normals @ upright(view.up).T)[:, [0, 2, 1]] * [1, -1, 1]  # the light comes from z
        alike, back = np.unique(np.round(normals, 1), axis=0, return_inverse=True)
        color[:, :3] *= shade(alike)[back.ravel(), None] ** (1 / 2.2)
    colors = [tuple(row) for row in np.clip(np.round(color), 0, 255).astype(int).tolist()]
    return pixels.reshape(len(pixels), -1).tolist(), far[part.corners].mean(axis=1), colors
