"""`figure`: a mesh, or what a script gives, as a folder with the lines that show it elsewhere."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import markdown
import numpy as np
import pytest
import pyvista as pv
import trimesh
from markdown_it import MarkdownIt
from PIL import Image
from playwright.sync_api import expect
from pyvista import examples

from scenes.export.scalars import differences
from tests.browser import Serve, Visitor
from tests.conftest import Elements, ended, validate


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finite-element result."""
    monkeypatch.chdir(tmp_path)
    examples.load_hexbeam().save("beam.vtu")
    return tmp_path


BEAM = ("beam.vtu", "--scalars", "sample_cell_scalars", "--cmap", "plasma", "--alt", 'a <beam>, "bent"')


@pytest.mark.npm
def test_a_mesh_is_a_folder_with_all_that_a_page_needs(here, capsys, serve: Serve, visit: Visitor):
    status, out, err = ended(capsys, "figure", *BEAM, "--out", "shown")
    assert (status, err) == (0, "")
    glb = (here / "shown" / "beam.glb").read_bytes()
    assert differences(glb, examples.load_hexbeam()) == []
    assert validate([here / "shown" / "beam.glb"], here) == {}
    assert out.startswith((here / "shown" / "lines.md").read_text("utf-8"))
    made = json.loads((here / "shown" / "site.json").read_text("utf-8"))
    assert made["kind"] == "figure"
    visited = visit(serve(here / "shown") + "index.html")
    viewer = visited.page.locator("model-viewer")
    expect(viewer).to_have_js_property("loaded", True, timeout=60_000)
    assert viewer.get_attribute("alt") == 'a <beam>, "bent"'
    assert visited.errors == []
    assert {address.rsplit("/", 1)[-1] for address in visited.requests if not address.startswith("blob:")} == {
        *("index.html", "model-viewer.min.js", "beam.glb", "beam.png", "light.hdr")
    }


def test_the_lines_are_kept_by_what_renders_them(here, capsys):
    """By Python-Markdown, which MkDocs uses, and by markdown-it, of which MyST and Jekyll's kind of HTML blocks are."""
    assert ended(capsys, "figure", *BEAM, "--out", "shown")[0] == 0
    text = (here / "shown" / "lines.md").read_text("utf-8")
    blocks = [token for token in MarkdownIt().parse(text) if token.type == "fence"]
    shown = {token.content: token.info for token in blocks}
    assert list(shown.values()) == ["html", "markdown", "html", "html", "markdown", "html", "markdown"]
    for content, info in shown.items():
        if info == "html":
            for rendered in (markdown.markdown(content), MarkdownIt().render(content)):
                assert unescape(rendered.strip()) == unescape(content.strip())
    (hugo,) = [content for content in shown if "{{<" in content]
    assert hugo == "{{< beam >}}\n"
    addresses = [Elements(content).named("model-viewer")[0]["src"] for content in shown if content != hugo]
    places = ["shown", "shown", "/assets/shown", "/shown", "../shown", "_static/shown"]
    assert addresses == [f"{place}/beam.glb" for place in places]


@pytest.mark.parametrize("ending", ["vtp", "vtk", "ply", "stl", "obj", "glb"])
def test_meshes_of_every_kind(tmp_path, capsys, monkeypatch, ending):
    """In their own colours, where the format has them."""
    monkeypatch.chdir(tmp_path)
    ball: Any = trimesh.creation.icosphere()
    colored = ending in ("ply", "glb", "obj")
    if colored:
        ball.visual.vertex_colors = [0, 0, 255, 255]
    if ending in ("vtp", "vtk"):
        pv.wrap(ball).save(f"ball.{ending}")
    else:
        ball.export(f"ball.{ending}")
    status, _, err = ended(capsys, "figure", f"ball.{ending}", "--out", "shown")
    assert (status, err) == (0, "")
    middle = np.asarray(Image.open(tmp_path / "shown" / "ball.png").convert("RGB"))[384, 512].astype(int)
    assert (middle[2] > middle[0] + 60) == colored


SCRIPT = """
import pyvista as pv

def build():
    plotter = pv.Plotter()
    plotter.add_mesh(pv.Cone(), color="red")
    plotter.add_title("A cone")
    return plotter
"""


def test_a_script_is_a_figure_too(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my cone.py").write_text(SCRIPT)
    assert ended(capsys, "figure", "my cone.py", "--out", "shown")[0] == 0
    assert "A cone" in (tmp_path / "shown" / "index.html").read_text("utf-8")
    assert (tmp_path / "shown" / "my-cone.glb").is_file()
    status, _, err = ended(capsys, "figure", "my cone.py", "--cmap", "plasma", "--out", "shown")
    assert (status, "a plotter has a look of its own" in err) == (2, True)


@pytest.mark.parametrize(
    ("file", "holds", "options", "says"),
    [
        ("beam.vtu", None, ("--scalars", "heat"), "beam.vtu: the block 'beam' cannot be drawn: Data array (heat) not"),
        ("beam.vtu", None, ("--cmap", "heat"), "Invalid colormap 'heat'; change it, or the options."),
        ("beam.vtu", None, ("--clim", "5", "1"), "--clim takes the lower value first; exchange the two."),
        ("bad.vtu", "no mesh", (), "bad.vtu cannot be read as a .vtu file; save it again."),
        ("bad.stl", "no mesh", (), "bad.stl cannot be read as a .stl file; save it again."),
        ("bad.vtk", "no mesh", (), "bad.vtk cannot be read as a .vtk file; save it again."),
        ("bad.glb", "no mesh", (), "bad.glb cannot be read as a .glb file; save it again."),
        ("bad.pkl", "no mesh", (), "bad.pkl is none of .vtp, .vtu, .vtk, .ply, .stl, .obj, .glb and .py"),
        ("none.vtp", None, (), "none.vtp is no file; name a mesh, or a script with build()."),
        ("x.py", "1 / 0", (), "x.py, line 1: ZeroDivisionError: division by zero; change it."),
        ("x.py", "y = 1", (), "x.py has no build() that gives a mesh or a plotter; write one."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(here, capfd, file, holds, options, says):
    if holds:
        Path(file).write_text(holds)
    status, out, err = ended(capfd, "figure", file, *options, "--out", "shown")
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (here / "shown").exists()


@pytest.mark.usefixtures("here")
def test_a_figure_is_verified_against_its_mesh(capsys):
    """Without one it says what can be read; what another mesh has is told by its node. It takes no model."""
    assert ended(capsys, "figure", *BEAM, "--out", "shown")[0] == 0
    told = "shown/beam.glb: 248 values can be read; --against MESH compares them, in 1 nodes\n"
    assert ended(capsys, "verify", "shown/beam.glb") == (0, told, "")
    told = "shown/beam.glb: 248 values agree with the mesh, in 1 nodes\n"
    assert ended(capsys, "verify", "shown/beam.glb", "--against", "beam.vtu") == (0, told, "")
    mesh = examples.load_hexbeam()
    mesh["sample_cell_scalars"][0] += 1
    mesh.save("other.vtu")
    status, out, err = ended(capsys, "verify", "shown/beam.glb", "--against", "other.vtu")
    assert (status, out) == (1, "")
    assert re.match(r"shown/beam.glb: beam: \d+ of its 176 values are others in the mesh\n", err)
    trimesh.creation.box().export("box.obj")
    status, _, err = ended(capsys, "verify", "shown/beam.glb", "--against", "box.obj")
    assert (status, "box.obj is no mesh of PyVista" in err) == (2, True)


def test_another_site_stays(here, capsys):
    (here / "mine").mkdir()
    (here / "mine" / "notes.txt").write_text("mine")
    status, _, err = ended(capsys, "figure", *BEAM, "--out", "mine")
    assert (status, "holds 'notes.txt'" in err) == (2, True)
