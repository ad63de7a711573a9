"""What a scene is built from is made of what its view asks for, and what is not known is said."""

import importlib
from types import SimpleNamespace

import pytest

from scenes.analysis.views import VIEWS, view
from tests.conftest import ROOT


def test_every_scene_shows_what_there_is():
    for path in (ROOT / "scenes").glob("[a-z]*.py"):
        module = importlib.import_module(f"scenes.{path.stem}")
        if hasattr(module, "build"):
            assert getattr(module, "SHOWS", "trace") in VIEWS


def test_a_view_is_made_of_what_it_asks_for(trace):
    subject = SimpleNamespace(trace=trace, block=1, other=trace, names=("A", "B"))
    assert view("trace", subject).residual is trace.residual
    assert view("decomposition", subject).candidate.shape == trace.embedding.shape
    assert view("block", subject).heads.shape[0] == trace.attention.shape[1]
    assert view("comparison", subject).title == "A \N{MINUS SIGN} B"


def test_an_outcome_stands_beside_a_training_that_fails(trace):
    failing = SimpleNamespace(tokens=("a",))
    shown = view("outcome", SimpleNamespace(trace=trace, failing=failing))
    assert shown.trace is trace
    assert shown.other is failing


def test_what_is_not_known_is_said(trace):
    with pytest.raises(ValueError, match="nothing to show of the name 'anatomy'; there is trace, decomposition, "):
        view("anatomy", SimpleNamespace(trace=trace))
    with pytest.raises(ValueError, match="a scene of 'comparison' needs other, names, of which nothing is"):
        view("comparison", SimpleNamespace(trace=trace))
