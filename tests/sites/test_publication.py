"""An article of a folder of one's own: what `new` writes and `publish` makes of it, and what is wrong in words."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from article.__main__ import main
from article.sites import publication
from scenes.export import readback
from scenes.export.scalars import differences, read_scalars
from tests.browser import Serve, Visitor
from tests.conftest import ROOT, Once, ended, validate
from tests.scenes.forge import File
from tests.sites import faultless


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `new` writes."""
    assert main(["new", str(tmp_path / "tides")]) == 0
    return tmp_path / "tides"


@pytest.fixture(scope="session")
def published(once: Once) -> Path:
    """The folder that `new` writes, published once for all workers."""

    def make(site: Path) -> None:
        folder = site.with_name("tides")
        assert main(["new", str(folder)]) == 0
        assert main(["publish", str(folder), "--out", str(site)]) == 0

    return once("published", make)


@pytest.mark.npm
def test_what_new_writes_is_an_article(published: Path, tmp_path: Path):
    """Two figures that read back, a value, a claim with its evidence, a gallery; a record of what it is."""
    scenes = json.loads((published / "scenes.json").read_text("utf-8"))
    assert [scene["name"] for scene in scenes] == ["fortnight", "ranges"]
    for scene in scenes:
        glb = (published / scene["file"]).read_bytes()
        assert len(readback.read_back(glb)) == 15
        assert readback.disagreements(glb) == []
    assert validate([published / scene["file"] for scene in scenes], tmp_path) == {}
    page = (published / "index.html").read_text("utf-8")
    assert "{springs}" not in page
    assert 'href="evidence.html#springs_are_twice_neaps"' in page
    (claim,) = json.loads((published / "claims.json").read_text("utf-8"))
    assert claim["holds"]
    assert "trainings" not in (published / "evidence.html").read_text("utf-8")
    assert json.loads((published / "site.json").read_text("utf-8"))["kind"] == "publication"
    marks = json.loads((published / "fortnight.marks.json").read_text("utf-8"))
    assert marks["marks"][0]["title"] == "day 1"
    assert marks["parts"][0][:2] == ["0 o'clock", "1 o'clock"]


@pytest.mark.slow
def test_it_needs_no_model(folder: Path):
    """No torch is imported, and no folder of the author's shadows ours; ours does not shadow theirs either."""
    code = f"""
import sys
from article.__main__ import main
from article.sites import publication
assert main(["publish", "tides", "--out", "site"]) == 0
print("known", *sys.modules)
assert not any(name.split(".")[0] == "content" for name in sys.modules)
assert {str(folder)!r} not in sys.path
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder.parent,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    known = done.stdout.partition("known ")[2].split()
    assert {"torch", "gpt", "sklearn", "article.claims"}.isdisjoint(known)


@pytest.mark.npm
def test_its_pages_pass(published: Path, serve: Serve, visit: Visitor):
    pages = ["index.html", "evidence.html", "gallery.html"]
    faultless(published, serve(published), visit, pages, lambda seen: seen.figures[:1])


@pytest.mark.parametrize(
    ("file", "old", "new", "status", "says"),
    [
        ("index.md", "{springs}", "{flood}", 2, "tides/index.md, line 4: there is no value 'flood'"),
        ("index.md", "fortnight.glb", "year.glb", 2, "there is no scene 'year'; write scenes/year.py"),
        ("claims.py", "ratio > 2", "ratio > 3", 1, "“Springs have more than twice the range of neaps” is false"),
        ("claims.py", "ratio > 2", "lost > 2", 2, "claims.py: the claim 'springs_are_twice_neaps' raises NameError"),
        ("claims.py", "@claim(", "@claims(", 2, "claims.py, line 8: NameError: name 'claims' is not defined; change"),
        ("scenes/ranges.py", "Scale.of(", "1 / 0 + (", 2, "scenes/ranges.py, line 14: ZeroDivisionError: division by"),
        ("scenes/ranges.py", "def build()", "def build(", 2, "ranges.py, line 12: SyntaxError"),
        ("values.py", "spread.max():.1f", "spread.most():.1f", 2, "values.py, line 37: AttributeError"),
        ("values.py", "height=height,", "", 2, "scenes/fortnight.py, line 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(folder, capsys, monkeypatch, file, old, new, status, says):
    monkeypatch.chdir(folder.parent)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")
    found, out, err = ended(capsys, "publish", "tides", "--out", "site")
    assert (found, out) == (status, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (folder.parent / "site").exists()
    assert "content" not in sys.modules


def test_all_that_is_false_is_told_at_once(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent)
    with open(folder / "claims.py", "a") as claims:
        claims.write("\n\n@claim('the sea is dry')\ndef dry(_: object) -> Truth:\n    return 'wet', False\n")
    with open(folder / "index.md", "a") as text:
        text.write("\n[The sea is dry](claim:dry), and [so it stays](claim:dry).\n")
    status, _, err = ended(capsys, "publish", "tides", "--out", "site")
    assert status == 1
    assert [line.count("is false") for line in err.splitlines()] == [1, 1]


def test_an_article_says_what_it_says_of_itself(folder, capsys, monkeypatch):
    """Byline, language and direction come from its own settings, as text; an address is no script."""
    monkeypatch.chdir(folder.parent)
    (folder / "article.toml").write_text(
        'authors = ["<b>A", "B"]\ndate = 2025-02-03\nlicence = "CC0"\nrepository = "https://example.org/a&b"\n'
        'lang = "he"\ndir = "rtl"\n',
        "utf-8",
    )
    assert ended(capsys, "publish", "tides", "--out", "site")[0] == 0
    page = (folder.parent / "site" / "index.html").read_text("utf-8")
    assert '<html lang="he" dir="rtl">' in page
    assert '<p class="byline">&lt;b&gt;A, B · <time datetime="2025-02-03">2025-02-03</time></p>' in page
    assert '<a href="https://example.org/a&amp;b">' in page
    assert "Licence: CC0." in page
    assert 'class="byline"' not in (folder.parent / "site" / "embed" / "ranges.html").read_text("utf-8")

    (folder / "article.toml").unlink()
    assert ended(capsys, "publish", "tides", "--out", "site")[0] == 0
    page = (folder.parent / "site" / "index.html").read_text("utf-8")
    assert '<html lang="en">' in page
    assert "byline" not in page
    assert "imprint" not in page


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("author = 'x'", "author = 'x' cannot be shown; it may say authors, date, repository"),
        ("repository = 'javascript:1'", "repository = 'javascript:1' cannot be shown"),
        ("date = 'today'", "date = 'today' cannot be shown"),
        ("authors = 'x'", "authors = 'x' cannot be shown"),
        ("lang = ''", "lang = '' cannot be shown"),
        ("dir = 'up'", "dir = 'up' cannot be shown"),
        ("date = ", "article.toml: Invalid value (at end of document); mend it."),
    ],
)
def test_what_an_article_cannot_say_of_itself_is_refused(folder, capsys, monkeypatch, said, named):
    monkeypatch.chdir(folder.parent)
    (folder / "article.toml").write_text(said, "utf-8")
    status, out, err = ended(capsys, "publish", "tides", "--out", "site")
    assert (status, out) == (2, "")
    assert named in err
    assert not (folder.parent / "site").exists()


def test_a_draft_has_what_is_false_in_red(folder, capsys, monkeypatch, serve: Serve, visit: Visitor):
    """Each with its line and its value; what is true stays as it is, and a published article stays, too."""
    monkeypatch.chdir(folder.parent)
    assert ended(capsys, "publish", "tides", "--out", "site")[0] == 0
    with open(folder / "claims.py", "a") as claims:
        claims.write("\n\n@claim('the sea is dry')\ndef dry(_: object) -> Truth:\n    return 'wet', False\n")
    with open(folder / "index.md", "a") as text:
        text.write("\n[The sea is dry](claim:dry), and [so it stays](claim:dry).\n")
    before = (folder.parent / "site" / "index.html").read_bytes()
    status, _, err = ended(capsys, "publish", "tides", "--draft", "--out", "site")
    assert (status, "site holds an article of a folder" in err) == (2, True)
    status, out, err = ended(capsys, "publish", "tides", "--draft", "--out", "draft")
    assert (status, out, err.count("is false")) == (1, "", 2)
    assert err.endswith("draft/index.html has them in red.\n")
    assert (folder.parent / "site" / "index.html").read_bytes() == before
    page = visit(serve(folder.parent / "draft") + "index.html").page
    shown = page.evaluate(
        "[...document.querySelectorAll('.claim')].map((claim) =>"
        " [getComputedStyle(claim).color, getComputedStyle(claim, '::after').content, claim.dataset.note])"
    )
    (true, after, _), *wrong = shown
    assert (true == "rgb(204, 0, 0)", after) == (False, "none")
    note = "Line 12 is false. The sea is dry: wet. True in 0 of 1 trainings."
    assert wrong == [["rgb(204, 0, 0)", f'" [{note}]"', note]] * 2
    status, _, err = ended(capsys, "publish", "tides", "--out", "draft")
    assert (status, "draft holds a draft" in err) == (2, True)


def test_claims_are_judged_on_every_run(folder, capsys, monkeypatch):
    """Where the folder offers several; the text may speak of a share of them."""
    monkeypatch.chdir(folder.parent)
    with open(folder / "values.py", "a") as values:
        values.write("\n\ndef runs() -> list[int]:\n    return [4, 5, 6, 7]\n")
    with open(folder / "claims.py", "a") as claims:
        claims.write("\n\n@claim('it is even', str)\ndef even(n: int) -> Truth:\n    return n, n % 2 == 0\n")
    with open(folder / "index.md", "a") as text:
        text.write("\n[Half are even](claim:even?at-least=0.5): {even.held} of {seeds}.\n")
    assert ended(capsys, "publish", "tides", "--out", "site")[0] == 0
    (claim,) = [c for c in json.loads((folder.parent / "site" / "claims.json").read_text()) if c["id"] == "even"]
    assert (claim["held"], claim["seeds"]) == (2, 4)
    assert "of 4 runs" in (folder.parent / "site" / "evidence.html").read_text("utf-8")


def test_its_scenes_are_verified_without_a_model(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert ended(capsys, "publish", "tides", "--out", "site")[0] == 0
    told = "site/ranges.glb: 15 numbers agree with what it states, in 15 nodes\n"
    assert ended(capsys, "verify", "site/ranges.glb") == (0, told, "")
    file = File((folder.parent / "site" / "ranges.glb").read_bytes())
    file.nodes[file.named["spread/3"]]["extras"]["values"][0] += 1
    (folder.parent / "forged.glb").write_bytes(bytes(file))
    status, _, err = ended(capsys, "verify", "forged.glb")
    assert (status, "forged.glb: spread/3" in err) == (1, True)


def test_new_takes_no_folder_that_is_there(folder, capsys):
    status, out, err = ended(capsys, "new", str(folder))
    assert (status, out) == (2, "")
    assert err.endswith("tides is there already; name a folder that is not.\n")
    assert [path.name for path in folder.parent.iterdir()] == ["tides"]


def test_a_folder_without_a_text_is_refused(tmp_path, capsys):
    status, _, err = ended(capsys, "publish", str(tmp_path), "--out", str(tmp_path / "site"))
    assert status == 2
    assert "has no index.md; gpt.py new DIR writes a folder that has one" in err


ARTICLES = ROOT / "tests" / "articles"


@pytest.fixture(scope="session")
def articles(once: Once) -> Path:
    """A finite-element result with bars and bounds, and a cloud of points in categories; no glyph of ours."""

    def make(sites: Path) -> None:
        for name in ("beam", "cloud"):
            assert main(["publish", str(ARTICLES / name), "--out", str(sites / name)]) == 0

    return once("articles", make)


def test_whole_articles_about_meshes(articles: Path):
    """Their claims hold, their scalars are those of the mesh, and words stand for the categories on the bar."""
    found = json.loads((articles / "beam" / "claims.json").read_text("utf-8"))
    assert {claim["id"]: claim["value"] for claim in found} == {
        "half_is_a_third": "35.4%",
        "stress_of_the_textbook": "36.96 MPa",
    }
    with publication.opened(ARTICLES / "beam"):
        values = publication.module("values")
        assert values
        mesh = values.beam()
    for name in ("bent", "stress"):
        glb = (articles / "beam" / f"{name}.glb").read_bytes()
        assert [told for told in differences(glb, mesh) if "mesh has no such block" not in told] == []
    glb = (articles / "cloud" / "flowers.glb").read_bytes()
    (kinds,) = (told for some in read_scalars(glb).values() for told in some)
    assert np.unique(np.round(kinds.values)).tolist() == [0, 1, 2]
    said = readback.document_of(glb)["asset"]["extras"]
    (bar,) = said["legend"]
    assert [label["text"] for label in bar["labels"]] == ["setosa", "versicolor", "virginica"]


@pytest.mark.npm
@pytest.mark.parametrize("name", ["beam", "cloud"])
def test_their_pages_pass(articles: Path, serve: Serve, visit: Visitor, name):
    """On dark paper, too, what is drawn for white paper stands on it."""
    url = serve(articles / name)
    faultless(articles / name, url, visit, ["index.html", "gallery.html"], lambda seen: seen.figures[:1])
    seen = visit(url + "index.html", color_scheme="dark")
    case = "getComputedStyle(document.querySelector('.stage')).backgroundColor"
    assert seen.page.evaluate(case) == "rgb(255, 255, 255)"


def test_a_thing_that_cannot_be_drawn_is_refused_by_its_name(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent)
    (folder / "scenes" / "ranges.py").write_text("def build():\n    return 7\n")
    status, _, err = ended(capsys, "publish", "tides", "--out", "site")
    assert status == 2
    assert "scenes/ranges.py" in err
