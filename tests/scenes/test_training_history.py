"""The training as a film: what is recorded is what happened, and what moves is what was recorded."""

import gzip
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

import gpt
from article.models import own
from article.sites import trained
from article.web import plots
from scenes.analysis.training_history import TrainingHistory
from scenes.export import readback
from tests.browser import Visitor, comes_to_life, more_tools

ALONE = "embed/growth.html"
STEP = 152  # that a training of our own stops to look at
SCALES = """
(viewer) => {
  let object = viewer;
  const keys = [];
  for (; object; object = Object.getPrototypeOf(object)) keys.push(...Object.getOwnPropertySymbols(object));
  const found = {};
  viewer[keys.find((key) => key.description === "scene")].traverse((node) => {
    const name = node.userData.name ?? node.name;
    if (/^course\\//.test(name)) {
      found[name] = node.children.map(({ scale, position }) => [scale.toArray(), position.toArray()]);
    }
  });
  return found;
}
"""


@pytest.fixture(scope="module")
def film() -> TrainingHistory:
    """The film of the article's model."""
    return trained.train(None)[0].training_history


@pytest.mark.slow
def test_it_records_what_happened(film: TrainingHistory):
    """Against a training of our own, watched on its way: a forward pass of some moments, and the word at every step.

    So it knows at which step exactly the answer was found; the words and the curve say so.
    """
    config, tokenizer, corpus, _ = own.read_data()
    seen: dict[int, gpt.Trace] = {}
    said: list[str] = []
    ids = torch.tensor([tokenizer.encode(film.sentence)])

    def watch(step: int, model: gpt.GPT) -> None:
        with torch.no_grad():
            said.append(tokenizer.vocab[int(model(ids).logits[0, -1].argmax())])
        if step in (0, STEP, config.steps):
            seen[step] = gpt.trace(model, tokenizer, film.sentence)

    gpt.train(config, tokenizer, corpus, watch)
    for step, trace in seen.items():
        k = film.steps.index(step)
        assert (film.course[..., k] == trace.embedding).all()
        assert film.said[k] == trace.prediction
        assert film.sure[k] == pytest.approx(trace.probability(film.answer), abs=1e-12)
    assert (film.course[..., -1] == film.embedding).all()
    assert film.steps[-1] == config.steps
    assert film.said[film.first] == film.answer != film.said[film.first - 1]

    assert film.said_at == tuple(said)
    assert film.found == said.index(film.answer)
    assert film.found is not None
    assert film.settled is not None
    assert {*said[film.settled :]} == {film.answer} != {said[film.settled - 1]}
    assert f"for the first time at step {film.found:,}" in film.caption(film.first)
    assert sum("for the first time" in film.caption(k) for k in range(len(film.steps))) == 1
    curve = plots.curve({"steps": film.steps, "loss": film.loss.tolist(), "found": film.found, "answer": film.answer})
    drawn = ElementTree.fromstring(curve.svg())  # noqa: S314 - our own
    (mark,) = (line for line in drawn.iter("line") if line.get("class") == "mark")
    (axis,) = (line for line in drawn.iter("line") if line.get("class") == "axis")
    left, right, at = (float(line.get(end, "")) for line, end in ((axis, "x1"), (axis, "x2"), (mark, "x1")))
    frame = (at - left) / (right - left) * (len(film.steps) - 1)  # which lie at equal distances
    assert film.found == pytest.approx(np.interp(frame, range(len(film.steps)), film.steps), abs=0.5)
    assert f"first “{film.answer}”: step {film.found:,}" in "".join(drawn.itertext())


def test_an_answer_that_is_never_found_is_not_marked(film: TrainingHistory):
    lost = replace(film, said=("?",) * len(film.steps), said_at=("?",) * (film.steps[-1] + 1))
    assert (lost.found, lost.settled) == (None, None)
    assert "for the first time" not in lost.caption(lost.first)
    curve = plots.curve({"steps": lost.steps, "loss": lost.loss.tolist(), "found": lost.found, "answer": "?"})
    assert "first" not in curve.svg()


def test_the_file_is_small_and_says_every_step(film: TrainingHistory, site: Path):
    glb = (site / "growth.glb").read_bytes()
    assert len(glb) <= 600_000
    assert len(gzip.compress(glb)) <= 200_000
    assert readback.disagreements(glb, film) == []
    document = readback.header(glb)
    for node, paths in readback.tracks(document, readback.binary(glb)).items():
        for path, (_, rows, _) in paths.items():  # where it does not play, it shows the model of the article
            assert document["nodes"][node][path] == pytest.approx(rows[-1], rel=1e-6, abs=1e-5)
    marks = readback.marks(glb)
    assert sum(mark.stated.size for mark in marks.values()) == 8 * 20 * len(film.steps)


def at_step(figure: Locator, k: int) -> dict[str, NDArray]:
    """How large, and where, the viewer itself has the parts of each mark, once the slider is at a recorded step."""
    figure.locator("input[type=range]").fill(str(k))
    figure.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found = figure.locator("model-viewer").evaluate(SCALES)
    return {name: np.array(parts) for name, parts in found.items()}


def test_the_slider_moves_the_columns_to_the_numbers_of_the_step(
    visit: Visitor, url: str, site: Path, film: TrainingHistory
):
    """The sizes that the nodes have in the viewer, read as the file says, are the embeddings of that step.

    It plays, pauses and steps by keyboard.
    """
    seen = visit(url + ALONE)
    figure, last = seen.figure("growth"), len(film.steps) - 1
    comes_to_life(figure)
    slider = figure.locator("input[type=range]")
    expect(slider).to_have_value(str(last))  # at rest, it is what the article's model is
    document = readback.header((site / "growth.glb").read_bytes())
    how = document["asset"]["extras"]
    root = next(node for node in document["nodes"] if node.get("name") == "scene")
    for k in (0, film.steps.index(STEP), 3, len(film.steps) - 1):
        found = at_step(figure, k)
        assert len(found) == 8 * 20
        for name, parts in found.items():
            index = tuple(map(int, name.split("/")[1:]))
            (value,) = readback.growing([{"scale": part[:1]} for part in parts], root, how)
            assert value == pytest.approx(film.course[*index, k], abs=how["limit"] / 500), name

    figure.get_by_role("button", name="One step back").press("Enter")
    expect(slider).to_have_value(str(last - 1))
    slider.press("Home")
    expect(figure.locator(".words")).to_have_text(film.caption(0))
    figure.get_by_role("button", name="1×").press("Enter")
    expect(figure.get_by_role("button", name="2×")).to_be_focused()
    figure.get_by_role("button", name="Play the training").press("Enter")
    expect(slider).not_to_have_value("0")
    figure.get_by_role("button", name="Pause").press("Enter")
    stopped = slider.input_value()
    figure.get_by_role("button", name="One step on").press("Enter")
    expect(slider).to_have_value(str(int(stopped) + 1))
    more_tools(figure).get_by_role("button", name="The next mark").click()
    expect(figure.locator(".readout")).to_contain_text("bird, component 1: ")
    assert seen.errors == []


@pytest.mark.parametrize("options", [{"java_script_enabled": False}, {"reduced_motion": "reduce"}])
def test_where_it_does_not_play_there_are_stills_and_words(
    visit: Visitor, url: str, film: TrainingHistory, options: dict
):
    seen = visit(url, **options)
    strip = seen.figure("growth").locator(".strip li")
    assert strip.count() == len(film.strip)
    for item, k in zip(strip.all(), film.strip, strict=True):
        item.scroll_into_view_if_needed()
        expect(item.locator("img")).to_be_visible()
        expect(item.locator("img")).to_have_js_property("complete", True)
        expect(item.locator("p")).to_have_text(film.caption(k))
    if options.get("reduced_motion"):
        comes_to_life(seen.figure("growth"))
        before = at_step(seen.figure("growth"), 5)
        assert before.keys() == at_step(seen.figure("growth"), 6).keys()
        expect(seen.figure("growth").locator("input[type=range]")).to_have_value("6")
