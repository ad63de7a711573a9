"""The labels of figures, as a reader sees them: how large, how clear, none on another, and what they name is named."""

import io
import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser import ALONE, ARTICLE, DESKTOP, FLOW, Visit, Visitor, comes_to_life

pytestmark = pytest.mark.npm
NARROW: ViewportSize = {"width": 390, "height": 844}
LEAST = {1280: 11, 390: 10}  # pixels of a font, by the width of the window
SHARE = {1280: 0.95, 390: 0.6}  # of all labels that are to be seen
CONTRAST = 4.5
NEEDED = re.compile(r"(row|token|query)\b")  # names of labels without which nothing can be read
FIGURES = "figure.scene:not(details:not([open]) figure)"

LABELS = """
(figure) => {
  const edge = figure.querySelector(".stage").getBoundingClientRect();
  return [...figure.querySelectorAll(".labels span")].map((span) => {
    const { left, top, right, bottom } = span.getBoundingClientRect();
    const { fontSize, color, transform } = getComputedStyle(span);
    const box = [left - edge.left, top - edge.top, right - edge.left, bottom - edge.top];
    const size = new DOMMatrix(transform).d * parseFloat(fontSize);
    return { text: span.textContent, is_shown: !span.matches(".off"), size, color, box };
  });
}
"""
WORDLESS = """
(figure, color) => {
  for (const span of figure.querySelectorAll(".labels span")) span.style.color = color;
}
"""
SHAPES = """
(viewer) => {
  const key = Object.getOwnPropertySymbols(viewer).find(({ description }) => description === "scene");
  const drawn = [];
  viewer[key].traverse((part) => {
    if (["plates", "ink"].includes(part.material?.name)) drawn.push(part.visible);
  });
  return drawn;
}
"""


def labels_of(figure: Locator) -> list[dict[str, Any]]:
    """What a figure has of labels on the page, once they are there."""
    expect(figure.locator(".labels span").first).to_be_attached()
    return figure.evaluate(LABELS)


def luminance(color: Any) -> Any:
    """Of colours (..., 3), 0 to 255, as the guidelines for accessible pages have it."""
    part = np.asarray(color, float) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrasts(figure: Locator, labels: list[dict[str, Any]]) -> list[float]:
    """The contrast of each label with what is behind its letters: with the pixel there that is least unlike it."""
    figure.evaluate(WORDLESS, "transparent")
    shot = figure.locator(".stage").screenshot()
    figure.evaluate(WORDLESS, "")
    picture = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))
    found = []
    for label in labels:
        left, top, right, bottom = (round(edge) for edge in label["box"])
        behind = luminance(picture[top + 2 : bottom - 2, left + 3 : right - 3]).ravel()
        own = luminance([int(part) for part in re.findall(r"\d+", label["color"])[:3]])
        found.append(float(((np.maximum(behind, own) + 0.05) / (np.minimum(behind, own) + 0.05)).min()))
    return found


def overlaps(labels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The texts of those that lie on each other."""
    pairs = itertools.combinations(labels, 2)
    return [
        (one["text"], other["text"])
        for one, other in pairs
        if all(min(one["box"][n + 2], other["box"][n + 2]) - max(one["box"][n], other["box"][n]) > 0.5 for n in (0, 1))
    ]


def read_well(figure: Locator, stated: list[dict[str, Any]], width: int) -> None:
    """What a figure is to show of labels in its first view, in a window so wide."""
    name, found = figure.get_attribute("id"), labels_of(figure)
    edges = figure.locator(".stage").evaluate("(stage) => [stage.clientWidth, stage.clientHeight]")
    shown = [label for label in found if label["is_shown"]]
    assert Counter(label["text"] for label in found) == Counter(label["text"] for label in stated), name
    assert len(shown) >= SHARE[width] * len(found), (name, [label["text"] for label in found if not label["is_shown"]])
    if width == DESKTOP["width"]:
        needed = Counter(label["text"] for label in stated if NEEDED.match(label["name"]))
        assert needed - Counter(label["text"] for label in shown) == Counter(), name
    assert min(label["size"] for label in shown) >= LEAST[width], name
    assert overlaps(shown) == [], name
    for label in shown:
        left, top, right, bottom = label["box"]
        assert 0 <= left < right <= edges[0], (name, label)
        assert 0 <= top < bottom <= edges[1], (name, label)
    for scheme in ("light", "dark"):
        figure.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        shown = [label for label in labels_of(figure) if label["is_shown"]]
        assert min(contrasts(figure, shown)) >= CONTRAST, (name, scheme)
    assert not any(figure.locator("model-viewer").evaluate(SHAPES)), name


def figures_of(seen: Visit) -> list[str]:
    return seen.page.locator("figure.scene").evaluate_all("(figures) => figures.map(({ id }) => id)")


@pytest.mark.parametrize("viewport", [DESKTOP, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("path", [ARTICLE, FLOW, ALONE])
def test_labels_can_be_read(visit: Visitor, url: str, site: Path, path: str, viewport: ViewportSize) -> None:
    """In the first view of each figure: large enough, clear in light and dark, whole, none on another."""
    seen = visit(url + path, viewport=viewport, reduced_motion="reduce").open_details("details:has(figure.scene)")
    names = figures_of(seen)
    assert names
    for name in names:
        comes_to_life(seen.figure(name))
        scene = name.removeprefix("bench-")
        known = json.loads((site / f"{scene}.marks.json").read_text("utf-8"))
        read_well(seen.figure(name), known["labels"], viewport["width"])
    assert seen.errors == []


@pytest.mark.parametrize("theta", [60, 180])
def test_labels_face_whoever_turns_a_figure(visit: Visitor, url: str, theta: int) -> None:
    """From another side they are as large and lie on no other, and most are there; on paper they are shapes."""
    seen = visit(url + ALONE, viewport=DESKTOP, reduced_motion="reduce").enliven("forward")
    figure = seen.figure("forward")
    first = {label["text"]: label["box"] for label in labels_of(figure)}
    figure.locator("model-viewer").evaluate(
        """async (viewer, theta) => {
          const { theta: now, phi, radius } = viewer.getCameraOrbit();
          viewer.cameraOrbit = `${now + (theta * Math.PI) / 180}rad ${phi}rad ${1.2 * radius}m`;
          viewer.jumpCameraToGoal();
          for (const _ of [1, 2, 3]) await new Promise(requestAnimationFrame);
        }""",
        theta,
    )
    shown = [label for label in labels_of(figure) if label["is_shown"]]
    assert len(shown) > 0.7 * len(first)
    assert min(label["size"] for label in shown) >= LEAST[1280]
    assert overlaps(shown) == []
    assert sum(label["box"] != first[label["text"]] for label in shown) > 0.9 * len(shown)
    seen.page.emulate_media(media="print")
    expect(figure.locator(".labels")).to_be_hidden()
    expect(figure.locator(".still")).to_be_visible()
