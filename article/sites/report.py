"""What a run leaves behind for its people: a report as a page and as Markdown, its log, and its charts.

The prose stands in report.md; everything in braces there is computed. The same Markdown gives both the file and the
page. Whatever comes from a corpus or the command line enters as text: no letter of it means anything to Markdown.
"""

import csv
import hashlib
import io
import math
import platform
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

import gpt
from article import paths
from article.evidence.claim import Facts
from article.evidence.words import decimals
from article.models.dataset import Examples
from article.models.fit import Result, Rung
from article.models.model import OpenedModel
from article.models.processes import threads
from article.models.settings import FIELDS
from article.models.trainer import EVALUATED
from article.web import html, markdown, plots
from article.web.html import Body
from article.web.markdown import Document
from article.web.markdown_text import fill
from article.web.plots import Chart, Series

TEMPLATE = Path(__file__).with_name("report.md")
MARKS = (
    "Letters that cannot be seen have signs: ⇥ is a tab, in tables ␣ is a space and ⏎ ends a line; others have their "
    "number, such as &#60;U+202E&#62;."
)
FREQUENT = 20  # tokens of the table
BLOCKS = 8  # whose gradients are drawn
TEXTS = tomllib.loads(TEMPLATE.with_suffix(".toml").read_text("utf-8"))


def files(result: Result, parts: Collection[str] = (), beside: Collection[str] = ()) -> dict[str, bytes]:
    """The files of a report: `report.md` and its page, `report.html`, `log.csv` and the charts, `plots/*.svg`.

    `parts` are those of the template that the site has. `beside` names the other files of the run; the report says what
    they are.
    """
    made = drawn(result)
    words = text(result, made, beside)
    return {
        "report.md": words.encode(),
        "report.html": html.page(to_page(words, made), parts).encode(),
        "log.csv": to_csv(result.course.rows).encode(),
    } | {f"plots/{name}.svg": chart.svg for name, chart in made.items()}


def drawn(result: Result) -> dict[str, Chart]:
    """All charts of the report by name: those that there is something to draw for."""
    batch, train, held_out, rate, speed = (
        column(result, name) for name in ("loss", "train loss", "held-out loss", "learning rate", "tokens a second")
    )
    found = {
        "loss": plots.losses(batch, train, held_out, result.course.best_step, result.bigram[1], result.floor),
        "gradients": plots.gradients(column(result, "gradient"), gradients(result), result.settings.n_layer),
        "learning_rate": plots.single(rate, "Learning rate"),
    }
    if speed.steps:
        found["speed"] = plots.single(speed, "Tokens a second")
    if result.ladder:
        found["ladder"] = plots.ladder([(rung.name, rung.loss) for rung in result.ladder])
    return found


def column(result: Result, name: str) -> Series:
    """A column of the log, where it has a number."""
    rows = [row for row in result.course.rows if math.isfinite(row.get(name, math.nan))]
    return Series([int(row["step"]) for row in rows], [row[name] for row in rows])


def gradients(result: Result) -> dict[str, dict[str, Series]]:
    """The gradients' norms by group and name: of the ends of the model, and of attention and MLP in some blocks."""
    found: dict[str, dict[str, Series]] = {"embeddings and ends": {}, "attention": {}, "mlp": {}}
    for name in dict.fromkeys(name for row in result.course.rows for name in row if name.startswith("gradient ")):
        place, _, kind = name.removeprefix("gradient ").rpartition(" ")
        found[kind if place else "embeddings and ends"][place or kind] = column(result, name)
    for group, series in found.items():
        some = np.linspace(0, len(series) - 1, min(BLOCKS, len(series))).round().astype(int)
        found[group] = dict(list(series.items())[n] for n in some)
    return found


def to_csv(rows: Sequence[Mapping[str, float]]) -> str:
    """The log: a row for each logged step, a column for each quantity, empty where there was no measurement."""
    first = ("step", "loss", "train loss", "held-out loss", "learning rate", "tokens a second")
    found = dict.fromkeys(name for row in rows for name in row)
    columns = [name for name in first if name in found] + [name for name in found if name not in first]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(columns)
    table.writerows([repr(row[name]) if name in row else "" for name in columns] for row in rows)
    return out.getvalue()


# --- What it says -------------------------------------------------------------------------------------------------


def text(result: Result, made: Mapping[str, Chart], beside: Collection[str]) -> str:
    """The report as Markdown."""
    course, settings = result.course, result.settings
    measured = {row["step"]: row["held-out loss"] for row in course.rows if "held-out loss" in row}
    # The program that decides a run, file after file.
    code = [Path(gpt.__file__), *sorted((paths.ARTICLE / "models").glob("*.py"))]
    parts = {"speed", "ladder"} & {*made} | {"stopped" if course.stopped else "finished"}
    parts |= {"falling" if course.best_step == course.step else "past"}
    return fill(
        markdown.keep(TEMPLATE.read_text("utf-8"), parts),
        result=result,
        course=course,
        settings=settings,
        fields=FIELDS,
        made=made,
        told=TEXTS,
        marks=MARKS,
        evaluated=EVALUATED,
        parameters=parameters(result),
        evenly=math.log(len(result.tokenizer.vocab)),
        tokens_alike=tokens_alike,
        measured=measured,
        last=[*measured.values()][-1],
        bytes=[len(words.encode()) for words in (result.train_text, result.held_out_text)],
        tokens=[part.tokens for part in (result.train, result.held_out)],
        different=[int((counts(part) > 0).sum()) for part in (result.train, result.held_out)],
        unseen=unseen(result),
        frequent=frequent(result),
        python=platform.python_version(),
        torch=torch.__version__,
        platform=platform.platform(),
        processor=platform.machine(),
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        threads=threads(settings, settings.batch_size or len(result.train.ids)),
        thinned=plots.thinning(column(result, "gradient"), gradients(result)),
        train_hash=hashlib.sha256(result.train_text.encode()).hexdigest(),
        held_out_hash=hashlib.sha256(result.held_out_text.encode()).hexdigest(),
        code_hash=hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest(),
        weights_hash=gpt.fingerprint(result.model),
        files=contents(made, beside),
        adds=adds,
    )


def parameters(run: Result | OpenedModel) -> int:
    return sum(weight.numel() for weight in run.model.parameters())


def tokens_alike(loss: float) -> str:
    """The perplexity, in words."""
    return f"{decimals(math.exp(loss), 1)} tokens" if loss < 700 else "∞"


def counts(examples: Examples, V: int = 0) -> torch.Tensor:
    """How often each id is to be predicted, (V,), or as far as the greatest one, if that is further."""
    return torch.bincount(examples.targets[examples.targets != gpt.NO_TARGET], minlength=V)


def unseen(result: Result) -> int:
    """How many of the tokens to predict in the held-out text never were to be predicted in the training text."""
    seen, asked = (counts(examples, len(result.tokenizer.vocab)) for examples in (result.train, result.held_out))
    return int(asked[seen == 0].sum())


def frequent(result: Result) -> list[tuple[str, int]]:
    """The most frequent tokens, with how often each is there; of equally frequent ones, first that of the lower id."""
    found = counts(result.train).tolist()
    ids = sorted((id for id, n in enumerate(found) if n), key=lambda n: (-found[n], n))[:FREQUENT]
    return [(result.tokenizer.vocab[id], found[id]) for id in ids]


def contents(made: Mapping[str, Chart], beside: Collection[str]) -> list[str]:
    """The files of the report, and those of the others that it knows."""
    names = ["report.html", "report.md", "log.csv", *(f"plots/{name}.svg" for name in made)]
    return names + [name for name in TEXTS["files"] if name in beside]


# --- The ladder ---------------------------------------------------------------------------------------------------


def adds(rung: Rung, result: Result) -> str:
    """What a rung has that the one before it lacks, in a sentence."""
    if rung.name == "the whole model":
        one, L = "The model of the run; it has one block, as the rung before.", result.settings.n_layer
        return f"{L} blocks, one after the other." if L > 1 else one
    return TEXTS["rungs"].get(rung.name.lstrip("0123456789 "), "")


# --- The page -----------------------------------------------------------------------------------------------------


def to_page(text: str, made: Mapping[str, Chart]) -> Body:
    """The page of a report's Markdown, in which any HTML is text. `made` has the charts by name."""
    figures = {f"plots/{name}.svg": {"chart": chart} for name, chart in made.items()}
    return Document(text, foreign=True).body(Facts({}, {}, figures))
