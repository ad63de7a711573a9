"""Trainings of other sentences and by other settings, in a browser; and what is asked, as files."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, ViewportSize, expect
from safetensors.numpy import load_file

import gpt
from article.models import ensemble
from scenes.export import readback
from tests.browser import BENCH, DESKTOP, STICKING_OUT, Visit, Visitor, comes_to_life
from tests.browser.test_live_page import OURS, answers, bench_of, best_of, words
from tests.browser.test_page import axe_finds_nothing

pytestmark = pytest.mark.npm
NARROW: ViewportSize = {"width": 360, "height": 740}
MARKUP = "<img/src=x/onerror=alert(1)>"
LONG = 40 * "long"
NUMBERS = {"steps": 60, "learning_rate": 0.02, "dropout": 0.2, "weight_decay": 0.25, "n_context": 9}
REFUSED = [
    ("corpus", "", "In this corpus no word follows another; give a sentence of two words or more."),
    ("corpus", "word", "In this corpus no word follows another; give a sentence of two words or more."),
    ("corpus", "one\na b", "The sentence “one” has one word, which no other follows; give it two or more."),
    ("corpus", "a b c d e f g h i j", "The sentence “a b c d e f g h i j” has 10 words; it may have 9 at most."),
    ("corpus", "a b\nb a", "The corpus lacks the word “at” of the sentence “at night"),
    ("held_out", "web", "The sentence that is held out has 2 to 9 words."),
    ("held_out", "at night at night at night at night at night", "The sentence that is held out has 2 to 9 words."),
    ("held_out", f"at {MARKUP}", f"The corpus lacks the word “{MARKUP}” of the sentence"),
    ("steps", "2.5", "Steps: give a whole number from 1 to 5000."),
    ("steps", "5001", "Steps: give a whole number from 1 to 5000."),
    ("learning_rate", "-1", "Learning rate: give a number from 0 to 1."),
    ("dropout", "1", "Dropout: give a number from 0 to 0.9."),
    ("weight_decay", "", "Weight decay: give a number from 0 to 10."),
    ("n_context", "33", "Context: give a whole number from 1 to 32."),
]


def opened(seen: Visit) -> Locator:
    bench = bench_of(seen)
    bench.locator(".recipe summary").focus()
    seen.page.keyboard.press("Enter")
    expect(bench.locator("[name=corpus]")).to_be_visible()
    return bench


def trained(bench: Locator) -> str:
    """Trains to the end; the fingerprint that is told."""
    bench.locator("[data-train]").click()
    told = bench.locator(".training p").first
    expect(told).to_contain_text("SHA-256 of your", timeout=60_000)
    return str(told.locator("code").first.get_attribute("title"))


@pytest.mark.parametrize("given", [{}, NUMBERS], ids=["sentences", "settings"])
def test_other_sentences_come_to_python_s_weights(
    visit: Visitor, url: str, corpus: list[str], held_out: str, given: dict[str, float]
) -> None:
    """Edited in two places, one of them markup, and by other numbers: what is told and answered is gpt.py's."""
    ours = [corpus[0].replace(corpus[0].split()[-1], MARKUP), *corpus[1:-1], "a fox made a den"]
    prompt, answer = held_out.rsplit(maxsplit=1)
    tokenizer = gpt.Tokenizer(ours)
    model = gpt.train(gpt.Config(n_vocab=len(tokenizer.vocab), seed=2, **given), tokenizer, ours)  # type: ignore[arg-type]
    trace = gpt.trace(model, tokenizer, prompt)
    seen = visit(url, viewport=DESKTOP)
    bench = opened(seen)
    bench.locator("[name=corpus]").fill("\n".join(["", *ours, "  "]))
    for name, value in {"seed": 2, **given}.items():
        bench.locator(f"[name={name}]").fill(str(value))
    assert trained(bench) == gpt.fingerprint(model)
    said = f"“{trace.prediction}” ({100 * trace.probability(trace.prediction):.1f}%)"
    right = trace.prediction == answer
    expect(bench.locator(".training p").first).to_contain_text(said + ("." if right else f"; right is “{answer}”."))
    added = bench.locator(".trainings button")
    expect(added).to_have_class("right" if right else "wrong")
    added.click()
    expect(bench.locator(".whose [role=status]")).to_contain_text("your training, seed 2, other sentences")
    assert answers(seen) == best_of(trace.probabilities[-1, -1], tokenizer.vocab)
    bench.locator(".chip").nth(3).click()
    assert bench.locator(".palette li button").all_inner_texts() == list(tokenizer.vocab)
    figure = seen.figure(BENCH)
    comes_to_life(figure)
    expect(figure.locator("model-viewer")).to_have_attribute("alt", re.compile(f"^For “{prompt}”"))
    assert bench.locator("img[onerror]").count() == 0
    bench.locator("[data-recipe]").click()
    assert bench.locator("[name=corpus]").input_value() == "\n".join(corpus)
    assert [bench.locator(f"[name={name}]").input_value() for name in ("seed", "steps", "dropout")] == [
        "1",
        "480",
        "0.1",
    ]
    bench.locator("[data-back]").click()
    expect(bench.locator(".whose [role=status]")).to_have_text(OURS)
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []


def test_a_corpus_without_the_words_of_the_prompt(visit: Visitor, url: str) -> None:
    """Its own held-out sentence is asked then; it has fewer words than there are answers to show, and a long one."""
    seen = visit(url, viewport=DESKTOP)
    bench = opened(seen)
    bench.locator("[name=corpus]").fill(f"one two\ntwo {LONG}")
    bench.locator("[name=held_out]").fill(f"one two {LONG}")
    bench.locator("[name=steps]").fill("30")
    trained(bench)
    bench.locator(".trainings button").click()
    assert words(seen) == "one two"
    expect(bench.locator(".answers li:visible")).to_have_count(3)
    bench.locator(".chip").first.click()
    seen.page.set_viewport_size(NARROW)
    assert seen.page.evaluate(STICKING_OUT) == []
    bench.locator("[name=way][value=mean]").check()
    bench.locator("[data-part='mlp/0']").click()
    expect(bench.locator(".whose [role=status]")).to_contain_text("MLP of block 1 at the mean")
    bench.locator("[data-back]").click()
    expect(bench.locator(".answers li:visible")).to_have_count(5)
    assert seen.errors == []


def test_what_cannot_be_trained_is_said(visit: Visitor, url: str) -> None:
    """In one sentence beside the button; nothing is trained, and what is shown stays."""
    seen = visit(url, viewport=DESKTOP)
    bench, told = opened(seen), bench_of(seen).locator(".training p").first
    before = [words(seen), answers(seen)]
    for name, value, said in REFUSED:
        bench.locator(f"[name={name}]").fill(value)
        bench.locator("[data-train]").click()
        expect(told).to_have_text(re.compile(f"^{re.escape(said)}"))
        expect(bench.locator("[data-train]")).to_have_text("Train it yourself")
        bench.locator("[data-recipe]").click()
    assert bench.locator(".trainings li").count() == 0
    assert [words(seen), answers(seen)] == before
    bench.locator("[name=learning_rate]").fill("1")
    bench.locator("[name=steps]").fill("2")
    trained(bench)
    assert seen.errors == []


def test_the_form_fits_and_axe_finds_nothing(visit: Visitor, url: str) -> None:
    seen = visit(url, viewport=DESKTOP)
    opened(seen)
    for size in (DESKTOP, NARROW):
        seen.page.set_viewport_size(size)
        axe_finds_nothing(seen, "bench")
        assert seen.page.evaluate(STICKING_OUT) == []
    seen.page.emulate_media(color_scheme="dark")
    axe_finds_nothing(seen, "bench", only=["color-contrast"])


def test_what_is_asked_is_kept_as_files(
    visit: Visitor, url: str, tokenizer: gpt.Tokenizer, corpus: list[str], tmp_path: Path
) -> None:
    """Weights that the safetensors library reads, a trace by the names of gpt.Trace, and the figure that follows."""
    recipe, asked = ensemble.Recipe(gpt.Config(n_vocab=len(tokenizer.vocab))), "at night the fox"
    (own,) = ensemble.trainings(recipe, tokenizer, corpus, [1])
    seen = visit(f"{url}#bench?prompt={asked.replace(' ', '+')}", viewport=DESKTOP)
    comes_to_life(seen.figure(BENCH))

    def kept(end: str) -> Path:
        with seen.page.expect_download() as waiting:
            bench_of(seen).locator(f"[data-file={end}]").click()
        assert waiting.value.suggested_filename.endswith(f".{end}")
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        return tmp_path / waiting.value.suggested_filename

    weights = load_file(kept("safetensors"))
    ours = {name: weight.detach().numpy() for name, weight in own.named_parameters()}
    assert weights.keys() == ours.keys()
    for name, weight in ours.items():
        assert (weights[name].dtype, weights[name].shape) == (np.float64, weight.shape)
        assert weights[name].tobytes() == weight.tobytes(), name
    trace, said = gpt.trace(own, tokenizer, asked), json.loads(kept("json").read_text("utf-8"))
    arrays = {name: array for name, array in vars(trace).items() if isinstance(array, np.ndarray)}
    for name, array in arrays.items():
        np.testing.assert_allclose(np.array(said[name]), array, atol=1e-12, rtol=0, err_msg=name)
        assert np.shape(said[name]) == array.shape
    assert (said["sentence"], said["tokens"], said["weights"]) == (asked, list(trace.tokens), trace.weights)
    assert readback.disagreements(kept("glb").read_bytes(), trace) == []
    assert seen.errors == []
