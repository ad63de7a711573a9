"""Any shape is written as it is, or refused by the name of its block."""

import io
import json
import os
import re
import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pyvista as pv
import trimesh
from PIL import Image

from scenes import glyphs
from scenes.export import readback
from scenes.export.glb import to_glb
from scenes.style import Scale

RED = np.array([200, 80, 40])


def painted(shape: pv.PolyData, color: Any = RED, dtype: Any = np.uint8) -> pv.PolyData:
    shape.point_data["color"] = np.tile(np.asarray(color, dtype), (shape.n_points, 1))
    return shape


def scene_of(shape: Any) -> pv.MultiBlock:
    scene = pv.MultiBlock()
    scene.user_dict = {"scene": "x"}
    scene["the block"] = shape
    return scene


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (painted(pv.Sphere(), (*RED, 255)), "its colours are (842, 4); each point has red, green and blue"),
        (painted(pv.Sphere(), dtype=np.int64), "its colours are int64; they are bytes (uint8), or floats from 0 to 1"),
        (painted(pv.Sphere(), dtype=np.float32), "a colour of it is not from 0 to 1"),
        (painted(pv.Sphere(), (np.nan, 0.2, 0.1), float), "a colour of it is not from 0 to 1"),
        (pv.Sphere(), 'it has no colours; point_data["color"] has red, green and blue for each point'),
        (painted(pv.Line(resolution=5)), "it has lines or single points; a tube or a sphere has faces"),
        (painted(pv.Sphere().merge(pv.Line())), "it has lines or single points; a tube or a sphere has faces"),
        (painted(pv.PolyData(np.eye(3))), "it has lines or single points; a tube or a sphere has faces"),
        (pv.PolyData(), "it has no points, or no faces"),
        (glyphs.box((0, 0, 0), (1, 1, np.inf), RED / 255), "a point of it is not finite"),
        (pv.UnstructuredGrid(), "it is a UnstructuredGrid; a shape is a PolyData"),
    ],
    ids=["alpha", "integers", "255", "nan", "no colour", "line", "mixed", "points", "empty", "infinite", "grid"],
)
def test_what_cannot_be_drawn_is_refused(shape: Any, reason: str) -> None:
    for block in (shape, pv.MultiBlock([shape])):
        with pytest.raises(ValueError, match="the block 'the block' cannot be drawn: ") as refused:
            to_glb(scene_of(block))
        assert str(refused.value).endswith(f": {reason}")


def area(glb: bytes) -> float:
    return trimesh.load_scene(io.BytesIO(glb), file_type="glb", process=False).to_mesh().area


def test_strips_are_drawn_as_the_triangles_that_they_are() -> None:
    whole, strips = painted(pv.Sphere()), painted(pv.Sphere().strip())
    assert strips.n_strips
    assert area(to_glb(scene_of(strips))) == pytest.approx(area(to_glb(scene_of(whole))), rel=1e-6)


def hill(n: int) -> tuple[bytes, Any]:
    """A landscape of n times n points, and what it shows."""
    slope = np.linspace(0, 6, n)
    data = SimpleNamespace(sentence="A hill", weights="", height=np.sin(slope)[:, None] * np.cos(slope) + 1)
    scale = Scale.of(data.height)
    scene = glyphs.start("hill", data, scale)
    scene.user_dict |= {"glyphs": {"height": "surface"}}
    glyphs.mark(scene, glyphs.surface(data.height, scale), data, "height", ())
    return to_glb(scene), data


@pytest.mark.parametrize(("n", "kind"), [(15, 5121), (16, 5123), (255, 5123), (256, 5125), (300, 5125)])
def test_a_shape_of_any_size_keeps_its_geometry(n: int, kind: int) -> None:
    """Indices are of the smallest type whose largest number, which is none of an index, they do not reach."""
    glb, data = hill(n)
    document = readback.header(glb)
    (primitive,) = document["meshes"][0]["primitives"]
    assert document["accessors"][primitive["indices"]]["componentType"] == kind
    assert readback.disagreements(glb, data) == []
    assert area(glb) == pytest.approx(area(hill(200)[0]), rel=0.01)


def test_indices_that_wrap_are_noticed() -> None:
    glb, data = hill(300)
    document = readback.header(glb)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]
    start = 28 + struct.unpack("<I", glb[12:16])[0] + document["bufferViews"][accessor["bufferView"]]["byteOffset"]
    wrapped = bytearray(glb)
    indices = np.frombuffer(wrapped, "<u4", accessor["count"], start + accessor["byteOffset"])
    indices &= 0xFFFF
    assert readback.disagreements(bytes(wrapped), data) == [
        f"height: {300**2 - 65536} of its points are in no triangle"
    ]


def test_a_shape_that_leaves_its_grid_is_refused() -> None:
    column = glyphs.column([0.5, -0.5], Scale(1.0), (0, 0))
    column.points += [100, 0, 0]
    with pytest.raises(ValueError, match="the block 'the block' cannot be drawn: it reaches beyond the grid that it"):
        to_glb(scene_of(column))


def test_an_empty_scene_is_refused() -> None:
    with pytest.raises(ValueError, match="the scene is empty"):
        to_glb(pv.MultiBlock())


def with_picture(content: bytes, **more: object) -> bytes:
    """The bytes of a small scene of ours with a picture in it that no material uses."""
    glb = to_glb(scene_of_one_box())
    size = struct.unpack("<I", glb[12:16])[0]
    document, data = json.loads(glb[20 : 20 + size]), glb[28 + size :]
    data += b"\0" * (-len(data) % 4)
    document["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": len(content)})
    document["images"] = [{"bufferView": len(document["bufferViews"]) - 1} | more]
    document["buffers"][0]["byteLength"] = len(data + content)
    text = json.dumps(document).encode()
    text, data = text + b" " * (-len(text) % 4), data + content + b"\0" * (-len(content) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def scene_of_one_box() -> pv.MultiBlock:
    data = SimpleNamespace(sentence="", weights="", number=np.array([[0.5]]))
    scene = glyphs.start("box", data, Scale(1.0))
    glyphs.row(scene, data, "number", [(0,)], ["one"])
    return scene


def encoded(format: str, size: tuple[int, int] = (4, 4)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, format)
    return file.getvalue()


def test_pictures_are_bounded_together():
    """Each alone would do."""
    small = encoded("PNG", (1 << 12, 1 << 11))
    glb = with_picture(small)
    text = int.from_bytes(glb[12:16], "little")
    document = json.loads(glb[20 : 20 + text])
    readback.check_pictures(document, glb[28 + text :])
    document["images"] *= 3
    with pytest.raises(ValueError, match="all have more than"):
        readback.check_pictures(document, glb[28 + text :])


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_pictures_of_three_formats_are_read(format):
    assert readback.disagreements(with_picture(encoded(format))) == []


@pytest.mark.parametrize(
    ("content", "more", "says"),
    [
        (encoded("BMP"), {}, "neither PNG nor JPEG nor WebP"),
        (encoded("GIF"), {}, "neither PNG nor JPEG nor WebP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", {}, "neither PNG nor JPEG nor WebP"),
        (b"", {}, "neither PNG nor JPEG nor WebP"),
        (encoded("PNG")[:20], {}, "cannot be read"),
        (encoded("PNG", (1 << 13, 1 << 12)), {}, "8,192 × 4,096 pixels; all have more than 16,777,216"),
        (encoded("PNG"), {"bufferView": 999}, "cannot be read"),
        (encoded("PNG"), {"bufferView": "1"}, "cannot be read"),
    ],
)
def test_a_picture_of_another_kind_is_refused_unopened(content, more, says, monkeypatch, tmp_path):
    """Neither trimesh nor Pillow may guess: stand-ins of what they could start come first in PATH, and do not start."""
    for name in ("gs", "gswin32c", "convert", "magick", "ffmpeg", "inkscape", "xdg-open"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(ValueError, match=re.escape(says)):
        readback.disagreements(with_picture(content, **more))
    assert not (tmp_path / "started").exists()
