"""The report of a run: its numbers are the result's, its charts say what they show, every foreign letter is text."""

import csv
import doctest
import hashlib
import io
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from markdown_it import MarkdownIt
from PIL import Image

import gpt
from article.evidence import words
from article.models import dataset, trainer
from article.models.fit import Result, Rung
from article.models.settings import Settings, settle
from article.sites import report
from article.web import markdown_text, plots
from article.web.markdown_text import markdown_table, token_to_markdown, visible
from article.web.site import assets
from tests.browser import AXE, PHONE, STICKING_OUT, Serve, Visitor
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # the run that it is about is trained

# Tokens that want to be more than text; each comes in the training text, and so in the table and in the samples.
HOSTILE = (
    *(
        "<script>alert(1)</script>",
        "<img/src=x/onerror=alert(1)>",
        "</pre></code>",
        "<!--",
        "-->",
        "<b>",
        "&amp;",
        "&#60;",
    ),
    *("`tick`", "```", "~~~", "a|b", "|", "\\|", "\\", "*b*", "__u__", "~~s~~", "#", "-", "1.", ">", "==="),
    *(
        "[x](javascript:alert(1))",
        "](x)",
        "![i](x.svg)",
        "[x]:",
        "<http://a.example>",
        "http://b.example",
        "@me",
        "$x$",
    ),
    *("{best_step}", "{{body}}", "{{title}}", "{0}", "klzzwxh:0000", "wzxhzdk:0", "\u05d0\u05d1\u05d2", "\u202eevil"),
    *("\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\x02klzzwxh:0\x03", "\x1b[31m", "e\u0301", "\ufeff"),
)
TEXT = " ".join(f"{one} the cat sat on the mat {one}" for one in HOSTILE)
HELD_OUT = "the mat sat on the cat | the cat sat on {best_step} the mat <b> the cat"
N_CONTEXT = 8


def write(tokenizer: gpt.Tokenizer, step: int) -> str:
    """A sample: some hostile tokens in lines that begin and end with anything."""
    some = [tokenizer.vocab[(step + 3 * n) % len(tokenizer.vocab)] for n in range(30)]
    return "\n".join((" ".join(some[:10]), "", "\t" + " ".join(some[10:20]), "    " + some[20], *some[21:]))


@pytest.fixture(scope="module")
def result() -> Result:
    """A run of 40 steps."""
    given = {
        "n_context": N_CONTEXT,
        "n_embd": 8,
        "steps": 40,
        "eval_every": 10,
        "batch_size": 4,
        "warmup": 5,
        "clip": 1.0,
    }
    settings = settle(given | {"examples": "windows", "tokenizer": "a|b`<i>`{x}", "learning_rate": 0.02}, Settings())
    tokenizer = gpt.Tokenizer([TEXT, HELD_OUT])
    train, held_out = (
        dataset.Examples.of_text(torch.tensor(tokenizer.encode(text)), N_CONTEXT) for text in (TEXT, HELD_OUT)
    )
    model = gpt.GPT(settings.config(len(tokenizer.vocab)))
    gpt.initialise(model.double(), settings.embedding_limit, dataset.stream(settings.seed, "start"))
    course = trainer.train(model, trainer.Training(settings, train, held_out, lambda _, step: write(tokenizer, step)))
    losses = dataset.evaluate(model, train), dataset.evaluate(model, held_out)
    ladder = [
        Rung("counted bigram", len(tokenizer.vocab) ** 2, 2.75, "b"),
        Rung("trained bigram", 900, 2.5, "```\n</pre>"),
        Rung("one head", 950, 2.6, " "),
        Rung("2 heads", 970, 2.5999, ""),
        Rung("the whole model", sum(weight.numel() for weight in model.parameters()), losses[1], course.samples[-1][1]),
    ]
    texts = settings, tokenizer, "hostile", TEXT, HELD_OUT, train, held_out
    return Result(*texts, course, model, *losses, (1.25, 2.75), 0.5, ladder)


@pytest.fixture(scope="module")
def files(result: Result) -> dict[str, bytes]:
    return report.files(result, (), ["config.toml", "somebody.else"])


VOID = ("meta", "link", "img", "br", "hr", "input")


class Tree(HTMLParser):
    """A page as elements; an end that fits no beginning is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = ElementTree.Element("root")
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert self.open == [self.root]

    def handle_starttag(self, tag: str, attrs: list) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        element = ElementTree.SubElement(self.open[-1], tag, {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:  # `<img />`
            return
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        last = self.open[-1]
        if len(last):
            last[-1].tail = (last[-1].tail or "") + data
        else:
            last.text = (last.text or "") + data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


@pytest.fixture(scope="module")
def page(files: dict[str, bytes]) -> ElementTree.Element:
    return Tree(files["report.html"].decode()).root


def all_of(element: ElementTree.Element) -> str:
    return "".join(element.itertext())


def tables(root: ElementTree.Element) -> dict[str, list[list[str]]]:
    """The cells of all tables, by the heading that they are under."""
    found, heading = {}, ""
    for element in root.iter():
        if element.tag in ("h1", "h2", "h3"):
            heading = all_of(element)
        elif element.tag == "table":
            assert heading not in found, heading
            found[heading] = [[all_of(cell) for cell in row] for row in element.iter("tr")]
    return found


def by_markdown_it(text: str) -> ElementTree.Element:
    """What another program makes of the Markdown, HTML and bare links included."""
    return Tree(MarkdownIt("commonmark", {"html": True}).enable("table").render(text)).root


@pytest.fixture(scope="module", params=["page", "file"])
def shown(request: pytest.FixtureRequest, page: ElementTree.Element, files: dict[str, bytes]) -> ElementTree.Element:
    """The report as one sees it: the page, and the file through another Markdown program."""
    return page if request.param == "page" else by_markdown_it(files["report.md"].decode())


# --- Numbers ------------------------------------------------------------------------------------------------------


def value(cell: str) -> float:
    return float(cell.replace(",", "").replace("\N{MINUS SIGN}", "-").removesuffix(" tokens").removesuffix("%"))


def close(cells: list[str], numbers: list[float], by: float = 5.01e-4) -> bool:
    return all(abs(value(cell) - number) <= by for cell, number in zip(cells, numbers, strict=True))


def test_the_losses(result: Result, shown: ElementTree.Element) -> None:
    even = math.log(len(result.tokenizer.vocab))
    asked = {"the model": (result.train_loss, result.held_out_loss), "counted bigram": result.bigram}
    asked |= {"guessing evenly": (even, even)}
    rows = {name: cells for name, *cells in tables(shown)["What it came to"][1:]}
    assert list(rows) == [*asked, "entropy floor"]
    for name, losses in asked.items():
        assert close(rows[name][::2], list(losses)), name
        assert close(rows[name][1::2], [math.exp(loss) for loss in losses], 0.051), name
    assert close(rows["entropy floor"][:2], [0.5, math.exp(0.5)], 0.05)
    assert rows["entropy floor"][2:] == ["", ""]


def test_all_of_a_text_is_evaluated(result: Result) -> None:
    windows = math.ceil(result.train.tokens / N_CONTEXT)  # the last one may be short
    assert sum(len(ids) for ids, _ in result.train.parts()) == windows > 40
    assert sum(len(ids) for ids, _ in result.train.parts(5 * N_CONTEXT + 1)) == 5


def test_the_parameters(result: Result, shown: ElementTree.Element) -> None:
    weights = dict(result.model.named_parameters())
    total = sum(weight.numel() for weight in weights.values())
    *rows, last = tables(shown)["The parameters"][1:]
    assert [row[:3] for row in rows] == [
        [name, " × ".join(map(str, weight.shape)), f"{weight.numel():,}"] for name, weight in weights.items()
    ]
    assert close([row[3] for row in rows], [100 * weight.numel() / total for weight in weights.values()], 5.01e-3)
    assert last == ["all", "", f"{total:,}", "100.00%"]
    assert f"A GPT of {total:,} parameters read {result.train.tokens:,} tokens" in all_of(shown)


def test_the_text(shown: ElementTree.Element) -> None:
    rows = {name: [value(cell) for cell in cells] for name, *cells in tables(shown)["The text"][1:]}
    words = TEXT.split(), HELD_OUT.split()
    assert rows["bytes in UTF-8"] == [len(TEXT.encode()), len(HELD_OUT.encode())]
    assert rows["characters"] == [len(TEXT), len(HELD_OUT)] != rows["bytes in UTF-8"]
    assert rows["lines"] == [1, 1]
    assert rows["tokens to predict"] == [len(some) - 1 for some in words]
    assert rows["different tokens among these"] == [len(set(some[1:])) for some in words]
    assert sum(rows["share of these"]) == pytest.approx(100, abs=0.01)
    assert f"The vocabulary has {len({*words[0], *words[1]})} tokens. " in all_of(shown)
    assert "text, 0 (0.00%) are" in all_of(shown)


def test_tokens_that_training_never_saw(result: Result) -> None:
    other = result.tokenizer.encode("the cat | mat mat sat")
    changed = replace(result, train=dataset.Examples.of_text(torch.tensor(other), N_CONTEXT))
    missing = [word for word in HELD_OUT.split()[1:] if word not in {"cat", "|", "mat", "sat"}]
    n = len(HELD_OUT.split()) - 1
    text = report.files(changed)["report.md"].decode()
    assert f"text, {len(missing)} ({len(missing) / n:.2%}) are" in text


def test_the_settings_and_where_it_ran(result: Result, shown: ElementTree.Element) -> None:
    rows = {name: cells for name, *cells in tables(shown)["The settings"][1:]}
    assert {name: cells[0] for name, cells in rows.items()} == {n: str(v) for n, v in vars(result.settings).items()}
    assert rows["seed"][1] == "of all random numbers"
    where = dict(tables(shown)["Where it ran"][1:])
    assert where["torch"] == torch.__version__
    assert where["threads of the training"] == "1"


def test_the_hashes(result: Result, shown: ElementTree.Element) -> None:
    files = [ROOT / "gpt.py", *sorted((ROOT / "article" / "models").glob("*.py"))]
    parts = [TEXT.encode(), HELD_OUT.encode(), b"".join(path.read_bytes() for path in files)]
    said = re.findall(r"\b[0-9a-f]{64}\b", all_of(shown))
    assert said == [*(hashlib.sha256(part).hexdigest() for part in parts), gpt.fingerprint(result.model)]


def test_the_log_is_the_course(result: Result, files: dict[str, bytes]) -> None:
    text = files["log.csv"].decode()
    read = [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(io.StringIO(text))]
    assert read == result.course.rows
    assert text.startswith("step,loss,train loss,held-out loss,learning rate,tokens a second,gradient,gradient ")
    table = np.genfromtxt(io.StringIO(text), delimiter=",", names=True)
    assert table["gradient_embedding"][3] == result.course.rows[3]["gradient embedding"]
    assert np.isnan(table["train_loss"][3])


# --- What it says -------------------------------------------------------------------------------------------------


def test_the_step_that_was_kept(result: Result) -> None:
    course = result.course
    late = [row["held-out loss"] for row in course.rows if "held-out loss" in row][-1]
    kept = replace(result, course=replace(course, best_step=10, best_loss=late - 0.25))

    def of(some: Result) -> str:
        return report.files(some)["report.md"].decode()

    text = of(kept)
    assert f"weights of step 10, because the held-out loss was the lowest there: {late - 0.25:.3f}" in text
    assert "all of its 40 steps" in text
    assert f"At the end, it was {late:.3f}, which is 0.250 above that." in text
    assert text.count("These weights were kept.") == 1
    assert "These weights were kept." in text.split("### At step 10\n")[1].split("###")[0]
    stopped = replace(
        kept, course=replace(kept.course, step=30, stopped=True), settings=replace(result.settings, patience=2)
    )
    assert "stopped early, after step 30 of 40: 2 evaluations had brought nothing better" in of(stopped)
    last = replace(result, course=replace(course, best_step=40))
    assert "still fell" in of(last)


@pytest.mark.parametrize(("loss", "words"), [(2.5, "0.250 below"), (3.0, "0.250 above"), (2.75, "the same as")])
def test_next_to_counting(result: Result, loss: float, words: str) -> None:
    text = report.files(replace(result, held_out_loss=loss))["report.md"].decode()
    assert f"a loss of {loss:.3f} nats a token: that is {words} what counting" in text


def test_the_ladder(result: Result, shown: ElementTree.Element) -> None:
    V, total = len(result.tokenizer.vocab), report.parameters(result)
    losses = [2.75, 2.5, 2.6, 2.5999, result.held_out_loss]
    names = ["counted bigram", "trained bigram", "one head", "2 heads", "the whole model"]
    head, *rows = tables(shown)["The ladder"]
    assert head == ["model", "numbers", "held-out loss", "change"]
    assert [row[0] for row in rows] == names
    assert [value(row[1]) for row in rows] == [V * V, 900, 950, 970, total]
    assert close([row[2] for row in rows], losses)
    assert close([row[3] for row in rows[1:]], np.diff(losses).tolist())
    text = all_of(shown)
    assert "Its loss is 0.250 below that of the rung before.\n" in text
    assert "Its loss is 0.100 above that of the rung before: here, this brings nothing." in text
    assert "Its loss is the same as that of the rung before: here, this brings nothing." in text
    assert "2 blocks, one after the other." in text


def test_every_rung_there_is_has_its_words(result: Result) -> None:
    from article.models.baselines import rungs

    for name, *_ in rungs(result.settings.config(9)):
        assert report.adds(Rung(name, 1, 1.0, ""), result), name


def test_without_a_ladder_or_a_speed(result: Result) -> None:
    rows = [{name: n for name, n in row.items() if name != "tokens a second"} for row in result.course.rows]
    bare = replace(result, ladder=[], course=replace(result.course, rows=rows))
    files = report.files(bare)
    text = files["report.md"].decode()
    assert not {"plots/ladder.svg", "plots/speed.svg"} & set(files)
    assert not re.search("ladder|speed|<!--", text.split("## The text")[0].split("### ")[0])
    assert "ladder.svg" not in files["report.html"].decode()


def test_one_step(result: Result) -> None:
    """The shortest training has a report, too."""
    course = result.course
    short = replace(
        course, step=1, rows=[course.rows[0], course.rows[-1] | {"step": 1}], best_step=0, samples=course.samples[:1]
    )
    assert b"At step 40" not in report.files(replace(result, course=short, ladder=[]))["report.md"]


# --- Charts -------------------------------------------------------------------------------------------------------


def test_the_charts_are_small_well_formed_and_the_same_every_time(result: Result, files: dict[str, bytes]) -> None:
    names = {name for name in files if name.startswith("plots/")}
    assert names == {f"plots/{name}.svg" for name in ("loss", "gradients", "learning_rate", "speed", "ladder")}
    again = report.files(result)
    for name in names:
        assert len(files[name]) < 40_000
        assert again[name] == files[name]
        root = ElementTree.fromstring(files[name])  # noqa: S314 - our own
        assert root.get("viewBox", "").startswith("0 0 340 ")
        assert len(root.get("aria-label", "")) > 60


@pytest.mark.parametrize("name", ["ink", "quiet", "blue", "orange", "green"])
def test_letters_can_be_read_on_light_and_on_dark_paper(name: str) -> None:
    def luminance(color: str) -> float:
        parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assets = ROOT / "article" / "web" / "assets"
    papers = re.findall(r"--paper: (#\w{6})", (assets / "page.css").read_text("utf-8"))
    inks = re.findall(rf"--{name}: (#\w{{6}})", (assets / "chart.svg").read_text("utf-8"))
    for paper, ink in zip(papers, inks, strict=True):
        low, high = sorted((luminance(paper), luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_a_deep_model_has_a_small_chart(result: Result) -> None:
    random = np.random.default_rng(1)
    parts = [f"block {n + 1} {kind}" for n in range(48) for kind in ("attention", "mlp")]
    rows = [
        row | {f"gradient {part}": float(random.random()) + 0.1 for part in parts} | {"step": n, "gradient": 1.0}
        for n, row in enumerate([result.course.rows[0]] * 800)
    ]
    deep = replace(result, course=replace(result.course, rows=rows), settings=replace(result.settings, n_layer=48))
    chart = report.drawn(deep)["gradients"]
    assert len(chart.svg) < 40_000
    assert "in 20 lines" in chart.alt
    assert "Drawn are blocks 1, 8, 14, 21, 28, 35, 41, 48." in chart.alt


def points(chart: plots.Chart, look: str) -> list[tuple[float, float]]:
    """The places of the line that looks so."""
    root = ElementTree.fromstring(chart.svg)  # noqa: S314 - our own
    (line,) = (line for line in root.iter("{http://www.w3.org/2000/svg}polyline") if line.get("class") == look)
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.get("points", "").split())]


def test_a_line_is_its_data(result: Result) -> None:
    """Its points lie where the axis has their numbers: along one straight line of value to height."""
    for look, column in (("blue", "train loss"), ("orange dashed", "held-out loss"), ("faint", "loss")):
        line, series = points(report.drawn(result)["loss"], look), report.column(result, column)
        assert len(line) == len(series.steps)
        for numbers, places in zip(series, zip(*line, strict=True), strict=True):
            a, b = np.polyfit(numbers, places, 1)
            assert np.allclose(np.polyval((a, b), numbers), places, atol=0.02)


def test_the_words_of_a_chart_are_its_data(result: Result, page: ElementTree.Element) -> None:
    alts = {image.get("src", ""): image.get("alt", "") for image in page.iter("img")}
    rows = result.course.rows
    for file, name, column in (
        ("loss", "Training text", "train loss"),
        ("loss", "Held-out text", "held-out loss"),
        ("loss", "Batches", "loss"),
        ("gradients", "All together", "gradient"),
        ("learning_rate", "Learning rate", "learning rate"),
        ("speed", "Tokens a second", "tokens a second"),
    ):
        some = [(row[column], row["step"]) for row in rows if column in row]
        expected = [some[0], some[-1], min(some), max(some)]
        pattern = rf"{name}: (\S+) at step (\d+), (\S+) at step (\d+); the least is (\S+) at step (\d+)"
        found = re.search(pattern + r"(?:, the most (\S+) at step (\d+))?\.", alts[f"plots/{file}.svg"])
        assert found, column
        said = [value(n) for n in found.groups() if n]
        assert len(said) == (6 if file == "loss" else 8)
        for number, right in zip(said, [n for pair in expected for n in pair], strict=False):
            assert number == pytest.approx(right, rel=6e-4), column
    ends = {name.removeprefix("gradient "): n for name, n in rows[-2].items() if name.startswith("gradient ")}
    high, low = max(ends, key=ends.__getitem__), min(ends, key=ends.__getitem__)
    assert f"Of the parts, {high} ends highest" in alts["plots/gradients.svg"]
    assert f"and {low} lowest" in alts["plots/gradients.svg"]
    assert "held-out loss is 2.75, the floor 0.5." in alts["plots/loss.svg"]
    told = "counted bigram 2.75, trained bigram 2.5, one head 2.6, 2 heads 2.6, the whole model "
    assert told in alts["plots/ladder.svg"]
    least = "the whole model" if result.held_out_loss < 2.5 else "trained bigram"
    assert alts["plots/ladder.svg"].endswith(f"The least is that of {least}.")


# --- Foreign letters ----------------------------------------------------------------------------------------------


def test_every_token_is_text(shown: ElementTree.Element, result: Result) -> None:
    words = TEXT.split()[1:]
    rows = tables(shown)["The most frequent tokens"][1:]
    counted = sorted(dict.fromkeys(words), key=lambda word: (-words.count(word), result.tokenizer.ids[word]))
    assert [row[0] for row in rows] == [visible(word) for word in counted[: report.FREQUENT]]
    assert [value(row[1]) for row in rows] == [words.count(word) for word in counted[: report.FREQUENT]]


@pytest.mark.parametrize("word", HOSTILE)
def test_a_hostile_token_is_text(word: str) -> None:
    text = f"# T\n\nfirst\n\n{markdown_table(('<token', 'n'), [(token_to_markdown(word), '1')])}\n"
    for root in (Tree(report.to_page(text, {}).html).root, by_markdown_it(text)):
        (row,) = tables(root)["T"][1:]
        assert row == [visible(word), "1"]
        assert {element.tag for element in root.iter()} <= {
            *("root", "h1", "p", "div", "table", "thead", "tbody", "tr", "th", "td")
        }


def test_the_samples_are_text(shown: ElementTree.Element, result: Result) -> None:
    """Their lines are all there, but for white space at the ends and in lines that have nothing else."""
    asked = [text for _, text in result.course.samples]
    asked += [rung.sample for rung in result.ladder if rung.sample.strip()]
    found = [all_of(pre) for pre in shown.iter("pre") if "python gpt.py" not in all_of(pre)]
    assert [text.split("\n") for text in map(str.rstrip, found)] == [
        visible(text).rstrip().split("\n") for text in asked
    ]
    assert "(nothing but white space)" in all_of(shown)
    assert len({text for _, text in result.course.samples}) == 5


def test_the_examples_of_the_docstrings() -> None:
    for module in (markdown_text, words):
        found = doctest.testmod(module)
        assert found.attempted
        assert not found.failed


def test_the_page_takes_no_html_from_markdown() -> None:
    body, title, first = report.to_page("# A <b>\n\nfirst <i>x</i>\n\n<script>alert(1)</script>\n", {})
    assert {element.tag for element in Tree(body).root.iter()} == {"root", "h1", "p"}
    assert (title, first) == ("A <b>", "first <i>x</i>")


def test_a_setting_is_text(shown: ElementTree.Element) -> None:
    assert "a|b`<i>`{x}" in [cell for row in tables(shown)["The settings"] for cell in row]


def test_nothing_foreign_acts(page: ElementTree.Element, files: dict[str, bytes]) -> None:
    assert len(list(page.iter("script"))) == 1
    for root in (page, by_markdown_it(files["report.md"].decode())):
        for element in root.iter():
            assert not any(name.startswith("on") for name in element.attrib)
            assert root is not page or "style" not in element.attrib  # which the page's policy forbids
            address = element.get("src") or element.get("href") or ""
            assert not re.match("javascript|http|x", address), address
    assert "\u202e" not in files["report.md"].decode()
    assert not re.search(r"[^\n\x20-\x7e\xa0-\U0010ffff]", files["report.md"].decode())


# --- The page -----------------------------------------------------------------------------------------------------


def test_the_page_is_sound(page: ElementTree.Element) -> None:
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert [all_of(heading) for heading in page.iter("h1")] == ["Report of a run"]
    assert page.findtext(".//title") == "Report of a run"
    assert len(list(page.iter("img"))) == 5
    for image in page.iter("img"):
        assert len(image.get("alt", "")) > 60
        assert image.get("width") == "340"
        assert image.get("height", "").isdecimal()
    labels = [box.get("aria-label") for box in page.iter("div") if box.get("class") == "numbers"]
    assert len(labels) == len(set(labels)) == len(list(page.iter("table"))) == 7
    for table in page.iter("table"):
        assert all(
            cell.get("scope") == "col" or (cell.tag == "td" and not cell.text) for cell in table.findall("thead/tr/*")
        )
        assert all(row[0].get("scope") == "row" for row in table.findall("tbody/tr"))


def named(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        for name in ("src", "href"):
            address = element.get(name, "")
            if address and not address.startswith(("#", "data:")):
                yield address


def test_every_file_that_it_names_is_there(page: ElementTree.Element, files: dict[str, bytes]) -> None:
    there = {*files, "report.html", "config.toml"}
    assert set(named(by_markdown_it(files["report.md"].decode()))) == there
    assert there <= set(named(page)) <= there | set(assets())


def test_it_says_the_same_every_time(result: Result, files: dict[str, bytes]) -> None:
    assert report.files(result, (), ["config.toml"]) == files


def test_in_a_browser(files: dict[str, bytes], tmp_path: Path, serve: Serve, visit: Visitor) -> None:
    """Axe finds nothing, nothing sticks out on a phone, no error, no request to elsewhere; all charts are seen.

    In light and in dark.
    """
    made = files | {asset: (ROOT / "article" / "web" / "assets" / asset).read_bytes() for asset in assets()}
    for name, data in made.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    url = serve(tmp_path)
    seen = visit(f"{url}report.html", viewport=PHONE)
    for image in seen.page.locator("img").all():
        image.scroll_into_view_if_needed()
        seen.page.wait_for_function("(image) => image.complete && image.naturalWidth", arg=image.element_handle())
    for width in (320, 360):
        seen.page.set_viewport_size({"width": width, "height": 740})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.page.evaluate(STICKING_OUT) == []
    seen.page.evaluate(AXE.read_text("utf-8"))
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        picture = np.array(Image.open(io.BytesIO(seen.page.locator("img").first.screenshot())).convert("L"))
        assert picture.min() < 100  # the letters, or the paper
        assert picture.max() > 200
        assert (np.median(picture) > 200) == (scheme == "light")
        found = seen.page.evaluate(
            "async () => (await axe.run()).violations.map(({ id, nodes }) => [id, nodes[0].html])"
        )
        assert found == []
    assert seen.errors == []
    assert seen.page.evaluate("window.violations") == []
    assert all(request.startswith((url, "data:")) for request in seen.requests)
