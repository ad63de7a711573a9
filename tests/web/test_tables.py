"""Behind every scene stands every one of its numbers, in a table."""

from collections import Counter

import numpy as np
import pytest

from article.evidence.words import three
from article.web.tables import tables
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
