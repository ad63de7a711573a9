"""The scenes that follow what a reader asks, as the browser draws them: point by point, and word by word, Python's."""

import base64
import copy
import functools
import importlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import trimesh

import gpt
from article.sites import trained
from article.web.marks import marks
from scenes import style
from scenes.analysis.views import VIEWS
from scenes.export import readback
from scenes.export.glb import leaves, to_glb, turn
from tests.conftest import validate
from tests.web.test_live import arrays, edited, sent, small, told  # noqa: F401

pytestmark = [pytest.mark.npm, pytest.mark.slow]
OURS = "at night the spider sleeps in its own"
ASKED: list[tuple[str, list[Any], list[str]]] = [
    (OURS, [], []),
    ("the", [], []),
    ("a fox made", [], []),
    ("web web is home of den a bee", [], []),
    (OURS, ["mixed/1/0", "mlp/0"], ["head 1 of block 2 off", "MLP of block 1 off"]),
    ("the bee made this", ["position"], ["positions off"]),
    (
        OURS,
        [["entry/3/5", 0.5], ["mlp/0/2/1", -1.5], ["write/1/7/3", 2]],
        ["spider, entering block 1, component 6 set to 0.5"],
    ),
]


class Drawn(NamedTuple):
    """A scene that JavaScript drew of what was asked, beside Python's."""

    name: str
    view: Any
    off: list[str]
    glb: bytes
    known: dict  # what its marks say
    alt: str

    def python(self) -> Any:
        return importlib.import_module(f"scenes.{self.name}").build(self.view)


def view_of(name: str, trace: gpt.Trace) -> Any:
    return VIEWS[getattr(importlib.import_module(f"scenes.{name}"), "SHOWS", "trace")](trace)


@pytest.fixture(scope="module")
def drawn(small: gpt.GPT, tokenizer: gpt.Tokenizer) -> list[Drawn]:  # noqa: F811
    """Of each that is asked, all scenes that follow."""
    small = copy.deepcopy(small)
    with torch.no_grad():  # or they are zero, and what is left of them has any sign
        for l in range(small.config.n_layer):
            bias = small.get_parameter(f"blocks.{l}.attention.project.bias")
            bias.copy_(torch.arange(small.config.n_embd) % 7 * (l + 1) / 64)
    ours = gpt.trace(small, tokenizer, OURS)
    following = told("following", None)
    assert {"forward", "prompt", "stream", "sum", "final", "predicted", "lens", "origin", "entrance"} <= {*following}
    assert {"match", "scores", "softmax", "carry", "mlp", "norm", "logit"} <= {*following}
    recorded = {name: said(Drawn(name, view_of(name, ours), [], b"", {}, "")) for name in following}
    task = {
        "packed": sent(small, tokenizer),
        "look": trained.look(tokenizer.vocab),
        "recorded": recorded,
        "weights": gpt.fingerprint(small),
        "asked": [{"sentence": sentence, "cuts": cuts, "off": off} for sentence, cuts, off in ASKED],
    }
    found = []
    for (sentence, cuts, off), scenes in zip(ASKED, told("scenes", task), strict=True):
        model = copy.copy(small)
        several: list[Any] = [(cut, 0.0) if isinstance(cut, str) else cut for cut in cuts if cut != "position"]
        edit = functools.partial(edited, several)
        if "position" in cuts:
            entry = small.embedding.weight[tokenizer.encode(sentence)]
            edit = lambda place, x, entry=entry: entry[None] if place == "entry" else x  # noqa: E731
        model.forward = functools.partial(small.forward, edit=edit)
        trace = gpt.trace(model, tokenizer, sentence)
        for name, glb, known, alt in scenes:
            found.append(Drawn(name, view_of(name, trace), off, base64.b64decode(glb), known, alt))
    return found


def said(one: Drawn) -> dict:
    scene = one.python()
    return marks(scene, to_glb(scene), one.view)


def test_its_numbers_read_back(drawn: list[Drawn]) -> None:
    """As those of any scene, within 1/500 of the scale, from widths, heights and colours."""
    for one in drawn:
        assert readback.disagreements(one.glb, one.view) == [], (one.name, one.view.sentence)


def test_every_point_is_python_s(drawn: list[Drawn]) -> None:
    """Of columns, bars, ribbons, plinths, letters and legends, before Python's exporter puts them on its grid."""
    for one in drawn:
        scene, found = one.python(), trimesh.load_scene(io.BytesIO(one.glb), file_type="glb", process=False)
        names = {}
        for name, block in zip(scene.keys(), scene, strict=True):
            parts = leaves([block])
            apart = name.startswith("legend/")
            parts = parts[::-1] if name.startswith(("legend/weight/", "legend/effect")) else parts  # from the right
            names |= {f"{name}/{n}": [part] for n, part in enumerate(parts)} if apart else {name: parts}
        renamed = {"label/row/0"} if "positions off" in one.off and one.name in ("forward", "stream") else set()
        hollow = {name for name in found.graph.nodes_geometry if name.startswith("rims/")}
        assert len(hollow) == (72 if one.name == "forward" and "head 1 of block 2 off" in one.off else len(hollow))
        assert set(found.graph.nodes_geometry) - hollow - renamed == {*names} - renamed, one.name
        for name, parts in names.items():
            if name in renamed or (name == "plates" and renamed):
                continue  # it says so
            transform, geometry = found.graph[name]
            points = trimesh.transform_points(found.geometry[geometry].vertices, transform) / style.METER
            wanted = turn(np.concatenate([np.asarray(part.points, float) for part in parts]))
            assert points.shape == wanted.shape, (one.name, name)
            assert np.abs(points - wanted).max() < 1e-4, (one.name, one.view.sentence, name)
            if name == "plinths":  # some are of slate
                color = np.concatenate([part.point_data["color"] for part in parts])[:, 0]
                shade = found.geometry[geometry].visual.vertex_attributes["color"][:, 0]
                assert np.array_equal(
                    np.unique(color, return_inverse=True)[1], np.unique(shade, return_inverse=True)[1]
                )


def test_every_word_is_python_s(drawn: list[Drawn]) -> None:
    """Titles, how numbers came about, their names, places and sizes; of what is off, it says so."""
    for one in drawn:
        wanted, known = said(one), one.known
        written = {label["name"]: label for label in known["labels"]}
        assert {*written} == {label["name"] for label in wanted["labels"]} != set()
        for label in wanted["labels"]:
            if (one.name, label["name"]) not in {
                ("forward", "row/0"),
                ("stream", "row/0"),
            } or "positions off" not in one.off:
                assert written[label["name"]].keys() == label.keys()
                assert written[label["name"]]["text"] == label["text"]
                for key in label.keys() - {"name", "text"}:
                    assert np.allclose(written[label["name"]][key], label[key], atol=1e-4), (label["name"], key)
        by_name = {mark["node"]: mark for mark in known["marks"]}
        assert {*by_name} == {mark["node"] for mark in wanted["marks"]} != set()
        for mark in wanted["marks"]:
            found = by_name[mark["node"]]
            cut = mark["node"].startswith("attention/1/0") and "head 1 of block 2 off" in one.off
            assert found["title"] == mark["title"] + (", which is off" if cut else "")
            with_off = f", with {'; '.join(one.off)}" if one.off else ""
            assert known["how"][found["how"]] == wanted["how"][mark["how"]] + with_off
            assert known["parts"][found["parts"]] == wanted["parts"][mark["parts"]]
            assert found["glyph"] == mark["glyph"]
            for key in ("at", "half", "tip", "values"):
                assert np.allclose(found.get(key, 0), mark.get(key, 0), atol=2e-5 if key != "values" else 1e-4), key
        assert [mark["mesh"] for mark in known["marks"]] == sorted({mark["mesh"] for mark in known["marks"]})
        assert one.alt.startswith(f"For “{one.view.sentence}”: ")
        assert all(part in one.alt for part in one.off)


def test_its_files_are_valid(drawn: list[Drawn], tmp_path: Path) -> None:
    files = [tmp_path / f"{one.name}{n}.glb" for n, one in enumerate(drawn)]
    for file, one in zip(files, drawn, strict=True):
        file.write_bytes(one.glb)
    assert validate(files, tmp_path) == {}
