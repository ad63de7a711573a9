"""The full flow: its numbers are the trace's, its lines are those of gpt.py, and nothing is left out."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import gpt
from article.errors import RefusalError
from article.sites import flow
from article.sites.trained import train
from scenes import style
from scenes.analysis import stages as stages_
from scenes.analysis.stages import Stage
from tests.conftest import ROOT, Run, ended
from tests.sites.test_article import contents, hasty

PROMPT = "the fox made this"
HOSTILE = ("<script>alert(1)</script>", "\"'&amp;,", "{{body}}", "</textarea>", "\u05d1\u05ea\u05d5\u05da")
PALETTE = ("warm-half", "warm", "cool-half", "cool")


@pytest.fixture(scope="module")
def stages(trace: gpt.Trace) -> dict[str, Stage]:
    return {stage.id: stage for stage in stages_.stages(trace)}


def made(trace: gpt.Trace) -> tuple[ElementTree.Element, dict[str, bytes]]:
    """The inside of the page and the files."""
    stages = stages_.stages(trace)
    page = ElementTree.fromstring(f"<main>{flow.flow_body(trace, stages)}</main>")  # noqa: S314 - our own
    return page, stages_.files(trace, stages)


def close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-8, atol=1e-8)


# --- Numbers ------------------------------------------------------------------------------------------------------


def test_every_number_of_the_trace_is_in_a_stage(trace, stages):
    for field in fields(gpt.Trace):
        array = getattr(trace, field.name)
        if isinstance(array, np.ndarray):
            missing = np.ones(array.shape, bool)
            for stage in stages.values():
                if stage.array == field.name:
                    assert np.array_equal(stage.values, array[stage.index]), stage.id
                    missing[stage.index] = False
            assert not missing.any(), field.name
    assert len(stages) == len(stages_.stages(trace))


def test_what_the_trace_does_not_hold(trace, stages, tokenizer):
    """Ids, their embeddings and probabilities, against the tokenizer and torch."""
    ids = tokenizer.encode(trace.sentence)
    assert stages["ids"].values.tolist() == ids
    assert np.array_equal(stages["lookup"].values + trace.position, trace.residual[0])
    softmax = torch.tensor(trace.lens[-1]).softmax(-1).numpy()
    names = stages["probabilities"].axes[1][1]
    assert sorted(names) == sorted(trace.vocab)
    assert close(stages["probabilities"].values, softmax[:, [trace.id(name) for name in names]])
    assert close(stages["probabilities"].values[-1], np.sort(softmax[-1])[::-1])
    assert stages["prediction"].axes == (("next token", names[:1]),)
    assert names[0] == trace.prediction
    assert close(stages["prediction"].values, softmax[-1].max(keepdims=True))


def test_the_files_hold_the_numbers(trace, stages):
    _, files = made(trace)
    said = json.loads(files.pop("flow.json"))
    found = {one["id"]: one for one in said.pop("stages")}
    tokens, vocab = list(trace.tokens), list(trace.vocab)
    assert said == {key: getattr(trace, key) for key in said} | {"tokens": tokens, "vocab": vocab}
    assert list(files) == [f"flow/{id}.csv" for id in found]
    assert list(found) == list(stages)
    for id, stage in stages.items():
        values = np.array(found[id]["values"])
        assert close(values, stage.values), id
        assert found[id]["shape"] == list(values.shape)
        axes = [(axis["name"], tuple(axis["labels"])) for axis in found[id]["axes"]]
        assert axes == list(stage.axes)
        head, *rows = csv.reader(files[f"flow/{id}.csv"].decode().splitlines())
        columns = axes[-1][1] if len(axes) > 1 else (id,)
        leading = axes[:-1] or axes
        assert head == [*(name for name, _ in leading), *columns]
        for place, line, row in zip(
            np.ndindex(*(len(labels) for _, labels in leading)), values.reshape(-1, len(columns)), rows, strict=True
        ):
            assert row[: len(leading)] == [labels[n] for (_, labels), n in zip(leading, place, strict=True)]
            assert [float(cell) for cell in row[len(leading) :]] == line.tolist()


def matrices(stage: Stage) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], NDArray]]:
    """What each table of a stage should hold: the labels of its rows and of its columns, and the numbers."""
    if stage.values.ndim == 1:
        yield stage.axes[0][1], (stage.id,), stage.values[:, None]
        return
    (_, rows), (last, columns) = stage.axes[-2:]
    for matrix in stage.values if stage.values.ndim == 3 else [stage.values]:
        yield (rows, columns, matrix) if last == "key" else (columns, rows, matrix.T)


def test_the_tables_show_the_numbers(trace, stages):
    """With three decimals and a true minus sign, in a class by sign and eighth of the scale that the caption states."""
    page, _ = made(trace)
    sections = {section.get("id", ""): section for section in page.iter("section")}
    assert list(sections) == list(stages)
    for id, stage in stages.items():
        limit = np.abs(stage.values).max() or 1.0
        for table, (rows, columns, matrix) in zip(sections[id].iter("table"), matrices(stage), strict=True):
            heads = [(cell.get("scope"), cell.text) for cell in table.iter("th")][1:]
            assert heads == [("col", text) for text in columns] + [("row", text) for text in rows]
            cells = [(cell.text or "", cell.get("class", "")) for cell in table.iter("td")]
            assert (f"Scale: ±{limit:.3f}" in (table.findtext("caption") or "")) == (id != "ids")
            for (text, shade), value in zip(cells, matrix.ravel(), strict=True):
                assert re.fullmatch(r"\N{MINUS SIGN}?\d+(\.\d{3})?", text)
                assert float(text.replace("\N{MINUS SIGN}", "-")) == pytest.approx(value, abs=5.1e-4)
                assert ("." in text) == (value != 0 and id != "ids")
                if abs(value) > 1e-7 and id != "ids":
                    sign, level = shade
                    assert sign == ("p" if value > 0 else "n")
                    assert int(level) - 1.001 < 8 * abs(value) / limit < int(level) + 0.001
                elif value == 0 or id == "ids":
                    assert shade == ""


@pytest.mark.slow
def test_what_processors_differ_in_is_not_written(trace):
    noise = np.random.default_rng(0).uniform(-1e-15, 1e-15, trace.up.shape)
    other = replace(trace, up=trace.up + noise)
    assert (other.up != trace.up).any()
    assert stages_.files(other, stages_.stages(other)) == stages_.files(trace, stages_.stages(trace))
    assert flow.flow_body(other, stages_.stages(other)) == flow.flow_body(trace, stages_.stages(trace))


def test_colours_are_those_of_the_scenes():
    """In page.css: of half the scale and of its limit, and exchanged on dark paper."""
    css = (ROOT / "article" / "web" / "assets" / "page.css").read_text("utf-8")
    colours = [
        "#" + "".join(f"{round(255 * part):02x}" for part in colour)
        for colour in (*style.POSITIVE[1:], *style.NEGATIVE[1:])
    ]
    for name, light, dark in zip(PALETTE, colours, np.array(colours)[[1, 0, 3, 2]], strict=True):
        assert re.findall(rf"--{name}: (#\w+)", css) == [light, dark]


def test_hostile_words_come_out_as_text(trace):
    vocab = (*HOSTILE, *trace.vocab[len(HOSTILE) :])
    tokens = (*HOSTILE, *trace.tokens[len(HOSTILE) :])
    hostile = replace(trace, sentence=" ".join(tokens), tokens=tokens, vocab=vocab)
    (page, files), (plain, others) = made(hostile), made(trace)
    assert [element.tag for element in page.iter()] == [element.tag for element in plain.iter()]
    assert page.findtext("div/p/strong") == hostile.sentence
    assert list(files) == list(others)
    assert [row[1] for row in csv.reader(files["flow/block-1-query.csv"].decode().splitlines())][1:6] == [
        f"{t} {token}" for t, token in enumerate(HOSTILE, 1)
    ]


# --- Code ---------------------------------------------------------------------------------------------------------


def lines_of(page: str) -> list[tuple[int, str]]:
    """The numbered lines of code that a page shows."""
    shown = re.findall(r'<span class="line">(\d+) </span>(.*)', page)
    return [(int(number), unescape(text)) for number, text in shown]


def test_every_stage_shows_its_lines(site):
    source = (ROOT / "gpt.py").read_text("utf-8").splitlines()
    page = (site / "flow.html").read_text("utf-8")
    shown = lines_of(page)
    assert len(shown) > page.count("<section ") > 40
    for number, text in shown:
        assert source[number - 1].strip() == text.strip() != ""


def test_the_lines_are_those_of_the_program_that_ran(project, run: Run):
    """What is renamed and moved in a copy of gpt.py is so on the page."""
    (project / "article" / ".kept").unlink()  # what is trained here is for this test alone
    program = project / "gpt.py"
    before = program.read_text("utf-8")
    after = re.sub(r"x(: Tensor\) -> tuple\[Tensor, Inside\]:\n +up = self.up)\(x\)", r"stream\1(stream)", before)
    program.write_text(f"# one line more\n{hasty(after)}", "utf-8")
    done = run("flow", PROMPT, "--out", "flow", root=project)
    assert done.returncode == 0, done.stderr
    shown = dict(lines_of((project / "flow" / "index.html").read_text("utf-8")))
    number = next(n for n, line in enumerate(before.splitlines(), 1) if "up = self.up(x)" in line)
    assert shown[number + 1] == "up = self.up(stream)  # (B, T, M)"
    assert number not in shown


def test_figures_stand_at_their_stages(site):
    """Where article/flow.md puts them, in front of the numbers; and the way through the stages says where they are."""
    page = (site / "flow.html").read_text("utf-8")
    sections = dict(re.findall(r'<section id="([^"]+)">(.*?)</section>', page, re.DOTALL))
    figures = {id: re.findall(r'<figure class="scene" [^>]*?\bid="([^"]+)"', text) for id, text in sections.items()}
    text = re.sub(r"block-\{widest_block\}", "block-2", (ROOT / "article" / "flow.md").read_text("utf-8"))
    _, *parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    said = {id: re.findall(r"\]\((\w+)\.glb", part) for id, part in zip(parts[::2], parts[1::2], strict=True)}
    assert {id: found for id, found in figures.items() if found} == {id: found for id, found in said.items() if found}
    for id in said:
        assert f'<a href="#{id}">' in page
        assert bool(re.search(rf'<a href="#{id}">[^<]* \(3D\)</a>', page)) == bool(said[id])
        assert sections[id].find("<p>Shape") > sections[id].rfind("<figcaption>")


def test_a_stage_without_its_code_stops_the_build(project, run: Run):
    stages = project / "scenes" / "analysis" / "stages.toml"
    stages.write_text(stages.read_text("utf-8").replace("Attention.forward/score", "Attention.forward/lost"), "utf-8")
    for arguments in (["flow", PROMPT], ["--seeds", "1"]):
        done = run(*arguments, "--out", "site", root=project)
        assert (done.returncode, done.stdout) == (2, "")
        assert (
            "gpt.py: scenes/analysis/stages.toml: 0 statements in Attention.forward of gpt.py assign 'lost'"
            in done.stderr
        )
        assert done.stderr.endswith(", and a stage is computed by one; change the stage.\n")
        assert not (project / "site").exists()


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("Attention.lost/score", "gpt.py has no Attention.lost"),
        ("GPT.lens/return", "gpt.py has no GPT.lens"),
        ("AdamW.step/return", "0 statements in AdamW.step of gpt.py return"),
        ("Attention/return", "2 statements in Attention of gpt.py return"),
    ],
)
def test_code_that_is_not_there_is_an_error(place, says):
    with pytest.raises(RefusalError, match=says):
        stages_.part(place)


# --- The site and the command -------------------------------------------------------------------------------------


def test_the_flow_fits_in_a_megabyte(site):
    sizes = {name: len(data) for name, data in contents(site).items() if name.startswith("flow")}
    assert len(sizes) == 2 + (site / "flow.html").read_text("utf-8").count("<section id=")
    assert sum(sizes.values()) < 1_000_000


@pytest.mark.slow  # the model is trained where it is not kept
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["at night the moth"],
            "gpt.py: the corpus lacks the word 'moth'; write .*",
        ),
        ([""], "gpt.py: the prompt is empty; it needs at least one token."),
        ([" \n "], "gpt.py: the prompt is empty; it needs at least one token."),
        (
            ["the " * 9],
            "gpt.py: the prompt has 9 tokens, and the model reads at most 8; with --cut it reads the last ones.",
        ),
        ([PROMPT, "--out", "gpt.py"], ".*/gpt.py is a file; name a folder with --out."),
        ([PROMPT, "--out", "data"], ".*/data holds 'held_out.txt', which no build has made; .*"),
        ([PROMPT, "--out", "docs"], ".*/docs holds the article; name another folder with --out."),
        ([PROMPT, "--seed", "x"], "gpt.py: argument --seed: 'x' is no whole number .*"),
        (PROMPT.split(), "gpt.py: unrecognized arguments: fox made this; gpt.py flow -h explains."),
        ([], "gpt.py: the following arguments are required: PROMPT; gpt.py flow -h explains."),
    ],
)
def test_bad_input_is_refused(here, capsys, arguments, says):
    """One sentence, exit status 2, nothing written."""
    for name in ("scenes.json", "evidence.html"):
        (here / "docs").mkdir(exist_ok=True)
        (here / "docs" / name).write_text("[]")
    before = contents(here)
    status, out, err = ended(capsys, "flow", "--out", "new", *arguments)
    assert (status, out) == (2, "")
    usage, _, said = err.rstrip("\n").rpartition("\n")
    assert re.fullmatch(says, said)
    assert usage == "" or usage.startswith("usage: ")
    assert contents(here) == before


def test_another_prompt(tmp_path, run: Run):
    """Its last stage is what the same model's trace predicts; a site of its own, which the next one may replace."""
    for seed, prompt in ((None, PROMPT), (2, "  in   this hive "), (None, "a")):
        done = run("flow", prompt, "--out", tmp_path / "flow", *([] if seed is None else ["--seed", seed]))
        assert (done.returncode, done.stderr) == (0, "")
        (own,) = train(seed)
        trace = gpt.trace(own.model, own.tokenizer, prompt)
        said = json.loads((tmp_path / "flow" / "flow.json").read_text("utf-8"))
        assert said["weights"] == trace.weights
        assert said["sentence"] == " ".join(prompt.split())
        last = next(stage for stage in said["stages"] if stage["id"] == "prediction")
        assert last["axes"][0]["labels"] == [said["prediction"]] == [trace.prediction]
        assert last["values"] == pytest.approx([trace.probability(trace.prediction)], abs=1e-8)
        assert f"{said['sentence']} … {trace.prediction} (" in done.stdout
        assert done.stdout.rstrip().endswith("index.html")
        page = (tmp_path / "flow" / "index.html").read_text("utf-8")
        ids = set(re.findall(r' id="([^"]+)"', page))
        for link in re.findall(r' (?:href|src)="((?!data:)[^"]+)"', page):
            assert link[1:] in ids if link.startswith("#") else (tmp_path / "flow" / link.partition("?")[0]).is_file()
        assert lines_of(page)


def test_of_the_prompt_of_the_article_it_is_the_same_as_there(tmp_path, site, run: Run):
    """Which other processors make, too (`test_build.py`)."""
    ours = json.loads((site / "flow.json").read_text("utf-8"))
    assert run("flow", ours["sentence"], "--out", tmp_path / "one").returncode == 0
    one, article = contents(tmp_path / "one"), contents(site)
    for name in one:
        if name.startswith("flow"):
            assert one[name] == article[name], name
