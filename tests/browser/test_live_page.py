"""The bench in a browser: its answers are gpt.py's, its cuts the ablation's, its trainings the page's weights."""

import base64
import copy
import functools
import importlib
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, expect

import gpt
from article.models import ensemble
from scenes import style
from scenes.analysis import ablation
from scenes.analysis.views import VIEWS
from scenes.export import readback
from scenes.export.glb import leaves
from tests.browser import (
    BENCH,
    DESKTOP,
    PHONE,
    STICKING_OUT,
    Visit,
    Visitor,
    comes_to_life,
    more_tools,
    shows_its_still,
)
from tests.browser.test_page import axe_finds_nothing

pytestmark = pytest.mark.npm
OURS = "These are the article’s own prompt and model."
ASKED = ["the spider made this", "a fox is at", "of", "web web web web web web web web"]
HOSTILE = [
    "#bench?prompt=at+night+the+tiger",
    "#bench?prompt=" + "+".join(["at"] * 9),
    "#bench?prompt=+",
    "#bench?prompt=<img+src=x+onerror=alert(1)>",
    "#bench?off=mixed/2/0",
    "#bench?off=__proto__",
    "#bench?prompt=at&off=mlp/0,,;&to=mean",
    "#bench?set=entry/9/0:1",
    "#bench?set=mixed/0:1,entry/0/0:1e9",
    "#bench?prompt=%E0%A4%A",
    "#%E0%A4%A?prompt=constructor",
]


@pytest.fixture(scope="module")
def own(corpus: list[str], tokenizer: gpt.Tokenizer) -> gpt.GPT:
    """The article's own model, as it is kept."""
    (own,) = ensemble.trainings(ensemble.Recipe(gpt.Config(n_vocab=len(tokenizer.vocab))), tokenizer, corpus, [1])
    return own


@pytest.fixture(scope="module")
def prompt(held_out: str) -> str:
    return held_out.rsplit(maxsplit=1)[0]


def bench_of(seen: Visit) -> Locator:
    return seen.page.locator("#bench")


def answers(seen: Visit) -> list[list[str]]:
    """The best tokens, with their probabilities and how these have changed."""
    rows = bench_of(seen).locator(".answers li").all()
    return [[part for part in row.locator("span").all_inner_texts() if part] for row in rows]


def best_of(chances: np.ndarray, vocab: tuple[str, ...]) -> list[list[str]]:
    return [[vocab[id], f"{100 * chances[id]:.1f}%"] for id in np.argsort(-chances)[:5]]


def points(part: float) -> str:
    text = f"{abs(100 * part):.{0 if abs(part) >= 0.01 else 1}f}"
    return "±0" if float(text) == 0 else ("−" if part < 0 else "+") + text


def switch(seen: Visit, path: str) -> Locator:
    return bench_of(seen).locator(f"[data-part='{path}']")


def words(seen: Visit) -> str:
    return " ".join(bench_of(seen).locator(".chip:not(.answer, .add)").all_inner_texts())


def test_it_answers_as_gpt_does_and_cuts_as_the_ablation(
    visit: Visitor, url: str, own: gpt.GPT, tokenizer: gpt.Tokenizer, corpus: list[str], prompt: str
) -> None:
    """Whichever prompt comes by the address; the changes beside all switches are those of scenes.analysis.ablation."""
    seen = visit(url, viewport=DESKTOP)
    expect(bench_of(seen).locator(".whose [role=status]")).to_have_text(OURS)
    console = "(asked) => asked.map(([prompt, ...paths]) => [...vitrine.trace(prompt, ...paths).probabilities])"
    for sentence in (prompt, *ASKED):
        seen.page.evaluate("(hash) => (location.hash = hash)", f"#bench?{'prompt=' + sentence.replace(' ', '+')}")
        expect(bench_of(seen).locator(".answers li").first).to_contain_text(
            best_of(gpt.trace(own, tokenizer, sentence).probabilities[-1, -1], tokenizer.vocab)[0][1]
        )
        assert words(seen) == sentence
        trace = gpt.trace(own, tokenizer, sentence)
        assert answers(seen) == best_of(trace.probabilities[-1, -1], tokenizer.vocab)
        cut = ablation.ablate(own, tokenizer, corpus, trace, trace.prediction)
        for way in ("without", "mean"):
            bench_of(seen).locator(f"[name=way][value={'zero' if way == 'without' else 'mean'}]").check()
            for l, h in np.ndindex(2, 2):
                expected = points(-float(cut.effect(getattr(cut, f"{way}_head"))[l, h]))
                expect(switch(seen, f"mixed/{l}/{h}").locator(".change")).to_have_text(expected)
            for l in range(2):
                expected = points(-float(cut.effect(getattr(cut, f"{way}_mlp"))[l]))
                expect(switch(seen, f"mlp/{l}").locator(".change")).to_have_text(expected)
        bench_of(seen).locator("[name=way][value=zero]").check()
        places = ablation.Cut("entry", (), own.embedding.weight[tokenizer.encode(sentence)])
        left = ablation.outcomes(own, tokenizer.encode(sentence), [places])[0]
        paths = [[sentence], [sentence, "position"], [sentence, "mixed/1/0"], [sentence, "mlp/0"]]
        found = np.array(seen.page.evaluate(console, paths))
        known = [trace.probabilities[-1, -1], left, cut.without_head[1, 0], cut.without_mlp[0]]
        assert np.abs(found - known).max() < 1e-12
        change = left[trace.id(trace.prediction)] - trace.probability(trace.prediction)
        expect(switch(seen, "position").locator(".change")).to_have_text(points(float(change)))
        switch(seen, "mlp/0").click()
        expect(bench_of(seen).locator(".whose [role=status]")).to_contain_text("MLP of block 1 off")
        assert [row[:2] for row in answers(seen)] == best_of(cut.without_mlp[0], tokenizer.vocab)
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []


def test_it_is_asked_by_keyboard(visit: Visitor, url: str, prompt: str) -> None:
    """Words are completed; what cannot be asked is said in a sentence, and what was shown stays."""
    seen = visit(url)
    keys, bench = seen.page.keyboard, bench_of(seen)
    message, field = bench.locator(".message"), bench.locator(".palette input")
    bench.locator(".chip").nth(3).focus()
    keys.press("Enter")
    expect(field).to_be_focused()
    keys.type("fo")
    assert bench.locator(".palette li:visible").all_inner_texts() == ["fox"]
    keys.press("Enter")
    expect(bench.locator(".chip").nth(3)).to_be_focused()
    assert words(seen) == prompt.replace("spider", "fox")
    expect(bench.locator(".whose [role=status]")).to_contain_text("your prompt “at night the fox sleeps in its own”")

    keys.press("Enter")
    keys.type("spidre")
    keys.press("Enter")
    expect(message).to_contain_text("The model has never met “spidre”")
    expect(message.get_by_role("button").first).to_have_text("spider")
    assert "fox" in words(seen)
    message.get_by_role("button").first.focus()
    keys.press("Enter")
    expect(message).to_be_empty()
    assert words(seen) == prompt

    bench.locator(".chip.answer").focus()
    keys.press("Enter")
    expect(message).to_have_text("A sentence of 9 words is too long; the model reads 8 at most.")
    assert words(seen) == prompt
    seen.page.evaluate("location.hash = '#bench?prompt=at'")
    expect(bench.locator(".chip.add")).to_have_count(1)
    bench.locator(".chip").first.focus()
    keys.press("Enter")
    bench.get_by_role("button", name="remove").focus()
    keys.press("Enter")
    expect(message).to_have_text("The prompt holds no word; give it at least one.")
    keys.press("Escape")
    expect(bench.locator(".palette")).to_be_hidden()
    bench.locator(".chip.add").focus()
    keys.press("Enter")
    keys.type("night the")
    keys.press("Enter")
    expect(field).to_be_focused()  # and on it goes
    keys.type("bi")
    keys.press("Enter")
    assert words(seen) == "at night the bird"
    switch(seen, "mixed/0/1").focus()
    keys.press("Space")
    expect(switch(seen, "mixed/0/1")).to_have_attribute("aria-pressed", "true")
    expect(switch(seen, "mixed/0/1").locator(".change")).to_have_text("off")
    assert seen.page.evaluate("location.hash") == "#bench?prompt=at+night+the+bird&off=mixed/0/1"
    bench.locator("[data-back]").focus()
    keys.press("Enter")
    expect(bench.locator(".whose [role=status]")).to_have_text(OURS)
    assert words(seen) == prompt
    assert seen.page.evaluate("location.hash") == ""
    assert seen.errors == []


def test_addresses_that_ask_for_anything_else_are_ignored(visit: Visitor, url: str, prompt: str) -> None:
    seen = visit(f"{url}#bench?prompt=the+bee+made&off=mlp/0,position&to=mean", viewport=DESKTOP)
    expect(bench_of(seen).locator(".whose [role=status]")).to_have_text(
        "You are looking at your prompt “the bee made”, with positions at the mean; MLP of block 1 at the mean."
    )
    assert words(seen) == "the bee made"
    for hostile in HOSTILE:
        seen.page.evaluate("(hash) => (location.hash = hash)", hostile)
        expect(bench_of(seen).locator(".whose [role=status]")).to_have_text(OURS)
        assert words(seen) == prompt
    assert seen.errors == []


def test_presets_are_what_they_say(visit: Visitor, url: str, own: gpt.GPT, tokenizer, corpus, held_out, prompt) -> None:
    """One was kept back, some are learned; one the model misses, though it knows only one end of it."""
    seen = visit(url)
    groups = (
        bench_of(seen)
        .locator("optgroup")
        .evaluate_all("(all) => all.map(({ label, children }) => [label, [...children].map(({ text }) => text)])")
    )
    found = dict(groups)
    assert found["kept back from the training"] == [prompt]
    assert [sentence.rsplit(maxsplit=1)[0] for sentence in corpus if sentence.startswith("at night")] == found[
        "like it, and learned"
    ]
    (missed,) = found["begun late, and missed"]
    ends = {
        sentence.split()[-1]
        for sentence in (held_out, *corpus)
        if f" {missed} " in sentence and sentence.split()[:-1][-1] == missed.split()[-1]
    }
    assert len(ends) == 1
    assert gpt.trace(own, tokenizer, missed).prediction not in ends
    bench_of(seen).locator("select").select_option(missed)
    assert words(seen) == missed


def test_a_training_comes_to_the_page_s_weights(visit: Visitor, url: str, own: gpt.GPT, tokenizer, prompt) -> None:
    """And one of another seed to others; both stand in a strip, and can be asked."""
    seen, fingerprint = visit(url, viewport=DESKTOP), gpt.fingerprint(own)
    bench, told = bench_of(seen), bench_of(seen).locator(".training p").first
    bench.get_by_role("button", name="Train it yourself").click()
    expect(bench.locator("[data-train]")).to_have_text("Stop")
    expect(told).to_contain_text("the same, to the last bit")
    assert told.locator("code").evaluate_all("(all) => all.map(({ title }) => title)") == [fingerprint] * 2
    assert len((bench.locator("polyline").get_attribute("points") or "").split()) == 480
    chance = gpt.trace(own, tokenizer, prompt).probability("web")
    expect(told).to_contain_text(f"Yours goes on with “web” ({100 * chance:.1f}%)")
    bench.locator("[name=seed]").fill("-1")
    bench.locator("[data-train]").click()
    expect(told).to_have_text("Seed: give a whole number from 0 to 4294967295.")
    bench.locator("[name=seed]").fill("2")
    bench.locator("[data-train]").click()
    expect(told).to_contain_text("Step 1")
    bench.get_by_role("button", name="Stop").click()
    expect(told).to_contain_text("others")
    assert len(bench.locator(".trainings li").all()) == 2
    bench.locator(".trainings button").last.click()
    expect(bench.locator(".whose [role=status]")).to_have_text(
        re.compile("your training, seed 2, stopped after [0-9]+ steps")
    )
    bench.locator("[data-back]").click()
    expect(bench.locator(".whose [role=status]")).to_have_text(OURS)
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []


DATA = """
async (figure) => {
  const bytes = new Uint8Array(await (await fetch(figure.dataset.src)).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
"""
SIZE = "(viewer) => { const { x, y, z } = viewer.getDimensions(); return [x, y, z]; }"
FITS = f"([viewer, size]) => ({SIZE})(viewer).every((x, n) => Math.abs(x - size[n]) < 1e-4)"


FOLLOWING = (BENCH, "prompt", "stream", "sum", "forward", "final", "predicted", "lens", "origin")
RECORDED = ("pairs", "map", "causes", "failure", "landscape", "growth")


def test_the_figures_follow(visit: Visitor, url: str, own: gpt.GPT, tokenizer: gpt.Tokenizer) -> None:
    """All that show a trace draw, read out and say what is the reader's, until they are the article's again."""
    seen = visit(f"{url}#bench?prompt=at+night+the", viewport=DESKTOP)
    comes_to_life(seen.figure(BENCH))
    for prompt, path, off in (
        ("the spider made", "", ""),
        ("at night the fox sleeps in its own", "/off=mixed/0/1", "head 2 of block 1 off"),
    ):
        query = f"#bench?prompt={prompt.replace(' ', '+')}{path.replace('/', '&', 1)}"
        seen.page.evaluate("(hash) => (location.hash = hash)", query)
        model = copy.copy(own)
        if off:
            cut = lambda place, x: x.index_fill(1, torch.tensor([1]), 0) if place == "mixed/0" else x  # noqa: E731
            model.forward = functools.partial(own.forward, edit=cut)
        trace = gpt.trace(model, tokenizer, prompt)
        for name in FOLLOWING:
            follows(seen, name, trace, off)
        for name in RECORDED:
            expect(seen.figure(name).locator(".whose")).to_contain_text("Recorded: the page’s model and its prompt")
    seen.figure("forward").locator(".whose button").click()
    for name in FOLLOWING:
        figure, known = seen.figure(name), name.removeprefix("bench-")
        figure.scroll_into_view_if_needed()
        expect(figure.locator(".whose")).to_have_count(0)
        expect(figure).to_have_attribute("data-src", re.compile(rf"^{known}\.glb"))
        expect(figure.locator(".still")).not_to_have_attribute("alt", re.compile("^For “"))
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []


PAINTED = """(viewer) => {
  const key = Object.getOwnPropertySymbols(viewer).find(({ description }) => description === "scene"), all = [];
  viewer[key].traverse((one) => one.isMesh && one.userData.trace && all.push([one.material.type, one.material.map]));
  return [...new Set(all.map(String))];
}"""


def test_a_figure_that_is_redrawn_keeps_its_light(visit: Visitor, url: str) -> None:
    """It was black: its matt faces had the picture of the shadow, which lies in the viewer by then, for a colour."""
    seen = visit(url, viewport=DESKTOP)
    figure = seen.figure(BENCH)
    comes_to_life(figure)
    viewer = figure.locator("model-viewer")
    assert viewer.evaluate(PAINTED) == ["MeshBasicMaterial,"]
    viewer.evaluate("(viewer) => void viewer.addEventListener('load', () => (window.isLoaded = true))")
    switch(seen, "mlp/0").click()
    seen.page.wait_for_function("() => window.isLoaded")
    assert viewer.evaluate(PAINTED) == ["MeshBasicMaterial,"]


def test_the_figures_of_the_flow_follow(visit: Visitor, url: str, own: gpt.GPT, tokenizer: gpt.Tokenizer) -> None:
    """All of them; what is asked travels in the links between the pages, and is forgotten there, too."""
    seen = visit(f"{url}#bench?prompt=the+spider+made", viewport=DESKTOP)
    expect(seen.page.locator("a[href^='flow.html']").last).to_have_attribute("href", re.compile(r"\?prompt="))
    seen.page.locator("a[href^='flow.html']").last.click()
    expect(bench_of(seen).locator(".whose [role=status]")).to_contain_text("your prompt “the spider made”")
    expect(bench_of(seen).locator("figure")).to_have_count(0)
    seen.open_details()
    trace = gpt.trace(own, tokenizer, "the spider made")
    names = [figure.get_attribute("id") or "" for figure in seen.figures]
    assert {"entrance", "match", "scores", "softmax", "carry", "mlp", "norm", "logit"} == {*names}
    for name in names:
        follows(seen, name, trace, "")
    back = seen.page.get_by_role("link", name="Back to the article")
    expect(back).to_have_attribute("href", "index.html#bench?prompt=the+spider+made")
    bench_of(seen).locator("[data-back]").click()
    expect(back).to_have_attribute("href", "index.html")
    expect(seen.figure("mlp").locator(".whose")).to_have_count(0)
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []


def follows(seen: Visit, name: str, trace: gpt.Trace, off: str) -> None:
    """Whether a figure shows a trace, to the eye, to the pointer and to who does not see it."""
    scene, figure = importlib.import_module(f"scenes.{name.removeprefix('bench-')}"), seen.figure(name)
    view = VIEWS[getattr(scene, "SHOWS", "trace")](trace)
    built = scene.build(view)
    points = np.concatenate([shape.points for shape in leaves(built)])
    size = (np.ptp(points, axis=0) * style.METER)[[0, 2, 1]].tolist()
    comes_to_life(figure)
    viewer = figure.locator("model-viewer")
    seen.page.wait_for_function(FITS, arg=[viewer.element_handle(), size])
    expect(viewer).to_have_attribute("alt", re.compile(f"^For “{trace.sentence}”: .*{off}"))
    assert readback.disagreements(base64.b64decode(figure.evaluate(DATA)), view) == [], name
    first = next(block.user_dict.data for block in built if "trace" in block.user_dict)
    if not off or "set" in off:  # later, the same is chosen again
        more_tools(figure).get_by_role("button", name="The next mark").click()
    expect(figure.locator(".readout")).to_contain_text(f"{first['values'][0]:.3f}".replace("-", "\N{MINUS SIGN}"))
    if off:
        expect(figure.locator(".readout")).to_contain_text(re.compile(f", with .*{off}"))
    if name != BENCH:
        expect(figure.locator(".whose")).to_contain_text("You are looking at")


@pytest.mark.parametrize(
    ("node", "place", "index"),
    [
        ("residual/0/3", "entry", (0, 3, 0)),
        ("residual/1/2", "mlp/0", (0, 2, 0)),  # the stream after a block, by what its MLP writes
    ],
)
def test_a_number_is_set_by_hand(
    visit: Visitor, url: str, own: gpt.GPT, tokenizer, prompt: str, node: str, place: str, index: tuple[int, ...]
) -> None:
    """By keys; the pass is Python's with that number in its place, the figures show it, and the address keeps it."""
    seen = visit(f"{url}#{BENCH}?mark={node}&part=1", viewport=DESKTOP)
    figure, status = seen.figure(BENCH), bench_of(seen).locator(".whose [role=status]")
    comes_to_life(figure)
    expect(figure.locator(".patch")).to_contain_text("Activation patching")
    figure.get_by_role("slider", name=re.compile("set by hand$")).focus()
    seen.page.keyboard.press("End")
    expect(status).to_contain_text(" set to ")
    path = "/".join([place, *map(str, index[1:])])
    found = re.search(rf"{path}(?::|%3A)(-?[0-9.]+)", seen.page.evaluate("location.hash"))
    assert found
    value = float(found[1])

    def edit(where: str, x: torch.Tensor) -> torch.Tensor:
        return (
            x.index_put([torch.tensor(i) for i in index], torch.tensor(value, dtype=x.dtype)) if where == place else x
        )

    model = copy.copy(own)
    model.forward = functools.partial(own.forward, edit=edit)
    trace = gpt.trace(model, tokenizer, prompt)
    array, *at = node.split("/")
    (number, *_) = np.ravel(getattr(trace, array)[tuple(map(int, at))])
    expect(figure.locator(".readout")).to_contain_text(f"{number:.3f}".replace("-", "\N{MINUS SIGN}"))
    assert answers(seen)[0][:2] == best_of(trace.probabilities[-1, -1], tokenizer.vocab)[0]
    assert readback.disagreements(base64.b64decode(figure.evaluate(DATA)), trace) == []
    follows(seen, "lens", trace, "set to")
    again = visit(seen.page.url, viewport=DESKTOP)
    expect(bench_of(again).locator(".whose [role=status]")).to_have_text(status.inner_text())
    figure.get_by_role("button", name="as computed").click()
    expect(status).to_have_text(OURS)
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []


def test_axe_finds_nothing_in_it(visit: Visitor, url: str) -> None:
    """Wide and narrow, light and dark, with all open; nothing sticks out."""
    seen = visit(f"{url}#bench?prompt=at+night&off=mixed/0/0", viewport=DESKTOP)
    bench_of(seen).locator(".chip").first.click()
    for size in (DESKTOP, PHONE):
        seen.page.set_viewport_size(size)
        axe_finds_nothing(seen, "bench")
        assert seen.page.evaluate(STICKING_OUT) == []
    seen.page.emulate_media(color_scheme="dark")
    axe_finds_nothing(seen, "bench", only=["color-contrast"])


def test_without_scripts_the_recorded_answer_stands_there(
    visit: Visitor, url: str, own: gpt.GPT, tokenizer, prompt
) -> None:
    seen = visit(url, java_script_enabled=False)
    assert words(seen) == prompt
    assert answers(seen) == best_of(gpt.trace(own, tokenizer, prompt).probabilities[-1, -1], tokenizer.vocab)
    shows_its_still(bench_of(seen).locator("figure"))
    assert bench_of(seen).get_by_role("button").count() == 0


def test_the_model_that_is_sent_is_the_page_s(site: Path, own: gpt.GPT, corpus: list[str]) -> None:
    (sent,) = re.findall(r'<script type="application/json">(.*?)</script>', (site / "index.html").read_text("utf-8"))
    said = json.loads(sent)
    assert said["fingerprint"] == gpt.fingerprint(own)
    assert (said["corpus"], said["config"]) == (corpus, asdict(own.config))
