"""Whatever PyVista and trimesh users have is written as PyVista shows it, and read back, or refused by its name."""

import base64
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pyvista as pv
import trimesh
from PIL import Image
from pyvista import examples
from trimesh.visual.material import SimpleMaterial
from trimesh.visual.texture import TextureVisuals

from scenes.export.anything import to_glb
from scenes.export.figure import figure
from scenes.export.scalars import Scalars, differences, read_scalars
from tests.conftest import Elements, validate

LOADED = ("airplane", "ant", "nut", "sphere", "sphere_vectors", "globe", "random_hills", "spline", "hexbeam", "tetbeam")
LOADED += ("explicit_structured", "structured", "rectilinear", "uniform")
CELLS = sorted(
    name
    for name, make in vars(examples.cells).items()
    if getattr(make, "__module__", "") == examples.cells.__name__ and name[0].isupper() and name != "Empty"
)


class Stage(pv.BasePlotter):
    """A plotter without a window, to ask PyVista itself."""


@pytest.fixture
def plotter(monkeypatch: pytest.MonkeyPatch) -> Iterator[pv.Plotter]:
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
    plotter = pv.Plotter(off_screen=True)
    yield plotter
    plotter.close()


def load(name: str) -> Any:
    return getattr(examples, f"load_{name}")() if name in LOADED else getattr(examples.cells, name)()


def sphere(**arrays: Any) -> Any:
    mesh = pv.Sphere()
    mesh.clear_data()
    z = np.asarray(mesh.points[:, 2])
    mesh["height"] = z
    mesh["words"] = np.where(z > 0, "up", "down")
    mesh["steps"] = np.floor(4 * z)
    mesh["positive"] = z + 0.6
    mesh.cell_data["place"] = np.arange(mesh.n_cells, dtype=float)
    for name, values in arrays.items():
        mesh[name] = values
    return mesh


def document(glb: bytes) -> Any:
    return json.loads(glb[20 : 20 + struct.unpack("<I", glb[12:16])[0]])


def extras(glb: bytes) -> dict:
    return document(glb)["asset"]["extras"]


def node(glb: bytes, name: str) -> dict:
    (found,) = (node for node in document(glb)["nodes"] if node["name"] == name)
    return found


def primitives(glb: bytes, name: str = "scene") -> list[dict]:
    mesh = next(node["mesh"] for node in document(glb)["nodes"] if node["name"] == name)
    return document(glb)["meshes"][mesh]["primitives"]


def count(glb: bytes, primitive: dict, key: str = "indices") -> int:
    place = primitive["indices"] if key == "indices" else primitive["attributes"][key]
    return document(glb)["accessors"][place]["count"]


def material(glb: bytes, primitive: dict) -> dict:
    return document(glb)["materials"][primitive["material"]]


def drawn(glb: bytes, name: str = "scene") -> Any:
    """The geometry of a block with one primitive, as trimesh reads it, y up."""
    scene = trimesh.load_scene(io.BytesIO(glb), file_type="glb", process=False)
    matrix, geometry = scene.graph[name]
    return scene.geometry[geometry].apply_transform(matrix)


def upright(points: Any) -> np.ndarray:
    return np.asarray(points, float)[:, [0, 2, 1]] * [1, 1, -1]


def only(glb: bytes) -> Scalars:
    ((scalars,),) = read_scalars(glb).values()
    return scalars


def test_every_example_is_valid_is_opened_and_read_back(tmp_path: Path) -> None:
    """The examples that PyVista ships, and a mesh of every kind of cell."""
    files = []
    assert len(LOADED) + len(CELLS) > 50
    for name in (*LOADED, *CELLS):
        mesh = load(name)
        glb = to_glb(mesh, name=name)
        assert to_glb(mesh, name=name) == glb
        files.append(tmp_path / f"{name}.glb")
        files[-1].write_bytes(glb)
        assert differences(glb, mesh) == [], name
        error = extras(glb)["error"]
        assert error["points"] <= error["allowed"], name
        assert error["scalars"] < 1e-4, name
        shown = drawn(glb, name).bounds if mesh.n_points > 1 and name != "PolyVertex" else None
        if shown is not None:
            surface = mesh.extract_surface(algorithm=None)
            theirs = upright(np.reshape(surface.bounds, (3, 2)).T)
            assert np.abs(shown - np.sort(theirs, axis=0)).max() < surface.length / 100, name
    assert validate(files, tmp_path) == {}


LOOKS = [
    {"scalars": "height"},
    {"scalars": "height", "cmap": "twilight", "n_colors": 100},
    {"scalars": "height", "clim": [-0.2, 0.3], "below_color": "red", "above_color": "lime"},
    {"scalars": "height", "clim": [-0.2, 0.3]},
    {"scalars": "positive", "log_scale": True, "clim": [0.11, 1.0]},
    {"scalars": "words"},
    {"scalars": "steps", "cmap": "tab10", "categories": True},
    {"scalars": "place", "cmap": "gray_r"},
    {"scalars": "height", "opacity": "linear"},
    {"scalars": "holes", "nan_color": "magenta"},
    {"scalars": "same"},
    {"scalars": "height", "flip_scalars": True, "style": "wireframe"},
    {"scalars": "place", "cmap": "jet", "plain": True},
]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
def test_colours_are_those_of_pyvistas_table(look: dict) -> None:
    """Of every vertex, by its number, within 4 of 255."""
    holes = np.asarray(pv.Sphere().points[:, 0]).copy()
    holes[::50] = np.nan
    mesh = sphere(holes=holes, same=np.full(len(holes), 3.0))
    read = only(to_glb(mesh, **look))
    stage = Stage()
    actor = stage.add_mesh(mesh.copy(), **{key: value for key, value in look.items() if key != "plain"})
    table = actor.mapper.lookup_table
    table.SetRange(*actor.mapper.scalar_range)
    table.BuildSpecialColors()
    theirs = np.array(pv.convert_array(table.MapScalars(pv.convert_array(read.values), 1, -1)))
    stage.close()
    assert np.abs(read.colors.astype(int) - theirs).max() <= 4
    assert len(np.unique(read.colors, axis=0)) > 1 or look["scalars"] == "same"
    assert differences(to_glb(mesh, **look), mesh) == []


def test_a_number_that_is_none_takes_its_faces_only() -> None:
    holes = np.asarray(pv.Sphere().points[:, 2]).copy()
    holes[[0, 400]] = np.nan, np.inf
    mesh = sphere(holes=holes)
    read = only(to_glb(mesh, scalars="holes", clim=[-0.5, 0.5]))
    none = np.isnan(read.values[read.corners]).all(axis=1)
    touched = np.isin(mesh.regular_faces, [0, 400]).any(axis=1)
    assert none.sum() == touched.sum()
    assert np.isnan(read.values[read.corners]).any(axis=1).sum() == none.sum()


@pytest.mark.parametrize("of", ["points", "cells"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("width", [3, 4])
def test_colours_that_are_given_are_kept(of: str, dtype: Any, width: int) -> None:
    mesh = sphere()
    n = mesh.n_points if of == "points" else mesh.n_cells
    rgb = np.random.default_rng(3).integers(0, 256, (n, width)).astype(np.uint8)
    (mesh.point_data if of == "points" else mesh.cell_data)["rgb"] = rgb if dtype == np.uint8 else rgb / 255
    glb = to_glb(mesh, scalars="rgb", rgb=True, words=False)
    shape = drawn(glb)
    light = np.asarray(shape.visual.vertex_attributes["color"]) / 65535
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    back = np.round(np.hstack([srgb[:, :3], light[:, 3:]]) * 255)
    wanted = rgb if width == 4 else np.insert(rgb, 3, 255, axis=1)
    expected = wanted[mesh.regular_faces] if of == "points" else np.repeat(wanted[:, None], 3, axis=1)
    assert (back[shape.faces] == expected).all()
    assert ("alphaMode" in material(glb, primitives(glb)[0])) == (width == 4)


def test_flat_is_flat_and_smooth_is_smooth() -> None:
    cube = pv.Cube(clean=True).compute_normals(cell_normals=False, split_vertices=False)
    flat, smooth = to_glb(cube), to_glb(cube, smooth_shading=True)
    split = to_glb(cube, smooth_shading=True, split_sharp_edges=True)
    assert "NORMAL" not in primitives(flat)[0]["attributes"]
    assert [count(glb, primitives(glb)[0], "NORMAL") for glb in (smooth, split)] == [8, 24]
    ball = drawn(to_glb(pv.Sphere(), smooth_shading=True))
    theirs = upright(pv.Sphere().points) / 0.5
    assert (np.asarray(ball.vertex_normals) * theirs).sum(axis=1).min() > np.cos(np.radians(2))


def test_light_falls_on_what_has_no_bar() -> None:
    unlit = {"KHR_materials_unlit": {}}
    lights = {
        None: (None, unlit),
        True: (None, None),
        False: (unlit, unlit),
    }
    for lit, expected in lights.items():
        looks: list[dict[str, Any]] = [{"color": "red"}, {"scalars": "height"}]
        for look, extensions in zip(looks, expected, strict=True):
            glb = to_glb(sphere(), lit=lit, **look)
            assert material(glb, primitives(glb)[0]).get("extensions") == extensions


def test_edges_are_those_of_the_polygons() -> None:
    glb = to_glb(examples.load_hexbeam(), show_edges=True, edge_color="red", words=False)
    edges, faces = sorted(primitives(glb), key=lambda one: one["mode"])
    assert (edges["mode"], faces["mode"]) == (1, 4)
    assert count(glb, edges) == 176 * 2 * 2  # on both sides
    assert material(glb, edges)["pbrMetallicRoughness"]["baseColorFactor"] == [1, 0, 0, 1]
    wire = to_glb(examples.load_hexbeam(), style="wireframe", words=False)
    (lines,) = primitives(wire)
    assert (lines["mode"], count(wire, lines)) == (1, 176 * 2)


def test_one_word_makes_lines_and_points_solid() -> None:
    spline, cloud = examples.load_spline(), pv.PolyData(np.random.default_rng(1).random((50, 3)))
    cases: list[tuple[Any, dict[str, Any], int]] = [(spline, {"line_width": 6}, 1), (cloud, {"point_size": 9}, 0)]
    for mesh, look, mode in cases:
        thin, solid = (to_glb(mesh, strokes=strokes, words=False, **look) for strokes in ("lines", "solids"))
        assert [primitives(glb)[0]["mode"] for glb in (thin, solid)] == [mode, 4]
        assert len(thin) < len(solid) / 2
    values = np.arange(50.0)
    cloud["n"] = values
    read = only(to_glb(cloud, scalars="n", point_size=9, render_points_as_spheres=True))
    assert read.radius > 0
    assert differences(to_glb(cloud, scalars="n", point_size=9), cloud) == []


def test_a_texture_lies_as_it_lay() -> None:
    mesh: Any = examples.load_globe()
    picture = np.random.default_rng(5).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    shape = drawn(to_glb(mesh, texture=pv.Texture(picture), plain=True))
    image = np.asarray(shape.visual.material.baseColorTexture.convert("RGB"))
    assert (image == pv.Texture(picture).to_array()).all()
    tree: Any = dict(zip(map(tuple, np.round(upright(mesh.points), -5)), mesh.active_texture_coordinates, strict=True))
    near = [tree.get(tuple(point)) for point in np.round(shape.vertices, -5)]
    found = [(uv, ours) for uv, ours in zip(near, shape.visual.uv, strict=True) if uv is not None]
    assert np.median([np.abs(uv - ours).max() for uv, ours in found]) < 1e-4


def nest() -> Any:
    low, high = sphere(), sphere().translate([2, 0, 0])
    high["height"] = high["height"] + 5
    inner = pv.MultiBlock({"high": high, "bare": pv.Cube(center=(4, 0, 0)), "none": None, "empty": pv.PolyData()})
    return pv.MultiBlock({"low": low, "inner": inner, "grid": examples.load_hexbeam()})


def test_blocks_keep_their_paths_and_share_a_bar() -> None:
    blocks = nest()
    glb = to_glb(blocks, scalars="height")
    names = [node["name"] for node in document(glb)["nodes"] if "extras" in node]
    assert names == ["low", "inner/high", "inner/bare", "grid", "root"]
    assert extras(glb)["empty"] == ["inner/empty"]
    assert extras(glb)["without scalars"] == ["inner/bare", "grid"]
    read = read_scalars(glb)
    assert {one.limits for each in read.values() for one in each} == {(-0.5, 5.5)}
    assert len(extras(glb)["legend"]) == 1
    assert differences(glb, blocks) == []
    assert "40 cells" in node(glb, "grid")["extras"]["surface"]
    blocks["inner"]["high"]["height"][7] += 0.1
    assert differences(glb, blocks) == ["inner/high: 1 of its 842 values are others in the mesh"]


def test_what_was_changed_is_noticed() -> None:
    glb = to_glb(sphere(), scalars="height", name="ball")
    moved = sphere()
    moved.points[5] += 0.1
    assert differences(glb, moved) == [
        "ball: 1 of its 842 points are not where the mesh has one",
        "ball: 1 of its 842 values are others in the mesh",
    ]
    cells = to_glb(sphere(), scalars="place", name="ball")
    other = sphere()
    other.cell_data["place"][9] += 3
    assert differences(cells, other) == ["ball: 1 of its 1680 values are others in the mesh"]
    other.clear_data()
    assert differences(cells, other) == ["ball: the mesh has no 'place' on its cells"]
    painted = bytearray(glb)  # a picture that shows another number
    start = painted.find(b"\x89PNG")
    painted[start : start + 4] = b"oops"
    with pytest.raises(ValueError, match=r"no \.glb with scalars that can be read"):
        differences(bytes(painted), sphere())


def test_trimesh() -> None:
    box: Any = trimesh.creation.box()
    box.visual.face_colors = np.repeat(np.random.default_rng(2).integers(0, 256, (6, 4)), 2, axis=0)
    ball: Any = trimesh.creation.icosphere()
    ball.visual.vertex_colors = np.tile([10, 20, 200, 255], (len(ball.vertices), 1))
    picture = SimpleMaterial(image=Image.new("RGB", (4, 4), "red"))
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    sheet.visual = TextureVisuals(uv=[[0, 0], [1, 0], [0, 1]], material=picture)
    scene = trimesh.Scene()
    scene.add_geometry(box, node_name="box")
    scene.add_geometry(ball, node_name="ball", transform=trimesh.transformations.translation_matrix([3, 0, 0]))
    scene.add_geometry(sheet, node_name="sheet")
    scene.add_geometry(trimesh.load_path([[[0, 0, 0], [0, 2, 0]], [[0, 2, 0], [1, 2, 0]]]), node_name="path")
    scene.add_geometry(trimesh.PointCloud(np.eye(3), colors=[[255, 0, 0, 255]] * 3), node_name="cloud")
    glb = to_glb(scene)
    assert [node["name"] for node in document(glb)["nodes"] if "mesh" in node] == [
        *("box", "ball", "sheet", "path", "cloud")
    ]
    assert np.allclose(drawn(glb, "ball").bounds, [[2, -1, -1], [4, 1, 1]], atol=1e-3)  # y up, as trimesh has it
    pairs = {(corner, *color) for face, color in zip(box.faces, box.visual.face_colors, strict=True) for corner in face}
    assert len(drawn(glb, "box").vertices) == len(pairs)
    assert drawn(glb, "sheet").visual.material.baseColorTexture.getpixel((0, 0))[:3] == (255, 0, 0)
    assert primitives(to_glb(box))[0]["attributes"].keys() == {"POSITION", "COLOR_0"}


def test_a_plotter(plotter: Any, tmp_path: Path) -> None:
    """Its actors as it shows them; what it writes, as shapes and as words; its camera."""
    mesh = sphere()
    plotter.add_mesh(mesh, scalars="height", name="ball", scalar_bar_args={"title": "How high", "n_labels": 3})
    plotter.add_mesh(pv.Cube(), color="tomato", opacity=0.4, name="cube").position = (2, 0, 0)
    plotter.add_mesh(pv.Cone(), name="unseen").visibility = False
    plotter.add_mesh(pv.MultiBlock({"a": pv.Disc(), "b": pv.Box()}), name="both", color="gold")
    plotter.add_point_labels(np.array([[0.0, 0, 1], [2, 0, 1]]), ["north", "<south>"], name="marks")
    plotter.add_title("Two & more")
    plotter.add_text("in a corner", position="lower_right")
    plotter.show_bounds()
    plotter.add_axes()
    plotter.add_legend([["one", "red"]])
    plotter.camera.position, plotter.camera.focal_point, plotter.camera.up = (0, 0, 9), (0, 0, 0), (0, 1, 0)
    glb = to_glb(plotter)
    (tmp_path / "plotter.glb").write_bytes(glb)
    assert validate([tmp_path / "plotter.glb"], tmp_path) == {}
    said = extras(glb)
    names = [node["name"] for node in document(glb)["nodes"]]
    assert {"ball", "cube", "both/a", "both/b", "scalar bar/How high", "marks-labels", "title", "axes"} <= set(names)
    assert not any("0x" in name for name in names)
    assert said["hidden"] == ["unseen"]
    assert [label["text"] for label in said["labels"]] == ["north", "<south>"]
    assert said["labels"][1]["at"] == [2, 0, 1]
    assert {text["text"] for text in said["texts"]} == {"Two & more", "in a corner"}
    bar, entries = said["legend"]
    assert (bar["title"], bar["limits"], len(bar["colors"])) == ("How high", [-0.5, 0.5], 256 * 6)
    assert [label["text"] for label in bar["labels"]] == ["-0.500", "0.00", "0.500"]
    assert entries == {"entries": [{"text": "one", "color": "#ff0000"}]}
    assert said["axes"][0]["titles"] == ["X Axis", "Y Axis", "Z Axis"]
    assert said["view"]["camera-orbit"].split()[:2] == ["0.000deg", "90.000deg"]  # y is up here
    cube = material(glb, primitives(glb, "cube")[0])
    assert (cube["alphaMode"], cube["pbrMetallicRoughness"]["baseColorFactor"][3]) == ("BLEND", 0.4)
    assert np.allclose(drawn(glb, "cube").bounds, [[1.5, -0.5, -0.5], [2.5, 0.5, 0.5]], atol=1e-3)
    assert differences(glb, pv.MultiBlock({"ball": mesh})) == []
    assert len(to_glb(plotter, words=False)) < len(glb) / 2
    assert extras(to_glb(plotter, words=False))["labels"] == said["labels"]


def test_a_bar_ends_where_its_colours_do() -> None:
    """Where the mapper says, which VTK follows, not the table."""
    stage = Stage()
    actor = stage.add_mesh(sphere(), scalars="height", name="ball")
    actor.mapper.scalar_range = (-2, 2)
    actor.mapper.lookup_table.SetRange(0, 1)
    glb = to_glb(stage)
    stage.close()
    assert extras(glb)["legend"][0]["limits"] == [-2, 2]
    assert read_scalars(glb)["ball"][0].limits == (-2, 2)


def test_the_view_is_pyvistas(plotter: Any) -> None:
    """The one that it has, or would set; the eye in the file is where VTK's is."""
    plotter.add_mesh(examples.load_hexbeam())
    before = extras(to_glb(plotter))["view"]
    plotter.reset_camera(render=False)
    plotter.camera_set = True
    plotter.renderer.camera.position = plotter.get_default_cam_pos()[0]
    plotter.camera_set = False
    plotter.camera_position = "iso"
    assert extras(to_glb(plotter))["view"] == before
    camera = next(node for node in document(to_glb(plotter))["nodes"] if node["name"] == "camera")
    assert np.allclose(camera["matrix"][12:15], upright([plotter.camera.position])[0], rtol=1e-6)


REFUSED = [
    (lambda: pv.PolyData(), {}, "the scene is empty"),
    (lambda: pv.MultiBlock(), {}, "the scene is empty"),
    (lambda: pv.MultiBlock({"a": pv.PolyData()}), {}, "the scene is empty"),
    (lambda: sphere(), {"scalars": "none"}, "the block 'scene' cannot be drawn: Data array (none) not present"),
    (lambda: nest(), {"scalars": "none"}, "no block has the scalars 'none'"),
    (lambda: nest(), {"scalars": "words"}, "the scalars 'words' are words; those of a MultiBlock are numbers"),
    (lambda: pv.MultiBlock({"t": pv.Table(np.eye(2))}), {}, "the block 't' cannot be drawn: it is a Table"),
    (lambda: pv.PolyData(np.array([[0, 0, np.nan]])), {}, "a point of it is not finite"),
    (lambda: sphere(x=np.full(842, np.inf)), {"scalars": "x"}, "the limits of its colours are not finite; clim sets"),
    (lambda: sphere(), {"scalars": "height", "log_scale": True}, "its log scale is from -0.5 to 0.5; clim sets"),
    (lambda: sphere(c=np.full((842, 3), 1.5)), {"scalars": "c", "rgb": True}, "a colour of it is not from 0 to 1"),
    (lambda: sphere(), {"scalars": "place", "decimate": 0.5}, "decimate leaves out faces, and it has scalars on them"),
    (lambda: examples.load_spline(), {"decimate": 0.5}, "decimate leaves out faces, and it has lines or points"),
    (lambda: pv.Sphere(), {"error": 1e-12}, "float32 is off by"),
    (lambda: SimpleNamespace(), {}, "the block 'scene' cannot be drawn: it is a SimpleNamespace"),
    (lambda: trimesh.Scene(), {}, "the scene is empty"),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("make", "how", "reason"), REFUSED, ids=[reason for *_, reason in REFUSED])
def test_what_cannot_be_drawn_is_refused(make: Any, how: dict, reason: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - its words are held below
        to_glb(make(), **how)
    assert reason in str(refused.value)


def test_a_plotter_of_what_is_no_surface_is_refused() -> None:
    stage = Stage(shape=(1, 2))
    stage.add_mesh(pv.Sphere())
    with pytest.raises(ValueError, match="a plotter has a look of its own; cmap belongs to its add_mesh"):
        to_glb(stage, cmap="viridis")
    stage.subplot(0, 1)
    stage.add_mesh(pv.Cube())
    with pytest.raises(ValueError, match="the plotter has 2 subplots; a file shows one"):
        to_glb(stage)
    stage.close()


def test_more_points_than_16_bits_count_and_as_few_as_one() -> None:
    large = pv.Plane(i_resolution=299, j_resolution=299)
    large["n"] = np.arange(large.n_points, dtype=float)
    glb = to_glb(large, scalars="n", name="plane")
    assert count(glb, primitives(glb, "plane")[0], "POSITION") == 90_000
    assert differences(glb, large) == []
    one = to_glb(pv.PolyData(np.array([[1.0, 2, 3]])), strokes="lines")
    assert np.allclose(drawn(one).vertices, upright([[1, 2, 3]]))


@pytest.mark.parametrize("error", [1 / 100, 1 / 2000, 1e-5, 1e-7])
def test_points_are_as_near_as_the_caller_says(error: float) -> None:
    mesh = pv.Sphere().translate([1e3, 0, 0])
    glb = to_glb(mesh, error=error, lit=False)
    off = np.linalg.norm(drawn(glb).vertices - upright(mesh.points), axis=1).max() / (mesh.length)
    said = extras(glb)["error"]
    assert off <= said["points"] + 1e-9
    assert said["points"] <= error
    sizes = {1 / 100: 5121, 1 / 2000: 5123, 1e-5: 5123, 1e-7: 5126}
    accessor = document(glb)["accessors"][primitives(glb)[0]["attributes"]["POSITION"]]
    assert accessor["componentType"] == sizes[error]


def test_a_plain_file_is_exact_for_every_reader(tmp_path: Path) -> None:
    mesh = examples.load_random_hills()
    glb = to_glb(mesh, plain=True, smooth_shading=True, lit=True, words=False)
    assert "extensionsRequired" not in document(glb)
    (tmp_path / "plain.glb").write_bytes(glb)
    assert validate([tmp_path / "plain.glb"], tmp_path) == {}
    wanted = upright(mesh.points).astype(np.float32)
    assert (drawn(glb).vertices == wanted).all()
    blocks: Any = pv.read(tmp_path / "plain.glb")
    (theirs,) = (block for block in blocks.recursive_iterator() if block.n_points > 1)
    assert (theirs.points == wanted).all()
    assert theirs.n_cells == mesh.n_cells
    assert extras(glb) == node(glb, "root")["extras"]


def test_decimation_says_what_it_did() -> None:
    mesh = examples.load_random_hills()
    glb = to_glb(mesh, decimate=0.8, name="hills")
    said = node(glb, "hills")["extras"]["decimated"]
    assert said["from"] == mesh.n_cells
    assert said["to"] == count(glb, primitives(glb, "hills")[0]) / 3 < 0.25 * mesh.n_cells
    assert 0 < said["off"] < mesh.length / 50
    assert len(glb) < len(to_glb(mesh)) / 2
    assert differences(glb, mesh) == []  # what is left is the mesh's


def test_nothing_is_written_into_the_callers_mesh() -> None:
    mesh = sphere()
    before = mesh.array_names
    to_glb(mesh, scalars="words")
    to_glb(mesh, scalars="height", opacity="linear", smooth_shading=True)
    assert mesh.array_names == before


def test_a_figure_is_a_file_a_still_and_the_lines_that_show_them(plotter: Any, tmp_path: Path) -> None:
    plotter.add_mesh(pv.Cube(), color="red", lighting=False)
    plotter.add_mesh(pv.Cube(center=(-3, -3, 0)), color="blue")  # farther away, and behind
    plotter.add_mesh(pv.Line((2, 0, 0), (0, 2, 0)), color="lime", line_width=6)
    plotter.add_title("a <b> & c")
    lines = figure(plotter, "cube", tmp_path)
    elements = Elements(lines)
    (viewer,) = elements.named("model-viewer")
    assert {"src": "cube.glb", "environment-image": "light.hdr#.hdr", "alt": "a <b> & c"}.items() <= viewer.items()
    (poster,) = elements.named("img")
    assert {"src": "cube.png", "slot": "poster", "alt": "a <b> & c"}.items() <= poster.items()
    glb = (tmp_path / "cube.glb").read_bytes()
    assert extras(glb)["view"].items() <= viewer.items()
    assert to_glb(plotter, name="cube") == glb
    assert not elements.named("b")
    image = Image.open(tmp_path / "cube.png").convert("RGB")
    assert image.size == tuple(plotter.window_size)
    pixels = np.asarray(image).reshape(-1, 3).astype(int)
    red, lime, white = (
        (np.abs(pixels - color).max(axis=1) < 9) for color in ((255, 0, 0), (0, 255, 0), (255, 255, 255))
    )
    blue = (pixels[:, 2] > 60) & (pixels[:, :2].max(axis=1) < 9)
    assert 0.4 < red.sum() / blue.sum() < 4
    assert lime.any()
    assert white[0]
    with pytest.raises(ValueError, match=r"the name '../x' is none of a file"):
        figure(pv.Cube(), "../x", tmp_path)
    with pytest.raises(ValueError, match="the scene is empty"):
        figure(pv.MultiBlock(), "none", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cube.glb", "cube.png", "light.hdr"]


def test_a_notebook_shows_a_figure_without_files(tmp_path: Path) -> None:
    (tmp_path / "model-viewer.min.js").write_text("// it")
    lines = figure(pv.Cube(), "cube", tmp_path)
    elements = Elements(lines._repr_html_())
    (viewer,), (poster,), (script,) = (elements.named(name) for name in ("model-viewer", "img", "script"))
    inside = {}
    for name, address in (
        ("cube.glb", viewer["src"]),
        ("light.hdr", viewer["environment-image"].removesuffix("#.hdr")),
        ("cube.png", poster["src"]),
        ("model-viewer.min.js", script["src"]),
    ):
        assert address.startswith("data:")
        inside[name] = base64.b64decode(address.partition("base64,")[2])
    assert inside == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_still_has_the_colours_of_the_bar(tmp_path: Path) -> None:
    figure(sphere(), "ball", tmp_path, scalars="steps", cmap=["red", "lime", "blue"])
    pixels = np.asarray(Image.open(tmp_path / "ball.png").convert("RGB")).reshape(-1, 3)
    for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255)):
        assert (pixels == color).all(axis=1).sum() > 1000
