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
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

import gpt
from article import paths
from article.evidence.claim import Facts
from article.evidence.words import compared, decimals, duration, exact_percent
from article.models.dataset import Examples
from article.models.fit import Result, Rung
from article.models.model import OpenedModel
from article.models.processes import threads
from article.models.settings import FIELDS
from article.models.trainer import EVALUATED
from article.web import html, markdown, plots
from article.web.html import Body
from article.web.markdown import Document
from article.web.markdown_text import code_block, markdown_table, to_markdown, token_to_markdown
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
    last = [row["held-out loss"] for row in course.rows if "held-out loss" in row][-1]
    thinned = plots.thinning(column(result, "gradient"), gradients(result))
    every_setting = (
        (f"`{name}`", to_markdown(str(value)), to_markdown(FIELDS[name].metadata["words"]))
        for name, value in asdict(settings).items()
    )
    # The program that decides a run, file after file.
    code = [Path(gpt.__file__), *sorted((paths.ARTICLE / "models").glob("*.py"))]
    values = {
        "parameters": f"{parameters(result):,}",
        "train_tokens": f"{result.train.tokens:,}",
        "steps_taken": f"{course.step:,}",
        "time": duration(course.seconds),
        "held_out_loss": decimals(result.held_out_loss, 3),
        "against_bigram": f"that is {compared(result.held_out_loss, result.bigram[1])}",
        "n_context": f"{result.train.n_context:,}",
        "evaluated": f"{EVALUATED:,}",
        "best_step": f"{course.best_step:,}",
        "best_loss": decimals(course.best_loss, 3),
        "marks": MARKS,
        "outcome": outcome(result),
        "steps": f"{settings.steps:,}",
        "patience": str(settings.patience),
        "last_loss": decimals(last, 3),
        "against_best": compared(last, course.best_loss),
        "samples": samples(result),
        "parameters_table": parameters_table(result),
        "text_table": text_table(result),
        "vocabulary": f"{len(result.tokenizer.vocab):,}",
        "unseen": f"{unseen(result):,}",
        "unseen_share": exact_percent(unseen(result) / result.held_out.tokens),
        "frequent": frequent(result),
        "settings": markdown_table(("<setting", "<value", "<meaning"), every_setting),
        "python": to_markdown(platform.python_version()),
        "torch": to_markdown(torch.__version__),
        "platform": to_markdown(platform.platform()),
        "processor": to_markdown(platform.machine()),
        "device": to_markdown(torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"),
        "threads": str(threads(settings, settings.batch_size or len(result.train.ids))),
        "dtype": settings.dtype,
        "thinned": "one logged step" if thinned == 1 else f"{thinned} logged steps",
        "train_hash": hashlib.sha256(result.train_text.encode()).hexdigest(),
        "held_out_hash": hashlib.sha256(result.held_out_text.encode()).hexdigest(),
        "code_hash": hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest(),
        "weights_hash": gpt.fingerprint(result.model),
        "files": contents(made, beside),
        "rate_alt": made["learning_rate"].alt,
    }
    values |= ladder_chapter(result) | {f"{name}_alt": chart.alt for name, chart in made.items()}
    parts = {"speed", "ladder"} & {*made} | {"stopped" if course.stopped else "finished"}
    parts |= {"falling" if course.best_step == course.step else "past"}
    return markdown.fill(markdown.keep(TEMPLATE.read_text("utf-8"), parts), values)


def parameters(run: Result | OpenedModel) -> int:
    return sum(weight.numel() for weight in run.model.parameters())


def outcome(result: Result) -> str:
    """The losses on both texts, next to those of knowing less."""
    V = len(result.tokenizer.vocab)
    rows = {
        "the model": (result.train_loss, result.held_out_loss),
        "counted bigram": result.bigram,
        "guessing evenly": (math.log(V), math.log(V)),
    }
    lines = [
        (name, decimals(one, 3), tokens_alike(one), decimals(other, 3), tokens_alike(other))
        for name, (one, other) in rows.items()
    ]
    lines.append(("entropy floor", decimals(result.floor, 3), tokens_alike(result.floor), "", ""))
    return markdown_table(("<", "training text", "as between", "held-out text", "as between"), lines)


def tokens_alike(loss: float) -> str:
    """The perplexity."""
    return f"{decimals(math.exp(loss), 1)} tokens" if loss < 700 else "∞"


def samples(result: Result) -> str:
    """Everything that was written in the training, with the step and the loss at the time."""
    course = result.course
    losses = {row["step"]: row["held-out loss"] for row in course.rows if "held-out loss" in row}
    parts = []
    for step, words in course.samples:
        name = "Before the training" if step == 0 else "At the end" if step == course.step else f"At step {step:,}"
        here = f"Step {step:,}; " if step in (0, course.step) else ""
        kept = " These weights were kept." if step == course.best_step else ""
        said = f"{here}held-out loss {decimals(losses[step], 3)}."
        parts.append(f"### {name}\n\n{said[0].upper()}{said[1:]}{kept}\n\n{code_block(words)}")
    return "\n\n".join(parts)


def parameters_table(result: Result) -> str:
    """Every parameter with its shape and its share of all numbers."""
    total = parameters(result)
    rows = []
    for name, weight in result.model.named_parameters():
        shape, n = " × ".join(f"{size:,}" for size in weight.shape), weight.numel()
        rows.append((f"`{name}`", shape, f"{n:,}", exact_percent(n / total)))
    return markdown_table(("<name", "shape", "numbers", "share"), [*rows, ("all", "", f"{total:,}", exact_percent(1))])


def counts(examples: Examples, V: int = 0) -> torch.Tensor:
    """How often each id is to be predicted, (V,), or as far as the greatest one, if that is further."""
    return torch.bincount(examples.targets[examples.targets != gpt.NO_TARGET], minlength=V)


def text_table(result: Result) -> str:
    """The sizes of both texts."""
    parts = [(result.train_text, result.train), (result.held_out_text, result.held_out)]
    both = sum(examples.tokens for _, examples in parts)
    sizes = {
        "bytes in UTF-8": [f"{len(words.encode()):,}" for words, _ in parts],
        "characters": [f"{len(words):,}" for words, _ in parts],
        "lines": [f"{words.count(chr(10)) + (not words.endswith(chr(10)) and words != ''):,}" for words, _ in parts],
        "tokens to predict": [f"{examples.tokens:,}" for _, examples in parts],
        "share of these": [exact_percent(examples.tokens / both) for _, examples in parts],
        "different tokens among these": [f"{int((counts(examples) > 0).sum()):,}" for _, examples in parts],
    }
    return markdown_table(("<", "training text", "held-out text"), ((name, *row) for name, row in sizes.items()))


def unseen(result: Result) -> int:
    """How many of the tokens to predict in the held-out text never were to be predicted in the training text."""
    seen, asked = (counts(examples, len(result.tokenizer.vocab)) for examples in (result.train, result.held_out))
    return int(asked[seen == 0].sum())


def frequent(result: Result) -> str:
    """The most frequent tokens; of equally frequent ones, first the one with the lower id."""
    vocab = result.tokenizer.vocab
    found = counts(result.train).tolist()
    ids = sorted((id for id, n in enumerate(found) if n), key=lambda n: (-found[n], n))[:FREQUENT]
    rows = (
        (token_to_markdown(vocab[id]), f"{found[id]:,}", exact_percent(found[id] / result.train.tokens)) for id in ids
    )
    return markdown_table(("<token", "times", "share"), rows)


def contents(made: Mapping[str, Chart], beside: Collection[str]) -> str:
    """What each file of the report is, and each of the others that it knows."""
    words = TEXTS["files"]
    names = ["report.html", "report.md", "log.csv", *(f"plots/{name}.svg" for name in made)]
    names += [name for name in words if name in beside]
    return "\n".join(f"- [{name}]({name}): {words.get(name, 'a chart of this report')}" for name in names)


# --- The ladder ---------------------------------------------------------------------------------------------------


def adds(rung: Rung, result: Result) -> str:
    """What a rung has that the one before it lacks, in a sentence."""
    if rung.name == "the whole model":
        one, L = "The model of the run; it has one block, as the rung before.", result.settings.n_layer
        return f"{L} blocks, one after the other." if L > 1 else one
    return TEXTS["rungs"].get(rung.name.lstrip("0123456789 "), "")


def ladder_chapter(result: Result) -> dict[str, str]:
    """The table of the rungs, and what there is to say and to show of each."""
    rows, parts = [], []
    for before, rung in zip([None, *result.ladder], result.ladder, strict=False):
        verdict, change = "", ""
        if before:
            change = decimals(rung.loss - before.loss, 3)
            better = rung.loss < before.loss and change.strip("\N{MINUS SIGN}0.") != ""
            verdict = f" Its loss is {compared(rung.loss, before.loss)} that of the rung before"
            verdict += "." if better else ": here, this brings nothing."
        rows.append((rung.name, f"{rung.parameters:,}", decimals(rung.loss, 3), change))
        shown = f"\n\n{code_block(rung.sample)}" if rung.sample else ""
        parts.append(f"### {rung.name[0].upper()}{rung.name[1:]}\n\n{adds(rung, result)}{verdict}{shown}")
    table = markdown_table(("<model", "numbers", "held-out loss", "change"), rows)
    return {"ladder_table": table, "ladder_steps": "\n\n".join(parts)}


# --- The page -----------------------------------------------------------------------------------------------------


def to_page(text: str, made: Mapping[str, Chart]) -> Body:
    """The page of a report's Markdown, in which any HTML is text. `made` has the charts by name."""
    figures = {f"plots/{name}.svg": {"chart": chart} for name, chart in made.items()}
    return Document(text, foreign=True).body(Facts({}, {}, figures))
