"""Training on other texts: exact where it is cut in parts, shared or killed; refused in words where it cannot be."""

import hashlib
import itertools
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from torch import Tensor, nn

import gpt
from article.errors import RefusalError
from article.models import baselines, corpus, dataset, fit, settings, trainer, training_state
from article.models.dataset import Examples, evaluate
from article.models.fit import training_ground
from article.models.optimizer import AdamW, group, learning_rate
from article.models.processes import ALONE, Team
from article.models.settings import WINDOWS, Settings, settle
from article.models.trainer import Training
from article.models.training_state import Course
from tests.conftest import ROOT

CORPUS = (ROOT / "data" / "train.txt").read_text("utf-8").splitlines()
LINES = [" ".join(line.split()[: 2 + n * 5 % 8]) for n, line in enumerate(CORPUS)]  # of 2 to 9 tokens
TEXT = "\n".join(CORPUS)
CHARACTERS = sorted(set(TEXT))
IDS = torch.tensor([CHARACTERS.index(character) for character in TEXT])

TINY = replace(
    WINDOWS,
    n_context=8,
    n_embd=8,
    n_layer=1,
    n_head=2,
    steps=40,
    batch_size=6,
    warmup=5,
    eval_every=10,
    save_every=10,
    learning_rate=1e-3,
)
LINED = replace(TINY, examples="lines", tokenizer="words", batch_size=7)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def windows(n_context: int = 8) -> tuple[Examples, Examples]:
    return Examples.of_text(IDS[:-100], n_context), Examples.of_text(IDS[-100:], n_context)


def lined(n_context: int = 8) -> tuple[Examples, Examples]:
    tokenizer = gpt.Tokenizer(CORPUS)
    return (
        Examples.of_lines(tokenizer, LINES[:-4], n_context),
        Examples.of_lines(tokenizer, LINES[-4:], n_context),
    )


def fresh(chosen: Settings, n_vocab: int = 60) -> gpt.GPT:
    """A model as a run starts with it, of any text of this file."""
    model = gpt.GPT(chosen.config(n_vocab)).to(getattr(torch, chosen.dtype))
    gpt.initialise(model, chosen.embedding_limit, dataset.stream(chosen.seed, "start"))
    return model


def rungs(chosen: Settings, limit: float) -> dict[str, nn.Module]:
    """The untrained models of the ladder, by name."""
    models = {name: model for name, model, _ in baselines.rungs(chosen.config(len(CHARACTERS)))}
    for model in models.values():
        model.to(getattr(torch, chosen.dtype))
        gpt.initialise(cast(gpt.GPT, model), limit, dataset.stream(1))
    return models


def gradient(model: nn.Module) -> Tensor:
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def flat(model: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def close(a: Tensor, b: Tensor, relative: float) -> bool:
    return float((a - b).norm()) <= relative * float(b.norm())


def is_sentence(error: object) -> bool:
    """One, with nothing of what torch says in several lines."""
    said = str(error)
    return said.endswith(".") and "\n" not in said and ". " not in said and len(said) < 300


# --- Settings -----------------------------------------------------------------------------------------------------


def values(name: str) -> st.SearchStrategy:
    """Every value that a setting may have."""
    field = settings.FIELDS[name]
    rule = field.metadata
    if rule["among"]:
        return st.sampled_from(rule["among"])
    if isinstance(field.default, str):
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    if isinstance(field.default, int):
        return st.integers(int(rule["least"]), None if rule["most"] == math.inf else int(rule["most"]))
    return st.floats(rule["least"], None if rule["most"] == math.inf else rule["most"], allow_infinity=False)


@pytest.mark.slow
@example({"tokenizer": "\x7f"})
@given(st.fixed_dictionaries({}, optional={name: values(name) for name in settings.FIELDS}))
def test_settings_survive_their_file(tmp_path_factory, chosen):
    try:
        settled = settle(chosen, WINDOWS)
    except RefusalError:  # of parts that do not fit each other
        return
    path = tmp_path_factory.getbasetemp() / "config.toml"
    path.write_text(settings.to_toml(settled), "utf-8")
    again = settle(settings.read_toml(path), Settings())
    assert again == settled
    assert [type(value) for value in vars(again).values()] == [type(value) for value in vars(Settings()).values()]
    assert asdict(settled) == asdict(WINDOWS) | chosen


WRONG = {
    "learing_rate = 1": "there is no setting 'learing_rate'; did you mean 'learning_rate'?",
    "qqq = 1": "there is no setting 'qqq'; there are tokenizer, n_vocab, ",
    "steps = true": "steps = true: it must be a whole number, 1 or more",
    "steps = 1.0": "steps = 1.0: it must be a whole number, 1 or more",
    "steps = 0": "steps = 0: it must be a whole number, 1 or more",
    "steps = '9'": 'steps = "9": it must be a whole number',
    "clip = true": "clip = true: it must be a number, 0.0 or more",
    "clip = nan": "clip = NaN: it must be a number",
    "clip = inf": "clip = Infinity: it must be a number",
    "dropout = 1": "dropout = 1: it must be a number from 0.0 to 0.9",
    "dropout = -0.1": "dropout = -0.1: it must be a number from 0.0 to 0.9",
    "seed = 1979-05-27": 'seed = "1979-05-27": it must be a whole number',
    "steps = [1]": "steps = [1]: it must be a whole number",
    "tokenizer = 3": "tokenizer = 3: it must be a text",
    "tokenizer = ''": 'tokenizer = "": it must be a text',
    "dtype = 'float16'": "dtype = \"float16\": it must be 'float32' or 'float64'",
    "examples = ['lines']": "it must be 'lines' or 'windows'",
    "n_head = 3": "n_embd = 64 cannot be shared by n_head = 3 heads",
    "n_context = 1": "n_context = 1: a window needs at least 2 tokens",
    "n_context = 0": "n_context = 0: a window needs at least 2 tokens",
    "batch_size = 0": "batch_size = 0 means all lines, but the examples are windows",
    "accumulate = 13": "accumulate = 13 is more than batch_size = 12",
    "[steps]\nn = 1": 'steps = {"n": 1}: it must be a whole number',
    "[training]\nsteps = 1": "there is no setting 'training'",
}


@pytest.mark.parametrize("toml", WRONG)
def test_settings_that_do_not_fit_are_refused(tmp_path, toml):
    path = tmp_path / "config.toml"
    path.write_text(toml)
    with pytest.raises(RefusalError, match=re.escape(WRONG[toml])) as refused:
        settle(settings.read_toml(path), replace(WINDOWS, n_embd=64, batch_size=12), f"{path.name}: ")
    assert str(refused.value).startswith("config.toml: ")


def test_a_settings_file_may_begin_with_a_mark(tmp_path):
    """As editors on Windows write it; what is no TOML or no text is refused."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbfsteps = 3\r\n")
    assert settle(settings.read_toml(path), WINDOWS) == replace(WINDOWS, steps=3)
    for data in (b"steps", b"\xff\xfe", b"a = 1\na = 2"):
        path.write_bytes(data)
        with pytest.raises(RefusalError, match=re.escape(f"{path} is no TOML: ")):
            settings.read_toml(path)
    with pytest.raises(RefusalError, match="cannot be read: Is a directory"):
        settings.read_toml(tmp_path)


# --- The learning rate --------------------------------------------------------------------------------------------

schedules = st.builds(
    lambda steps, warmup, schedule, rate: replace(
        WINDOWS, steps=steps, warmup=warmup, schedule=schedule, learning_rate=rate
    ),
    st.integers(1, 300),
    st.integers(0, 350),
    st.sampled_from(["linear", "cosine"]),
    st.floats(1e-6, 10),
)


@given(schedules)
def test_the_learning_rate_rises_then_falls_without_a_jump(chosen):
    rates = [learning_rate(chosen, step) / chosen.learning_rate for step in range(chosen.steps + 1)]
    top = rates.index(max(rates))
    assert all(rate > 0 for rate in rates[:-1])
    assert max(rates) <= 1
    assert rates == sorted(rates[: top + 1]) + sorted(rates[top + 1 :], reverse=True)
    rising = 1 / max(1, chosen.warmup)
    falling = {"linear": 1 / chosen.steps, "cosine": 0.45 * math.pi / max(1, chosen.steps - chosen.warmup)}
    if chosen.warmup < chosen.steps:
        assert max(rates) >= (1 if chosen.schedule == "cosine" else 1 - chosen.warmup / chosen.steps) - 1e-9
        assert rates[-1] == pytest.approx({"linear": 0, "cosine": 0.1}[chosen.schedule], abs=1e-9)
        steepest = max(rising, falling[chosen.schedule])
        assert all(abs(b - a) <= steepest + 1e-9 for a, b in zip(rates, rates[1:], strict=False))


@pytest.mark.slow
def test_the_learning_rate_is_torch_s_and_the_first_chapter_s():
    chosen = replace(WINDOWS, steps=120, warmup=30, learning_rate=0.3)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    now: torch.optim.lr_scheduler.LRScheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / 30, total_iters=29)
    rates = []
    for step in range(121):
        if step == 30:
            optimizer.param_groups[0]["initial_lr"] = optimizer.param_groups[0]["lr"] = 0.3
            now = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 90, eta_min=0.03)
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        now.step()
    assert rates == pytest.approx([learning_rate(chosen, step) for step in range(121)])

    chosen = replace(chosen, schedule="linear")
    for step in range(120):
        assert gpt.learning_rate(chosen.config(1), step) == learning_rate(chosen, step)


# --- Examples -----------------------------------------------------------------------------------------------------


@given(st.integers(2, 40), st.integers(1, 50), st.integers(0, 99))
@trials(max_examples=50)
def test_every_window_and_only_windows_are_drawn(n, n_context, seed):
    """What follows is one place further on; no window crosses the end, and each is drawn sooner or later."""
    examples = Examples.of_text(torch.arange(n), n_context)
    T = min(n_context, n - 1)
    ids, targets = examples.draw(40 * n, dataset.stream(seed))
    assert ids.shape == targets.shape == (40 * n, T)
    assert torch.equal(ids, ids[:, :1] + torch.arange(T))
    assert torch.equal(targets, ids + 1)
    assert set(ids[:, 0].tolist()) == set(range(n - T))


@given(st.integers(2, 300), st.integers(1, 50), st.integers(1, 400))
def test_parts_cover_each_token_once(n, n_context, most):
    """All tokens, where `most` lets them; else about as many, from everywhere in the text."""
    examples = Examples.of_text(torch.arange(n), n_context)
    every = [target for _, targets in examples.parts() for target in targets.flatten().tolist()]
    assert every == list(range(1, n))
    some = []
    for ids, targets in examples.parts(most):
        assert torch.equal(targets, ids + 1)
        assert ids.shape[1] <= n_context
        some += targets.flatten().tolist()
    assert len(set(some)) == len(some)
    if examples.tokens <= most:
        assert some == every
    else:
        T = min(n_context, n - 1)
        assert max(1, most - 2 * T) <= len(some) <= max(most, T)
        assert min(some) <= T
        gaps = torch.tensor(some)[::T].diff()
        assert len(gaps) == 0 or int(gaps.max() - gaps.min()) <= T


def test_lines_are_drawn_whole():
    """Each row is a line, filled up to the longest of the batch, with no target where it is filled up."""
    train, _ = lined()
    tokenizer = gpt.Tokenizer(CORPUS)
    known = {tuple(tokenizer.encode(line)) for line in LINES[:-4]}
    drawn = set()
    for step in range(60):
        ids, targets = train.draw(3, dataset.stream(step))
        lengths = (targets != gpt.NO_TARGET).sum(1)
        assert ids.shape == (3, int(lengths.max()))
        for row, following, n in zip(ids, targets, lengths, strict=True):
            assert torch.equal(row[1:n], following[: n - 1])
            assert bool((following[n:] == gpt.NO_TARGET).all())
            drawn.add((*row[:n].tolist(), int(following[n - 1])))
    assert drawn == known
    assert sum(int((targets != gpt.NO_TARGET).sum()) for _, targets in train.parts()) == train.tokens
    some = sum(int((targets != gpt.NO_TARGET).sum()) for _, targets in train.parts(30))
    assert 10 <= some <= 50


def test_a_line_of_one_token_is_no_example():
    """It has no target: alone in a part, it would make the loss no number."""
    tokenizer = gpt.Tokenizer(CORPUS)
    examples = Examples.of_lines(tokenizer, ["the", "the bird", "night"], 8)
    assert examples.tokens == len(examples.ids) == 1
    with pytest.raises(RefusalError, match="no line has two tokens"):
        Examples.of_lines(tokenizer, ["the", "night"], 8)
    with pytest.raises(RefusalError, match="a line has 9 tokens, but n_context = 7"):
        Examples.of_lines(tokenizer, CORPUS, 7)
    with pytest.raises(RefusalError, match="a text of 1 tokens is too short"):
        Examples.of_text(IDS[:1], 8)


@pytest.mark.parametrize(("examples", "chosen"), [(lined()[0], LINED), (windows()[0], TINY)])
def test_evaluation_is_the_mean_of_each_example_alone(examples, chosen, monkeypatch):
    model = fresh(replace(chosen, dtype="float64", embedding_limit=1.0))
    rows = list(zip(examples.ids, examples.targets, strict=True))
    if examples.ids.ndim == 1:
        rows = list(zip(examples.ids.split(8), examples.targets.split(8), strict=True))
    losses = []
    for ids, targets in rows:
        n = int((targets != gpt.NO_TARGET).sum())
        losses += F.cross_entropy(model(ids[None, :n]).logits[0], targets[:n], reduction="none").tolist()
    assert len(losses) == examples.tokens
    monkeypatch.setattr(dataset, "AT_ONCE", 24)
    assert evaluate(model, examples) == pytest.approx(sum(losses) / len(losses), rel=1e-12)


def test_a_held_out_text_may_be_shorter_than_a_window():
    model = fresh(replace(TINY, dtype="float64"))
    alone = F.cross_entropy(model(IDS[None, :3]).logits[0], IDS[1:4])
    assert evaluate(model, Examples.of_text(IDS[:4], 8)) == pytest.approx(float(alone.detach()), rel=1e-12)


# --- A step -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [7, 0])
@pytest.mark.parametrize("accumulate", [2, 3, 7])
def test_a_batch_in_parts_is_the_batch(batch_size, accumulate):
    """The same gradients and loss as of all targets at once, though the parts have unequal numbers of them."""
    chosen = replace(LINED, dtype="float64", batch_size=batch_size, accumulate=accumulate)
    train, _ = lined()
    model, whole = fresh(chosen), fresh(chosen)
    loss, tokens = trainer.accumulate(model, Training(chosen, train, train), 3)
    ids, targets = train.draw(batch_size, dataset.stream(chosen.seed, 3, "batch"))
    counts = [int((part != gpt.NO_TARGET).sum()) for part in targets.tensor_split(accumulate)]
    assert len(set(counts)) > 1
    assert tokens == sum(counts)
    expected = gpt.loss(whole(ids).logits, targets)
    expected.backward()
    assert loss == pytest.approx(float(expected.detach()), rel=1e-12)
    assert close(gradient(model), gradient(whole), 1e-12)


def test_dropout_is_drawn_for_each_step_and_part():
    chosen = replace(LINED, dtype="float64", dropout=0.4)
    train, _ = lined()
    losses = {trainer.accumulate(fresh(chosen), Training(chosen, train, train), 3)[0] for _ in range(2)}
    assert len(losses) == 1
    x = torch.ones(100_000, dtype=torch.float64)
    dropped = [trainer.dropout(chosen, *place, torch.device("cpu"))("mlp", x) for place in [(1, 0), (1, 1), (2, 0)]]
    assert not torch.equal(dropped[0], dropped[1])
    assert not torch.equal(dropped[0], dropped[2])
    for one in dropped:
        assert set(one.unique().tolist()) == {0.0, 1 / (1 - 0.4)}
        assert float(one.mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_step_is_that_of_torch_s_optimizer(dtype):
    """To the last bit, and after it was loaded anew; only what decays in gpt.py does."""
    chosen = replace(TINY, dtype=dtype, weight_decay=0.5)
    ours, theirs = fresh(chosen), fresh(chosen)
    weights = {decays: [w for name, w in theirs.named_parameters() if gpt.decays(name) == decays] for decays in (0, 1)}
    groups = [{"params": some, "weight_decay": 0.5 * decays} for decays, some in weights.items()]
    optimizer, expected = AdamW(ours, chosen), torch.optim.AdamW(groups, fused=True)
    for step in range(12):
        if step == 6:
            loaded = AdamW(ours, chosen)
            loaded.load(optimizer.state)
            optimizer = loaded
        for model in (ours, theirs):
            trainer.accumulate(model, Training(chosen, windows()[0], windows()[0]), step)
        optimizer.step(0.01 + 0.001 * step)
        for part in expected.param_groups:
            part["lr"] = 0.01 + 0.001 * step
        expected.step()
        assert torch.equal(flat(ours), flat(theirs))


def test_clipping_is_torch_s(monkeypatch):
    """The optimizer sees gradients of at most that norm, and the log has their norms before."""
    chosen = replace(TINY, dtype="float64", clip=0.05, steps=5)
    train, held_out = windows()
    seen = []
    step = AdamW.step

    def watched(self, rate):
        seen.append(torch.cat([weight.grad.flatten() for weight in self.weights]))
        return step(self, rate)

    monkeypatch.setattr(AdamW, "step", watched)
    model = fresh(chosen)
    course = trainer.train(model, Training(chosen, train, held_out))
    copy = fresh(chosen)
    trainer.accumulate(copy, Training(chosen, train, train), 0)
    norm = nn.utils.clip_grad_norm_(copy.parameters(), 0.05)
    assert float(norm) > 0.05
    assert course.rows[0]["gradient"] == pytest.approx(float(norm))
    parts = [value for name, value in course.rows[0].items() if name.startswith("gradient ")]
    assert math.hypot(*parts) == pytest.approx(float(norm))
    assert len(parts) == len({group(name) for name, _ in model.named_parameters()}) == 5
    assert float(seen[0].norm()) == pytest.approx(float(gradient(copy).norm()))
    assert all(float(gradients.norm()) <= 0.05 * (1 + 1e-9) for gradients in seen)


def test_the_parts_of_a_model_have_names():
    assert group("blocks.1.ln_1.bias") == group("blocks.1.attention.key.weight")
    assert group("blocks.1.ln_2.bias") == "block 2 mlp"
    assert group("ln_f.weight") == "ln_f"


# --- A training ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_first_chapter_s_training_is_one_of_these(tokenizer, corpus, monkeypatch):
    """With all lines, a single part and no dropout: the same weights, where they are rounded to a fine grid."""
    monkeypatch.setattr(gpt, "GRID", 2.0**44)
    chosen = replace(Settings(), n_context=8, dropout=0.0, steps=30, eval_every=30)
    config = chosen.config(len(tokenizer.vocab))
    taught = gpt.train(config, tokenizer, corpus)
    model = gpt.GPT(config).double()
    gpt.initialise(model, config.embedding_limit, torch.Generator().manual_seed(config.seed))
    examples = Examples.of_lines(tokenizer, corpus, 8)
    trainer.train(model, Training(chosen, examples, examples))
    assert close(flat(model), flat(taught), 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_every_rung_learns(dtype, activation):
    """Each comes to less than knowing nothing does, in the numbers and with the activation that are asked for."""
    chosen = replace(TINY, dtype=dtype, activation=activation, steps=60, learning_rate=0.02, warmup=5)
    train, held_out = windows()
    models = rungs(chosen, chosen.embedding_limit)
    assert list(models) == ["trained bigram", "averaging the past", "one head", "2 heads", "a block with its MLP"]
    for model in models.values():
        course = trainer.train(model, Training(chosen, train, held_out))
        assert course.best_loss < math.log(len(CHARACTERS)) - 0.3
        assert {weight.dtype for weight in model.parameters()} == {getattr(torch, dtype)}
        assert model(IDS[None, :8]).logits.shape == (1, 8, len(CHARACTERS))


@pytest.mark.slow
@given(st.integers(0, 6), st.integers(1, 20), st.sampled_from(["float32", "float64"]))
@trials(max_examples=30, deadline=None)
def test_no_rung_sees_the_future(t, change, dtype):
    ids = IDS[None, :8]
    other = ids.clone()
    other[0, t + 1 :] = (other[0, t + 1 :] + change) % len(CHARACTERS)
    for model in rungs(replace(TINY, dtype=dtype), 1.0).values():
        before, after = model(ids).logits[0], model(other).logits[0]
        assert torch.equal(before[: t + 1], after[: t + 1])
        assert not torch.equal(before[t + 1], after[t + 1])


def test_it_stops_when_nothing_gets_better_and_ends_with_the_best():
    """It learns a text by heart and is tested on another: the held-out loss soon rises."""
    chosen = replace(TINY, dtype="float64", steps=2000, learning_rate=0.03, patience=3)
    train, held_out = Examples.of_text(IDS[:60], 8), Examples.of_text(IDS[-100:].flip(0), 8)
    asked = []
    model = fresh(chosen)
    course = trainer.train(model, Training(chosen, train, held_out, lambda _, step: asked.append(step) or f"at {step}"))
    losses = {row["step"]: row["held-out loss"] for row in course.rows if "held-out loss" in row}
    assert course.stopped
    assert course.step < chosen.steps
    assert course.best_loss == min(losses.values()) == losses[course.best_step]
    assert evaluate(model, held_out, trainer.EVALUATED) == course.best_loss
    assert course.step == course.best_step + 30
    assert list(losses) == asked == list(range(0, course.step + 1, 10))
    assert course.samples == [(step, f"at {step}") for step in asked]


@pytest.mark.slow
def test_without_patience_it_goes_on_and_still_ends_with_the_best():
    chosen = replace(TINY, dtype="float64", steps=205, learning_rate=0.03)
    train, held_out = Examples.of_text(IDS[:60], 8), Examples.of_text(IDS[-100:].flip(0), 8)
    model = fresh(chosen)
    course = trainer.train(model, Training(chosen, train, held_out))
    losses = [row["held-out loss"] for row in course.rows if "held-out loss" in row]
    assert (course.step, course.stopped, len(losses)) == (205, False, 22)
    assert course.best_loss == min(losses) == evaluate(model, held_out, trainer.EVALUATED) < losses[-1]


def test_a_loss_that_is_no_number_is_refused():
    chosen = replace(TINY, learning_rate=1e6, clip=0.0)
    with pytest.raises(
        RefusalError, match=r"the loss is (nan|inf) at step \d+; lower learning_rate \(now 1e\+06\)"
    ) as e:
        trainer.train(fresh(chosen), Training(chosen, *windows()))
    assert is_sentence(e.value)


def test_a_batch_that_cannot_be_cut_is_refused():
    with pytest.raises(RefusalError, match="a batch of 15 cannot be cut in 16 parts"):
        trainer.train(fresh(LINED), Training(replace(LINED, batch_size=0, accumulate=16), *lined()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_comes_to_the_same(tmp_path):
    """Where there is one; killed half-way, too."""
    chosen = replace(TINY, dtype="float64", steps=20)
    one, other = fresh(chosen), fresh(chosen)
    expected = trainer.train(one, Training(chosen, *windows()))
    with Team.gather() as team:
        state = tmp_path / "state"
        course = trainer.train(other, Training(chosen, *windows(), state=state, team=team))
        again = fresh(chosen)
        assert trainer.train(again, Training(replace(chosen), *windows(), state=state, team=team)).step == 20
    assert next(other.parameters()).is_cuda
    assert course.best_loss == pytest.approx(expected.best_loss)
    assert close(flat(other).cpu(), flat(one), 1e-6)
    assert close(flat(again).cpu(), flat(one), 1e-6)


# --- The state ----------------------------------------------------------------------------------------------------


def kept(folder: Path, chosen: Settings = TINY) -> Path:
    """The state that a training leaves when it ends, of its last steps but ten."""
    trainer.train(fresh(chosen), Training(chosen, *windows(), state=folder / "state"))
    return folder / "state"


def refused(state: Path, chosen: Settings = TINY, examples: Callable = windows) -> str:
    with pytest.raises(RefusalError) as error:
        trainer.train(fresh(chosen), Training(chosen, *examples(), state=state))
    assert is_sentence(error.value)
    assert str(error.value).startswith(f"{state} ")
    assert "--fresh" in str(error.value)
    return str(error.value)


@pytest.mark.slow
def test_a_damaged_state_is_refused(tmp_path):
    """Wherever it is cut off or changed, and whatever else it may be."""
    state = kept(tmp_path)
    data = state.read_bytes()
    random = np.random.default_rng(1)
    damaged = [b"", random.bytes(len(data)), b"PK\x03\x04", data[:-1], data[1:], data + data]
    damaged += [data[: random.integers(len(data))] for _ in range(8)]
    for _ in range(24):
        place = random.integers(len(data))
        damaged.append(data[:place] + bytes([data[place] ^ 1 << int(random.integers(8))]) + data[place + 1 :])
    for one in damaged:
        state.write_bytes(one)
        assert "is damaged" in refused(state)
    state.write_bytes(data)
    trainer.train(fresh(TINY), Training(TINY, *windows(), state=state))


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_what_a_state_says_is_never_run(tmp_path):
    state, sprung = tmp_path / "state", tmp_path / "sprung"
    foreign: object
    for foreign in ({"a": 1}, [1], torch.zeros(3), Trap(sprung), {"whose": Trap(sprung)}, fresh(TINY).state_dict()):
        torch.save(foreign, state)
        data = state.read_bytes()
        for whole in (data, hashlib.sha256(data).digest() + data):
            state.write_bytes(whole)
            refused(state)
    data = f"cos\nmkdir\n(S'{sprung}'\ntR.".encode()
    state.write_bytes(hashlib.sha256(data).digest() + data)
    refused(state)
    assert not sprung.exists()
    os.unlink(state)
    state.mkdir()
    assert "cannot be read: Is a directory" in refused(state)


@pytest.mark.slow
def test_another_training_s_state_is_refused(tmp_path):
    state = kept(tmp_path)
    for other in (replace(TINY, seed=2), replace(TINY, steps=41), replace(TINY, n_layer=2), replace(TINY, dropout=0.1)):
        assert "other settings or another text" in refused(state, other)

    def changed() -> tuple[Examples, Examples]:
        train, held_out = windows()
        ids = train.ids.clone()
        ids[0] += 1
        return train._replace(ids=ids), held_out

    assert "other settings or another text" in refused(state, TINY, changed)
    assert "other settings or another text" in refused(state, TINY, lambda: windows()[::-1])


def test_a_state_that_cannot_be_written_is_refused(tmp_path):
    """A full disk, a folder that is gone, and one in the place of the file; what was kept before is still there."""
    state = kept(tmp_path)
    data = state.read_bytes()
    (tmp_path / "state.new").symlink_to("/dev/full")
    folder = tmp_path / "folder"
    folder.mkdir()
    for path, why in (
        (state, "No space left on device"),
        (tmp_path / "gone" / "state", "No such file or directory"),
        (state / "state", "Not a directory"),
        (folder, "Is a directory"),
    ):
        with pytest.raises(RefusalError, match=re.escape(f"{path} cannot be written: {why}; ")) as error:
            training_state.keep_state(path, Course(), nn.Linear(1, 1), AdamW(fresh(TINY), TINY))
        assert is_sentence(error.value)
    assert state.read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "state"]


# --- Killed -------------------------------------------------------------------------------------------------------

KILLED = replace(
    TINY, dtype="float64", dropout=0.2, accumulate=2, clip=0.1, steps=180, eval_every=9, save_every=3, n_embd=12
)


def write(model: nn.Module, step: int) -> str:
    """Eight characters, each drawn with its probability."""
    chance, ids = dataset.stream(1, step, "sample"), IDS[None, :1]
    with torch.no_grad():
        for _ in range(7):
            ids = torch.cat([ids, model(ids).logits[:, -1].softmax(-1).multinomial(1, generator=chance)], 1)
    return "".join(CHARACTERS[id] for id in ids[0])


def trained(out: Path, state: Path | None) -> None:
    model = fresh(KILLED, len(CHARACTERS))
    course = trainer.train(model, Training(KILLED, *windows(), write, state))
    rows = [{name: value for name, value in row.items() if name != "tokens a second"} for row in course.rows]
    torch.save({"weights": flat(model), **vars(course), "rows": rows, "seconds": 0.0}, out)


def child(task: Callable[[], None]) -> int:
    """The id of a process that does a task, and nothing after it."""
    process = os.fork()
    if process:
        return process
    try:
        task()
        os._exit(0)
    finally:
        os._exit(1)


def torn(number: int) -> None:
    """Half of the file is on the disk."""
    os.ftruncate(number, os.fstat(number).st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)


def trained_until(doom: str, after: int, out: Path, state: Path) -> None:
    """Trains, and dies while it keeps its state: when half of it is written, before it is in its place, or after."""
    name, calls = "fsync" if doom == "torn" else "replace", itertools.count(1)
    usual = getattr(os, name)

    def fatal(*arguments: Any) -> None:
        last = next(calls) == after
        if last and doom == "torn":
            torn(*arguments)
        if not last or doom == "after":
            usual(*arguments)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(os, name, fatal)
    trained(out, state)


def trained_aloud(pipe: int, out: Path, state: Path) -> None:
    """Trains, and says when a step begins."""
    usual = trainer.learning_rate
    trainer.learning_rate = lambda *arguments: os.write(pipe, b".") * usual(*arguments)
    trained(out, state)


def kill(folder: Path) -> None:
    """Trains once whole, and once killed twenty times; no thread runs in the process that forks."""
    random = np.random.default_rng()
    state, out = folder / "state", folder / "killed"
    processes = [child(lambda: trained(folder / "whole", None))]
    steps, beside = [], 0
    for n in range(20):
        doom = ("any time", "torn", "any time", "before", "any time", "after")[n % 6]
        if doom == "any time":
            reads, writes = os.pipe()
            process = child(lambda writes=writes: trained_aloud(writes, out, state))
            for _ in range(int(random.integers(13))):  # so that 20 do not come to the end
                os.read(reads, 1)
            time.sleep(random.uniform(0, 0.01))
            os.kill(process, signal.SIGKILL)
        else:
            process = child(lambda doom=doom, n=n: trained_until(doom, n // 6 + 1, out, state))
        status = os.waitpid(process, 0)[1]
        assert os.WIFSIGNALED(status), (n, doom, status)
        beside += state.with_name("state.new").exists()
        if state.exists():
            steps.append(training_state.unpack(state.read_bytes())["course"]["step"])
    processes.append(child(lambda: trained(out, state)))
    assert [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes] == [0, 0]
    print(beside, *steps)


@pytest.mark.slow
def test_a_killed_training_ends_as_if_it_was_not(tmp_path):
    """Killed twenty times, in the midst of a step or of writing its state: the same weights, log and samples."""
    script = "import sys, pathlib, torch; torch.set_num_threads(1); from tests.models import test_training as t; "
    done = subprocess.run(
        [sys.executable, "-c", script + "t.kill(pathlib.Path(sys.argv[1]))", tmp_path],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    beside, *steps = map(int, done.stdout.split())
    assert beside >= 7
    assert steps == sorted(steps)
    assert len(set(steps)) >= 6
    assert steps[-1] < KILLED.steps
    whole, killed = (torch.load(tmp_path / name) for name in ("whole", "killed"))
    assert torch.equal(whole.pop("weights"), killed.pop("weights"))
    best = whole.pop("best"), killed.pop("best")
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[0])
    assert whole == killed
    assert len(whole["samples"]) == len({text for _, text in whole["samples"]}) == 21


# --- Shared by processes ------------------------------------------------------------------------------------------

SHARED = {
    "lines": (replace(LINED, batch_size=7), lined),
    "all lines": (replace(LINED, batch_size=0, accumulate=2), lined),
    "windows": (replace(TINY, batch_size=5, accumulate=2), windows),
    "dropout": (replace(LINED, batch_size=7, dropout=0.3, accumulate=3), lined),
}
SHARED = {
    name: (replace(chosen, dtype="float64", steps=20, patience=9, clip=0.5), examples)
    for name, (chosen, examples) in SHARED.items()
}


def together(out: Path | str, team: Team) -> None:
    """Gradients of a step, and the weights and losses of twenty, of each case; for as many processes as there are."""
    results = {}
    for name, (chosen, examples) in SHARED.items():
        if team.size == 1:
            chosen = replace(chosen, accumulate=2 * chosen.accumulate)
        train, held_out = examples()
        model = fresh(chosen)
        loss = trainer.accumulate(model, Training(chosen, train, train, team=team), 3)
        results[name] = {"loss": loss, "gradient": gradient(model)}
        state = Path(f"{out}.{name}.state") if team.rank == 0 else None
        model = fresh(chosen)
        course = trainer.train(model, Training(chosen, train, held_out, state=state, team=team))
        results[name] |= {
            "weights": flat(model),
            "rows": [row.get("held-out loss", row["step"]) for row in course.rows],
        }
        model = fresh(chosen)  # from the state of the last steps but ten
        trainer.train(model, Training(chosen, train, held_out, state=state, team=team))
        assert close(flat(model), results[name]["weights"], 1e-12)
    torch.save(results, f"{out}.{team.rank}")


@pytest.mark.slow
def test_two_processes_are_one(tmp_path):
    """As torchrun starts them: the gradients of all parts, whoever computes them, and the same weights for both."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom tests.models import test_training as t\n"
        "with t.Team.gather() as team:\n    t.together(sys.argv[1], team)\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    done = subprocess.run(
        [*command, tmp_path / "two"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    together(tmp_path / "one", ALONE)
    one, first, second = (torch.load(tmp_path / name) for name in ("one.0", "two.0", "two.1"))
    for name in SHARED:
        assert first[name]["loss"] == pytest.approx(one[name]["loss"], rel=1e-12)
        assert first[name]["rows"] == second[name]["rows"] == pytest.approx(one[name]["rows"], rel=1e-9)
        assert close(first[name]["gradient"], one[name]["gradient"], 1e-12)
        assert close(first[name]["weights"], one[name]["weights"], 1e-9)
        assert torch.equal(first[name]["gradient"], second[name]["gradient"])
        assert torch.equal(first[name]["weights"], second[name]["weights"])


def test_a_folder_is_trained_by_one_process_at_a_time(tmp_path):
    """The second is refused before it touches what the first one keeps; it may come when that has ended."""
    with training_ground(tmp_path / "mine", fresh=False) as ground:
        (ground / "training.pt").write_text("state")
        for fresh in (False, True):
            with pytest.raises(RefusalError, match="mine is trained by another process; wait for that"):
                training_ground(tmp_path / "mine", fresh).__enter__()
        assert (ground / "training.pt").read_text() == "state"
    with training_ground(tmp_path / "mine", fresh=False):
        assert (ground / "training.pt").exists()
    with training_ground(tmp_path / "mine", fresh=True):
        assert not (ground / "training.pt").exists()
    assert not ground.exists()


def test_short_lines_that_are_no_sentences_are_read_in_windows(tmp_path):
    """Source code looks like lines of words; one that has a single word is none. What was asked for is not changed."""
    area = 'def area_{}(radius):\n    """\n    The area of a circle.\n    """\n    return 3.14159 * radius ** 2\n\n'
    (tmp_path / "train.txt").write_text("".join(area.format(n) for n in range(40)))
    texts = corpus.read_texts(tmp_path)
    task, note = fit.task_of(texts, {}, None, ALONE)
    assert (task.settings.examples, task.settings.tokenizer) == ("windows", "characters")
    assert note.startswith(
        'the text is read in windows, and not line by line, because the line \'    """\' has 1 token'
    )
    for asked in ({"examples": "lines"}, {"tokenizer": "words"}, {"n_context": 4}):
        with pytest.raises(RefusalError, match="the line"):
            fit.task_of(texts, asked, None, ALONE)
