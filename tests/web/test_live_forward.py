"""The scene of the forward pass as the reader's browser draws it: point by point, and word by word, that of Python."""

import base64
import copy
import functools
import io
from pathlib import Path

import numpy as np
import pytest
import trimesh

import gpt
from article.web import live
from article.web.marks import marks
from scenes import forward, style
from scenes.analysis.view import View
from scenes.export import readback
from scenes.export.glb import leaves, to_glb, turn
from tests.conftest import validate
from tests.web.test_live import arrays, edited, sent, small, told  # noqa: F401

pytestmark = pytest.mark.npm
OURS = "at night the spider sleeps in its own"
ASKED = [
    (OURS, [], []),
    ("the", [], []),
    ("a fox made", [], []),
    ("web web is home of den a bee", [], []),
    (OURS, ["mixed/1/0", "mlp/0"], ["head 1 of block 2", "MLP of block 1"]),
    ("the bee made this", ["position"], ["positions"]),
]


@pytest.fixture(scope="module")
def drawn(small: gpt.GPT, tokenizer: gpt.Tokenizer) -> list[tuple[View, list[str], bytes, dict]]:  # noqa: F811
    """Of each that is asked: what Python knows of it, what is off, and what JavaScript draws and says."""
    recorded = said(View(gpt.trace(small, tokenizer, OURS)))
    task = {
        "packed": sent(small, tokenizer),
        "look": live.look(tokenizer.vocab, live.names(2, 2)),
        "recorded": recorded,
        "weights": gpt.fingerprint(small),
        "asked": [{"sentence": sentence, "cuts": cuts, "off": off} for sentence, cuts, off in ASKED],
    }
    found = []
    for (sentence, cuts, off), (glb, known) in zip(ASKED, told("scenes", task), strict=True):
        model = copy.copy(small)
        edit = functools.partial(edited, [(path, 0.0) for path in cuts if path != "position"])
        if "position" in cuts:
            entry = small.embedding.weight[tokenizer.encode(sentence)]
            edit = lambda place, x, entry=entry: entry[None] if place == "entry" else x  # noqa: E731
        model.forward = functools.partial(small.forward, edit=edit)
        found.append((View(gpt.trace(model, tokenizer, sentence)), off, base64.b64decode(glb), known))
    return found


def said(view: View) -> dict:
    scene = forward.build(view)  # type: ignore[arg-type]
    return marks(scene, to_glb(scene), view)


def test_its_numbers_read_back(drawn) -> None:
    """As those of any scene, within 1/500 of the scale, from widths and colours."""
    for view, _, glb, _ in drawn:
        assert readback.disagreements(glb, view) == []


def test_every_point_is_python_s(drawn) -> None:
    """Of columns, ribbons, plinths, plates, letters and the legend, before Python's exporter puts them on its grid."""
    for view, off, glb, _ in drawn:
        scene, found = forward.build(view), trimesh.load_scene(io.BytesIO(glb), file_type="glb", process=False)
        names = {}
        for name, block in zip(scene.keys(), scene, strict=True):
            parts = leaves([block])
            apart = name.startswith("legend/")
            parts = parts[::-1] if name.startswith("legend/weight/") else parts  # they come from the right to the left
            names |= {f"{name}/{n}": [part] for n, part in enumerate(parts)} if apart else {name: parts}
        if "positions" in off:
            del names["label/row/0"]  # it says so
        hollow = {name for name in found.graph.nodes_geometry if name.startswith("rims/")}
        assert len(hollow) == (36 if "head 1 of block 2" in off else 0)
        assert set(found.graph.nodes_geometry) - hollow - {"label/row/0"} == {*names} - {"label/row/0"}
        for name, parts in names.items():
            if name.startswith("plates") and "positions" in off:
                continue
            transform, geometry = found.graph[name]
            points = trimesh.transform_points(found.geometry[geometry].vertices, transform) / style.METER
            wanted = turn(np.concatenate([np.asarray(part.points, float) for part in parts]))
            assert points.shape == wanted.shape, name
            assert np.abs(points - wanted).max() < 1e-4, (view.sentence, name)


def test_every_word_is_python_s(drawn) -> None:
    """Titles, how numbers came about, their names, places and sizes; of what is off, it says so."""
    for view, off, _, known in drawn:
        wanted = said(view)
        assert [mark["node"] for mark in known["marks"]] != []
        by_name = {mark["node"]: mark for mark in known["marks"]}
        assert {*by_name} == {mark["node"] for mark in wanted["marks"]}
        for mark in wanted["marks"]:
            found = by_name[mark["node"]]
            cut = mark["title"].endswith("block 2, head 1") and "head 1 of block 2" in off
            assert found["title"] == mark["title"] + (", which is off" if cut else "")
            with_off = f", with {', '.join(off)} off" if off else ""
            assert known["how"][found["how"]] == wanted["how"][mark["how"]] + with_off
            assert known["parts"][found["parts"]] == wanted["parts"][mark["parts"]]
            assert found["glyph"] == mark["glyph"]
            for key in ("at", "half", "tip", "values"):
                assert np.allclose(found.get(key, 0), mark.get(key, 0), atol=2e-5 if key != "values" else 1e-4), key
        assert [mark["mesh"] for mark in known["marks"]] == sorted({mark["mesh"] for mark in known["marks"]})


def test_its_files_are_valid(drawn, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.glb" for n in range(len(drawn))]
    for file, (_, _, glb, _) in zip(files, drawn, strict=True):
        file.write_bytes(glb)
    assert validate(files, tmp_path) == {}
