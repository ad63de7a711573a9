"""What a training takes of memory is counted before it takes it."""

import re
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gpt
from article import __main__
from article.errors import RefusalError
from article.models.memory import BYTES, COPIES, check_memory, needed, parameters
from article.models.settings import WINDOWS, Settings
from tests.conftest import ROOT

sizes = st.builds(
    lambda n_head, unit, **more: replace(WINDOWS, n_head=n_head, n_embd=n_head * unit, **more),
    st.integers(1, 3),
    st.integers(1, 4),
    n_layer=st.integers(1, 3),
    n_vocab=st.integers(2, 9),
    n_context=st.integers(2, 9),
    batch_size=st.integers(1, 4),
    dtype=st.sampled_from(list(BYTES)),
)


def tensors(recorded: gpt.Pass) -> list[torch.Tensor]:
    inside = [tensor for block in recorded.inside for tensor in block.values()]
    return [*recorded.residual, *inside, recorded.normed, recorded.logits]


@given(sizes)
def test_no_more_is_counted_than_is_there(settings):
    """Every weight, and of the pass at most what it returns: only what cannot fit is refused."""
    model = gpt.GPT(settings.config(settings.n_vocab))
    assert parameters(settings) == sum(weight.numel() for weight in model.parameters())
    B, T = settings.batch_size, settings.n_context
    returned = sum(tensor.numel() for tensor in tensors(model(torch.zeros(B, T, dtype=torch.long))))
    counted = needed(settings, (1000,)) // BYTES[settings.dtype] - COPIES * parameters(settings)
    assert 0.5 * returned <= counted <= returned


@given(sizes, st.sampled_from(["n_embd", "n_layer", "n_context", "batch_size"]), st.integers(5, 25))
def test_the_size_that_would_do_is_the_largest(settings, name, magnitude):
    large = replace(settings, **{name: settings.n_head * 2**magnitude})
    most = needed(large, (10**9,)) - 1
    check_memory(large, (10**9,), most=most + 1)
    with pytest.raises(RefusalError) as refused:
        check_memory(large, (10**9,), most=most)
    found = re.fullmatch(r"(\w+) = ([\d,]+) takes .* GB of memory, .*; at most ([\d,]+) would do\.", str(refused.value))
    assert found
    which, given_, would_do = found[1], *(int(number.replace(",", "")) for number in found.groups()[1:])
    assert getattr(large, which) == given_
    unit = settings.n_head if which == "n_embd" else 1
    assert needed(replace(large, **{which: would_do}), (10**9,)) <= most
    assert needed(replace(large, **{which: would_do + unit}), (10**9,)) > most


def test_lines_are_no_longer_than_they_are():
    """However far the model could read; and the pairs of a ladder count."""
    settings = replace(Settings(), n_vocab=1000, n_context=8)
    assert needed(settings, (20, 8)) == needed(settings, (20, 8), ladder=False) < needed(settings, (20, 8), ladder=True)
    further = needed(replace(settings, n_context=9), (20, 8)) - needed(settings, (20, 8))
    assert further == BYTES["float64"] * COPIES * settings.n_embd
    with pytest.raises(
        RefusalError, match=r"^a model of [\d,]+ parameters takes .*; lower n_embd, n_layer and n_context"
    ):
        check_memory(settings, (20, 8), most=1)


HUGE: list[tuple[list[Any], str]] = [
    (
        ["--n-embd", 2**30],
        r"n_embd = 1,073,741,824 takes [\d,.]+ GB of memory, and there are [\d,.]+; at most [\d,]+ would do",
    ),
    (["--n-layer", 2**31 - 1], r"n_layer = 2,147,483,647 takes"),
    (["--n-context", 2**31 - 1], r"n_context = 2,147,483,647 takes"),
    (["--n-layer", 2**31], r"n_layer = 2147483648: it must be a whole number from 1 to 2147483647"),
    (["--steps", 10**400], r"steps = 10{59}…: it must be a whole number from 1 to 2147483647"),
    (["--learning-rate", "1e999"], r"learning_rate = Infinity: it must be a number, 0.0 or more"),
    (["--seed", 2**32], r"argument --seed: '4294967296' is no whole number from 0 to 2\*\*32 - 1"),
    (["--seed", "9" * 5000], r"argument --seed: '9{60}' is no whole number"),
]


@pytest.mark.parametrize(("options", "says"), HUGE, ids=[str(options)[:30] for options, _ in HUGE])
def test_sizes_that_no_memory_holds(tmp_path, capsys, options, says):
    out = tmp_path / "site"
    arguments = ["--data", ROOT / "data", "--out", out, *options]
    try:
        status = __main__.main([str(argument) for argument in arguments])
    except SystemExit as left:  # as of a mistyped option
        status = left.code
    assert status == 2
    assert re.search(says, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["1" + "0" * 400, "-1" + "0" * 400])
@pytest.mark.parametrize("name", ["steps", "clip", "n_vocab", "seed", "dropout"])
def test_numbers_beyond_all_bounds_in_a_file(tmp_path, capsys, name, value):
    (tmp_path / "config.toml").write_text(f"{name} = {value}")
    arguments = ["--data", ROOT / "data", "--out", tmp_path / "site", "--config", tmp_path / "config.toml"]
    assert __main__.main([str(argument) for argument in arguments]) == 2
    err = capsys.readouterr().err
    assert re.fullmatch(rf"gpt\.py: .*config\.toml: {name} = -?10+…: it must be a .*number.*\n", err)
    assert len(err) < 400
