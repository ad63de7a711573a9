"""The stills: well-formed, true to the camera, and drawn without a display."""

import importlib
import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvista as pv
from PIL import Image, ImageDraw

from scenes import glyphs, style
from scenes.export import light, painter
from scenes.export import svg as svg_
from scenes.export.camera import Camera, frame
from scenes.export.glb import leaves, turn
from scenes.export.painter import to_png
from scenes.export.svg import FINE, _showing, stills, to_svg
from scenes.style import Scale
from tests.conftest import BUILDERS, COMPARED, FILMS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BUILDERS, *COMPARED])
def test_still(name, built):
    """Every label is there as text, all of it lies within the picture, and the same scene gives the same bytes."""
    scene = built(name)
    camera = frame(scene)
    svg = to_svg(scene, camera)
    assert svg == to_svg(scene, camera)
    tree = ElementTree.fromstring(svg)  # noqa: S314 - our own
    texts = [node.text for node in tree.iter(f"{SVG}text")]
    assert sorted(map(str, texts)) == sorted(block.user_dict["text"] for block in scene if "text" in block.user_dict)
    assert len(list(tree.iter(f"{SVG}path"))) > 30
    points = camera.project(np.concatenate([shape.points for shape in leaves(scene)]))
    assert np.abs(points[:, 1]).max() <= 1 - style.MARGIN
    assert np.abs(points[:, 0]).max() <= camera.aspect * (1 - style.MARGIN)
    # The frame is tight: the picture is filled in one direction.
    fills = np.ptp(points[:, 0]) / camera.aspect, np.ptp(points[:, 1])
    assert max(fills) > 1.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forward", "growth", "landscape"])
def test_what_is_left_out_is_not_seen(name, built, monkeypatch):
    """All faces that look at the camera give the same picture, painted over one another, as those of the still."""
    scene = built(name)
    camera = frame(scene)
    whole: list[painter.Painted] = []
    keep = _showing
    monkeypatch.setattr(svg_, "_showing", lambda painted, camera: whole.append(painted) or keep(painted, camera))
    shown = [
        [(path.get("fill"), outline) for outline in outlines(path.get("d", ""))]
        for path in ElementTree.fromstring(to_svg(scene, camera)).iter(f"{SVG}path")  # noqa: S314 - our own
    ]
    left = painted_over(camera, [face for path in shown for face in path])
    faces = zip(whole[0].colors, np.round(whole[0].polygons * FINE), whole[0].labels, strict=True)
    every = [(color, face) for color, face, label in faces if label is None]
    assert sum(map(len, shown)) < len(every)
    differs = np.abs(left - painted_over(camera, every)).max(axis=2)
    assert (differs > 24).mean() < 1e-3  # hair's breadths where faces meet


def outlines(path: str) -> list[np.ndarray]:
    """The polygons (n, 2) of path data."""
    found, last = [], np.zeros((1, 2), int)
    for part in path.split("m")[1:]:
        steps = np.reshape([int(n) for n in re.findall(r"-?\d+", part)], (-1, 2))
        found.append(last[-1] + np.cumsum(steps, axis=0))
        last = found[-1]
    return found


def painted_over(camera: Camera, faces: list) -> np.ndarray:
    """The picture (height, width, 3) of coloured polygons, from first to last, at the size of the still."""
    width, height = camera.pixels
    image = Image.new("RGB", (3 * width, 3 * height), "white")
    draw = ImageDraw.Draw(image)
    for color, polygon in faces:
        draw.polygon((polygon * 3 / FINE).ravel().tolist(), fill=color)
    return np.asarray(image.resize((width, height))).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_drawn_at_every_step(name, subjects):
    """At each step it is the still of a film that ends there."""
    film = subjects[name]
    build = importlib.import_module(f"scenes.{name}").build
    scene = build(film)
    camera = frame(scene)
    pictures = stills(scene, camera, range(len(film.steps)))
    assert pictures[-1] == to_svg(scene, camera)
    for k, picture in enumerate(pictures[:-1]):
        turned = [*range(k + 1, len(film.steps)), *range(k + 1)]  # the same scale, the same camera, another end
        ends = replace(film, course=film.course[..., turned])
        assert to_svg(build(ends), camera) == picture
        assert picture != pictures[-1]


def test_project_agrees_with_vtk():
    """The camera sees what VTK's own camera sees."""
    camera = Camera((1.0, 2.0, 3.0), 20.0, -15.0, 58.0, 1.6)
    points = np.random.default_rng(1).normal(size=(50, 3)) * 3
    theirs = pv.Camera()
    theirs.focal_point = camera.target
    theirs.position = np.array(camera.target) - 20 * camera.axes()[2]
    theirs.up = (0, 0, 1)
    theirs.view_angle = camera.field_of_view
    theirs.clipping_range = (1, 100)
    matrix = theirs.GetCompositeProjectionTransformMatrix(camera.aspect, -1, 1)
    matrix = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    clip = np.insert(points, 3, 1, axis=1) @ matrix.T
    assert np.allclose(camera.project(points)[:, :2] / [camera.aspect, 1], clip[:, :2] / clip[:, 3:], atol=1e-9)


def test_png(built):
    scene = built("pairs")
    camera = frame(scene)
    image = Image.open(io.BytesIO(to_png(scene, camera, "#fbfaf8")))
    assert image.size == camera.pixels
    pixels = np.asarray(image).reshape(-1, 3).astype(int)
    warm, cool = (pixels[:, 0] - pixels[:, 2] > 60).mean(), (pixels[:, 2] - pixels[:, 0] > 60).mean()
    assert warm > 0.01
    assert cool > 0.01


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\"'&", "../x", "🦊", "עכביש"])
def test_labels_are_escaped(text):
    from types import SimpleNamespace

    scene = glyphs.start("x", SimpleNamespace(sentence=text, weights=""), Scale(1.0))
    glyphs.label(scene, "x", text, (0, 0))
    tree = ElementTree.fromstring(to_svg(scene, frame(scene)))  # noqa: S314 - our own
    assert [node.text for node in tree.iter(f"{SVG}text")] == [text]
    assert not list(tree.iter(f"{SVG}script"))


def test_light():
    """White that faces the sky looks white, white that faces the floor darker; the panorama is valid RGBE."""
    up, front, down = light.shade(np.array([[0, 0, 1], [0, -1, 0], [0, 0, -1]]))
    assert 0.9 < up < 1.1
    assert down < front < up
    data = light.to_hdr()
    head, pixels = data.split(b"-Y 32 +X 64\n")
    assert head.startswith(b"#?RADIANCE\n")
    rgbe = np.frombuffer(pixels, np.uint8).reshape(light.HEIGHT, light.WIDTH, 4).astype(float)
    decoded = rgbe[..., 0] / 256 * 2.0 ** (rgbe[..., 3] - 128)
    assert np.allclose(decoded, light.panorama(), rtol=1 / 128)


def test_the_light_is_the_same_for_stills_viewers_and_the_page():
    """Nine numbers say how bright a face is; a viewer reads the same out of the panorama.

    As three.js does, which has the direction of a pixel (u, v) at atan2(z, x) = 2 pi (u - 1/2), asin(y) = pi (v - 1/2).
    """
    normals = np.random.default_rng(1).normal(size=(40, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    x, y, z = turn(normals).T
    basis = np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * y * y - 1, x * z, x * x - z * z], axis=1)
    assert np.abs(basis @ light.harmonics() - light.shade(normals)).max() < 0.01

    _, _, pixels = light.to_hdr().partition(f"+X {light.WIDTH}\n".encode())
    red, _, _, exponent = np.frombuffer(pixels, np.uint8).reshape(light.HEIGHT, light.WIDTH, 4).transpose(2, 0, 1)
    bright = red * 2.0 ** (exponent.astype(float) - 136)
    around = ((np.arange(light.WIDTH) + 0.5) / light.WIDTH - 0.5) * 2 * np.pi
    up = (0.5 - (np.arange(light.HEIGHT) + 0.5) / light.HEIGHT) * np.pi
    level, width = np.cos(up)[:, None], np.pi / light.HEIGHT * 2 * np.pi / light.WIDTH
    high = np.broadcast_to(np.sin(up)[:, None], bright.shape)
    look = np.stack([level * np.cos(around), high, level * np.sin(around)], axis=-1)
    seen = [(np.maximum(look @ normal, 0) * bright * level * width).sum() / np.pi for normal in turn(normals)]
    assert np.abs(np.array(seen) - light.shade(normals)).max() < 0.01
