"""Behind every scene stands every one of its numbers, in a table."""

import importlib
from collections import Counter

import numpy as np
import pytest

import gpt
from article.evidence.words import three
from article.web import figures
from article.web.marks import marks
from article.web.tables import tables
from scenes import glyphs
from scenes.analysis.view import View
from scenes.export.glb import to_glb
from scenes.style import Scale
from tests.conftest import BUILDERS, COMPARED


@pytest.mark.parametrize("name", [name for name in (*BUILDERS, *COMPARED) if name != "causes"])
def test_every_number_is_in_a_table(name, subjects, built):
    """As often as it is drawn, and in tables whose heads are told apart."""
    scene = built(name)
    found = tables(scene, subjects[name])
    drawn = Counter(three(value) for block in scene for value in block.user_dict.get("values", ()))
    assert Counter(cell for table in found for row in table["rows"] for cell in row[1:] if cell) == drawn
    for table in found:
        assert table["title"]
        assert len(set(table["columns"])) == len(table["columns"])
        assert len({row[0] for row in table["rows"]}) == len(table["rows"])
        assert all(len(row) == len(table["columns"]) + 1 for row in table["rows"])


def test_effects_have_all_cuts(subjects):
    effects = subjects["causes"]
    weights, parts = effects.tables()
    L, H, T, _ = effects.attention.shape
    assert len(weights["rows"]) == 3 * L * H
    assert len(parts["rows"]) == L * (H + 2)
    cells = [row[1:] for row in weights["rows"][::3]]
    assert np.allclose(np.array(cells, float), effects.attention[:, :, T - 1].reshape(L * H, T), atol=5.1e-4)


def test_three_decimals():
    assert [three(value) for value in (0.1239, -0.0001, -2.5)] == ["0.124", "0.000", "\N{MINUS SIGN}2.500"]


def test_a_token_that_comes_twice_has_its_numbers_twice(model, tokenizer):
    """As a query and as a key, and in a row of the stream."""
    view = View(gpt.trace(model, tokenizer, "at night the fox sleeps in the den"))
    for name in ("forward", "stream"):
        scene = importlib.import_module(f"scenes.{name}").build(view)
        drawn = Counter(three(value) for block in scene for value in block.user_dict.get("values", ()))
        assert (
            Counter(cell for table in tables(scene, view) for row in table["rows"] for cell in row[1:] if cell) == drawn
        )


def test_what_no_view_has_words_for_is_called_by_its_name(trace):
    """Vectors and single numbers, in tables, on their marks, and in a note of the build."""
    view = View(trace)
    scene = glyphs.start("gains", view, Scale.of(view.gain))
    glyphs.row(scene, view, "gain", [()], ["gain"])
    scene.user_dict |= {"glyphs": scene.user_dict["glyphs"] | {"bias": "bar"}}
    for d in range(2):
        bar = glyphs.bar(view.bias[d], Scale.of(view.gain), (3.0 * d, 3.0))
        glyphs.mark(scene, bar, view, "bias", (d,))
    vector, numbers = tables(scene, view)
    assert (vector["columns"], len(vector["rows"])) == (["gain"], len(trace.gain))
    assert numbers["rows"] == [[f"bias {d + 1}", three(view.bias[d])] for d in range(2)]
    known = marks(scene, to_glb(scene), view)
    assert [mark["title"] for mark in known["marks"]] == ["gain", "bias 1", "bias 2"]
    assert known["parts"][0][:2] == ["entry 1", "entry 2"]
    (note,) = figures.unnamed("gains", known["marks"], view)
    assert note.startswith("scenes/gains.py draws gain, bias, for which scenes/analysis/view.py has no words;")
