"""Models too large to be drawn box by box: what is drawn is true and small, and every number can be reached."""

import io
import json
import struct
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import gpt
from article.sites import large_model
from article.sites.model import SCENES, too_much
from article.web import figures, site
from article.web.marks import marks
from scenes import block, overview
from scenes.analysis import aggregation
from scenes.analysis.aggregation import Aggregation, BlockAggregation, extreme
from scenes.export import readback
from scenes.export.camera import frame
from scenes.export.glb import to_glb
from tests.conftest import validate


def traced(L: int = 2, H: int = 3, D: int = 96, T: int = 70, V: int = 50) -> gpt.Trace:
    """A pass through a model with random weights that make its attention uneven."""
    config = gpt.Config(n_vocab=V, n_context=T, n_embd=D, n_layer=L, n_head=H, activation="gelu_tanh", biases=True)
    model, random = gpt.GPT(config), torch.Generator().manual_seed(3)
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=random) * 0.3
    tokenizer = gpt.Tokenizer([" ".join(f"w{n}" for n in range(V))])
    return gpt.trace(model, tokenizer, " ".join(f"w{n * n % V}" for n in range(T)))


TRACE = traced()
WHOLE, BLOCK = Aggregation(TRACE), BlockAggregation(TRACE, block=1)
BOTH: list[tuple[ModuleType, Aggregation]] = [(overview, WHOLE), (block, BLOCK)]


@given(arrays(float, (2, 11), elements=st.floats(-9, 9)), st.integers(1, 12))
def test_nothing_larger_is_left_out(values: np.ndarray, size: int) -> None:
    """What stands for neighbours is one of them, and none of them has a larger magnitude."""
    drawn = extreme(values, size, 1)
    assert drawn.shape == (2, -(-11 // size))
    for (row, group), value in np.ndenumerate(drawn):
        some = values[row, group * size : (group + 1) * size]
        assert value in some
        assert abs(value) == np.abs(some).max()


@pytest.mark.parametrize(
    "shape", [(1, 1, 65, 1), (12, 12, 768, 64), (48, 25, 1600, 1024), (6, 6, 384, 256), (2, 2, 70, 3)]
)
def test_what_is_drawn_is_bounded(shape: tuple[int, int, int, int]) -> None:
    """However large a model is, and nothing is put together that need not be."""
    L, H, D, T = shape
    few: dict[str, Any] = {
        "tokens": ("a",) * T,
        "residual": np.empty((L + 1, 1, D)),
        "attention": np.empty((L, H, 1, 1)),
    }
    trace = replace(TRACE, **few)
    for made in (Aggregation(trace), BlockAggregation(trace, block=0)):
        C = len(made.names)
        G = -(-D // made.grouped)
        assert made.rows * C * G <= max(aggregation.BOXES, made.rows * C)
        assert C <= aggregation.COLUMNS
        assert G <= aggregation.TALL
        assert made.patterns * C * (C + 1) / 2 <= aggregation.TILES
        assert (made.together == 1) == (C == T)


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "subject"), BOTH)
def test_scenes_read_back(scene: ModuleType, subject: Aggregation, tmp_path) -> None:
    """Their numbers are those of a fresh aggregation, and of no other; the validator finds no fault."""
    glb = to_glb(scene.build(subject))
    assert readback.disagreements(glb, subject) == []
    (tmp_path / "scene.glb").write_bytes(glb)
    assert validate([tmp_path / "scene.glb"], tmp_path) == {}
    (crowd, carpet) = ("stream", "look") if scene is overview else ("inside", "heads")
    for array in (crowd, carpet):
        other = replace(subject)
        changed = getattr(subject, array).copy()
        changed.ravel()[-1] += 0.05 * np.abs(changed).max()
        other.__dict__[array] = changed  # in the place of what is computed
        last = len(changed) - 1
        assert [problem.split(",")[0] for problem in readback.disagreements(glb, other)] == [f"{array}/{last}"]


def test_geometry_is_read_and_not_the_extras() -> None:
    """A box of another depth, and a pixel of another colour, are found where they are."""
    glb = to_glb(overview.build(WHOLE))
    size = struct.unpack("<I", glb[12:16])[0]
    document, start = json.loads(glb[20 : 20 + size]), 28 + size
    node = next(node for node in document["nodes"] if node.get("name") == "stream/1")
    accessor = document["accessors"][document["meshes"][node["mesh"]]["primitives"][0]["attributes"]["POSITION"]]
    view = document["bufferViews"][accessor["bufferView"]]
    place = start + view["byteOffset"] + accessor["byteOffset"]
    row = view["byteStride"]
    changed = bytearray(glb)
    for corner in range(8):  # the first box: twice as deep
        at = place + corner * row + 4
        (z,) = struct.unpack_from("<H", changed, at)
        middle = sum(struct.unpack_from("<H", glb, place + n * row + 4)[0] for n in range(8)) / 8
        struct.pack_into("<H", changed, at, int(np.clip(middle + 2 * (z - middle), 0, 65535)))
    (problem,) = readback.disagreements(bytes(changed), WHOLE)
    assert problem.startswith("stream/1, component 0: ")
    look = next(node for node in document["nodes"] if node.get("name") == "look/0")
    material = document["materials"][document["meshes"][look["mesh"]]["primitives"][0]["material"]]
    image = document["images"][material["pbrMetallicRoughness"]["baseColorTexture"]["index"]]
    view = document["bufferViews"][image["bufferView"]]
    png = glb[start + view["byteOffset"] : start + view["byteOffset"] + view["byteLength"]]
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    C = len(WHOLE.names)
    assert pixels.shape == (C, C, 4)
    assert (pixels[..., 3].T[::1, ::-1] > 0).sum() == C * (C + 1) // 2  # the future is not there
    weight = WHOLE.look[0][-1]  # of the last query to itself: at the right, in the back
    assert np.abs(pixels[0, -1, :3] / 255 - shown_color(weight)).max() < 1 / 255


def shown_color(weight: float) -> np.ndarray:
    from scenes import style

    return style.weight_color(weight)


@pytest.mark.parametrize(("scene", "subject"), BOTH)
def test_the_scene_says_what_is_put_together(scene: ModuleType, subject: Aggregation, monkeypatch) -> None:
    """In the picture itself: how many components share a box, how many tokens a column, how many heads a tile."""
    from scenes.glyphs import aggregate

    written: list[str] = []
    signs = aggregate.signs
    monkeypatch.setattr(
        aggregate, "signs", lambda s, n, texts: signs(s, n, [written.append(text[0]) or text for text in texts])
    )
    scene.build(subject)
    assert f"a box: the largest of {subject.grouped} components" in written
    assert f"a column: the largest of {subject.together} tokens" in written
    assert ("on the floor: the largest weight of 3 heads" in written) == (scene is overview)


@pytest.mark.parametrize(("scene", "subject"), BOTH)
def test_marks_lead_to_their_numbers(scene: ModuleType, subject: Aggregation) -> None:
    """What every mark says is so, and the numbers are where it leads."""
    built = scene.build(subject)
    known = marks(built, to_glb(built), subject)
    for mark in known["marks"]:
        names, leads = known["parts"][mark["parts"]], mark["leads"]
        assert len(names) == len(mark["values"])
        l = int(leads["page"].removeprefix("block-").removesuffix(".html")) - 1
        (values,) = (values for array, values in large_model.arrays_of(TRACE, l) if array.id == leads["of"])
        C, size = mark["columns"], leads["together"]
        for part, value in list(enumerate(mark["values"]))[:: max(1, len(names) // 40)]:
            if mark["glyph"] == "carpet":
                q = int(np.sqrt(2 * part + 0.25) - 0.5)
                k = part - q * (q + 1) // 2
                some = values[..., q * size : (q + 1) * size, k * size : (k + 1) * size]
                some = some[leads["head"] - 1] if "head" in leads else some
                assert names[part].startswith(f"{q * size + 1} to ")
            else:
                c, g = divmod(part, len(names) // C)
                grouped = leads["grouped"]
                some = values[c * size : (c + 1) * size, g * grouped : (g + 1) * grouped]
                assert f"components {g * grouped + 1} to " in names[part]
            assert abs(abs(value) - np.abs(some).max()) < 1e-3 * max(1, np.abs(values).max())


def test_files_are_the_trace() -> None:
    """Each number of the trace is in a file, to the bit, and each file of a panel is there with its shape."""
    files = large_model.files_of(TRACE)
    read = {name: np.load(io.BytesIO(data), allow_pickle=False) for name, data in files.items()}
    wanted = set()
    for l in range(2):
        for array, values in large_model.arrays_of(TRACE, l):
            file = large_model.file_of(TRACE, l, array)
            wanted.add(file)
            assert read[file].dtype == values.dtype
            assert np.array_equal(read[file], values)
        assert all(
            name in large_model.panel(TRACE, l)
            for name in (large_model.file_of(TRACE, l, a) for a, _ in large_model.arrays_of(TRACE, l))
        )
    assert wanted == set(files)
    every = {"residual", *large_model.ARRAYS, "normed"}
    derived = {"embedding", "position", "lens", "gain", "bias", "head_write"}  # of the model, or what follows from them
    assert every | derived == {name for name, value in vars(TRACE).items() if isinstance(value, np.ndarray)}


def test_what_is_shown_depends_on_the_size() -> None:
    """A small model is drawn box by box; of a large one, the reasons name what is too much."""
    small = traced(2, 2, 20, 4, 30)
    assert [too_much(scene, small) for scene in SCENES] == [""] * len(SCENES)
    reasons = {scene: too_much(scene, TRACE) for scene in SCENES}
    assert reasons["stream"] == reasons["forward"] == "96 components in a column, more than 64"
    assert reasons["origin"] == reasons["map"] == ""
    deep = replace(small, attention=np.zeros((12, 12, 4, 4)), residual=np.zeros((13, 4, 20)))
    assert too_much("origin", deep) == "171 origins of a logit, more than 80"


def test_stills_are_pictures() -> None:
    """Of what is too much for an SVG: of the size that the page expects, with nothing behind."""
    made = figures.made_of(site.Site("checkpoint"), "overview", overview.build, WHOLE, False)
    image = Image.open(io.BytesIO(made["files"]["overview.webp"]))
    assert image.size == tuple(made["figure"]["size"]) == frame(overview.build(WHOLE)).pixels
    assert np.asarray(image.convert("RGBA"))[0, 0, 3] == 0
    assert "overview.svg" not in made["files"]
