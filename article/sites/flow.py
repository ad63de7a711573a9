"""The full flow as a page: every number of one forward pass, stage by stage."""

import argparse
import math
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from xml.etree.ElementTree import Comment, Element, SubElement, tostring

import numpy as np

import gpt
from article.errors import RefusalError
from article.escaping import say
from article.evidence.words import three
from article.models import loading, prompts
from article.web.html import add
from article.web.publish import Body, add_page
from article.web.site import Site
from scenes.analysis import stages
from scenes.analysis.stages import DECIMALS, Group, Stage, kept, to_csv
from scenes.style import Scale


def stages_of(trace: gpt.Trace) -> list[Stage]:
    """The stages of a trace's full flow. Raises RefusalError."""
    try:
        return stages.stages(trace)
    except stages.CodeError as error:
        raise RefusalError(f"scenes/analysis/stages.py: {error}; change the stage.") from None


def page(site: Site, trace: gpt.Trace, flow: Sequence[Stage], more: str | None = None) -> Body:
    """The page of a trace's full flow, of its stages, whose files of numbers join the site's. Raises RefusalError.

    `more` is what the article has to say of it, as HTML; without it, the page is one of its own.
    """
    site.files |= stages.files(trace, flow)
    try:
        html = flow_body(trace, flow, None if more is None else by_stage(more))
    except StageError as error:
        raise RefusalError(f"article/flow.md: {error}; a heading is the id of one, such as logits.") from None
    return Body(html, TITLE, description(trace, flow))


def publish(options: argparse.Namespace) -> None:
    """Writes a site of one page, the full flow of a prompt; prints the summary. Raises RefusalError."""
    site = Site("flow")
    with site.published(options.out):
        run = loading.open_model(options.checkpoint, options.tokenizer, options.seed)
        prompt = prompts.read(run, options.prompt, options.cut)
        trace = prompts.traced(run, prompt)
        add_page(site, "index.html", page(site, trace, stages_of(trace)), (), {})
        site.furnish()
    for note in [*run.notes, *prompt.notes]:
        say(note)
    say(f"prompt      {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})")
    say(f"files       {len(site.files)}, {sum(map(len, site.files.values())):,} bytes")
    say(f"page        {options.out / 'index.html'}")


# --- The page -----------------------------------------------------------------------------------------------------

TITLE = "The full flow"
CELLS = 2500  # more in one stage cannot be read, and make a page too heavy to open
LEVELS = 8  # shades that a sign has in a table; page.css mixes them


class StageError(ValueError):
    """There is no such stage; says which."""


def description(trace: gpt.Trace, flow: Sequence[Stage]) -> str:
    """What the page shows, in a sentence."""
    return (
        f"{shows(flow)} between “{trace.sentence}” and the next token, “{trace.prediction}”, and the lines of code "
        f"that computed it."
    )


def shows(flow: Sequence[Stage]) -> str:
    """How much is on the page and in its files."""
    return "Every number" if len(kept(flow)) == len(flow) else "Every stage"


def by_stage(html: str) -> dict[str, str]:
    """What a page of HTML has to say of each stage, by its id: a heading of the second level is the id of a stage."""
    _, *parts = re.split(r'<h2 id="([^"]*)">.*?</h2>', html)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def flow_body(trace: gpt.Trace, flow: Sequence[Stage], more: Mapping[str, str] | None = None) -> str:
    """The inside of the page. If it is part of an article, it leads back there.

    `more` is what the article has to say of stages in HTML, by id. Raises StageError for a stage that there is not.
    """
    more, article = more or {}, more is not None
    for id in more:
        if id not in {stage.id for stage in flow}:
            raise StageError(f"there is no stage {id!r}")
    page = Element("div", {"class": "flow"})
    add(page, "h1", TITLE)
    lead = add(page, "p", "The model reads “")
    add(lead, "strong", trace.sentence).tail = "” and answers “"
    share = trace.probability(trace.prediction)
    turn = " Stages marked “3D” have a figure to turn." if article else ""
    add(
        lead, "strong", trace.prediction
    ).tail = f"”, which it gives {share:.1%}. Here is {shows(flow).lower()} in between.{turn}"
    sizes = {
        "T": f"{len(trace.tokens)} tokens",
        "D": f"{trace.residual.shape[-1]} components of a vector",
        "H": f"{trace.query.shape[1]} heads",
        "V": f"{len(trace.vocab)} tokens in the vocabulary",
    }
    letters = ", ".join(f"{letter} is {what}" for letter, what in sizes.items())
    add(
        page,
        "p",
        f"A cell is warm where its number is positive and cool where it is negative, the stronger the larger; each "
        f"table is in one linear scale, which its caption states. Tables have three decimals, and a 0 without decimals "
        f"is exactly zero; the files have {DECIMALS}. The code was cut from the program that computed the numbers, and "
        f"stands there in these lines. In the shapes, {letters}.",
    )
    inside = kept(flow)
    if len(inside) < len(flow):
        left = add(
            page,
            "p",
            f"{len(flow) - len(inside)} of the {len(flow)} stages have so many numbers that they are neither on this "
            f"page nor in its files; their sections say so. All are in the file that ",
        )
        add(left, "code", "python gpt.py trace PROMPT --out FILE.npz").tail = " writes."
    links = add(page, "p", "")
    if article:
        add(links, "a", "Back to the article", href="index.html").tail = " "
    link = add(links, "a", "The same for machines: flow.json", href="flow.json")
    if article:
        link.set("class", "second")
    for group, members in groupby(flow, lambda stage: stage.group):
        page.append(block(group, list(members), more, inside))
    html = tostring(page, "unicode", "html")
    return re.sub(r"<!--more (.*?)-->", lambda match: more[match[1]], html)


def block(group: Group, members: Sequence[Stage], more: Collection[str], inside: Collection[str]) -> Element:
    """A group: what it is for, the way through its stages, and the stages, which open and close together.

    A stage of which there is `more` has a comment in the place of that; one that is not `inside` has no files.
    """
    box = Element("div")
    heading(box, "h2", group.title, group.id, group.title)
    add(box, "p", group.why)
    way = SubElement(box, "ol", {"class": "way"})
    for stage in members:
        add(add(way, "li", ""), "a", f"{stage.title} (3D)" if stage.id in more else stage.title, href=f"#{stage.id}")
    details = SubElement(box, "details", {"id": group.id, "class": "block"})
    add(details, "summary", f"{group.title}: {len(members)} stages, number by number")
    details.extend(section(stage, stage.id in more, stage.id in inside) for stage in members)
    return box


def section(stage: Stage, more: bool, inside: bool) -> Element:
    """A stage: what it is for, its shape, its code, its tables, and its numbers to copy and to keep.

    `more` is said of it elsewhere; its numbers are kept in a file if they are `inside`.
    """
    name = f"{stage.group.title}: {stage.title}"
    box = Element("section", {"id": stage.id})
    heading(box, "h3", stage.title, stage.id, name)
    add(box, "p", stage.why)
    if more:
        box.append(Comment(f"more {stage.id}"))
    shape = add(box, "p", "Shape ")
    add(shape, "code", stage.shape).tail = f": {', '.join(name for name, _ in stage.axes)}."
    code = add(add(box, "pre", ""), "code", "") if stage.code else box
    for function, parts in groupby(stage.code, lambda part: part.function):
        add(code, "span", f"{function}\n").set("class", "where")
        for number, text in (line for part in parts for line in part.lines):
            line = add(code, "span", f"{number} ")
            line.set("class", "line")
            line.tail = f"{text}\n"
    if not inside:
        lost = add(box, "p", f"These are {stage.values.size:,} numbers, too many for this page and its files; ")
        array = f"{stage.array}{list(stage.index) if stage.index else ''}"
        add(lost, "code", "trace").tail = " keeps them as " if stage.array else " keeps what they come from."
        if stage.array:
            add(lost, "code", array).tail = "."
        return box
    if stage.values.size > CELLS:
        file = add(box, "p", f"These are {stage.values.size:,} numbers, too many for a table: ")
        add(file, "a", f"{stage.id}.csv", href=f"flow/{stage.id}.csv", download="").tail = "."
        return box
    scale = Scale.of(stage.numbers)
    for place in np.ndindex(stage.values.shape[:-2]):
        which = "".join(f", {name} {n + 1}" for (name, _), n in zip(stage.axes, place, strict=False))
        box.append(table(stage, place, which, name, scale))
    details = SubElement(box, "details")
    add(details, "summary", "The exact numbers")
    file = add(details, "p", "To copy from here, or to keep: ")
    add(file, "a", f"{stage.id}.csv", href=f"flow/{stage.id}.csv", download="")
    add(details, "textarea", to_csv(stage), readonly="", rows="9", wrap="off").set("aria-label", f"{name}, as CSV")
    return box


def heading(parent: Element, tag: str, text: str, id: str, name: str) -> None:
    """A heading with its permanent link."""
    link = add(add(parent, tag, f"{text} "), "a", "#", href=f"#{id}")
    link.attrib |= {"class": "anchor", "aria-label": f"Permanent link to {name}"}


def table(stage: Stage, place: tuple[int, ...], which: str, name: str, scale: Scale) -> Element:
    """The heat table of one matrix of a stage: a query a row and a key a column, or a token a column.

    A vector is a column.
    """
    values, numbers, axes = stage.values[place], stage.numbers[place], stage.axes[len(place) :]
    if len(axes) == 1:
        values, numbers, axes = values[:, None], numbers[:, None], (*axes, ("", (stage.id,)))
    elif axes[-1][0] != "key":
        values, numbers, axes = values.T, numbers.T, axes[::-1]
    (down, rows), (across, columns) = axes
    attributes = {"class": "numbers heat", "tabindex": "0", "role": "region", "aria-label": f"{name}{which}"}
    box = Element("div", attributes)
    result = SubElement(box, "table")
    hot = numbers.dtype.kind == "f"
    add(result, "caption", f"{stage.title}{which}. " + (f"Scale: ±{scale.limit:.3f}" if hot else "Ids"))
    head = SubElement(SubElement(result, "thead"), "tr")
    for text in (f"{down} \\ {across}" if across else down, *columns):
        add(head, "th", text, scope="col")
    inside = SubElement(result, "tbody")
    for label, true, line in zip(rows, values.tolist(), numbers.tolist(), strict=True):
        row = SubElement(inside, "tr")
        add(row, "th", label, scope="row")
        for value, number in zip(true, line, strict=True):
            cell = add(row, "td", three(number) if hot and value else str(int(value)))
            if hot and number:
                level = math.ceil(LEVELS * abs(scale.fraction(number)))
                cell.set("class", f"{'p' if number > 0 else 'n'}{level}")
    return box
