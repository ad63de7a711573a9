"""The charts of a run's report: SVG files that matplotlib draws, each with words that say what it shows.

A chart is as wide as a phone and is shown no larger than twice that. Its lines differ in their dashes, too, and have
their names at their ends. On a dark page it takes other colours by a style sheet inside the file.
"""

import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

WIDTH = 340  # units of the drawing; a letter of 9 of them is legible at 360 px and not large at 720
LETTER, GAP = 9.0, 11.0  # the height of letters, and of lines of them
BLOCKS, POINTS = 8, 800  # of a chart of gradients, at most: lines a panel, and points in all

# Colours on light and on dark paper; the first ones are those of article/page.css.
INK, QUIET, RULE, BLUE, ORANGE, GREEN, FAINT = (
    "#22222a",
    "#5c5c66",
    "#dedbd4",
    "#1d5c86",
    "#9a4f12",
    "#2c6e49",
    "#a8a59c",
)
ON_DARK: dict[str, str] = dict(
    zip(
        (INK, QUIET, RULE, BLUE, ORANGE, GREEN, FAINT),
        ("#e6e4df", "#a3a3ab", "#34353b", "#8cc4e8", "#e0a467", "#86cfa3", "#6a6b73"),
        strict=True,
    )
)
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vitrine",
    "svg.fonttype": "none",
    "font.size": LETTER,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.5,
}
Dash = str | tuple[int, tuple[float, ...]]
LOOKS: list[tuple[str, Dash]] = [
    (color, dash) for dash in ("-", (0, (4, 1.5)), (0, (1, 1.2))) for color in (BLUE, ORANGE, GREEN)
]


class Chart(NamedTuple):
    """A drawing and what it shows, in words."""

    svg: bytes
    alt: str
    height: int  # of WIDTH


class Series(NamedTuple):
    """What was measured of one thing, and at which steps."""

    steps: list[int]
    values: list[float]

    @classmethod
    def of(cls, result: Any, column: str) -> "Series":
        """A column of the log, where it has a number."""
        pairs = [(int(row["step"]), row[column]) for row in result.course.rows if column in row]
        pairs = [pair for pair in pairs if math.isfinite(pair[1])]
        return cls([step for step, _ in pairs], [value for _, value in pairs])

    def at(self, n: int) -> str:
        return f"{short(self.values[n])} at step {self.steps[n]:,}"

    def told(self, name: str, *, most: bool = False) -> str:
        """Where it starts and ends, and its extremes."""
        least = f"the least is {self.at(int(np.argmin(self.values)))}"
        if most:
            least += f", the most {self.at(int(np.argmax(self.values)))}"
        return f"{name}: {self.at(0)}, {self.at(-1)}; {least}."

    def thinned(self, n: int) -> "Series":
        """The means of n neighbours at a time."""
        parts = range(0, len(self.steps), n)
        steps, values = ([float(np.mean(row[k : k + n])) for k in parts] for row in (self.steps, self.values))
        return Series(steps, values)  # type: ignore[arg-type]


def short(value: float) -> str:
    """At least four digits, and a true minus sign."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "\N{MINUS SIGN}")


def charts(result: Any) -> dict[str, Chart]:
    """The charts of a report by name: those that there is something to draw for."""
    found = {"loss": losses(result), "gradients": gradients(result), "learning_rate": rate(result)}
    if Series.of(result, "tokens a second").steps:
        found["speed"] = speed(result)
    return found


def losses(result: Any) -> Chart:
    """The losses over the steps, next to what counting comes to and what nothing can pass."""
    batch, train, held_out = (Series.of(result, name) for name in ("loss", "train loss", "held-out loss"))
    with drawing(210) as (figure, made):
        (ax,) = panels(figure, 1)
        ax.plot(*batch, color=FAINT, linewidth=0.8)
        ax.plot(*train, color=BLUE)
        ax.plot(*held_out, color=ORANGE, dashes=(4, 1.5))
        best = held_out.steps.index(result.course.best_step)
        ax.plot([held_out.steps[best]], [held_out.values[best]], "o", color=ORANGE, markersize=4)
        ax.axhline(result.bigram[1], color=GREEN, linewidth=1, dashes=(1, 1.2))
        ax.axhline(result.floor, color=INK, linewidth=1, dashes=(6, 1.5, 1, 1.5))
        ends = [
            (batch.values[-1], "batch", QUIET),
            (train.values[-1], "training", BLUE),
            (held_out.values[-1], "held out", ORANGE),
            (result.bigram[1], "bigram", GREEN),
            (result.floor, "floor", INK),
        ]
        named(ax, ends)
    parts = (("Training text", train), ("Held-out text", held_out), ("Batches", batch))
    alt = " ".join(
        [
            f"Losses over {held_out.steps[-1]:,} steps.",
            *(series.told(name) for name, series in parts),
            f"The counted bigram’s held-out loss is {short(result.bigram[1])}, the floor {short(result.floor)}.",
        ]
    )
    return made(alt)


def parts_of(result: Any) -> dict[str, dict[str, str]]:
    """The columns of the gradients by panel and name: ends of the model, attention and MLP of its blocks."""
    columns = dict.fromkeys(name for row in result.course.rows for name in row if name.startswith("gradient "))
    found: dict[str, dict[str, str]] = {"ends": {"all": "gradient"}, "attention": {}, "mlp": {}}
    for column in columns:
        place, _, kind = column.removeprefix("gradient ").rpartition(" ")
        found[kind if place else "ends"][place or kind] = column
    return {panel: dict(spread(lines.items(), BLOCKS)) for panel, lines in found.items()}


def gradients(result: Any) -> Chart:
    """The norms of the gradients: a panel for the ends of the model, one for attention, and one for the MLPs."""
    parts = parts_of(result)
    whole, every = Series.of(result, "gradient"), thinning(result)
    lines = {panel: {n: Series.of(result, c) for n, c in found.items()} for panel, found in parts.items()}
    with drawing(340) as (figure, made):
        axes, ends = panels(figure, 3), {panel: [] for panel in lines}
        for ax, (panel, found) in zip(axes, lines.items(), strict=True):
            ax.set_title("embeddings and ends" if panel == "ends" else panel, loc="left", size=LETTER, color=INK, pad=3)
            looks = [(INK, "-"), *LOOKS] if panel == "ends" else LOOKS
            for (color, dash), (name, series) in zip(looks, found.items(), strict=False):
                thin = series.thinned(every)
                ax.plot(*thin, color=color, linestyle=dash, linewidth=1.2)
                ends[panel].append((thin.values[-1], name, color))
        if all(value > 0 for line in lines.values() for series in line.values() for value in series.values):
            axes[0].set_yscale("log")  # and so the others, which share it
            axes[0].yaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=6))
            axes[0].yaxis.set_minor_locator(NullLocator())
        for ax, panel in zip(axes, lines, strict=True):
            named(ax, ends[panel])
    last = {f"{n} {p}" if p != "ends" else n: s for p, found in lines.items() for n, s in found.items() if n != "all"}
    high = max(last, key=lambda name: last[name].values[-1])
    low = min(last, key=lambda name: last[name].values[-1])
    blocks = [name.removeprefix("block ") for name in lines["attention"]]
    drawn = "" if len(blocks) == result.settings.n_layer else f" Drawn are blocks {', '.join(blocks)}."
    alt = (
        f"Norms of the gradients over the steps, in {sum(map(len, lines.values()))} lines. "
        f"{whole.told('All together', most=True)} Of the parts, {high} ends highest, with {last[high].at(-1)}, "
        f"and {low} lowest, with {last[low].at(-1)}.{drawn}"
    )
    return made(alt)


def thinning(result: Any) -> int:
    """How many neighbours a point of the gradients' lines stands for."""
    n = sum(map(len, parts_of(result).values()))
    return math.ceil(len(Series.of(result, "gradient").steps) * n / POINTS)


def rate(result: Any) -> Chart:
    """The learning rate over the steps."""
    return single(Series.of(result, "learning rate"), "Learning rate", 130)


def speed(result: Any) -> Chart:
    """How fast the training went."""
    return single(Series.of(result, "tokens a second"), "Tokens a second", 130)


def single(series: Series, name: str, height: int) -> Chart:
    """One line."""
    with drawing(height) as (figure, made):
        (ax,) = panels(figure, 1)
        ax.plot(*series, color=BLUE)
        ax.set_ylim(bottom=0, top=1.08 * max(series.values) or 1)
        named(ax, [(series.values[-1], short(series.values[-1]), BLUE)])
    return made(series.told(name, most=True))


def ladder(rungs: Sequence[tuple[str, float]]) -> Chart:
    """The losses of models as bars, from the first to the last."""
    with drawing(round(26 + 22 * len(rungs))) as (figure, made):
        ax = figure.add_axes((0.37, 20 / made.height, 0.5, 1 - 24 / made.height))
        places = range(len(rungs))
        colors = [BLUE] * (len(rungs) - 1) + [ORANGE]
        ax.barh(places, [loss for _, loss in rungs], color=colors, height=0.62)
        ax.set_yticks(places, [name for name, _ in rungs], color=INK)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.grid(visible=False, axis="y")
        ax.invert_yaxis()
        for place, (_, loss) in zip(places, rungs, strict=True):
            ax.annotate(f"{loss:.3f}", (loss, place), (4, 0), textcoords="offset points", va="center", color=INK)
    least = min(rungs, key=lambda rung: rung[1])
    told = ", ".join(f"{name} {short(loss)}" for name, loss in rungs)
    return made(f"Held-out losses as bars: {told}. The least is that of {least[0]}.")


# --- How it is drawn ----------------------------------------------------------------------------------------------


class drawing:
    """A figure of a height to draw on; what it gives makes a chart of it, once there are words for it."""

    def __init__(self, height: int) -> None:
        self.height = height
        self.context = mpl.rc_context()

    def __enter__(self) -> tuple[Figure, "drawing"]:
        self.context.__enter__()
        mpl.rcdefaults()  # whatever the user's own style is
        mpl.rcParams.update(STYLE)
        self.figure = Figure(figsize=(WIDTH / 72, self.height / 72))
        FigureCanvasSVG(self.figure)
        return self.figure, self

    def __exit__(self, *raised: object) -> None:
        if raised[0] is None:
            text = io.StringIO()
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self.figure.savefig(text, format="svg", transparent=True, metadata=nothing)
            self.svg = text.getvalue()
        self.context.__exit__(*raised)  # type: ignore[arg-type]

    def __call__(self, alt: str) -> Chart:
        return Chart(finished(self.svg).encode(), alt, self.height)


def finished(svg: str) -> str:
    """An SVG with fewer digits, any plain letters, and colours for dark paper."""
    svg = re.sub(r'(?<= d=")[^"]*', lambda path: rounded(path[0]), svg)
    svg = re.sub(r"font-family: [^;\"]*(; )?", "", re.sub(r">\s+<", "><", re.sub(r"<g id=\"[^\"]*\"/>", "", svg)))
    rules = "".join(
        f'[style*="{what}: {light}"] {{ {what}: {dark} !important }}\n'
        for light, dark in ON_DARK.items()
        for what in ("stroke", "fill")
    )
    letters = "text { font-family: system-ui, sans-serif }"
    return svg.replace("</style>", f"\n{letters}\n@media (prefers-color-scheme: dark) {{\n{rules}}}\n</style>", 1)


def rounded(path: str) -> str:
    r"""A path with two decimals, on one line.

    >>> rounded("M 40.812345 180 \nL 272.5 6 \n")
    'M 40.81 180 L 272.5 6'
    """
    return " ".join(re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path).split())


def panels(figure: Figure, n: int) -> list[Axes]:
    """Panels one above the other, with the same axes and room at the right for the names of lines."""
    axes = figure.subplots(n, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    high = figure.get_figheight() * 72
    figure.subplots_adjust(left=0.14, right=0.80, bottom=30 / high, top=1 - (16 if n > 1 else 6) / high, hspace=0.25)
    for ax in axes:
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes[-1].set_xlabel("step", labelpad=2)
    return list(axes)


def named(ax: Axes, ends: Iterable[tuple[float, str, str]]) -> None:
    """Writes the names of lines at their ends, one above the other where they would meet."""
    ends = sorted(ends)
    ax.margins(x=0)
    ax.autoscale_view()  # now, because the places of the names depend on it
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))  # a logarithmic axis has its own
    high = ax.get_window_extent().height / ax.figure.dpi * 72
    places = ax.transAxes.inverted().transform(ax.transData.transform([(0, y) for y, _, _ in ends]))[:, 1] * high
    for y, place, (_, name, color) in zip(places, apart(places.tolist(), GAP, high), ends, strict=True):
        leader = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5)}
        there: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center"}
        ax.annotate(name, (1, y / high), (14, place - y), color=color, arrowprops=leader, **there)


def apart(places: Sequence[float], gap: float, high: float) -> list[float]:
    """Rising places from 0 to `high`, moved as little as it takes for each to be a gap above the one before.

    >>> apart([0.0, 1.0, 9.0], 2.0, 10.0)
    [0.0, 2.0, 9.0]
    >>> apart([4.0, 5.0, 6.0], 2.0, 10.0)
    [3.0, 5.0, 7.0]
    """
    groups: list[list[float]] = []  # of those that touch: the place that the first of all would have, and how many
    for n, place in enumerate(places):
        groups.append([place - n * gap, 1])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (one, n_one), (two, n_two) = groups[-2:]
            groups[-2:] = [[(one * n_one + two * n_two) / (n_one + n_two), n_one + n_two]]
    starts = [start for start, n in groups for _ in range(int(n))]
    room = max(0.0, high - (len(starts) - 1) * gap)
    return [min(max(start, 0.0), room) + n * gap for n, start in enumerate(starts)]


def spread(items: Iterable[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """So many of the items at most, evenly spaced, with the first and the last."""
    items = list(items)
    return [items[n] for n in np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)]
