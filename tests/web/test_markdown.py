"""Our texts: Markdown in, exact HTML out; and what they refer to."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import escape

from article.evidence.claim import Claim, Facts, Outcome
from article.web import html
from article.web.claims_page import claims_of
from article.web.markdown import Document, UnknownNameError, keep
from article.web.plots import Plot
from tests.conftest import Elements

FIGURE = {
    "still": "forward.svg",
    "marks": "forward.marks.json",
    "nodes": {"residual/0/1": 20, "embedding/<script>": 20},
    "size": (1200, 750),
    "orbit": "-15deg 58deg 1.5m",
    "target": "0m 0m 0m",
    "field-of-view": "26deg",
    "bytes": "160 KB",
    "tables": [{"title": "Embedding", "corner": "component", "columns": ["a<b"], "rows": [["1", "0.500"]]}],
}


def judged(name: str, words: str, value: str, survey: list[bool], own: bool = True) -> Claim:
    """A claim as if a predicate had been evaluated."""
    return Claim(name, words, "code", "a > b", Outcome(value, value, own), tuple(Outcome(0.5, "½", h) for h in survey))


FACTS = Facts(
    values={"loss": "0.22", "word": "<script>", "preview": "p.png"},
    claims={"true_one": judged("true_one", "the words", "0.9", [True, True, False, True])},
    figures={"forward.glb": FIGURE, "other.glb": FIGURE, "survey.svg": {"plot": Plot(10)}},
)


def body(text: str, facts: Facts = FACTS) -> str:
    return Document(text).html(facts)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("The loss is {loss}.", '<p>The loss is <span class="value">0.22</span>.</p>'),
        ("`{loss}`", "<p><code>{loss}</code></p>"),
        ("{word}", '<p><span class="value">&lt;script&gt;</span></p>'),
        (
            "[it is *so*, {loss}](claim:true_one)",
            '<p><a class="claim" href="evidence.html#true_one" id="claim-true_one" '
            'title="The words: 0.9. True in 3 of 4 trainings.">it is <em>so</em>, '
            '<span class="value">0.22</span></a></p>',
        ),
        (
            "[a](claim:true_one) [b](claim:true_one?at-least=0.7)",
            '<p><a class="claim" href="evidence.html#true_one" id="claim-true_one" '
            'title="The words: 0.9. True in 3 of 4 trainings.">a</a> '
            '<a class="claim" href="evidence.html#true_one-2" id="claim-true_one-2" '
            'title="The words: 0.9. True in 3 of 4 trainings.">b</a></p>',
        ),
        (
            '![alt](survey.svg "cap")',
            '<figure class="plot" id="survey"><svg aria-label="alt" class="chart" role="img" viewBox="0 0 340 10">'
            "</svg><figcaption>cap</figcaption></figure>",
        ),
        ("[elsewhere](https://example.org)", '<p><a href="https://example.org">elsewhere</a></p>'),
        (
            '![alt {word}](forward.glb "caption {loss}")',
            '<figure class="scene" data-field-of-view="26deg" data-marks="forward.marks.json" '
            'data-orbit="-15deg 58deg 1.5m" data-src="forward.glb" '
            'data-target="0m 0m 0m" id="forward"><a class="skip" href="#after-forward">Skip this figure</a>'
            '<div class="stage"><img alt="alt &lt;script&gt;" class="still" '
            'height="750" loading="lazy" src="forward.svg" width="1200"></div>'
            '<div aria-label="Turn the figure, and read it" class="tools" role="group">'
            '<p class="readout" role="status"></p></div><figcaption>caption 0.22</figcaption>'
            '<p class="live-link">In 3D: <a href="#forward">#forward</a></p>'
            "<details><summary>The exact numbers, and files to keep</summary>"
            '<p class="files"><a download="" href="forward.glb">forward.glb, 160 KB</a> · '
            '<a download="" href="forward.svg">forward.svg</a></p>'
            '<p class="files"><label>To show it on another page: <input class="embed" readonly="" value="&lt;iframe '
            "src=&#34;embed/forward.html&#34; title=&#34;caption 0.22&#34; loading=&#34;lazy&#34; "
            "allow=&#34;xr-spatial-tracking; fullscreen&#34; style=&#34;width: 100%; aspect-ratio: 1200 / 960; "
            "min-height: 530px; border: 0&#34;"
            '&gt;&lt;/iframe&gt;"></label></p>'
            '<div aria-label="Embedding, figure forward" class="numbers" role="region" tabindex="0">'
            "<table><caption>Embedding</caption>"
            '<thead><tr><th scope="col">component<th scope="col">a&lt;b'
            '<tbody><tr><th scope="row">1<td>0.500</table></div></details><span id="after-forward"></span></figure>',
        ),
    ],
)
def test_html(source, html):
    assert flat(body(source)) == html


def flat(html: str) -> str:
    """HTML without white space between tags, and with each tag's attributes in the order of their names."""
    attribute = r"[\w-]+=\"[^\"]*\""
    tag = re.compile(rf"<(\w+)((?: {attribute})+)")
    html = tag.sub(lambda found: " ".join([f"<{found[1]}", *sorted(re.findall(attribute, found[2]))]), html)
    return re.sub(r">\n\s*<", "><", html)


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("`{lost} [x](claim:lost)`", "<p><code>{lost} [x](claim:lost)</code></p>"),
        ("``a `{lost}` b``", "<p><code>a `{lost}` b</code></p>"),
        ("    {lost} ![](lost.glb)", '<pre class="sample" dir="auto"><code>{lost} ![](lost.glb)\n</code></pre>'),
        ("```\n# {lost}\n\n[x](claim:lost)\n```", "<pre><code># {lost}\n\n[x](claim:lost)\n</code></pre>"),
        ("~~~ python\n{lost}\n~~~", '<pre><code class="language-python">{lost}\n</code></pre>'),
        ("- a\n\n        {lost}", '<ul><li>a<pre class="sample" dir="auto"><code>{lost}\n</code></pre></li></ul>'),
        (r"\{lost} \[so](claim:lost)", "<p>{lost} [so](claim:lost)</p>"),
        (r"\\{loss}", r'<p>\<span class="value">0.22</span></p>'),
        (r"a $\sqrt{lost}_i*b*_j < c$ d", r"<p>a $\sqrt{lost}_i*b*_j &lt; c$ d</p>"),
        ("a $$x_{lost}\n+ y_{lost}$$ b", "<p>a $$x_{lost}\n+ y_{lost}$$ b</p>"),
        ("$5 and {loss} and $6", '<p>$5 and <span class="value">0.22</span> and $6</p>'),
        ("between $5-$7 {loss}", '<p>between $5-$7 <span class="value">0.22</span></p>'),
        ("<!-- {lost} -->", "<!-- {lost} -->"),
        ("<b>{loss}</b>", '<p><b><span class="value">0.22</span></b></p>'),
        ("<pre>{lost}</pre>", "<pre>{lost}</pre>"),
        ("A &amp; {loss} &eacute; & b", '<p>A &amp; <span class="value">0.22</span> &eacute; &amp; b</p>'),
        (
            "a[^1]\n\n[^1]: b {loss}",
            '<p>a<sup id="fnref:1"><a class="footnote-ref" href="#fn:1">1</a></sup></p><div class="footnote"><hr><ol>'
            '<li id="fn:1"><p>b <span class="value">0.22</span>&#160;<a class="footnote-backref" href="#fnref:1" '
            'title="Jump back to footnote 1 in the text">&#8617;</a></p></li></ol></div>',
        ),
        (
            "# T {loss}\n\n| {loss} | b |\n|---|:--|\n| {loss} | `{lost}` |",
            '<h1 id="t-022">T <span class="value">0.22</span></h1><div aria-label="T 0.22" class="numbers" '
            'role="region" tabindex="0"><table><thead><tr><th scope="col"><span class="value">0.22</span></th>'
            '<th class="words" scope="col">b</th>'
            '</tr></thead><tbody><tr><th scope="row"><span class="value">0.22</span></th><td class="words"><code>{lost}'
            "</code></td></tr></tbody></table></div>",
        ),
    ],
)
def test_what_is_text_and_what_is_filled_in(source, html):
    """Code, maths, comments and escaped braces are text; values in notes, tables and headings are filled in."""
    assert flat(body(source)) == html


@pytest.mark.parametrize("source", ["```\n# no\n```\n\n# Yes", "    # no\n\n# Yes", "<!--\n\n# no\n-->\n\n# Yes"])
def test_a_line_of_code_is_no_heading(source):
    document = Document(source)
    assert document.first("h1", {}) == "Yes"
    assert document.html(FACTS).count("<h1") == 1


def test_headings_have_addresses_of_their_own():
    """Which come of their words, values included."""
    html = body("# On {loss}\n\n## A\n\n## A\n\n## On `{loss}`\n\n## On 0.22")
    assert re.findall(r'<h\d id="([^"]*)"', html) == ["on-022", "a", "a_1", "on-loss", "on-022_1"]


def test_a_long_text_has_a_list_of_contents():
    """Under its title: each chapter and each part by its words, with a link to it; so has the heading itself."""
    chapters = "# T\n\n## On {loss}\n\n### b<c\n\n## A\n\n## A\n\n## B"
    assert "contents" not in Document(chapters).body(FACTS).html
    html = Document(chapters + "\n\n## C").body(FACTS).html
    assert html.index("</h1>") < html.index('<nav class="contents"') < html.index("<h2")
    links = re.findall(r'<li(| class="second")><a href="#([^"]*)">([^<]*)</a></li>', html)
    second = ' class="second"'
    assert links[:4] == [("", "on-022", "On 0.22"), (second, "bc", "b&lt;c"), ("", "a", "A"), ("", "a_1", "A")]
    named = re.findall(r'aria-label="Permanent link to ([^"]*)" class="anchor" href="#([^"]*)"', flat(html))
    assert named == [(words, id) for _, id, words in links]


def test_sections():
    """What stands under each heading of the second level; a line of code is none."""
    document = Document("lead\n\n## a-{loss}\n\nx\n\n```\n## b\n```\n\n## c\n\n### d\n\ny")
    found = {name: flat(html) for name, html in document.sections(FACTS).items()}
    assert found == {
        "a-0.22": "<p>x</p><pre><code>## b\n</code></pre>",
        "c": '<h3 class="part" id="d">d<a aria-label="Permanent link to d" class="anchor" href="#d"></a></h3><p>y</p>',
    }


def test_html_of_a_foreign_text_is_text():
    html = Document("# A <b>\n\n<script>x</script>\n\na <i>b</i>", foreign=True).html(FACTS)
    assert set(re.findall(r"<(\w+)", html)) == {"h1", "p"}


def test_title_and_description():
    body = Document("# On *{word}*\n\nFirst {loss}.\n\nSecond.").body(FACTS)
    assert body[1:] == ("On <script>", "First 0.22.")
    page = html.page(body, ("article",), "p.png")
    assert "<title>On &lt;script&gt;</title>" in page
    assert '<meta name="description" content="First 0.22.">' in page
    assert '<meta property="og:image" content="p.png">' in page


def test_claims():
    assert claims_of(Document("# A\n\nYes, [it is\n*so*, {loss}](claim:true_one)."), FACTS) == [
        {
            "id": "true_one",
            "sentence": "it is so, 0.22",
            "value": "0.9",
            "holds": True,
            "held": 3,
            "seeds": 4,
            "interval": [0.3006, 0.9544],
            "predicate": "the words",
            "code": "code",
            "expression": "a > b",
            "page": "index.html",
            "survey": [{"value": "½", "holds": h} for h in (True, True, False, True)],
            "line": 3,
        }
    ]


@pytest.mark.parametrize(
    ("target", "own", "holds"),
    [
        ("true_one", True, True),
        ("true_one", False, False),
        ("true_one?at-least=0.75", False, True),
        ("true_one?at-least=0.76", True, False),
        ("true_one?at-most=0.75", False, True),
        ("true_one?at-most=0.7", True, False),
        ("true_one?at-most=1", True, True),
    ],
)
def test_a_share_is_checked_as_such(target, own, holds):
    claim = judged("true_one", "w", "v", 4 * [True, True, False, True], own)
    (entry,) = claims_of(Document(f"[so](claim:{target})"), Facts({}, {"true_one": claim}, {}))
    assert entry["holds"] == holds
    assert entry.get("share", "") == target.partition("?")[2].replace("=", " ")


def test_references_to_one_claim_have_ids_of_their_own():
    found = Document("[a](claim:x)\n\n[b](claim:y) [c](claim:x)").claims
    assert [(reference.id, reference.line) for reference in found] == [("x", 1), ("y", 3), ("x-2", 3)]


def test_a_view():
    """A link to a mark of a figure; the name of the mark, which may come from the corpus, stays text."""
    html = body("[the *third* {loss}](forward.glb#embedding/{word}:3)\n\n![](forward.glb)")
    assert html.startswith(
        '<p><a class="view" data-mark="embedding/&lt;script&gt;" data-part="3" href="#forward">the <em>third</em> '
        '<span class="value">0.22</span></a></p>'
    )


def test_figures_of_one_paragraph_stand_side_by_side():
    html = body("![a](forward.glb)\n![b](other.glb)")
    assert html.count("<figure") == 2
    assert html.startswith('<div class="side-by-side">')


def test_a_part_that_the_build_lacks_is_left_out():
    text = "a\n\n<!-- study -->\n\nb\n\n<!-- /study -->\n\nc"
    assert [line for line in keep(text, {"study"}).split("\n") if line] == ["a", "b", "c"]
    assert [line for line in keep(text, set()).split("\n") if line] == ["a", "c"]
    assert keep(text, set()).count("\n") == keep(text, {"study"}).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a\n\n{lost}", "line 3: there is no value 'lost'"),
        ("Text\n\nand ![a](forward.glb)", "line 3: a figure is an image in a paragraph of its own"),
        ("- ![a](forward.glb)", "line 1: a figure is"),
        ("![a](forward.glb)\nmore", "line 1: a figure is"),
        ("![a](sub/forward.glb)", "line 1: a figure is"),
        ("[so](claim:lost)", "line 1: there is no claim 'lost'"),
        ("a\n\n[](claim:true_one)", "line 3: the claim 'true_one' has no text"),
        ("[ ](claim:true_one)", "line 1: the claim 'true_one' has no text"),
        ("[so](claim:)", "line 1: '' names no claim; write"),
        ("[so](claim:true_one?atleast=0.5)", "line 1: 'true_one.atleast=0.5' names no claim; write"),
        ("[so](claim:true_one?at-least=1.5)", "names no claim; write"),
        ("![a](castle.svg)", "line 1: there is no figure 'castle.svg'"),
        ("> [so][b]\n\n[b]: claim:lost", "line 3: there is no claim 'lost'"),
        ("[the [loss] is](claim:lost)", "line 1: there is no claim 'lost'"),
        ("a\n\n```\n\n\n```\n\n{lost}", "line 8: there is no value 'lost'"),
        ("a[^1]\n\n[^1]: b\n    {lost}", "line 4: there is no value 'lost'"),
        ("a\n\n<div>\n{loss}\n</div>", "line 4: the value 'loss' stands in HTML"),
        ('a\n\n<div title="{lost}">b</div>', "line 3: the value 'lost' stands in HTML"),
        ('a\nb <b title="{loss}">c</b>', "line 2: the value 'loss' stands in HTML"),
        ("[x](castle.glb#a)", "line 1: there is no figure 'castle' in this text to look at"),
        ("![](forward.glb)\n\n[x](forward.glb#a)", "line 3: the figure 'forward' has no 'a' to look at"),
        ("![](forward.glb)\n\n[x](forward.glb#b+a)", "line 3: the figure 'forward' has no 'b.a' to look at"),
        (
            "[x](forward.glb#residual/0/1:21)\n\n![](forward.glb)",
            "line 1: the figure 'forward' has no 'residual/0/1:21'",
        ),
        ("[x](forward.glb#residual/0/1:0)\n\n![](forward.glb)", "line 1: the figure 'forward' has no 'residual/"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(source, says):
    with pytest.raises(UnknownNameError, match=says):
        body(source)


def facts_of(text: str) -> Facts:
    figure = FIGURE | {"still": text, "bytes": text}
    return Facts({"x": text}, {"c": judged("c", text or "x", text, [True])}, {"f.glb": figure})


@given(st.text())
@example("{x}")
@example("{y}")
def test_what_is_filled_in_is_text(text):
    """Whatever a corpus holds, it brings no tag of its own into the page, nor another value."""
    document = Document('# {x}\n\n[a {x}](claim:c)\n\n![{x}](f.glb "{x}")')
    pages = (html.page(document.body(facts_of(one))) for one in (text, "x"))
    one, other = (re.findall(r"<(/?\w+)", page) for page in pages)
    assert one == other


@pytest.mark.parametrize("value", ["{x}", "{y}", "{z}", "*a* `b`", "\\{x}", "&lt;&", '"onload="x', "&quot;onload=x"])
def test_a_value_is_shown_as_it_is(value):
    """Also if it looks like another, like Markdown or like HTML: in the text, and in what is said of a figure.

    So in the line to copy, which shows the figure on another page.
    """
    source = '{x} [{x}](claim:c)\n\n![{x}](f.glb "{x}")'
    table = {"title": value, "corner": value, "columns": [value], "rows": [[value, value]]}
    figure = FIGURE | {"bytes": "1 KB", "tables": [table]}
    facts = Facts({"x": value, "y": "no"}, {"c": judged("c", value, value, [True])}, {"f.glb": figure})
    page = body(source, facts)
    said = escape(value)
    assert page.count(f">{said}<") == 2 + 1 + 5
    assert f'<span class="value">{said}</span> <a' in page
    assert f'"><span class="value">{said}</span></a>' in page
    assert f"<figcaption>{said}</figcaption>" in page
    assert re.findall(r"<t[hd](?: [^>]*)?>(.*?)(?=<|\n)", page) == [said] * 4
    found = Elements(page)
    (still,), (line,), claim = found.named("img"), found.named("input"), found.named("a")[0]
    assert still["alt"] == value
    assert claim["title"].startswith(f"{value[0].upper()}{value[1:]}: {value}. True in ")
    ((tag, frame),) = Elements(line["value"]).every
    assert (tag, frame.keys()) == ("iframe", {"src", "title", "loading", "allow", "style"})
    assert frame["title"] == value


def test_a_figure_that_no_scene_stands_for_is_named():
    with pytest.raises(UnknownNameError, match=r"'castle\.glb'"):
        body("![a][b]\n\n[b]: castle.glb")


def test_figures():
    scenes = Document('a\n\n![x](b.glb "c {x}")\n![](a.glb)\n\n![](b.glb)\n\n![](p.svg)').scenes
    assert {name: figure.line for name, figure in scenes.items()} == {"b": 3, "a": 4}


def test_captions():
    document = Document('![x {x}](b.glb "c {x}")\n![](a.glb)\n\n![y](b.glb)')
    assert document.captions({"x": "<1>"}) == {"b": ("x <1>", "c <1>"), "a": ("", "")}
