"""Plots: every number has its mark, and words that come from elsewhere are text."""

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from article.evidence.claim import Claim, Outcome
from article.web import plots
from article.web.plots import Axis, Plot, Series


def claim(outcomes: list[Outcome], own: Outcome) -> Claim:
    return Claim("name", "words", "code", "a > b", own, tuple(outcomes))


def marks(plot: Plot, tag: str) -> list[str]:
    """The kinds of the marks of a tag."""
    return [attributes["class"] for name, attributes, _ in plot.marks if name == tag]


def test_every_training_has_its_dot():
    outcomes = [Outcome(value, f"{value}", value > 2) for value in (1.0, 2.0, 2.0, 3.5)]
    plot = plots.distribution(claim(outcomes, outcomes[3]))
    assert sorted(marks(plot, "circle")) == ["failed", "failed", "failed", "held own"]
    assert plot.label == "Over 4 trainings: from 1.0 to 3.5, in the middle 2.0. In the article's: 3.5."


def test_an_answer_is_text():
    outcomes = [Outcome(word, word, True) for word in ("<script>", "<script>", '"a"')]
    plot = plots.distribution(claim(outcomes, outcomes[2]))
    assert marks(plot, "rect") == ["held", "held own"]
    svg = plot.svg()
    assert set(re.findall(r"<(\w+)", svg)) == {"svg", "rect", "text"}
    assert ">&lt;script&gt;</text>" in svg
    assert 'aria-label="Over 3 trainings: &lt;script&gt; in 2, &#34;a&#34; in 1.' in svg


@given(st.floats(-1e6, 1e6), st.floats(1e-2, 1e6), st.integers(2, 8))
def test_ticks_are_round_few_and_on_the_axis(low, size, most):
    ticks = Axis(low, low + size, 0, 1).ticks(most)
    assert len(ticks) <= most + 1
    assert ticks == sorted(ticks)
    assert all(low - 1e-6 * size <= tick <= low + (1 + 1e-6) * size for tick in ticks)


@given(st.floats(1e-9, 1e6), st.floats(1.5, 1e9))
def test_ticks_of_a_logarithmic_axis(low, factor):
    axis = Axis(low, low * factor, 0, 1, logarithmic=True)
    assert all(low <= tick <= low * factor and f"{tick:e}"[0] in "13" for tick in axis.ticks())
    assert axis.at(low * factor**0.5) == pytest.approx(0.5)


@pytest.mark.parametrize("values", [[0.0, 0.0], [2.5], [-3.0, 4.0], [1e-12, 1e12]])
def test_a_line_of_any_numbers_can_be_drawn(values):
    chart = plots.single(Series(list(range(len(values))), values), "A line")
    assert b"nan" not in chart.svg
    assert chart.alt.startswith("A line: ")
    assert b'xmlns="http://www.w3.org/2000/svg"' in chart.svg


def test_the_examples_of_the_docstrings():
    found = doctest.testmod(plots)
    assert found.attempted > 1
    assert not found.failed
