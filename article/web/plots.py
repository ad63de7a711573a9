"""Plots, as SVG: small ones that stand in a page and take their colours from its style sheet, and charts in files.

A plot's width is that of a phone, and it is shown no larger than twice that: its letters stay readable on both. Lines
of a chart differ in their dashes, too, and have their names at their ends; in a file, the colours are its own, also for
dark paper (`assets/chart.svg`).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from article.evidence.claim import Claim, Outcome, wilson
from article.evidence.words import percent
from article.web import html

WIDTH, EDGE = 340, 22  # of a plot, and free at its sides for the numbers at the ends of the axis
DOT, BINS = 4.2, 36  # radius of a dot; places along the axis


class Plot:
    """A drawing of marks, which are words, lines and shapes; `width` and `height` are the units of their places."""

    def __init__(self, height: float, width: float = WIDTH, kind: str = "", label: str = "") -> None:
        self.size, self.kind, self.label = (width, height), f"chart {kind}".strip(), label
        self.marks: list[tuple[str, dict[str, str], str]] = []

    def add(self, tag: str, kind: str = "", words: str = "", **places: float | str) -> None:
        """Adds a mark of a kind that the style sheet knows; its places are rounded to a tenth."""
        written = {name: f"{place:.1f}" if isinstance(place, float) else str(place) for name, place in places.items()}
        self.marks.append((tag, ({"class": kind} if kind else {}) | written, words))

    def text(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        self.add("text", words=words, x=float(x), y=float(y), **{"text-anchor": anchor})

    def line(self, x0: float, y0: float, x1: float, y1: float, kind: str = "axis") -> None:
        self.add("line", kind, x1=float(x0), y1=float(y0), x2=float(x1), y2=float(y1))

    def svg(self, label: str = "", of_file: bool = False) -> Markup:
        """The drawing, with words that say what it shows: an element of a page, or a file with its own style."""
        values = {"kind": self.kind, "size": self.size, "label": label or self.label, "marks": self.marks}
        return html.render("chart.svg", **values, of_file=of_file)

    __html__ = svg


def classes(outcomes: Sequence[Outcome], own: Outcome) -> list[str]:
    """Of the mark of each training: whether the claim holds in it, and for one of them that it is the article's own."""
    kinds = ["held" if outcome.holds else "failed" for outcome in outcomes]
    if own in outcomes:
        kinds[outcomes.index(own)] += " own"
    return kinds


def dots(outcomes: Sequence[Outcome], own: Outcome) -> Plot:
    """A dot for each training, stacked where values are alike: full where the claim holds, hollow where it does not.

    The axis runs from the least to the largest value; the article's own training is ringed.
    """
    axis = Axis.of((float(outcome.value) for outcome in outcomes), 0, BINS)
    bins = [min(int(axis.at(float(outcome.value))), BINS - 1) for outcome in outcomes]
    height = 2 * DOT * max(Counter(bins).values()) + 26
    plot = Plot(height)
    ground = height - 18
    plot.line(EDGE, ground, WIDTH - EDGE, ground)
    stacked: Counter[int] = Counter()
    kinds = zip(bins, classes(outcomes, own), strict=True)
    for bin, kind in sorted(kinds, key=lambda pair: pair[1].startswith("failed")):
        x = EDGE + (bin + 0.5) * (WIDTH - 2 * EDGE) / BINS
        plot.add("circle", kind, cx=x, cy=ground - DOT - 1 - 2 * DOT * stacked[bin], r=DOT - 0.7)
        stacked[bin] += 1
    by_value = sorted(outcomes, key=lambda outcome: float(outcome.value))
    plot.text(EDGE, height - 4, by_value[0].text, "start")
    plot.text(WIDTH - EDGE, height - 4, by_value[-1].text, "end")
    return plot


def bars(outcomes: Sequence[Outcome], own: Outcome) -> Plot:
    """A bar for each answer that trainings gave, as long as the number of those that gave it."""
    counts = Counter((outcome.text, outcome.holds) for outcome in outcomes).most_common()
    plot = Plot(18 * len(counts) + 4)
    room = 12 + max(len(words) for (words, _), _ in counts) * 6.8
    for row, ((words, holds), n) in enumerate(counts):
        y = 18 * row + 4
        mine = " own" if (words, holds) == (own.text, own.holds) else ""
        reach = (WIDTH - room - 40) * n / len(outcomes)
        plot.add("rect", ("held" if holds else "failed") + mine, x=room, y=y, width=reach, height=12)
        plot.text(room - 6, y + 10.5, words, "end")
        plot.text(room + reach + 6, y + 10.5, str(n), "start")
    return plot


def distribution(claim: Claim) -> Plot:
    """What a claim came to over the trainings."""
    if len({outcome.text for outcome in claim.survey if not isinstance(outcome.value, str)}) > 1:
        plot, by_value = dots(claim.survey, claim.own), sorted(claim.survey, key=lambda outcome: float(outcome.value))
        said = f"from {by_value[0].text} to {by_value[-1].text}, in the middle {by_value[len(by_value) // 2].text}"
    else:
        plot, counts = bars(claim.survey, claim.own), Counter(outcome.text for outcome in claim.survey).most_common()
        said = ", ".join(f"{words} in {n}" for words, n in counts)
    plot.label = f"Over {claim.seeds} trainings: {said}. In the article's: {claim.own.text}."
    return plot


def interval(held: int, seeds: int) -> Plot:
    """A share and Wilson's interval for it, on an axis from none to all."""
    low, high = wilson(held, seeds)
    plot = Plot(16, 160, "interval", f"{held} of {seeds}; the interval is from {low:.0%} to {high:.0%}")
    plot.line(6, 8, 154, 8)
    plot.line(6 + 148 * low, 8, 6 + 148 * high, 8, "range")
    plot.add("circle", "held", cx=6 + 148 * held / seeds, cy=8, r=4)
    return plot


def columns(outcomes: Sequence[Outcome], own: Outcome) -> Plot:
    """A column for each training, in the order of their seeds: its probability, from 0 to 1."""
    high, ground = 120.0, 134.0
    plot = Plot(ground + 18)
    left, right = 40.0, WIDTH - 6.0
    for share in (0.0, 0.5, 1.0):
        plot.line(left, ground - high * share, right, ground - high * share, "axis" if share == 0 else "grid")
        plot.text(left - 4, ground - high * share + 4, percent(share), "end")
    plot.text(right, 9, "probability of the answer", "end")
    pitch = (right - left) / len(outcomes)
    for n, (outcome, kind) in enumerate(zip(outcomes, classes(outcomes, own), strict=True)):
        height = high * float(outcome.value)
        kind = kind.replace("failed", "held")  # its height says it all
        plot.add("rect", kind, x=left + (n + 0.15) * pitch, y=ground - height, width=0.7 * pitch, height=height)
    plot.text(left, ground + 14, "seed 1", "start")
    plot.text(right, ground + 14, str(len(outcomes)), "end")
    return plot


def curve(film: Mapping) -> Plot:
    """The loss over the recorded steps of a film, with the first of all steps at which the answer is predicted.

    It is as wide as the slider under it, whose steps lie below the points: at equal distances, whatever is between.
    """
    steps, losses = film["steps"], film["loss"]
    plot = Plot(96, label=f"The loss, in nats a token: {losses[0]:.2f} at step 0, {losses[-1]:.2f} at {steps[-1]:,}.")
    ground, y = 80.0, Axis(0.0, max(losses), 80.0, 16.0)
    across = [EDGE + n * (WIDTH - 2 * EDGE) / (len(steps) - 1) for n in range(len(steps))]
    plot.text(EDGE, 9, "loss, nats a token", "start")
    for tick in y.ticks(4):
        plot.line(EDGE, y.at(tick), WIDTH - EDGE, y.at(tick), "grid" if tick else "axis")
        plot.text(EDGE - 4, y.at(tick) + 4, short(tick), "end")
    points = " ".join(f"{x:.1f},{y.at(loss):.1f}" for x, loss in zip(across, losses, strict=True))
    plot.add("polyline", "range thin", points=points)
    if film["found"] is not None:
        found = float(np.interp(film["found"], steps, across))
        plot.line(found, 16.0, found, ground, "mark")
        plot.text(found - 4, 26, f"first “{film['answer']}”: step {film['found']:,}", "end")
    for n in range(0, len(steps) - 2, 4):
        plot.text(across[n], ground + 13, f"{steps[n]:,}")
    plot.text(WIDTH - 1, ground + 13, f"step {steps[-1]:,}", "end")
    return plot


# --- Charts of what was measured in the course of a training --------------------------------------------------------

GAP = 11.0  # between names of lines
LEFT, RIGHT = 46.0, 266.0  # of an axis across; at its left are numbers, at its right names
POINTS = 800  # of a chart of several panels, at most
LOOKS = [f"{color}{dashes}" for dashes, color in product(("", " dashed", " dotted"), ("blue", "orange", "green"))]


class Chart(NamedTuple):
    """A drawing and what it shows, in words."""

    svg: bytes
    alt: str
    height: int  # of WIDTH


class Series(NamedTuple):
    """What was measured of one thing, and at which steps."""

    steps: Sequence[float]
    values: Sequence[float]

    def at(self, n: int) -> str:
        return f"{short(self.values[n])} at step {self.steps[n]:,}"

    def told(self, name: str, *, most: bool = False) -> str:
        """Where it starts and ends, and its extremes."""
        extremes = f"the least is {self.at(int(np.argmin(self.values)))}"
        extremes += f", the most {self.at(int(np.argmax(self.values)))}" if most else ""
        return f"{name}: {self.at(0)}, {self.at(-1)}; {extremes}."

    def thinned(self, n: int) -> "Series":
        """The means of n neighbours at a time."""
        parts = range(0, len(self.steps), n)
        return Series(*([float(np.mean(row[k : k + n])) for k in parts] for row in self))


class Line(NamedTuple):
    """A line of a chart: its name, how it looks (assets/chart.svg), and its points."""

    name: str
    look: str
    series: Series


class Axis(NamedTuple):
    """Where numbers from `low` to `high` are drawn, from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    @classmethod
    def of(
        cls, values: Iterable[float], start: float, end: float, logarithmic: bool = False, free: float = 0
    ) -> "Axis":
        """An axis for all of the values, of whose ends such a share is `free`."""
        low, high = min(values := list(values)), max(values)
        if low == high:
            low, high = (low / 2, high * 2) if logarithmic else (low - 0.5, high + 0.5)
        room = free * (math.log(high / low) if logarithmic else high - low)
        ends = (low * math.exp(-room), high * math.exp(room)) if logarithmic else (low - room, high + room)
        return cls(*ends, start, end, logarithmic)

    def at(self, value: float) -> float:
        low, high, value = map(math.log if self.logarithmic else float, (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers along the axis: 1 and 3 of each power of ten, or steps of 1, 2 or 5 of one.

        >>> Axis(0.0, 40.0, 0, 1).ticks(), Axis(0.02, 4.0, 0, 1, True).ticks()
        ([0.0, 10.0, 20.0, 30.0, 40.0], [0.03, 0.1, 0.3, 1.0, 3.0])
        """
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            round_numbers = (float(f"{one}e{power}") for power in powers for one in (1, 3))
            every = [tick for tick in round_numbers if self.low <= tick <= self.high]
            return every if len(every) <= most + 1 else every[:: math.ceil(len(every) / most)]
        power = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
        step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if self.high - self.low <= most * step)
        return [n * step for n in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def short(value: float) -> str:
    """At least four digits, and a true minus sign."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "\N{MINUS SIGN}")


def finished(plot: Plot, alt: str) -> Chart:
    return Chart(plot.svg(alt, of_file=True).encode(), alt, round(plot.size[1]))


def losses(batch: Series, train: Series, held_out: Series, best_step: int, bigram: float, floor: float) -> Chart:
    """The losses over the steps, next to what counting comes to and what nothing can pass."""
    plot, steps = Plot(210), (min(batch.steps[0], held_out.steps[0]), held_out.steps[-1])
    lines = [
        Line("batch", "faint", batch),
        Line("training", "blue", train),
        Line("held out", "orange dashed", held_out),
        Line("bigram", "green dotted", Series(steps, (bigram, bigram))),
        Line("floor", "ink dashed", Series(steps, (floor, floor))),
    ]
    x, (y,) = panels(plot, {"": lines})
    best = held_out.steps.index(best_step)
    plot.add("circle", "orange", cx=x.at(best_step), cy=y.at(held_out.values[best]), r=2.5)
    told = f"{train.told('Training text')} {held_out.told('Held-out text')} {batch.told('Batches')}"
    counted = f"The counted bigram’s held-out loss is {short(bigram)}, the floor {short(floor)}."
    return finished(plot, f"Losses over {held_out.steps[-1]:,} steps. {told} {counted}")


def gradients(whole: Series, parts: Mapping[str, Mapping[str, Series]], n_layer: int) -> Chart:
    """The norms of the gradients, of all together and of parts of the model: a panel for each group of those.

    The first group are the ends of the model; the others have the blocks that are drawn, of `n_layer`.
    """
    every, lines = thinning(whole, parts), {}
    for n, (group, found) in enumerate(parts.items()):
        first = [] if n else [Line("all", "ink", whole.thinned(every))]
        rest = zip(found.items(), LOOKS, strict=False)
        lines[group] = first + [Line(name, look, series.thinned(every)) for (name, series), look in rest]
    plot = Plot(340)
    panels(plot, lines, logarithmic=True)
    ends, *blocks = parts.items()
    last = dict(ends[1]) | {f"{name} {group}": series for group, found in blocks for name, series in found.items()}
    high = max(last, key=lambda name: last[name].values[-1])
    low = min(last, key=lambda name: last[name].values[-1])
    numbers = [name.removeprefix("block ") for name in blocks[0][1]]
    drawn = "" if len(numbers) == n_layer else f" Drawn are blocks {', '.join(numbers)}."
    alt = (
        f"Norms of the gradients over the steps, in {sum(map(len, lines.values()))} lines. "
        f"{whole.told('All together', most=True)} Of the parts, {high} ends highest, with {last[high].at(-1)}, "
        f"and {low} lowest, with {last[low].at(-1)}.{drawn}"
    )
    return finished(plot, alt)


def thinning(whole: Series, parts: Mapping[str, Mapping[str, Series]]) -> int:
    """How many neighbours a point of the gradients' lines stands for."""
    return math.ceil(len(whole.steps) * (1 + sum(map(len, parts.values()))) / POINTS)


def single(series: Series, name: str) -> Chart:
    """One line, above zero."""
    plot = Plot(130)
    panels(plot, {"": [Line(short(series.values[-1]), "blue", series)]}, zero=True)
    return finished(plot, series.told(name, most=True))


def ladder(rungs: Sequence[tuple[str, float]]) -> Chart:
    """The losses of models as bars, from the first to the last."""
    plot = Plot(26 + 22 * len(rungs))
    x, ground = Axis(0, max(loss for _, loss in rungs), 126, 296), 6 + 22.0 * len(rungs)
    for tick in x.ticks(4):
        plot.line(x.at(tick), 6, x.at(tick), ground, "grid")
        plot.text(x.at(tick), ground + 12, short(tick))
    for n, (name, loss) in enumerate(rungs):
        y = 17 + 22.0 * n
        plot.text(x.start - 5, y + 3.5, name, "end")
        look = "orange" if n + 1 == len(rungs) else "blue"
        plot.add("rect", look, x=x.start, y=y - 7, width=x.at(loss) - x.start, height=14.0)
        plot.text(x.at(loss) + 4, y + 3.5, f"{loss:.3f}", "start")
    plot.line(x.start, 6, x.start, ground)
    least = min(rungs, key=lambda rung: rung[1])
    told = ", ".join(f"{name} {short(loss)}" for name, loss in rungs)
    return finished(plot, f"Held-out losses as bars: {told}. The least is that of {least[0]}.")


def panels(
    plot: Plot, groups: Mapping[str, Sequence[Line]], *, zero: bool = False, logarithmic: bool = False
) -> tuple[Axis, list[Axis]]:
    """Draws groups of lines in panels one above the other, with their names above them, and axes of the same numbers.

    Returns the axis across and those upwards, which begin at `zero`, or are `logarithmic` if all numbers are positive.
    """
    every = [line.series for lines in groups.values() for line in lines]
    values = [value for series in every for value in series.values]
    logarithmic = logarithmic and min(values) > 0
    free = 0.0 if zero else 0.05
    values = [0.0, 1.08 * max(values) or 1.0] if zero else values
    x = Axis.of((step for series in every for step in series.steps), LEFT, RIGHT)
    room = 16.0 if len(groups) > 1 else 6.0
    each = (plot.size[1] - 30) / len(groups)
    axes = [Axis.of(values, (n + 1) * each, n * each + room, logarithmic, free) for n in range(len(groups))]
    for y, (name, lines) in zip(axes, groups.items(), strict=True):
        plot.text(x.start, y.end - 5, name, "start")
        panel(plot, x, y, lines)
    for step in x.ticks(4):
        plot.text(x.at(step), plot.size[1] - 18, f"{step:,.0f}")
    plot.text((x.start + x.end) / 2, plot.size[1] - 5, "step")
    return x, axes


def panel(plot: Plot, x: Axis, y: Axis, lines: Sequence[Line]) -> None:
    """Draws lines between two axes, with their names at their ends, one above the other where they would meet."""
    for tick in y.ticks():
        plot.line(x.start, y.at(tick), x.end, y.at(tick), "grid")
        plot.text(x.start - 5, y.at(tick) + 3.5, short(tick), "end")
    for step in x.ticks(4):
        plot.line(x.at(step), y.start, x.at(step), y.end, "grid")
    plot.line(x.start, y.start, x.end, y.start)
    plot.line(x.start, y.start, x.start, y.end)
    for _, look, series in lines:
        points = " ".join(f"{x.at(step):.2f},{y.at(value):.2f}" for step, value in zip(*series, strict=True))
        plot.add("polyline", look, points=points)
    ends = sorted((y.at(series.values[-1]) - y.end, name, look.split()[0]) for name, look, series in lines)
    for (end, name, look), place in zip(ends, apart([end for end, *_ in ends], GAP, y.start - y.end), strict=True):
        plot.line(x.end + 1, y.end + end, x.end + 12, y.end + place, look)
        plot.add("text", look, name, x=x.end + 14, y=y.end + place + 3.5)


def apart(places: Sequence[float], gap: float, high: float) -> list[float]:
    """Rising places from 0 to `high`, moved as little as it takes for each to be a gap above the one before.

    >>> apart([0.0, 1.0, 9.0], 2.0, 10.0)
    [0.0, 2.0, 9.0]
    >>> apart([4.0, 5.0, 6.0], 2.0, 10.0)
    [3.0, 5.0, 7.0]
    """
    from scipy.optimize import isotonic_regression  # it takes longer to import than a page to write

    steps = gap * np.arange(len(places))
    starts = isotonic_regression(places - steps).x
    return (np.clip(starts, 0.0, max(0.0, high - steps.max(initial=0))) + steps).tolist()
