"""Small plots, as SVG elements that stand in the page itself and take their colours from its style sheet.

A plot's width is that of a phone, and it is shown no larger than twice that: its letters stay readable on both.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from article.evidence.claim import wilson
from article.evidence.words import percent

if TYPE_CHECKING:
    from article.evidence.claim import Claim, Outcome


WIDTH, EDGE = 340, 22  # of a plot, and free at its sides for the numbers at the ends of the axis
DOT, BINS = 4.2, 36  # radius of a dot; places along the axis


def canvas(height: float, width: float = WIDTH, kind: str = "") -> Element:
    """An empty plot."""
    return Element("svg", {"class": f"chart {kind}".strip(), "viewBox": f"0 0 {width:g} {height:g}", "role": "img"})


def text(plot: Element, x: float, y: float, words: str, anchor: str = "middle") -> None:
    SubElement(plot, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = words


def line(plot: Element, x0: float, y0: float, x1: float, y1: float, kind: str = "axis") -> None:
    ends = {"x1": x0, "y1": y0, "x2": x1, "y2": y1}
    SubElement(plot, "line", {"class": kind} | {name: f"{value:.1f}" for name, value in ends.items()})


def classes(outcomes: Sequence["Outcome"], own: "Outcome") -> list[str]:
    """Of the mark of each training: whether the claim holds in it, and for one of them that it is the article's own."""
    kinds = ["held" if outcome.holds else "failed" for outcome in outcomes]
    if own in outcomes:
        kinds[outcomes.index(own)] += " own"
    return kinds


def dots(outcomes: Sequence["Outcome"], own: "Outcome") -> Element:
    """A dot for each training, stacked where values are alike: full where the claim holds, hollow where it does not.

    The axis runs from the least to the largest value; the article's own training is ringed.
    """
    values = np.array([float(outcome.value) for outcome in outcomes])
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    bins = np.clip(np.floor((values - low) / (high - low) * BINS), 0, BINS - 1).astype(int)
    height = 2 * DOT * int(np.bincount(bins).max()) + 26
    plot = canvas(height)
    ground = height - 18
    line(plot, EDGE, ground, WIDTH - EDGE, ground)
    stacked: Counter[int] = Counter()
    kinds = zip(bins.tolist(), classes(outcomes, own), strict=True)
    for bin, kind in sorted(kinds, key=lambda pair: pair[1].startswith("failed")):
        x = EDGE + (bin + 0.5) * (WIDTH - 2 * EDGE) / BINS
        y = ground - DOT - 1 - 2 * DOT * stacked[bin]
        stacked[bin] += 1
        SubElement(plot, "circle", {"class": kind, "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{DOT - 0.7:g}"})
    by_value = sorted(outcomes, key=lambda outcome: float(outcome.value))
    text(plot, EDGE, height - 4, by_value[0].text, "start")
    text(plot, WIDTH - EDGE, height - 4, by_value[-1].text, "end")
    return plot


def bars(outcomes: Sequence["Outcome"], own: "Outcome") -> Element:
    """A bar for each answer that trainings gave, as long as the number of those that gave it."""
    counts = Counter((outcome.text, outcome.holds) for outcome in outcomes).most_common()
    plot = canvas(18 * len(counts) + 4)
    room = 12 + max(len(words) for (words, _), _ in counts) * 6.8
    for row, ((words, holds), n) in enumerate(counts):
        y = 18 * row + 4
        mine = " own" if (words, holds) == (own.text, own.holds) else ""
        reach = (WIDTH - room - 40) * n / len(outcomes)
        place = {"x": f"{room:.1f}", "y": f"{y:g}", "width": f"{reach:.1f}", "height": "12"}
        SubElement(plot, "rect", {"class": ("held" if holds else "failed") + mine} | place)
        text(plot, room - 6, y + 10.5, words, "end")
        text(plot, room + reach + 6, y + 10.5, str(n), "start")
    return plot


def distribution(claim: "Claim") -> Element:
    """What a claim came to over the trainings."""
    spread = len({outcome.text for outcome in claim.survey if not isinstance(outcome.value, str)}) > 1
    plot = dots(claim.survey, claim.own) if spread else bars(claim.survey, claim.own)
    if spread:
        by_value = sorted(claim.survey, key=lambda outcome: float(outcome.value))
        middle = by_value[len(by_value) // 2].text
        said = f"from {by_value[0].text} to {by_value[-1].text}, in the middle {middle}"
    else:
        counts = Counter(outcome.text for outcome in claim.survey).most_common()
        said = ", ".join(f"{words} in {n}" for words, n in counts)
    plot.set("aria-label", f"Over {claim.seeds} trainings: {said}. In the article's: {claim.own.text}.")
    return plot


def interval(held: int, seeds: int) -> Element:
    """A share and Wilson's interval for it, on an axis from none to all."""
    plot = canvas(16, 160, "interval")
    low, high = wilson(held, seeds)
    line(plot, 6, 8, 154, 8)
    line(plot, 6 + 148 * low, 8, 6 + 148 * high, 8, "range")
    SubElement(plot, "circle", {"class": "held", "cx": f"{6 + 148 * held / seeds:.1f}", "cy": "8", "r": "4"})
    plot.set("aria-label", f"{held} of {seeds}; the interval is from {low:.0%} to {high:.0%}")
    return plot


def columns(outcomes: Sequence["Outcome"], own: "Outcome") -> Element:
    """A column for each training, in the order of their seeds: its probability, from 0 to 1."""
    high, ground = 120.0, 134.0
    plot = canvas(ground + 18)
    left, right = 40.0, WIDTH - 6.0
    for share in (0.0, 0.5, 1.0):
        line(plot, left, ground - high * share, right, ground - high * share, "axis" if share == 0 else "grid")
        text(plot, left - 4, ground - high * share + 4, percent(share), "end")
    pitch = (right - left) / len(outcomes)
    for n, (outcome, kind) in enumerate(zip(outcomes, classes(outcomes, own), strict=True)):
        height = high * float(outcome.value)
        place = {"x": left + (n + 0.15) * pitch, "y": ground - height, "width": 0.7 * pitch, "height": height}
        SubElement(plot, "rect", {"class": kind} | {name: f"{value:.1f}" for name, value in place.items()})
    text(plot, left, ground + 14, "seed 1", "start")
    text(plot, right, ground + 14, str(len(outcomes)), "end")
    return plot


def curve(film: Mapping) -> Element:
    """The loss over the recorded steps of a film, with the first of all steps at which the answer is predicted.

    It is as wide as the slider under it, whose steps lie below the points.
    """
    high, ground = 86.0, 100.0
    plot = canvas(ground + 16)
    plot.set("aria-label", "The loss falls in the course of the training.")
    steps, most = film["steps"], max(film["loss"])
    across = [EDGE + n * (WIDTH - 2 * EDGE) / (len(steps) - 1) for n in range(len(steps))]
    line(plot, EDGE, ground, WIDTH - EDGE, ground)
    places = " ".join(
        f"{x:.1f},{ground - high * loss / most:.1f}" for x, loss in zip(across, film["loss"], strict=True)
    )
    SubElement(plot, "polyline", {"class": "range thin", "points": places})
    if film["found"] is not None:
        found = float(np.interp(film["found"], steps, across))
        line(plot, found, ground - high, found, ground, "grid")
        text(plot, found + 5, ground - high + 9, f"step {film['found']:,}: the answer, for the first time", "start")
    text(plot, EDGE, ground + 14, "step 0", "start")
    text(plot, WIDTH - EDGE, ground + 14, f"{steps[-1]:,}", "end")
    return plot
