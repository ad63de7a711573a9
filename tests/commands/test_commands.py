"""The commands that ask a model: what they print and write are the numbers of the real pass, and nothing else."""

import importlib
import io
import os
import re
import select
import signal
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gpt
from article import __main__
from article.commands.shared.options import described
from article.commands.shared.terminal import Terminal, fit
from article.models import loading, own, prompts, sampling
from article.models.model import OpenedModel
from article.models.sampling import Sampling
from scenes.analysis import stages as stages_
from scenes.analysis.stages import ASIDE
from tests.conftest import Start

PROMPT = "the fox made this"
LETTERS = "\n abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!$&',-.3:;?"  # 65
NEAR = 5.01e-4  # three decimals
OPEN = loading.open_model
LINE = "Before we proceed any further, hear me speak."


class Characters(gpt.Tokenizer):
    """A tokenizer of another kind, with a vocabulary for the eye."""

    def __init__(self) -> None:
        self.vocab = tuple({" ": "␣", "\n": "⏎"}.get(letter, letter) for letter in LETTERS)
        self.ids = {letter: id for id, letter in enumerate(LETTERS)}

    def encode(self, sentence: str) -> list[int]:
        if set(sentence) - set(LETTERS):
            raise ValueError("there is a character too many")
        return [self.ids[letter] for letter in sentence]

    def decode(self, ids) -> str:
        return "".join(LETTERS[id] for id in ids)


@pytest.fixture(scope="module")
def large() -> OpenedModel:
    """A model of characters, with more of everything."""
    tokenizer = Characters()
    config = gpt.Config(n_vocab=65, n_context=32, n_embd=64, n_layer=4, n_head=4, activation="gelu")
    model = gpt.GPT(config).double()
    gpt.initialise(model, 0.5, torch.Generator().manual_seed(3))
    return OpenedModel(config, tokenizer, model, (LINE,) * 70)


@pytest.fixture(autouse=True)
def ours(monkeypatch, model, tokenizer, corpus, large) -> OpenedModel:
    """The article's own model, untrained, and a run "large" beside it."""
    run = OpenedModel(model.config, tokenizer, model, tuple(corpus))
    monkeypatch.setattr(own, "own_model", lambda *_: run)
    monkeypatch.setattr(loading, "open_model", lambda checkpoint, *_: own.own_model() if checkpoint is None else large)
    monkeypatch.setenv("COLUMNS", "80")
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(variable, raising=False)
    return run


# --- The distribution ---------------------------------------------------------------------------------------------

logits_of = st.lists(st.floats(-30, 30) | st.integers(-2, 2).map(float), min_size=1, max_size=30)


@pytest.mark.slow
@given(logits_of, st.floats(0.01, 100), st.none() | st.integers(1, 40), st.none() | st.floats(0.001, 1))
@example([0.0] * 4, 1.0, None, 0.5)  # what reaches top-p exactly is enough
@settings(deadline=None, max_examples=300)
def test_shares_are_those_of_transformers(values, temperature, top_k, top_p):
    """After every change, the whole distribution is that of the library which most people use.

    Which of several tokens that are exactly alike is cut, the library leaves open; so these are compared as a group.
    """
    theirs: Any = importlib.import_module("transformers.generation.logits_process")

    logits = torch.tensor(values, dtype=torch.float64)
    shares = list(sampling.changed(logits, Sampling(temperature, top_k, top_p)).values())
    warpers: list = [theirs.TemperatureLogitsWarper(temperature)] * (temperature != 1)
    warpers += [theirs.TopKLogitsWarper(top_k)] if top_k else []
    warpers += [theirs.TopPLogitsWarper(top_p)] if top_p else []
    scores, no_ids = logits[None], torch.zeros(1, 0, dtype=torch.long)
    expected = [scores.softmax(-1)[0]]
    for warper in warpers:
        scores = warper(no_ids, scores)
        expected.append(scores.softmax(-1)[0])
    assert len(shares) == len(expected)
    alike = logits / temperature
    for ours, oracle in zip(shares, expected, strict=True):
        ours, oracle = (share[np.lexsort((share, alike))] for share in (ours, oracle))
        torch.testing.assert_close(ours, oracle, rtol=1e-12, atol=0)
        assert torch.equal(ours > 0, oracle > 0)


def test_of_tokens_that_are_alike_the_lower_ids_stay():
    """On every machine; and what is kept comes before what is cut in the order of the candidates."""
    drawn = sampling.draw(
        [], torch.zeros(40, dtype=torch.float64), Sampling(top_p=0.5), torch.Generator().manual_seed(1)
    )
    kept = int((drawn.last > 0).sum())
    assert kept in (20, 21)  # as rounding has it
    assert drawn.last.tolist() == pytest.approx([1 / kept] * kept + [0] * (40 - kept))
    assert drawn.order.tolist() == list(range(40))


@given(logits_of, st.sampled_from([0.0, 5e-324, 1e-310]))
def test_no_temperature_is_argmax(values, temperature):
    """Of two alike, the lower id; so cold that a float has no room for it is the same."""
    logits = torch.tensor(values, dtype=torch.float64)
    drawn = sampling.draw([0], logits, Sampling(temperature, 3, 0.5), torch.Generator().manual_seed(1))
    scores = logits / temperature if temperature else logits
    if temperature == 0 or not scores.isfinite().all():
        assert drawn.id == int(np.argmax(values))
        assert drawn.last.tolist() == [float(id == drawn.id) for id in range(len(values))]
    assert (drawn.u is None) == (temperature == 0)


@given(logits_of, st.integers(0, 2**63 - 1), st.none() | st.integers(1, 5))
def test_u_falls_where_the_token_lies(values, seed, top_k):
    """The candidates lie one after the other, the most probable first; u is the generator's next number."""
    logits = torch.tensor(values, dtype=torch.float64)
    drawn = sampling.draw([0], logits, Sampling(1.5, top_k), torch.Generator().manual_seed(seed))
    assert drawn.u == torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).item()
    assert drawn.u is not None
    order = sorted(range(len(values)), key=lambda n: (-values[n], n))
    assert drawn.order.tolist() == order
    before = sum(drawn.last[id].item() for id in order[: order.index(drawn.id)])
    assert before - 1e-12 <= drawn.u <= before + drawn.last[drawn.id].item() + 1e-12
    assert drawn.last[drawn.id] > 0


@pytest.mark.parametrize(("u", "id"), [(0.0, 0), (0.2499, 0), (0.25, 1), (0.75, 3), (1 - 2**-53, 3)])
def test_u_on_a_border(monkeypatch, u, id):
    """It belongs to the candidate that begins there."""
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor(u, dtype=torch.float64))
    assert sampling.draw([], torch.zeros(4, dtype=torch.float64), Sampling(), torch.Generator()).id == id


def test_u_behind_the_sum(monkeypatch):
    """Ten tenths sum to less than 1 in floating point; what lies behind belongs to the last candidate that is left."""
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor(1 - 2**-53, dtype=torch.float64))
    logits = torch.tensor([0.0] * 10 + [-1.0] * 3, dtype=torch.float64)
    drawn = sampling.draw([0], logits, Sampling(top_k=10), torch.Generator())
    assert drawn.u is not None
    assert drawn.up_to[-1] <= drawn.u, "another example is needed"
    assert drawn.id == 9


def test_samples(ours):
    """Each token is drawn from what the model says after the last n_context ones; the same seed draws the same."""
    ids, n = ours.tokenizer.encode(PROMPT), 9
    greedy = list(ids)
    for _ in range(n):
        greedy.append(int(ours.model(torch.tensor([greedy[-6:]])).logits[0, -1].argmax()))

    def sample(*how) -> list[int]:
        return [draw.id for draw in sampling.draws(ours.model, *how)]

    assert sample(ids, n, Sampling(0), torch.Generator(), 6) == greedy[4:]
    several = [sample(ids, n, Sampling(20), torch.Generator().manual_seed(s), 8) for s in (1, 1, 2)]
    assert several[0] == several[1] != several[2]
    with pytest.raises(ValueError, match="no token"):
        sample([], n, Sampling(), torch.Generator(), 8)


# --- generate -----------------------------------------------------------------------------------------------------


def asked(capsys, *arguments: object) -> str:
    """What a command prints when all is well."""
    assert __main__.main([str(argument) for argument in arguments]) == 0
    done = capsys.readouterr()
    assert done.err == ""
    assert "\x1b" not in done.out
    assert all(len(line) <= 80 and line == line.rstrip() for line in done.out.split("\n"))
    return done.out


def test_generate(capsys, ours):
    """The printed shares are the model's, each column sums to 1, and the token at the mark is where u falls."""
    options = ("--tokens", "7", "--temperature", "1.7", "--top-k", "12", "--top-p", "0.95", "--seed", "5")
    out = asked(capsys, "generate", PROMPT, *options)
    _, *parts = re.split(r"\n── Token \d+ ─+\n", out)
    parts[-1], text = re.split(r"\n── The text ─+\n", parts[-1])
    words: list[str] = [*PROMPT.split()]
    random = torch.Generator().manual_seed(5)
    for part in parts:
        lines = part.strip().split("\n")
        lines = [line for line in lines if not line.startswith("The text is longer")]
        assert lines[0] == f"after: {' '.join(words[-8:])}"
        assert lines[1].split("  ")[-1] == "up to"
        logits = ours.model(torch.tensor([ours.tokenizer.encode(" ".join(words[-8:]))])).logits[0, -1].detach()
        drawn = sampling.draw([], logits, Sampling(1.7, 12, 0.95), random)
        columns = [share.tolist() for share in drawn.shares.values()]
        seen, marked = [], None
        for line in lines[2:-1]:
            mark, label, cells = line[:2].strip(), line[2:18].strip(), line[18:].split()
            numbers = [0.0 if cell == "cut" else float(cell) for cell in cells]
            seen.append(numbers[:4])
            if not label.startswith("…"):
                id = ours.tokenizer.ids[label]
                assert numbers[:4] == [round(column[id], 4) for column in columns]
                assert [cell == "cut" for cell in cells[2:4]] == [column[id] == 0 for column in columns[2:]]
                if mark:
                    marked = label, numbers[4]
        assert np.array(seen).sum(0) == pytest.approx([1] * 4, abs=1e-3)
        u, low, high, token = re.fullmatch(r"u = (\S+) falls between (\S+) and (\S+): (\S+)", lines[-1]).groups()  # pyright: ignore[reportOptionalMemberAccess]
        assert float(low) <= float(u) <= float(high)
        assert float(u) == pytest.approx(drawn.u, abs=1e-6)
        assert marked == (token, float(high))
        assert token == ours.tokenizer.vocab[drawn.id]
        words.append(token)
    assert text == " ".join(words) + "\n"
    assert out.count("The text is longer than 8 tokens now; the model reads the last ones.") == 1
    assert out.index("is longer") > out.index("── Token 5") > 0
    assert asked(capsys, "generate", PROMPT, *options, "--quiet") == text


def test_generate_without_a_draw(capsys, ours):
    out = asked(capsys, "generate", f"  {PROMPT}\n", "--tokens", 2, "--temperature", 0)
    assert "Temperature 0 takes the most probable token, and nothing is drawn" in out
    assert "u =" not in out
    assert "longer" not in out
    first = gpt.trace(ours.model, ours.tokenizer, PROMPT).prediction
    second = gpt.trace(ours.model, ours.tokenizer, f"{PROMPT} {first}").prediction
    assert out.endswith(f"\n{PROMPT} {first} {second}\n")


def test_generate_from_a_prompt_that_is_cut(capsys, ours):
    """The last tokens are read; the text keeps all of it."""
    prompt = "at night the fox sleeps in its own den in"
    assert __main__.main(["generate", prompt, "--cut", "--tokens", "1", "--temperature", "0", "--quiet"]) == 0
    done = capsys.readouterr()
    assert done.err == "gpt.py: The prompt has 10 tokens, of which the model reads the last 8.\n"
    answer = gpt.trace(ours.model, ours.tokenizer, " ".join(prompt.split()[-8:])).prediction
    assert done.out == f"{prompt} {answer}\n"
    out = asked(capsys, "generate", prompt, "--cut", "--tokens", "1", "--temperature", "0")
    assert out.startswith("The prompt has 10 tokens, of which the model reads the last 8.\n")


def test_generate_with_another_model(capsys):
    """Of characters, white space is kept; what is drawn is shown even if it is not among the most probable."""
    out = asked(
        capsys, "generate", "Hear\n me", "--checkpoint", "large", "--tokens", 30, "--temperature", 9, "--seed", 4
    )
    assert "after: Hear⏎ me\n" in out
    assert out.split("── The text ")[1].split("\n", 1)[1].startswith("Hear\n me")
    for part in out.split("── Token ")[1:]:
        assert len(re.findall("(?m)^► ", part)) == 1
    assert re.search(r"(?m)^  … \d+ more.*\n► .*\n  … \d+ more", out)


# --- explain ------------------------------------------------------------------------------------------------------

NUMBERS = re.compile(r"(?:-?\d+(?:\.\d+)?(?:e[-+]\d+)?|·|≈ 0)(?= |$)")


def sections(out: str) -> dict[str, list[str]]:
    """The lines below each heading."""
    _, *parts = re.split(r"(?m)^── (.*?) ─+\n", out)
    return {title: lines.strip("\n").split("\n") for title, lines in zip(parts[::2], parts[1::2], strict=True)}


def cells(lines: list[str], labels: list[str]) -> np.ndarray:
    """The numbers of the rows that have these labels, in their order; a dot is a zero."""
    rows, wanted = [], iter(labels)
    label = next(wanted)
    for line in lines:
        if line.startswith(fit(label, 15)) and "." in line[15:]:
            rows.append([0.0 if cell == "·" else float(cell) for cell in line[15:].split()])
            label = next(wanted, "\0")
    assert label == "\0", f"there is no row {label!r}"
    return np.array(rows)


def check_explained(out: str, trace: gpt.Trace, heads: int, tokens: int, keys: int) -> None:
    """The tables have the numbers of the trace, as far as they are shown."""
    told = sections(out)
    T = len(trace.tokens)
    rows = [f"{t} {token}" for t, token in enumerate(trace.tokens, 1)][-tokens:]
    for stage in stages_.stages(trace):
        if stage.group.id == ASIDE:
            continue
        title, values = f"{stage.group.title}: {stage.title}", stage.values
        lines, kind = told[title], stage.array or stage.id
        assert any(f"Shape {stage.shape}" in line for line in lines)
        if kind in ("ids", "prediction"):
            continue
        if kind in ("normed_1", "normed_2", "normed"):
            before = (trace.middle if kind == "normed_2" else trace.residual)[stage.index][-tokens:]
            after = values[-tokens:]
            moments = np.stack([before.mean(-1), before.std(-1), after.mean(-1), after.std(-1)], -1)
            assert cells(lines, rows) == pytest.approx(moments, abs=NEAR)
            first = max(n for n, line in enumerate(lines) if line.startswith("component"))
            assert cells(lines[first:], rows) == pytest.approx(values[-tokens:, :8], abs=NEAR)
        elif kind in ("gain", "bias"):
            assert cells(lines, [kind]) == pytest.approx(values[None, :8], abs=NEAR)
        elif kind == "embedding":
            assert cells(lines, list(trace.vocab[:8])) == pytest.approx(values[:8, :8], abs=NEAR)
        elif values.ndim == 3 and kind in ("score", "attention"):
            shown = cells(lines, rows * heads)
            expected = values[:heads, -tokens:, -keys:].reshape(-1, min(keys, T))
            if kind == "attention":
                assert shown[:, -1].tolist() == [1.0] * len(shown)  # the printed sum
                assert shown[:, :-1].sum(1) == pytest.approx(1, abs=5.01e-3)
                others = values[:heads, -tokens:, :-keys].sum(-1).reshape(-1, 1)
                expected = np.hstack([others, expected]) if keys < T else expected
                shown = shown[:, :-1]
                dots = sum(line.count("·") for line in lines)
                n = min(keys, T)
                assert dots == heads * n * (n - 1) // 2 + heads * (len(rows) - n) * n
            assert shown == pytest.approx(expected, abs=NEAR)
        elif kind == "probabilities":
            shown = cells(lines, rows)
            assert shown[:, -1].tolist() == [1.0] * len(rows)
            assert shown[:, 1:-1] == pytest.approx(values[-tokens:, :7], abs=NEAR)
            assert shown[:, 0] == pytest.approx(values[-tokens:, 7:].sum(1), abs=NEAR)
        else:
            whole = values if values.ndim == 3 else values[None]
            shown = cells(lines, rows * min(heads, len(whole)))
            most = 7 if kind == "lens" else 8
            assert shown == pytest.approx(whole[:heads, -tokens:, :most].reshape(len(shown), -1), abs=NEAR)
        for name, labels in stage.axes:
            most = heads if name == "head" else 8
            assert (f" of {len(labels)} " in " ".join(lines)) == (len(labels) > most), name


def test_explain(capsys, ours):
    """All that it prints of our own model is in the trace; what a vector is a sum of, sums to it."""
    trace = gpt.trace(ours.model, ours.tokenizer, PROMPT)
    out = asked(capsys, "explain", PROMPT)
    check_explained(out, trace, 2, 8, 8)
    told = sections(out)
    for title, lines in told.items():
        if any(line.endswith("is a sum:") for line in lines):
            terms = cells(lines, [line[:15].strip() for line in lines if line.startswith("+ ")])
            assert len(terms) >= 2
            assert terms.sum(0) == pytest.approx(cells(lines, ["= sum"])[0], abs=2e-3), title
    assert sum("is a sum:" in line for lines in told.values() for line in lines) == 1 + 3 * 2
    for l in range(2):
        active = [line for line in told[f"Block {l + 1}: Hidden units"] if " active: " in line]
        expected = [f"{n} of 80" for n in (trace.hidden[l] > 0).sum(1)]
        assert [line.split("active:")[1].strip() for line in active] == expected
        steps = told[f"Block {l + 1}: Attention pattern"]
        steps = steps[next(n for n, line in enumerate(steps) if line.startswith("Softmax")) :]
        score, share = trace.score[l, 0, -1], trace.attention[l, 0, -1]
        table = cells(steps, [f"{t} {token}" for t, token in enumerate(trace.tokens, 1)])
        e = np.exp(score - score.max())
        assert table == pytest.approx(np.stack([score, score - score.max(), e, share], 1), abs=NEAR)
        assert float(steps[0].split()[-1].rstrip(":")) == pytest.approx(e.sum(), abs=NEAR)
    tokens = [line.split() for line in told["From text to vectors: Tokens and ids"][-4:]]
    assert [(int(id), token) for id, _, token in tokens] == [(trace.id(token), token) for token in trace.tokens]
    best = sorted(trace.vocab, key=trace.probability, reverse=True)[:5]
    five = told["From vectors to the next token: Prediction"]
    assert [line[:15].strip() for line in five[-6:-1]] == best
    numbers = [[trace.id(token), trace.lens[-1, -1, trace.id(token)], trace.probability(token)] for token in best]
    assert cells(five, best) == pytest.approx(np.array(numbers), abs=NEAR)
    assert five[-1] == f"The model answers: {trace.prediction}"


@pytest.mark.slow
def test_explain_a_large_model(capsys, large):
    """What is left out is said, and 80 columns are enough."""
    prompt = LINE[-32:]
    check_explained(
        asked(capsys, "explain", prompt, "--checkpoint", "large"),
        gpt.trace(large.model, large.tokenizer, prompt),
        2,
        8,
        7,
    )


@pytest.mark.slow
def test_explain_a_prompt_that_is_cut(capsys, large):
    trace = gpt.trace(large.model, large.tokenizer, LINE[-32:])
    out = asked(capsys, "explain", LINE, "--checkpoint", "large", "--cut")
    assert "The prompt has 45 tokens, of which the model reads the last 32.\n" in out
    check_explained(out, trace, 2, 8, 7)


def test_long_tokens_and_large_numbers_keep_the_columns(capsys, monkeypatch, ours):
    """A label that is cut says so; a number that has no room loses decimals. In the list of ids, tokens are whole."""
    long = "Donaudampfschifffahrtsgesellschaft"
    tokenizer = gpt.Tokenizer([" ".join([long, "\x1b[2J", *ours.tokenizer.vocab[2:]])])
    model = gpt.GPT(ours.config).double()
    gpt.initialise(model, 3e5, torch.Generator().manual_seed(1))
    monkeypatch.setattr(own, "own_model", lambda *_: replace(ours, tokenizer=tokenizer, model=model))
    out = asked(capsys, "explain", f"the {long} \x1b[2J")
    assert f"       0  2 {long}\n" in out
    assert "\n2 Donaudampfsc… " in out
    assert "<U+001B>[2J" in out
    rows = [line[15:].split() for line in sections(out)["From text to vectors: Residual stream"] if line[:3] == "1 t"]
    entry = gpt.trace(model, tokenizer, f"the {long} \x1b[2J").residual[0, 0, :8]
    assert [float(cell) for cell in rows[0]] == pytest.approx(entry, rel=0.5)


def test_colour_changes_nothing_else(capsys, monkeypatch):
    """On a terminal there are colours; without them it reads the same."""
    plain = asked(capsys, "explain", PROMPT)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert __main__.main(["explain", PROMPT]) == 0
    coloured = capsys.readouterr().out
    assert coloured.count("\x1b[") > 1000
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_training_step(capsys, ours):
    """Losses, gradients and updates are those of gpt.py's own functions; the model that was asked stays as it is."""
    weights = gpt.fingerprint(ours.model)
    out = asked(capsys, "explain", PROMPT, "--training")
    assert out.startswith(asked(capsys, "explain", PROMPT))
    assert gpt.fingerprint(ours.model) == weights
    told = sections(out)

    model = gpt.GPT(ours.config).double()
    model.load_state_dict(ours.model.state_dict())
    ids, targets = gpt.batch(ours.tokenizer, ours.corpus)
    names = [name for name, _ in model.named_parameters()]
    adamw = gpt.AdamW(dict(model.named_parameters()), ours.config)
    logits = model(ids).logits
    loss = gpt.loss(logits, targets)
    gradients = dict(zip(names, torch.autograd.grad(loss, adamw.weights), strict=True))
    adamw.step(ours.config.steps * 95 // 100, list(gradients.values()))

    said = " ".join(told["Training: the loss"])
    assert f"Mean surprise at the next token: {loss:.4f} nats" in said
    assert "all 19 sentences" in said
    rows = [line.split() for line in told["Training: the loss"] if re.fullmatch(r" +\d+ +\d+ +\d+\.\d+", line)]
    losses = np.array([float(row[2]) for row in rows])
    assert [int(row[1]) for row in rows] == (targets != gpt.NO_TARGET).sum(0).tolist()
    counts = np.array([int(row[1]) for row in rows])
    assert (losses * counts).sum() / counts.sum() == pytest.approx(loss.item(), abs=1e-4)
    first = -torch.log_softmax(logits[:, 0], -1)[range(len(ids)), targets[:, 0]].mean()
    assert losses[0] == pytest.approx(first.item(), abs=5.01e-5)

    lines = {line.split()[0]: line[46:] for line in told["Training: gradients and updates"]}
    for name, weight in model.named_parameters():
        mean, norm, change = lines[name].replace("≈ 0", "0").split()
        gradient, before = gradients[name], ours.model.get_parameter(name)
        assert float(mean) == pytest.approx(gradient.mean().item(), rel=6e-3, abs=1e-12 * gradient.norm().item())
        assert float(norm) == pytest.approx(gradient.norm().item(), rel=6e-3)
        assert float(change) == pytest.approx((weight - before).norm().item(), rel=6e-3)

    after = gpt.loss(model(ids).logits, targets).item()
    assert told["Training: what the step did"][0].startswith(f"Loss {loss:.4f} → {after:.4f}.")


@pytest.mark.slow
def test_training_step_of_a_large_model(capsys):
    """Of many sentences the first are shown to it, and of long ones the first tokens; both is said."""
    told = sections(asked(capsys, "explain", "Hear", "--checkpoint", "large", "--training"))
    said = " ".join(told["Training: the loss"])
    assert "the first 64 of 70 sentences of its corpus, of longer ones on the first 33 tokens" in said
    assert len(re.findall(r" \d+ +64 +\d+\.\d{4}", said)) == 32


def press(keys: list[str], terminal: int, told: int) -> None:
    """Presses a key each time that one is asked for and can be read singly."""
    said, left, patience = b"", list(keys), time.monotonic() + 60
    try:
        while True:
            assert select.select([told], [], [], 60)[0], said
            letter = os.read(told, 1)
            if not letter:
                break
            said += letter
            if said.endswith(b"q quits"):
                while termios.tcgetattr(terminal)[3] & termios.ICANON:
                    assert time.monotonic() < patience
                os.write(terminal, left.pop(0).encode())
        assert not left
    except BaseException:
        os.close(terminal)  # nobody waits for a key that does not come
        raise


def test_a_key_at_a_time(capsys, monkeypatch):
    """Each key shows a stage more, and q quits; the terminal is as it was before."""
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    with open(theirs) as keyboard, ThreadPoolExecutor(1) as hand:
        monkeypatch.setattr(sys, "stdin", keyboard)
        for keys, stages in (("  q", 3), ("Q", 1), ("\x04", 1), ("\x1b[Bq", 2)):
            told, tells = os.pipe()
            with open(told), open(tells, "w") as errors, monkeypatch.context() as patch:
                patch.setattr(sys, "stderr", errors)
                pressed = hand.submit(press, re.findall("\x1b\\[B|.", keys), ours, told)
                assert __main__.main(["explain", PROMPT, "--step"]) == 0
                errors.close()
                pressed.result()
            out, err = capsys.readouterr()
            assert (len(re.findall("(?m)^── ", out)), err) == (stages, "")
            assert termios.tcgetattr(theirs) == before
    os.close(ours)


# --- trace --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "options", "read"), [(PROMPT, [], PROMPT), (LINE, ["--checkpoint", "large", "--cut"], LINE[-32:])]
)
def test_trace(capsys, tmp_path, monkeypatch, ours, large, prompt, options, read):
    """The file has every array of the trace, to the bit, and needs no pickle."""
    run = large if options else ours
    trace, file = gpt.trace(run.model, run.tokenizer, read), tmp_path / "trace.npz"
    file.write_bytes(b"an older one")
    monkeypatch.chdir(tmp_path)
    out = asked(capsys, "trace", prompt, "--out", "trace.npz", *options)
    assert ("The prompt has 45 tokens, of which the model reads the last 32." in out) == bool(options)
    with np.load(file, allow_pickle=False) as kept:
        arrays = dict(kept)
    known = {name: value for name, value in vars(trace).items() if name != "unembed"}  # the embedding serves
    for name, value in known.items():
        assert np.array_equal(arrays[name], np.array(value)), name
        assert arrays[name].dtype == np.array(value).dtype
    assert {type(value) for value in known.values()} == {str, tuple, float, np.ndarray}
    assert set(arrays) == {*known, "logits", "probabilities", "ids"}
    assert arrays["ids"].tolist() == run.tokenizer.encode(read)
    assert np.array_equal(arrays["logits"], trace.lens[-1])
    T = len(trace.tokens)
    expected = [[trace.probability(token, t=t) for token in trace.vocab] for t in range(T)]
    assert arrays["probabilities"] == pytest.approx(np.array(expected), abs=1e-14)
    assert arrays["sentence"] == read
    assert arrays["vocab"].tolist() == list(run.tokenizer.vocab)
    assert [path.name for path in tmp_path.iterdir()] == ["trace.npz"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_trace_that_cannot_be_written(capsys, tmp_path, monkeypatch):
    """A disk without room leaves the old file, and no other."""
    file = tmp_path / "trace.npz"
    file.write_bytes(b"an older one")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert __main__.main(["trace", PROMPT, "--out", str(file)]) == 2
    assert capsys.readouterr().err == f"gpt.py: {file} cannot be written: No space left on device; it is as it was.\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"trace.npz": b"an older one"}


# --- Refusals -----------------------------------------------------------------------------------------------------

COMMANDS = (["generate"], ["explain"], ["trace", "--out", "new.npz"])
NINE = " ".join(["the"] * 9)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([""], "the prompt is empty; it needs at least one token"),
        ([" \t\n"], "the prompt is empty"),
        (["", "--checkpoint", "large"], "the prompt is empty"),
        (["the wolf made a cave a wolf"], "the corpus lacks the words 'wolf', 'cave'; write the prompt with"),
        (["the wolf"], "the corpus lacks the word 'wolf';"),
        (["the \x1b[2J"], r"the corpus lacks the word '\x1b[2J'"),
        (["1 + 1", "--checkpoint", "large"], "the corpus lacks the characters '1', '+'; write the prompt with"),
        ([NINE], "the prompt has 9 tokens, and the model reads at most 8; with --cut it reads the last ones"),
        ([LINE, "--checkpoint", "large"], "the prompt has 45 tokens, and the model reads at most 32"),
        ([], "the following arguments are required: PROMPT"),
        (["the", "--colour"], "unrecognized arguments: --colour"),
        (["the", "fox"], "unrecognized arguments: fox"),
        (["the", "--checkpoint", ""], "'' is no path"),
    ],
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_bad_prompts_are_refused(capsys, tmp_path, monkeypatch, command, arguments, says):
    refused(capsys, tmp_path, monkeypatch, [*command, *arguments], says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        *(
            (["generate", "the", option, value], f"argument {option}: '{value[:60]}' is no {what}")
            for option, what, values in (
                ("--temperature", "number from 0", ["nan", "-1", "-0.1", "inf", "hot", ""]),
                ("--top-k", "whole number from 1", ["0", "-1", "1.5", "x", "1" * 5000]),
                ("--tokens", "whole number from 1", ["0", "-3", "many"]),
                ("--top-p", "number above 0 and at most 1", ["0", "1.01", "-0.5", "nan", "inf", "half"]),
                ("--seed", "whole number from 0", ["-1", "x"]),
            )
            for value in values
        ),
        (["trace", "the"], "required: --out"),
        (["trace", "the", "--out", "new.npy"], "new.npy is no name for a file that ends in .npz"),
        (["trace", "the", "--out", "new"], "new is no name for a file that ends in .npz"),
        (["trace", "the", "--out", ".npz"], ".npz is no name for a file that ends in .npz"),
        (["trace", "the", "--out", "folder.npz"], "folder.npz is no name for a file that ends in .npz"),
        (["trace", "the", "--out", "n" * 300 + ".npz"], "cannot be written: File name too long; it is as it was"),
        (["trace", "the", "--out", "n" * 300 + "/new.npz"], "has no folder to lie in"),
        (["trace", "the", "--out", "lost/new.npz"], "lost/new.npz has no folder to lie in"),
        (["explain", "the", "--step"], "--step waits for keys, and there is no terminal"),
    ],
)
def test_bad_options_are_refused(capsys, tmp_path, monkeypatch, arguments, says):
    refused(capsys, tmp_path, monkeypatch, arguments, says)


def refused(capsys, tmp_path: Path, monkeypatch, arguments: list[str], says: str) -> None:
    """One sentence, exit status 2, nothing written."""
    (tmp_path / "folder.npz").mkdir()
    monkeypatch.chdir(tmp_path)
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert __main__.main(arguments) == 2
    done = capsys.readouterr()
    assert done.out == ""
    assert done.err.startswith("gpt.py: ")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_that_is_no_run_is_refused(capsys, tmp_path, monkeypatch, command):
    monkeypatch.setattr(loading, "open_model", OPEN)
    says = "lost cannot be used: there is no such file or folder; name nanoGPT's ckpt.pt, or the folder of a model."
    refused(capsys, tmp_path, monkeypatch, [*command, "the", "--checkpoint", "lost"], says)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_tokenizer_without_its_model_is_refused(capsys, tmp_path, monkeypatch, command):
    monkeypatch.setattr(loading, "open_model", OPEN)
    says = "--tokenizer is about a model from elsewhere; name that with --checkpoint."
    refused(capsys, tmp_path, monkeypatch, [*command, "the", "--tokenizer", "meta.pkl"], says)


def test_a_corpus_that_is_not_known_has_no_step(capsys, tmp_path, monkeypatch, ours):
    """It is said before anything is told."""
    monkeypatch.setattr(own, "own_model", lambda *_: replace(ours, corpus=()))
    says = "it is not known what the model was trained on, so --training has no step to tell"
    refused(capsys, tmp_path, monkeypatch, ["explain", "the", "--training"], says)


def test_a_cut_prompt_keeps_its_ids(large):
    """The text of the last ids may have other ids by itself; what is traced are those of the whole text."""

    class Pairs(Characters):
        def encode(self, sentence: str) -> list[int]:
            return super().encode(sentence)[::-1]

    run = replace(large, tokenizer=Pairs())
    prompt = prompts.read(run, LINE, cut=True)
    assert prompts.traced(run, prompt).tokens == tuple(run.tokenizer.vocab[id] for id in prompt.ids[-32:])


# --- Leaving early ------------------------------------------------------------------------------------------------

ENDLESS = ["generate", "the", "--tokens", "99999"]


def test_interrupted(start: Start):
    """Ctrl-C ends it without a traceback, and without a word on the site, which it has nothing to do with."""
    one = start(*ENDLESS)
    while not one.stdout.stat().st_size:
        assert one.poll() is None
    os.kill(one.process, signal.SIGINT)
    done = one.wait()
    assert (done.returncode, done.stderr) == (130, "gpt.py: interrupted.\n")


@pytest.mark.parametrize("command", [ENDLESS, ["explain", "the"]], ids=lambda command: command[0])
def test_a_pipe_that_nobody_reads(command, start: Start, tmp_path):
    """It ends, and says nothing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    one = start(*command, stdout=pipe)
    os.close(os.open(pipe, os.O_RDONLY))  # when it has opened the other end
    done = one.wait()
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_the_letters(monkeypatch):
    """What it has no letter for, it gets as a number."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert __main__.main(["explain", "the"]) == 0
    assert rb"\u2500\u2500 The prompt" in raw.getvalue()
    assert b"the 0 of the\nfuture" in raw.getvalue() or b"of the 1 cells" in raw.getvalue()


def test_help_names_every_command(capsys):
    for arguments in (["-h"], *([name, "-h"] for name in __main__.NAMES)):
        with pytest.raises(SystemExit) as left:
            __main__.main(arguments)
        assert left.value.code == 0
    help = capsys.readouterr().out
    for name in __main__.NAMES:
        assert f"  {name} {described(name)['usage']} " in help
        assert f"usage: gpt.py {name} " in help


def test_terminal_of_any_width(capsys, monkeypatch):
    """Prose is wrapped to a narrow terminal; a wide one is not filled."""
    for columns, most in (("40", 40), ("200", 80)):
        monkeypatch.setenv("COLUMNS", columns)
        Terminal().say(["word " * 100])
        assert max(map(len, capsys.readouterr().out.split("\n"))) in range(most - 5, most + 1)
