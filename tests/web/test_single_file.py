"""The article as one file: it opens from the disk, alive, and asks for nothing."""

import base64
import hashlib
import re
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import expect

from article.evidence.claim import Facts
from article.web import single_file
from article.web.markdown import Document
from tests.browser import BENCH, Visitor, more_tools
from tests.conftest import ROOT, SCENES, Once, Run


@pytest.fixture(scope="session")
def file(site: Path, run: Run, once: Once) -> Path:
    """The file as `python gpt.py --single-file` makes it, after the site, which keeps what it is made from."""
    assert site.is_dir()

    def make(file: Path) -> None:
        done = run("--single-file", file)
        assert done.returncode == 0, done.stderr
        assert done.stdout.rstrip().endswith("article.html")

    return once("article.html", make)


def test_every_scene_is_in_it(file: Path, site: Path) -> None:
    """The files of the site, to the byte."""
    figures = re.findall(r'<figure class="scene"[^>]*>', file.read_text("utf-8"))
    shown = {BENCH: "forward"} | {name: name for name in SCENES}
    assert [re.findall(r' id="([\w-]+)"', figure) for figure in figures] == [[id] for id in shown]
    for figure, name in zip(figures, shown.values(), strict=True):
        for attribute, end in (("src", "glb"), ("marks", "marks.json")):
            (data,) = re.findall(rf' data-{attribute}="data:[^",]*;base64,([^"]*)"', figure)
            assert base64.b64decode(data) == (site / f"{name}.{end}").read_bytes(), name


def test_it_lives_without_a_server(visit: Visitor, file: Path) -> None:
    seen = visit(file.as_uri()).enliven("pairs", "forward", "landscape", "growth")
    figure = seen.figure("forward")
    more_tools(figure).get_by_role("button", name="The next mark").click()
    expect(figure.locator(".readout")).to_contain_text("at, entering block 1: component 1 ")
    seen.figure("growth").locator("input[type=range]").fill("0")
    expect(seen.figure("growth").locator(".words")).to_contain_text("Step 0: ")
    seen.page.locator("a.view").first.click()
    expect(seen.figure("pairs").locator(".pointer")).to_be_visible()
    bench = seen.page.locator("#bench")
    bench.locator(".chip").nth(3).click()
    bench.get_by_role("button", name="fox").click()
    figure.locator(".stage").scroll_into_view_if_needed()  # a figure is drawn anew once it is near
    expect(figure).to_have_attribute("data-src", re.compile("^blob:"))
    bench.get_by_role("button", name="Train it yourself").click()  # there is no file for a worker
    expect(bench.locator(".training p").first).to_contain_text("the same, to the last bit", timeout=120_000)
    assert seen.page.evaluate("violations") == []
    assert [request for request in seen.requests if not request.startswith(("data:", "blob:", file.as_uri()))] == []
    assert seen.errors == []


def test_nothing_else_may_run(file: Path) -> None:
    """Its policy admits the scripts and the style that it holds, the style of the viewer, and no more."""
    text = file.read_text("utf-8")
    (stated,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    policy = dict(part.split(" ", 1) for part in unescape(stated).split("; "))
    scripts = re.findall(r"<script(?! type=\"application/json\")[^>]*>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 2
    assert policy["script-src"].split() == [sha(script) for script in scripts]
    (style,) = re.findall(r"<style>(.*?)</style>", text.partition("</head>")[0], re.DOTALL)
    first, shadow = policy["style-src"].split()
    assert first == sha(style)
    assert shadow in (ROOT / "article" / "web" / "assets" / "page.html").read_text("utf-8")
    nothing = {name: policy[name] for name in ("default-src", "base-uri", "form-action")}
    assert nothing == dict.fromkeys(nothing, "'none'")
    assert {policy[name] for name in ("img-src", "connect-src")} == {"data: blob:"}
    assert len(policy) == 7


def sha(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    ("href", "there", "published"),
    [
        ("index.html", "#article", "#article"),
        ("evidence.html", "#evidence", "#evidence"),
        ("evidence.html#a", "#a", "#a"),
        ("index.html#claim-a", "#claim-a", "#claim-a"),
        ("#x", "#x", "#x"),
        ("https://example.org/a.html", "https://example.org/a.html", "https://example.org/a.html"),
        ("flow.html#logits", "", "https://example.org/gpt/flow.html#logits"),
        ("claims.json", "", "https://example.org/gpt/claims.json"),
    ],
)
def test_where_a_link_leads(href: str, there: str, published: str) -> None:
    """Inside, to where the site is published, or nowhere: then the link's text stays."""
    at = single_file.Embedded(files={}, source="")
    assert at.page(href) == there
    assert single_file.Embedded(files={}, source="", url="https://example.org/gpt/").page(href) == published
    html = Document(f"a [b *c*]({href}) d", at).html(Facts({}, {}))
    assert html == (f'<p>a <a href="{there}">b <em>c</em></a> d</p>' if there else "<p>a b <em>c</em> d</p>")


def test_scripts_are_one() -> None:
    """Each finds what it imports from those before it, keeps its names to itself, and cannot end the element."""
    files: dict[str, bytes] = dict.fromkeys(single_file.KNOWN["order"], b"const name = 1;\n")
    files["figure.js"] = b"export const one = '</script>';\nexport async function two() {}\nconst name = 2;\n"
    files["page.js"] = b'import "./film.js";\nimport { one, two } from "./figure.js";\nconst name = one;\n'
    text = single_file.bundle(files)
    assert "</script" not in text
    assert "import" not in text
    assert "export" not in text
    assert text.index('modules["figure.js"] = ') < text.index('const { one, two } = modules["figure.js"];')
    assert "return { one, two };" in text
    assert text.count("(() => {") == text.count("})();") == len(single_file.KNOWN["order"])


def test_all_scripts_are_in_it() -> None:
    """But those of the pages of blocks, of the worker, and of pages that are served while they are written."""
    assets = ROOT / "article" / "web" / "assets"
    every = {path.relative_to(assets).as_posix() for path in assets.rglob("*.js")}
    assert sorted(single_file.KNOWN["order"]) == sorted(
        every - {"numbers.js", "live/training_worker.js", "served/reload.js"}
    )


def test_a_claim_leads_to_its_evidence_inside(visit: Visitor, file: Path) -> None:
    seen = visit(file.as_uri())
    claim = seen.page.locator("a.claim").first
    claim.click()
    id = (claim.get_attribute("href") or "").lstrip("#")
    expect(seen.page.locator(f"section#{id}").get_by_role("heading")).to_be_in_viewport()
    seen.page.locator(f"section#{id}").get_by_role("link", name="The sentence in the article").click()
    expect(claim).to_be_in_viewport()


def test_its_links_lead_somewhere(visit: Visitor, file: Path) -> None:
    page = visit(file.as_uri(), java_script_enabled=False).page
    all_of = {"ids": ("[id]", "id"), "links": ("a[href]", "href")}
    found = {
        name: page.locator(what).evaluate_all("(all, key) => all.map((one) => one.getAttribute(key))", key)
        for name, (what, key) in all_of.items()
    }
    assert len(set(found["ids"])) == len(found["ids"])
    assert [link for link in found["links"] if not link.startswith("#") or link[1:] not in found["ids"]] == []


def test_without_scripts_it_has_its_stills(visit: Visitor, file: Path) -> None:
    seen = visit(file.as_uri(), java_script_enabled=False)
    for still in seen.page.locator(".still").all():
        still.scroll_into_view_if_needed()
        expect(still).to_have_js_property("complete", True)
        assert still.evaluate("(image) => image.naturalWidth") > 0
    assert not re.search(r'(?:src|href)="(?!data:|#|https?:)[^"]*"', file.read_text("utf-8").split("<script")[0])


def test_where_it_is_published_other_pages_are_linked(run: Run, site: Path, tmp_path: Path) -> None:
    assert site.is_dir()  # which has kept what the file is made from
    file = tmp_path / "article.html"
    assert run("--single-file", file, "--seeds", "1", "--url", "https://example.org/gpt/").returncode == 0
    assert 'href="https://example.org/gpt/flow.html"' in file.read_text("utf-8")


@pytest.mark.parametrize(("name", "says"), [("", "is a folder"), ("no/article.html", "has no folder to lie in")])
def test_bad_places_are_refused(run: Run, tmp_path: Path, name: str, says: str) -> None:
    done = run("--single-file", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"gpt.py: .*{says}; name a file with --single-file, such as article.html.\n", done.stderr)
    assert list(tmp_path.iterdir()) == []
