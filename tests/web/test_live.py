"""The model in plain JavaScript: every number of a pass is gpt.py's, and every weight of a training to the last bit."""

import contextlib
import copy
import functools
import gzip
import json
import random
import subprocess
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gpt
from article.models import ensemble
from article.web import live
from tests.browser import Serve
from tests.conftest import ROOT

LIVE = ROOT / "article" / "web" / "assets" / "live"
pytestmark = pytest.mark.npm  # Node comes with it


def node(task: str, argument: object) -> bytes:
    """What a task of live.mjs says."""
    command = ["node", str(Path(__file__).with_name("live.mjs")), f"{LIVE.as_uri()}/", task]
    done = subprocess.run(command, input=json.dumps(argument).encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def told(task: str, argument: object) -> Any:
    return json.loads(node(task, argument))


@pytest.fixture(scope="module")
def small(model: gpt.GPT) -> gpt.GPT:
    """The untrained model on the grid, with zeros of both signs."""
    small = copy.deepcopy(model)
    with torch.no_grad():
        for weight in small.parameters():
            weight.copy_((weight * live.GRID).round() / live.GRID)
        small.ln_f.bias[:2] = torch.tensor([0.0, -0.0])
    return small


def sent(model: gpt.GPT, tokenizer: gpt.Tokenizer) -> dict:
    return json.loads(live.packed(arrays(model), asdict(model.config), tokenizer.vocab))


def arrays(model: gpt.GPT) -> dict[str, np.ndarray]:
    return {name: weight.detach().numpy() for name, weight in model.named_parameters()}


# --- A look inside ------------------------------------------------------------------------------------------------


def test_the_configuration_is_gpt_s():
    assert told("defaults", None) == asdict(gpt.Config(n_vocab=1))


def test_words_are_python_s():
    """Every character of the first plane between two letters, and white space in all places."""
    texts = [f"a{chr(code)}b" for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    texts += ["", " ", "\ufeff a\tb\n", "a  b\x1fc "]
    assert told("words", texts) == [text.split() for text in texts]


def prompts(tokenizer: gpt.Tokenizer, n: int) -> list[str]:
    chosen = random.Random(5)  # noqa: S311
    return [" ".join(chosen.choices(tokenizer.vocab, k=1 + i % 8)) for i in range(n)]


def cuts(tokenizer: gpt.Tokenizer, n: int) -> list[tuple[str, list[tuple[str, float | list[float]]]]]:
    """Prompts, each with one or two cuts: at any place, a part of it or the whole, to zero, a number or several.

    A vector is never set to one number: LayerNorm would make whatever it likes of it.
    """
    chosen, result = random.Random(6), []  # noqa: S311
    places = ["entry", *(f"{place}/{l}" for place in ("attention", "mixed", "write", "mlp") for l in (0, 1))]
    for sentence in prompts(tokenizer, n):
        T, several = len(sentence.split()), []
        for place in chosen.sample(places, chosen.choice((1, 2))):
            shape = {"attention": (2, T, T), "mixed": (2, T, 10)}.get(place.split("/")[0], (T, 20))
            index = [chosen.randrange(size) for size in shape[: chosen.randrange(len(shape) + 1)]]
            values = [chosen.uniform(-1, 1) for _ in range(shape[-1])]
            value = chosen.choice((0.0, values, values[0] if len(shape) == 3 else values))
            several.append(("/".join([place, *map(str, index)]), value))
        result.append((sentence, several))
    return result


def edited(several: list[tuple[str, float | list[float]]], place: str, x: torch.Tensor) -> torch.Tensor:
    """The same in gpt.py's way."""
    x = x.clone()
    for path, value in several:
        kind, *numbers = path.split("/")
        start = 0 if kind == "entry" else 1
        if "/".join([kind, *numbers[:start]]) == place:
            part = x[(0, *map(int, numbers[start:]))]
            values = torch.tensor(value if isinstance(value, list) else [value], dtype=x.dtype)
            x[(0, *map(int, numbers[start:]))] = values.repeat(part.numel())[: part.numel()].view(part.shape)
    return x


def test_every_array_is_gpt_s(small, tokenizer):
    """Of 200 prompts, and of 50 with cuts, within 1e-12."""
    asked = [(sentence, []) for sentence in prompts(tokenizer, 200)] + cuts(tokenizer, 50)
    task = {"packed": sent(small, tokenizer), "asked": [{"sentence": s, "cuts": c} for s, c in asked]}
    numbers = np.frombuffer(node("traces", task))
    names = [field.name for field in fields(gpt.Trace) if field.type is np.ndarray]
    at, changed = 0, 0
    for sentence, several in asked:
        model = copy.copy(small)
        model.forward = functools.partial(small.forward, edit=functools.partial(edited, several))
        trace, plain = gpt.trace(model, tokenizer, sentence), gpt.trace(small, tokenizer, sentence)
        for name in names:
            wanted = getattr(trace, name)
            axes = int(numbers[at])
            assert tuple(numbers[at + 1 : at + 1 + axes]) == wanted.shape, name
            at += 1 + axes
            found = numbers[at : at + wanted.size].reshape(wanted.shape)
            assert np.abs(found - wanted).max() <= 1e-12, (sentence, several, name)
            at += wanted.size
        changed += bool(np.any(trace.lens != plain.lens))
    assert at == len(numbers)
    assert changed > 40


def test_what_it_predicts_is_gpt_s(small, tokenizer):
    sentences = prompts(tokenizer, 20)
    said = told("predictions", {"packed": sent(small, tokenizer), "sentences": sentences})
    for sentence, found in zip(sentences, said, strict=True):
        trace = gpt.trace(small, tokenizer, sentence)
        for name in ("tokens", "vocab"):
            assert found[name] == list(getattr(trace, name))
        assert (found["activation"], found["prediction"]) == (trace.activation, trace.prediction)
        assert np.abs(found["probabilities"] - trace.probabilities[-1, -1]).max() <= 1e-12


# --- Weights that are sent ----------------------------------------------------------------------------------------


def test_weights_arrive_to_the_bit(small, tokenizer):
    assert told("fingerprint", sent(small, tokenizer)) == gpt.fingerprint(small)


def test_weights_off_the_grid_are_not_sent(model):
    for weights in (arrays(model), {"a": np.array([np.nan])}, {"a": np.array([-128.0])}, {"a": np.array([np.inf])}):
        with pytest.raises(ValueError, match="not those of a training"):
            live.packed(weights, {}, ())
    assert "</script" not in live.packed({"a": np.zeros(1)}, {}, ("</script>",))


# --- Training -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 0, 2**32 - 1, 2**40 + 7])
def test_random_numbers_are_torch_s(seed):
    counts = [1, 3, 311, 312, 313, 2000]
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.rand(count, generator=generator, dtype=torch.float64).tolist() for count in counts]
    assert told("uniform", {"seed": seed, "counts": counts}) == [number for numbers in drawn for number in numbers]


def test_rounding_and_learning_rate_are_torch_s():
    values = [-2.5, -1.5, -0.5, -0.3, -0.0, 0.0, 0.3, 0.5, 1.5, 2.5, 7.49, -7.51, 2.0**40 + 0.5]
    rounded = torch.tensor(values, dtype=torch.float64).round().tolist()
    assert told("rounded", values) == [f"{value:.0f}" for value in rounded]
    config, steps = gpt.Config(n_vocab=1), list(range(480))
    assert told("rates", {"config": asdict(config), "steps": steps}) == [gpt.learning_rate(config, n) for n in steps]


@pytest.fixture(scope="module")
def corpora(corpus: list[str]) -> list[list[str]]:
    """Edited ones: a new word, a sentence twice and one of a single word; short sentences and the longest."""
    return [
        [sentence.replace("spider", "moth") for sentence in corpus[:-1]],
        [*corpus, corpus[3], "night"],
        ["a b", "b a c", "c a b a c b a b c"],
    ]


@pytest.mark.slow
def test_weights_are_gpt_s_to_the_last_bit(corpus, tokenizer, corpora):
    """The article's with three seeds, and those of three other corpora."""
    config = gpt.Config(n_vocab=len(tokenizer.vocab))
    models = ensemble.trainings(ensemble.Recipe(config), tokenizer, corpus, [1, 2, 3])
    wanted = [gpt.fingerprint(model) for model in models]
    asked: list[dict] = [{"given": {"seed": seed}, "corpus": corpus} for seed in (1, 2, 3)]
    for sentences in corpora:
        other = gpt.Tokenizer(sentences)
        wanted.append(gpt.fingerprint(gpt.train(gpt.Config(n_vocab=len(other.vocab)), other, sentences)))
        asked.append({"given": {}, "corpus": sentences})
    said = told("trainings", asked)
    assert [one["fingerprint"] for one in said] == wanted
    for one in said:
        first, *losses = one["losses"]
        assert first is None  # NaN
        assert len(losses) == config.steps
        assert sum(losses[-20:]) < sum(losses[:20])
    assert len(gzip.compress(json.dumps(sent(models[0], tokenizer)).encode())) <= 30_000


def test_a_training_can_be_stopped(small, corpus, tokenizer):
    """It gives the weights of its last step."""
    said = told("stopped", {"packed": sent(small, tokenizer), "corpus": corpus, "after": 3})
    seen: list[str] = []
    with contextlib.suppress(StopIteration):
        gpt.train(gpt.Config(n_vocab=len(tokenizer.vocab)), tokenizer, corpus, functools.partial(until, seen))
    assert said == {"steps": [0, 1, 2, 3], "fingerprint": seen[3]}


def until(seen: list[str], step: int, model: gpt.GPT) -> None:
    """Watches the weights of a training, and ends it after a few steps."""
    seen.append(gpt.fingerprint(model))
    if step == 3:
        raise StopIteration


def test_what_cannot_be_used_is_said(small, tokenizer, corpus):
    """In one sentence each."""
    place = "; “mixed/1/0” is one: head 0 of block 1"
    assert told("refused", {"packed": sent(small, tokenizer), "corpus": corpus}) == {
        name: f"Error: {text}"
        for name, text in {
            "unknown": "the corpus lacks the word “tiger” of the sentence “the tiger”",
            "prototype": "the corpus lacks the word “__proto__” of the sentence “the __proto__”",
            "empty": "the prompt holds no word; give it at least one",
            "long": "a sentence of 9 words is too long; the model reads 8 at most",
            "id": "the model has no token 21; there are 21 of them",
            "edit": "an edit gives 3 numbers for the 60 of entry",
            "block": f"the model has no place “mixed/2/0”{place}",
            "head": f"the model has no place “mixed/1/2”{place}",
            "place": f"the model has no place “heads/0”{place}",
            "path": f"the model has no place “mixed/one”{place}",
            "sentence": "the sentence “a b c d e f g h i j” has 10 words; it may have 9 at most",
            "word": "in this corpus no word follows another; give a sentence of two words or more",
            "none": "in this corpus no word follows another; give a sentence of two words or more",
            "rate": "at step 2 the loss is no number; lower the learning rate",
            "nan": "the weights are not all finite numbers",
            "short": "these are 10619 weights, where the configuration has 10620",
            "gelu": "the configuration is not of the article's kind: relu, no biases of queries, heads of one size",
        }.items()
    }


def test_scripts_are_small():
    """Model, training and their matrices, packed as a server sends them, with all that is said about them."""
    sizes = [len(gzip.compress((LIVE / name).read_bytes())) for name in ("model.js", "training.js", "matrices.js")]
    assert sum(sizes[:2]) <= 12 * 1024
    assert sum(sizes) <= 13_000


# --- In the background --------------------------------------------------------------------------------------------

PAGE = """<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self'; worker-src 'self'">
<script type="module" src="page.js"></script>"""
SCRIPT = """
window.trained = (told, stopAt) => new Promise((resolve) => {
  const worker = new Worker("training_worker.js", { type: "module" }), seen = [];
  worker.onerror = () => resolve("the worker failed");
  worker.onmessage = ({ data }) => {
    seen.push({ ...data, embedding: data.embedding?.length, weights: data.weights?.length });
    if (data.step === stopAt) worker.postMessage({ stop: true });
    if (data.error || data.fingerprint) resolve(seen);
  };
  worker.postMessage(told);
});"""


@pytest.mark.slow
def test_a_browser_trains_the_same_weights(tmp_path, serve: Serve, browser, corpus, tokenizer):
    """In a worker, under the policy of the pages; it shows what it does, and can be stopped."""
    for path in LIVE.glob("*.js"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "page.js").write_text(SCRIPT)
    recipe = ensemble.Recipe(gpt.Config(n_vocab=len(tokenizer.vocab)))
    (ours,) = ensemble.trainings(recipe, tokenizer, corpus, [1])
    page = browser.new_page()
    page.goto(f"{serve(tmp_path)}/index.html")
    page.wait_for_function("window.trained")
    ask = "([told, stopAt]) => window.trained(told, stopAt)"
    *steps, end = page.evaluate(ask, [{"corpus": corpus, "every": 40}, None])
    assert [shown["step"] for shown in steps] == list(range(481))
    assert [shown["step"] for shown in steps if shown["embedding"]] == list(range(0, 481, 40))
    assert (end["fingerprint"], end["weights"]) == (gpt.fingerprint(ours), 10_620)
    assert end["vocab"] == list(tokenizer.vocab)
    *steps, end = page.evaluate(ask, [{"corpus": corpus}, 5])
    assert 6 <= len(steps) < 400
    assert end["fingerprint"] != gpt.fingerprint(ours)
    (said,) = page.evaluate(ask, [{"corpus": ["word"]}, None])
    assert said["error"].startswith("in this corpus no word follows another")
    page.close()
