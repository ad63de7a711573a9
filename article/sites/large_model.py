"""The pages of a model that is too large to be drawn box by box: an overview, a page a block, and all numbers as files.

What the figures draw is aggregated, and says how; the numbers themselves lie in files as `numpy.load` reads them, which
the pages fetch when a reader asks for one.
"""

import io
import tomllib
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

import gpt
from article.evidence.claim import Facts
from article.evidence.words import count, number
from article.web import html
from article.web.html import Body
from article.web.markdown import Document
from article.web.publish import Page
from scenes.analysis.aggregation import Aggregation, BlockAggregation

HERE = Path(__file__).resolve().parent


class Array(NamedTuple):
    """Numbers of a block: how they are called, in a file's name and in words, and what their last axis counts."""

    id: str
    title: str
    entry: str = "component"


TEXT = (HERE / "block.toml").read_text("utf-8")
ARRAYS = {name: Array(name.replace("_", "-"), **said) for name, said in tomllib.loads(TEXT).items()}


def arrays_of(trace: gpt.Trace, l: int) -> list[tuple[Array, np.ndarray]]:
    """All numbers of a block, (T, n) or (H, T, n); with those of the last one, what comes after it."""
    found = [(Array("enters", "What enters"), trace.residual[l])]
    found += [(array, getattr(trace, name)[l]) for name, array in ARRAYS.items()]
    found += [(Array("leaves", "What leaves"), trace.residual[l + 1])]
    if l + 1 == len(trace.attention):
        found.append((Array("final", "After the final LayerNorm"), trace.normed[-1]))
    return found


def files_of(trace: gpt.Trace) -> dict[str, bytes]:
    """The files of all numbers, by name; the stream between two blocks, which both have, is one file."""
    files = {}
    for l in range(len(trace.attention)):
        for array, values in arrays_of(trace, l):
            if (name := file_of(trace, l, array)) not in files:
                data = io.BytesIO()
                np.save(data, np.ascontiguousarray(values), allow_pickle=False)
                files[name] = data.getvalue()
    return files


def file_of(trace: gpt.Trace, l: int, array: Array) -> str:
    """Where the numbers are: what leaves a block is what enters the next one."""
    if array.id == "leaves" and l + 1 < len(trace.attention):
        return f"numbers/{l + 2}-enters.npy"
    return f"numbers/{l + 1}-{array.id}.npy"


def pages(trace: gpt.Trace) -> list[Page]:
    """A page for each block, with its figure and the files of all its numbers."""
    L, H = trace.attention.shape[:2]
    prose, result = (HERE / "block.md").read_text("utf-8"), []
    for l in range(L):
        name, shown = f"block-{l + 1}", BlockAggregation(trace, block=l)
        values = {
            "number": str(l + 1),
            "blocks": str(L),
            "prompt": trace.sentence,
            "heads": f"{number(H)} head{'s' * (H > 1)}",
            "together": together(shown),
        }
        text, wrap = prose.replace("(block.glb", f"({name}.glb"), partial(wrapped, trace, l)
        page = Page(f"{name}.html", "article/sites/block.md", text, lambda _, s=shown: s, values, wrap, kept=False)
        result.append(page)
    return result


def wrapped(trace: gpt.Trace, l: int, document: Document, facts: Facts) -> Body:
    """The page of a block: its text, and its numbers."""
    description = f"What block {l + 1} does with a prompt, with every number."
    return Body(document.html(facts) + panel(trace, l), f"Block {l + 1} of {len(trace.attention)}", description)


def together(aggregation: Aggregation) -> str:
    """What is drawn together, in sentences; nothing if every number has a box of its own."""
    size, tokens = aggregation.grouped, aggregation.together
    box = f"A box shows, of {count(size)} components, the one of largest magnitude."
    column = f"A column stands for {number(tokens)} tokens, and shows the largest of each component."
    return " ".join([box] * (size > 1) + [column] * (tokens > 1))


def panel(trace: gpt.Trace, l: int) -> Markup:
    """The part of a block's page with its numbers: their files, of which scripts make tables on demand."""
    arrays = [
        array._asdict() | {"file": file_of(trace, l, array), "shape": values.shape}
        for array, values in arrays_of(trace, l)
    ]
    return html.render("numbers.html", arrays=arrays, tokens=trace.tokens, block=l + 1, blocks=len(trace.attention))
