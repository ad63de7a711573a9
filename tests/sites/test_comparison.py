"""Two side by side: the scenes tell numbers and differences that are true, and the statements can fail."""

import importlib
import itertools
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from playwright.sync_api import expect

import gpt
from article import __main__, cache
from article.errors import FalsehoodError
from article.evidence import statements
from article.models import own
from article.models.formats.run import run_files
from article.models.model import OpenedModel
from article.models.settings import Settings
from article.sites import comparison
from scenes import glyphs, style
from scenes.analysis.comparison import Comparison
from scenes.export import readback
from scenes.export.glb import to_glb
from scenes.glyphs.differences import tint
from scenes.style import Scale
from tests.browser import PAIRS, Serve, Visitor, more_tools
from tests.conftest import COMPARED, ROOT, Once, validate
from tests.scenes.test_scenes import NOWHERE, little, luminance
from tests.sites import faultless

pytestmark = pytest.mark.slow  # each builds two models, or more

HOSTILE = ("<script>alert(1)</script>", "&amp;", "\"'><b>", "a</title>")
FOLDER = "<b>run&"
OPENED = ".verdicts details, #ends-a details"


def untrained(tokenizer: gpt.Tokenizer, seed: int, **more: Any) -> gpt.GPT:
    torch.set_num_threads(1)
    model = gpt.GPT(gpt.Config(n_vocab=len(tokenizer.vocab), **more)).double()
    gpt.initialise(model, 2.0, torch.Generator().manual_seed(seed))
    return model


def pair(one: gpt.Trace, other: gpt.Trace) -> tuple[Comparison, Comparison]:
    return comparison.contrasts(one, other)


def scene_of(name: str, contrast: Comparison) -> Any:
    return importlib.import_module(f"scenes.{name}").build(contrast)


@pytest.fixture(scope="module")
def short(model, tokenizer) -> gpt.Trace:
    return gpt.trace(model, tokenizer, "the fox made this")


@pytest.fixture(scope="module")
def both(short, tokenizer) -> tuple[Comparison, Comparison]:
    """Two untrained models with one prompt."""
    return pair(short, gpt.trace(untrained(tokenizer, 8), tokenizer, short.sentence))


@pytest.fixture(scope="module")
def lengths(model, tokenizer, short) -> tuple[Comparison, Comparison]:
    """One model with prompts of four tokens and of two."""
    return pair(short, gpt.trace(model, tokenizer, "a bird"))


# --- Scenes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPARED)
def test_the_other_way_round_all_differences_are_opposite(both, name):
    """On the same scales, at the same places."""
    one, other = (scene_of(name, contrast) for contrast in both)
    for key in ("limit", "view", "glyphs"):
        assert one.user_dict[key] == other.user_dict[key]
    assert one.user_dict["beside"]["limit"] == other.user_dict["beside"]["limit"]
    names = [name for name in one.keys() if "trace" in one[name].user_dict]  # noqa: SIM118
    assert names == [name for name in other.keys() if "trace" in other[name].user_dict]  # noqa: SIM118
    for name in names:
        mine, theirs = (np.reshape(scene[name].user_dict["values"], (-1, 2)) for scene in (one, other))
        assert np.allclose(mine[:, 1], -theirs[:, 1])
        assert np.allclose(mine[:, 0] - mine[:, 1], theirs[:, 0], atol=2e-4)
        if not name.startswith("attention"):  # a ribbon arrives where there is room for it
            assert np.allclose(*(np.ptp(scene[name].bounds[:4:2]) for scene in (one, other)))


@pytest.mark.parametrize("name", COMPARED)
def test_beside_itself_nothing_differs(short, name):
    """Not in a number, and not in a colour."""
    alone, _ = pair(short, short)
    scene = scene_of(name, alone)
    assert readback.disagreements(to_glb(scene), alone) == []
    for block in scene:
        if "trace" in block.user_dict:
            assert np.reshape(block.user_dict["values"], (-1, 2))[:, 1].tolist() == [0] * (
                len(block.user_dict["values"]) // 2
            )
            assert np.allclose(block.point_data["color"], style.MORE[0])
    assert all(all(found.holds) for found in statements.ask(alone, alone))


@pytest.mark.parametrize("name", COMPARED)
def test_prompts_of_different_lengths_read_back(lengths, name):
    """What the other has no place for is slate, says its number, and no difference."""
    for contrast in lengths:
        scene = scene_of(name, contrast)
        assert readback.disagreements(to_glb(scene), contrast) == []
        for block in scene:
            array, *index = (block.user_dict.get(key) for key in ("trace", "index"))
            if array in ("residual", "normed", "attention"):
                assert max(index[0][1:]) >= contrast.shared
                assert (np.asarray(block.point_data["color"]) == glyphs.to_bytes(style.SLATE)).all()
            elif array and array.startswith(("residual", "normed", "attention")):
                assert max(index[0][2:] if array.startswith("attention") else index[0][1:]) < contrast.shared
    long, short = (dict(scene_of("abreast", one).user_dict) for one in lengths)
    assert set(long["glyphs"].values()) == {"tinted", "silent"}
    assert set(short["glyphs"].values()) == {"tinted"}
    assert long["limit"] == short["limit"]


def test_of_many_queries_one_stands_for_all(lengths, monkeypatch):
    """The last one that both have."""
    monkeypatch.setattr(importlib.import_module("scenes.looks"), "QUERIES", 3)
    for contrast in lengths:
        scene = scene_of("looks", contrast)
        assert readback.disagreements(to_glb(scene), contrast) == []
        queries = {block.user_dict["index"][2] for block in scene if "trace" in block.user_dict}
        assert queries == {contrast.shared - 1}


def test_the_heads_in_which_the_two_differ_most(both):
    """In their order; the same ones for both."""
    one, other = both
    apart = {(l, h): np.abs(one.attention[l, h] - other.attention[l, h]).max() for l in range(2) for h in range(2)}
    best = sorted(sorted(apart, key=lambda head: -apart[head])[:3])
    assert one.heads(3) == other.heads(3) == best
    assert len(one.heads(9)) == 4


def test_colours_of_differences():
    """From grey, each hue darkens steadily with size; grey is seen on light and on dark pages."""
    scale = Scale(2.0)
    assert np.allclose(scale.tint(0), style.MORE[0])
    for sign, end in ((1, style.POSITIVE[-1]), (-1, style.NEGATIVE[-1])):
        light = [luminance(scale.tint(sign * part)) for part in np.linspace(0, 2, 40)]
        assert all(a > b for a, b in itertools.pairwise(light))
        assert np.allclose(scale.tint(2 * sign), end)
    for case in (0xF4F2ED, 0x1D1E22):
        behind = luminance(np.array(list(case.to_bytes(3, "big"))) / 255)
        brighter, darker = sorted([behind, luminance(style.MORE[0])], reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) > 1.8


def test_what_is_less_than_rounding_is_the_same(trace):
    """Two passes of one prompt differ in the last bits, where they were computed beside others."""
    nearly, _ = pair(trace, replace(trace, residual=trace.residual * (1 + 1e-15)))
    scene = scene_of("abreast", nearly)
    assert scene.user_dict["beside"]["limit"] == scene.user_dict["limit"]
    assert readback.disagreements(to_glb(scene), nearly) == []


@settings(deadline=None, max_examples=60)
@given(arrays.arrays(float, (2, 20), elements=st.floats(-1e3, 1e3, allow_subnormal=False)), st.floats(1e-4, 10))
def test_any_number_and_any_difference_read_back(numbers, size):
    """Each on its own scale, however different they are."""
    values, differences = numbers[0], numbers[1] * size
    scale, apart = Scale.of(values), Scale.of(differences)
    holder = glyphs.start("little", NOWHERE, scale)
    holder.user_dict |= {"beside": {"limit": apart.limit}}
    shape = tint(glyphs.column(values, scale, (3.3, 4.4)), differences, holder)
    scales = {"limit": apart.limit, "more": style.MORE, "less": style.LESS}
    (mark,) = readback.marks(little(shape, scale, "tinted", beside=scales)).values()
    assert np.abs(mark.shape[::2] - values).max() <= scale.limit / 500
    assert np.abs(mark.shape[1::2] - differences).max() <= apart.limit / 500
    assert np.isnan(mark.color[::2]).all()
    assert np.array_equal(mark.color[1::2], mark.shape[1::2])


DAMAGED = {"abreast": "residual_apart/1/3", "looks": "attention_apart/1/0/3/2", "odds": "chance_apart/2/"}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("what", ["colour", "width"])
def test_a_wrong_colour_or_width_is_named(both, name, what):
    contrast, _ = both
    scene = scene_of(name, contrast)
    node = next(key for key in scene.keys() if key.startswith(DAMAGED[name]))  # noqa: SIM118
    points = 8 if name == "abreast" else scene[node].n_points  # of its first box
    if what == "colour":
        limit = scene.user_dict["beside"]["limit"]
        told = scene[node].user_dict["values"][1]
        off = told - 0.01 * limit if told > 0 else told + 0.01 * limit
        scene[node].point_data["color"][:points] = Scale(limit).tint(off)
    elif name == "looks":
        rims = np.asarray(scene[node].points).reshape(-1, 2, 3)
        rims[:, 1] += 0.02 * (rims[:, 1] - rims[:, 0]) / np.linalg.norm(rims[:, 1] - rims[:, 0], axis=1, keepdims=True)
        scene[node].points = rims.reshape(-1, 3)
    else:
        box = np.asarray(scene[node].points)[:points]
        middle, axes = box.mean(axis=0), [1.1, 1.1, 1] if name == "abreast" else [1, 1, 0.5]
        low = box.min(axis=0) * [0, 0, 1] + middle * [1, 1, 0]
        scene[node].points[:points] = low + (box - low) * axes
    problems = readback.disagreements(to_glb(scene), contrast)
    assert problems
    assert all(problem.startswith(f"{node}, component {what == 'colour':d}: the extras say") for problem in problems)
    assert {"colour": "the colour", "width": "the geometry"}[what] in problems[-1]


def test_a_wrong_difference_is_told_by_a_fresh_trace(both):
    """Also where the one is right, and the other is not the one that it is said to be."""
    contrast, _ = both
    glb = to_glb(scene_of("abreast", contrast))
    third = replace(contrast.other, residual=contrast.other.residual * 1.02)
    problems = readback.disagreements(glb, replace(contrast, other=third))
    assert problems
    assert all("a fresh trace" in problem and "_apart/" in problem for problem in problems)
    stranger = replace(contrast, other=replace(contrast.other, weights="0" * 64))
    assert readback.disagreements(glb, stranger) == ["the weights: the file was set beside another model"]


# --- Statements ---------------------------------------------------------------------------------------------------


def test_every_statement_is_true_where_it_comes_from_and_can_fail(tokenizer, corpus):
    """Over a few models and prompts, every kind of statement fails on another at least once."""
    prompts = [" ".join(sentence.split()[:n]) for sentence, n in zip(corpus[::5], (1, 3, 5, 4), strict=False)]
    traces = [gpt.trace(untrained(tokenizer, seed), tokenizer, text) for seed in (1, 2, 3) for text in prompts]
    failed: dict[str, bool] = {}
    for one in traces:
        for other in traces:
            for found in statements.ask(*pair(one, other)):
                assert found.holds[0]
                kind = re.sub(
                    r"“[^”]*”|\d+%?|\b(no|one|two|three|four|five|six|seven|eight|nine|ten)\b", "…", found.words
                )
                kind = re.sub(
                    r"(comes from|one of|attention of|MLP of|from block|leaves the last block).*", r"\1", kind
                )
                failed[kind] = failed.get(kind, False) or not found.holds[1]
    assert len(failed) > 15
    assert [kind for kind, once in failed.items() if not once and "adds to" not in kind] == []


def test_what_is_false_where_it_comes_from_stops_the_comparison(both, monkeypatch):
    wrong = statements.Statement("It is not so.", lambda _: ("so", False))
    monkeypatch.setattr(statements, "statements", lambda _: iter([wrong]))
    with pytest.raises(FalsehoodError, match=r"“It is not so\.” is false of what it was computed from: so"):
        statements.ask(*both)


def test_statements_are_the_numbers_of_the_trace(both):
    """Recomputed here, from the arrays alone."""
    one, other = both
    found = {found.words: found for found in statements.ask(one, other)}
    first, second = (one.vocab[id] for id in np.argsort(-one.lens[-1, -1])[:2])
    raised = np.exp(other.lens[-1, -1])
    theirs = other.vocab[int(raised.argmax())]
    said = found[f"The most probable next token is “{first}”."]
    assert said.holds == (True, theirs == first)
    assert said.values[1].startswith(f"“{theirs}”, {raised.max() / raised.sum():.0%}"[:-1])
    assert f"The second most probable is “{second}”." in found
    l, h, k = np.unravel_index(one.attention[:, :, -1].argmax(), one.attention[:, :, -1].shape)
    assert f"The widest look of the last token is one of block {l + 1}, head {h + 1}." in found
    assert f"The widest look of the last token is at “{one.tokens[k]}”." in found
    swapped = {found.words: found for found in statements.ask(other, one, swapped=True)}
    assert swapped[f"The most probable next token is “{theirs}”."].holds == (theirs == first, True)
    for words in found.keys() & swapped.keys():
        assert found[words].values == swapped[words].values
        assert found[words].holds == swapped[words].holds == (True, True)


def test_a_token_that_the_other_lacks(trace):
    """Is no answer of its, has no difference, and stands in the scenes of the one alone."""
    other = gpt.Tokenizer(["bird fox the sees web"])
    theirs = gpt.trace(untrained(other, 4), other, "the fox sees the bird")
    for one in pair(trace, theirs):
        for name in ("ends", "odds"):
            assert readback.disagreements(to_glb(scene_of(name, one)), one) == []
    one, _ = pair(replace(trace, lens=trace.lens + 100 * np.eye(len(trace.vocab))[trace.id("sleeps")]), theirs)
    found = {found.words: found for found in statements.ask(*pair(one.trace, theirs))}
    assert found["“sleeps” has a probability of at least 99%."].values[1] == "no such token"
    assert not found["“sleeps” has a probability of at least 99%."].holds[1]


def test_a_claim_of_the_article_that_fails_on_one(tmp_path, capsys, monkeypatch):
    """Of two seeds that differ in it, as the published survey has it."""
    claims = json.loads((ROOT / "docs" / "claims.json").read_text("utf-8"))
    held = {claim["predicate"]: [one["holds"] for one in claim["survey"][:2]] for claim in claims}
    alone = {f"{words[0].upper()}{words[1:]}." for words, holds in held.items() if holds == [True, False]}
    assert alone
    monkeypatch.setattr(comparison, "too_much", lambda *_: comparison.ELSEWHERE)
    status = __main__.main(
        ["compare", "1", "2", "at night the spider sleeps in its own", "--out", str(tmp_path / "two")]
    )
    said = capsys.readouterr().out
    assert status == 0
    found = json.loads((tmp_path / "two" / "compare.json").read_text("utf-8"))
    differing = {claim["sentence"] for claim in found["claims"] if claim["holds_a"] and not claim["holds_b"]}
    assert alone <= differing
    assert f"{len(differing)} hold for A alone" in said
    page = (tmp_path / "two" / "index.html").read_text("utf-8")
    assert all(words in unescape(page.split("<details>")[0]) for words in alone)


# --- The command --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tokenizer, corpus) -> dict[str, OpenedModel]:
    """Untrained models by what they are asked for: seeds, and folders."""
    hostile = gpt.Tokenizer([" ".join(HOSTILE), "the fox sleeps"])
    large = {"n_embd": 24, "n_head": 3, "n_layer": 3}
    models = {
        "1": (tokenizer, {}),
        "2": (tokenizer, {}),
        FOLDER: (hostile, {}),
        "large": (tokenizer, large),
    }
    return {
        name: OpenedModel(model.config, words, model, tuple(corpus))
        for n, (name, (words, more)) in enumerate(models.items())
        for model in [untrained(words, n + 1, **more)]
    }


@pytest.fixture
def place(runs, tmp_path, monkeypatch) -> Path:
    """Where the command is given, with folders of the runs in it; what it makes of scenes is kept there, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own, "own_model", lambda seed: runs[str(seed)])
    monkeypatch.setattr(cache, "KEPT", tmp_path / "kept")
    for name in (FOLDER, "large"):
        save(tmp_path / name, runs[name])
    return tmp_path


def save(folder: Path, run: OpenedModel) -> None:
    """Writes a run into a new folder."""
    shape = {field: getattr(run.config, field) for field in ("n_context", "n_embd", "n_head", "n_layer")}
    folder.mkdir()
    for file, data in run_files(Settings(**shape), run.tokenizer, run.model.state_dict()).items():
        (folder / file).write_bytes(data)


@pytest.fixture
def quick(place, monkeypatch) -> Path:
    """The same, where one scene stands for all."""
    monkeypatch.setattr(comparison, "too_much", lambda scene, *_: "" if scene == "odds" else comparison.ELSEWHERE)
    return place


def test_prompts_of_one_model(quick, capsys):
    """It is loaded once; the page, the file for machines and the terminal say the same."""
    assert (
        __main__.main(["compare", "1", "1", "at night the fox sleeps", "at night the bee sleeps", "--out", "two"]) == 0
    )
    said = capsys.readouterr().out
    found = json.loads((quick / "two" / "compare.json").read_text("utf-8"))
    assert found["a"]["weights"] == found["b"]["weights"]
    assert found["claims"] == found["unasked"] == []  # of one model there is nothing to compare in them
    for side in ("a", "b"):
        assert re.search(
            rf"^{side.upper()} +{found[side]['prompt']} … {found[side]['prediction']} \(", said, re.MULTILINE
        )
    for of, other in (("A", "B"), ("B", "A")):
        asked = [one for one in found["statements"] if one["of"] == of]
        failing = sum(not one[f"holds_{other.lower()}"] for one in asked)
        assert f"statements  {failing} of {len(asked)} that are true of {of} fail on {other}\n" in said
        assert all(one[f"holds_{of.lower()}"] for one in asked)
    page = (quick / "two" / "index.html").read_text("utf-8")
    assert "<h1>Two prompts, side by side</h1>" in re.sub(r' id="[^"]*"', "", page).replace(
        '<span class="value">', ""
    ).replace("</span>", "")
    assert "Beware of the components" not in page
    # The same folder takes another comparison, whole; a file that no build has made is not lost.
    assert __main__.main(["compare", "1", "2", "the fox sleeps", "--out", "two"]) == 0
    assert "Beware of the components" in (quick / "two" / "index.html").read_text("utf-8")
    (quick / "two" / "mine.txt").touch()
    capsys.readouterr()
    assert __main__.main(["compare", "1", "2", "the fox sleeps", "--out", "two"]) == 2
    assert "'mine.txt'" in capsys.readouterr().err


def test_models_of_other_sizes(place):
    """Vectors of other lengths are not compared, and the page says so; answers and heads are."""
    assert __main__.main(["compare", "1", "large", "the fox sleeps", "--out", "two"]) == 0
    scenes = {scene["name"] for scene in json.loads((place / "two" / "scenes.json").read_text("utf-8"))}
    assert scenes == {f"{name}-{side}" for name in ("odds", "looks") for side in "ab"}
    page = (place / "two" / "index.html").read_text("utf-8")
    assert "the vectors, which have 20 components in A and 24 in B" in page
    assert "The two have not the same blocks and heads." in page
    assert "Beware of the components" not in page
    assert "most components have a counterpart" not in page


def test_what_is_too_much_is_left_out(both, monkeypatch):
    """One of the two scenes of the stream is drawn; the heads look at no more tokens than can be told apart."""
    drawn = [scene for scene in COMPARED if not comparison.too_much(scene, *both)]
    assert drawn == ["abreast", "looks", "ends", "odds"]
    monkeypatch.setattr(comparison, "BOXES", 100)
    monkeypatch.setattr(comparison, "KEYS", 3)
    drawn = [scene for scene in COMPARED if not comparison.too_much(scene, *both)]
    assert drawn == ["levels", "ends", "odds"]
    assert comparison.too_much("looks", *both) == "the looks of the heads, at 4 tokens, more than 3"
    monkeypatch.setattr(comparison, "TALL", 19)
    assert [scene for scene in COMPARED if not comparison.too_much(scene, *both)] == ["odds"]


def test_files_verify_with_both_models(quick, capsys):
    assert __main__.main(["compare", "large", "1", "at night the fox sleeps", "--out", "two"]) == 0
    file = str(quick / "two" / "odds-a.glb")
    capsys.readouterr()
    assert __main__.main(["verify", file, "--checkpoint", "large", "--beside", "1"]) == 0
    assert "numbers agree" in capsys.readouterr().out
    assert __main__.main(["verify", file, "--checkpoint", "large", "--beside", "2"]) == 1
    assert "set beside another model" in capsys.readouterr().err
    assert __main__.main(["verify", file, "--checkpoint", "large"]) == 2
    assert "--beside" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("1", "nowhere", "the fox"), "'nowhere' is neither a checkpoint nor the seed"),
        (("1", "", "the fox"), "'' is neither a checkpoint nor the seed"),
        (("1", str(2**32), "the fox"), "is no whole number from 0 to 2**32 - 1"),
        (("1", "9" * 5000, "the fox"), "is no whole number from 0 to 2**32 - 1"),
        (("1", "2", "the moth"), "A: the corpus lacks the word 'moth'"),
        (("1", "2", "the fox", "the moth"), "B: the corpus lacks the word 'moth'"),
        (("1", "2", "the fox", ""), "B: the prompt is empty"),
        (("1", "2", "the fox " * 9), "A: the prompt has 18 tokens"),
        (("1", "2", "the fox", "--tokenizer", "words"), "1 is the seed of a training"),
        (
            ("large", "2", "the fox", "--tokenizer", "words"),
            "large cannot be used: a run of gpt.py has its own tokenizer",
        ),
        (("1", "2"), "the following arguments are required: PROMPT"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(place, capsys, arguments, says):
    before = sorted(path.name for path in place.iterdir())
    assert __main__.main(["compare", *arguments, "--out", "two"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("gpt.py: ")
    assert says in err
    assert sorted(path.name for path in place.iterdir()) == before


def test_a_prompt_that_is_too_long_can_be_cut(quick, capsys):
    assert __main__.main(["compare", "1", "2", "the fox " * 9, "--out", "two", "--cut"]) == 0
    note = "The prompt has 18 tokens, of which the model reads the last"
    assert capsys.readouterr().out.count(f"note        {note}") == 2
    assert f"A: {note}" in (quick / "two" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("file", "kind"),
    [("evidence.html", "the article"), ("config.toml", "a run"), ("flow.json", "the full flow of a prompt")],
)
def test_sites_of_other_kinds_are_not_replaced(place, capsys, file, kind):
    (place / "site").mkdir()
    (place / "site" / file).touch()
    (place / "site" / "scenes.json").write_text("[]")
    assert __main__.main(["compare", "1", "2", "the fox", "--out", "site"]) == 2
    assert f"site holds {kind}; name another folder" in capsys.readouterr().err
    (place / "site" / file).rename(place / "site" / "compare.json")
    assert __main__.main(["flow", "the fox", "--out", "site"]) == 2
    assert "site holds a comparison; name another folder" in capsys.readouterr().err


# --- The page -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile_site(once: Once, runs) -> Path:
    """The site of two prompts in hostile words, of a model from a folder with a hostile name; made once."""

    def make(site: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(site.parent)
            patch.setattr(cache, "KEPT", site.parent / "kept-hostile")
            save(site.parent / FOLDER, runs[FOLDER])
            done = __main__.main(
                [
                    "compare",
                    FOLDER,
                    FOLDER,
                    f"the {HOSTILE[0]} {HOSTILE[1]}",
                    f"{HOSTILE[2]} {HOSTILE[3]}",
                    "--out",
                    str(site),
                ]
            )
            assert done == 0

    return once("hostile", make)


@pytest.mark.npm
def test_the_files_are_valid(hostile_site, tmp_path):
    scenes = json.loads((hostile_site / "scenes.json").read_text("utf-8"))
    assert {scene["name"] for scene in scenes} == {
        f"{name}-{side}" for name in ("abreast", "looks", "ends", "odds") for side in "ab"
    }
    assert validate([hostile_site / scene["file"] for scene in scenes], tmp_path) == {}


@pytest.mark.npm
def test_the_page_passes_what_the_article_does(hostile_site, visit: Visitor, serve: Serve):
    """Alive on a phone; no fault for axe in light and dark, the console or the policy, and no request elsewhere."""
    seen = faultless(
        hostile_site, serve(hostile_site), visit, ["index.html"], lambda seen: seen.figures[:2], details=OPENED
    )
    assert seen.page.evaluate("violations") == []
    text = seen.page.inner_text("main")
    for word in (HOSTILE[0], HOSTILE[2], FOLDER):
        assert word in text
    assert seen.page.locator("main script, main b").count() == 0


@pytest.mark.npm
def test_a_mark_says_its_number_and_its_difference(hostile_site, visit: Visitor, serve: Serve):
    """And two figures of a pair turn together."""
    seen = visit(serve(hostile_site), viewport=PAIRS).enliven("ends-a", "ends-b")
    figure = more_tools(seen.figure("ends-a"))
    figure.locator("[data-step='1 0']").click()
    status = figure.locator(".readout")
    known = json.loads((hostile_site / "ends-a.marks.json").read_text("utf-8"))["marks"][0]
    value, difference = (f"{number:.3f}".replace("-", "\N{MINUS SIGN}") for number in known["values"][:2])
    expect(status).to_have_text(
        re.compile(f"^last vector: component 1 {value}, A \N{MINUS SIGN} B {difference}. That is ")
    )
    figure.locator("[data-step='0 1']").click()
    expect(status).to_contain_text("component 2 ")
    one, other = (seen.figure(name).locator("model-viewer") for name in ("ends-a", "ends-b"))
    figure.locator("[data-turn='20 0 1']").click()
    orbits = [viewer.evaluate("(viewer) => viewer.cameraOrbit.split(' ')[0]") for viewer in (one, other)]
    assert orbits[0] == orbits[1] != f"{style.VIEW_OF_ROW[0]:g}deg"
