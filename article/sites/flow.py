"""The full flow as a page: every number of one forward pass, stage by stage."""

import argparse
import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from markupsafe import Markup

import gpt
from article.escaping import say
from article.evidence.words import three
from article.models import loading, prompts
from article.web import html
from article.web.html import Body
from article.web.site import Site
from scenes.analysis import stages
from scenes.analysis.stages import DECIMALS, Stage, kept, to_csv
from scenes.style import Scale

TITLE = "The full flow"
CELLS = 2500  # more in one stage cannot be read, and make a page too heavy to open
LEVELS = 8  # shades that a sign has in a table; page.css mixes them


def page(site: Site, trace: gpt.Trace, article: bool = False) -> Body:
    """The page of a trace's full flow, whose files of numbers join the site's.

    In an article it has places for what that has to say of each stage, and leads back there.
    """
    flow = stages.stages(trace)
    site.files |= stages.files(trace, flow)
    body = flow_body(trace, flow, article)
    ends = f"“{trace.sentence}” and the next token, “{trace.prediction}”"
    return Body(body, TITLE, f"{shows(flow)} between {ends}, and the lines of code that computed it.")


def publish(options: argparse.Namespace) -> None:
    """Writes a site of one page, the full flow of a prompt; prints the summary. Raises RefusalError."""
    site = Site("flow")
    with site.published(options.out):
        run = loading.open_model(options.checkpoint, options.tokenizer, options.seed)
        prompt = prompts.read(run, options.prompt, options.cut)
        trace = prompts.traced(run, prompt)
        site.furnish()
        site.files["index.html"] = html.page(page(site, trace), at=site.at).encode()
    for note in [*run.notes, *prompt.notes]:
        say(note)
    say(f"prompt      {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})")
    say(f"files       {len(site.files)}, {sum(map(len, site.files.values())):,} bytes")
    say(f"page        {options.out / 'index.html'}")


def shows(flow: Sequence[Stage]) -> str:
    """How much is on the page and in its files."""
    return "Every number" if len(kept(flow)) == len(flow) else "Every stage"


def flow_body(trace: gpt.Trace, flow: Sequence[Stage], article: bool = False) -> Markup:
    """The inside of the page, as `page` has it."""
    inside = kept(flow)
    return html.render(
        "flow.html",
        title=TITLE,
        trace=trace,
        shows=shows(flow),
        stages=flow,
        groups=[(group, list(members)) for group, members in groupby(flow, lambda stage: stage.group)],
        inside=inside,
        left_out=len(flow) - len(inside),
        article=article,
        decimals=DECIMALS,
        cells=CELLS,
        code=code,
        heat=heat,
        to_csv=to_csv,
    )


def code(stage: Stage) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """The numbered lines that computed a stage, by the function that they stand in."""
    for function, parts in groupby(stage.code, lambda part: part.function):
        yield function, [line for part in parts for line in part.lines]


def heat(stage: Stage) -> Iterator[dict]:
    """The heat tables of a stage, one for each of its matrices: a query a row and a key a column, or a token a column.

    A vector is a column.
    """
    scale, hot = Scale.of(stage.numbers), stage.numbers.dtype.kind == "f"
    for place in np.ndindex(stage.values.shape[:-2]):
        values, numbers, axes = stage.values[place], stage.numbers[place], stage.axes[len(place) :]
        if len(axes) == 1:
            values, numbers, axes = values[:, None], numbers[:, None], (*axes, ("", (stage.id,)))
        elif axes[-1][0] != "key":
            values, numbers, axes = values.T, numbers.T, axes[::-1]
        (down, labels), (across, columns) = axes
        lines = zip(values.tolist(), numbers.tolist(), strict=True)
        cells = [[cell(*pair, scale if hot else None) for pair in zip(*line, strict=True)] for line in lines]
        yield {
            "which": "".join(f", {name} {n + 1}" for (name, _), n in zip(stage.axes, place, strict=False)),
            "scale": f"Scale: ±{scale.limit:.3f}" if hot else "Ids",
            "heads": (f"{down} \\ {across}" if across else down, *columns),
            "rows": list(zip(labels, cells, strict=True)),
        }


def cell(value: float, number: float, scale: Scale | None) -> tuple[str, str]:
    """A cell of a heat table: a value as text, and its shade, if there is a scale."""
    text = three(number) if scale and value else str(int(value))
    if not scale or not number:
        return text, ""
    return text, f"{'p' if number > 0 else 'n'}{math.ceil(LEVELS * abs(scale.fraction(number)))}"
