"""The renderer: Markdown in, exact HTML out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from article.facts import Claim, Facts
from article.render import UnknownNameError, claims, figures, render

FIGURE = {
    "still": "forward.svg",
    "size": (1200, 750),
    "orbit": "-15deg 58deg 1.5m",
    "target": "0m 0m 0m",
    "field-of-view": "26deg",
    "bytes": "160 KB",
    "tables": [{"title": "Embedding", "corner": "component", "columns": ["a<b"], "rows": [["1", "0.500"]]}],
}
FACTS = Facts(
    values={"loss": "0.22", "word": "<script>", "preview": "p.png"},
    claims={"true_one": Claim("the words", "0.9", True)},
    figures={"forward.glb": FIGURE},
)


def body(text: str, facts: Facts = FACTS) -> str:
    return render(text, facts, "{{body}}")


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("The loss is {loss}.", '<p>The loss is <span class="value">0.22</span>.</p>'),
        ("`{loss}`", "<p><code>{loss}</code></p>"),
        ("{word}", '<p><span class="value">&lt;script&gt;</span></p>'),
        (
            "[it is *so*, {loss}](claim:true_one)",
            '<p><span class="claim" id="claim-true_one" title="the words: 0.9">it is <em>so</em>, '
            '<span class="value">0.22</span></span></p>',
        ),
        ("[elsewhere](https://example.org)", '<p><a href="https://example.org">elsewhere</a></p>'),
        (
            '![alt {word}](forward.glb "caption {loss}")',
            '<figure class="scene" data-field-of-view="26deg" data-orbit="-15deg 58deg 1.5m" data-src="forward.glb" '
            'data-target="0m 0m 0m" id="forward"><div class="stage"><img alt="alt &lt;script&gt;" class="still" '
            'height="750" loading="lazy" src="forward.svg" width="1200"></div><figcaption>caption 0.22</figcaption>'
            "<details><summary>The exact numbers, and files to keep</summary>"
            '<p class="files"><a download="" href="forward.glb">forward.glb, 160 KB</a> · '
            '<a download="" href="forward.svg">forward.svg</a></p>'
            '<div aria-label="Embedding, figure forward" class="numbers" role="region" tabindex="0">'
            "<table><caption>Embedding</caption>"
            '<thead><tr><th scope="col">component</th><th scope="col">a&lt;b</th></tr></thead>'
            '<tbody><tr><th scope="row">1</th><td>0.500</td></tr></tbody></table></div></details></figure>',
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


def test_title_and_description():
    page = render("# On *{word}*\n\nFirst {loss}.\n\nSecond.", FACTS, "{{title}}|{{description}}|{{preview}}")
    assert page == "On &lt;script&gt;|First 0.22.|p.png"


def test_claims():
    assert claims("# A\n\nYes, [it is\nso, {loss}](claim:true_one).", FACTS) == [
        {
            "id": "true_one",
            "sentence": "it is so, 0.22",
            "value": "0.9",
            "holds": True,
            "held": 1,
            "seeds": 1,
            "line": 3,
        }
    ]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a\n\n{lost}", "line 3: there is no value 'lost'"),
        ("Text\n\nand ![a](forward.glb)", "line 3: a figure is an image in a paragraph of its own"),
        ("- ![a](forward.glb)", "line 1: a figure is"),
        ("![a](forward.glb)\nmore", "line 1: a figure is"),
        ("![a](sub/forward.glb)", "line 1: a figure is"),
        ("[so](claim:lost)", "line 1: there is no claim 'lost'"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(source, says):
    with pytest.raises(UnknownNameError, match=says):
        body(source)
    with pytest.raises(UnknownNameError, match=says):
        claims(source, FACTS)


def facts_of(text: str) -> Facts:
    figure = FIGURE | {"still": text, "bytes": text}
    return Facts({"x": text}, {"c": Claim(text, text, True)}, {"f.glb": figure})


@given(st.text())
def test_what_is_filled_in_is_text(text):
    """Whatever a corpus holds, it brings no tag of its own into the page."""
    source, template = '# {x}\n\n[a {x}](claim:c)\n\n![{x}](f.glb "{x}")', "<title>{{title}}</title>{{body}}"
    tags = re.compile(r"<(/?\w+)")
    assert tags.findall(render(source, facts_of(text), template)) == tags.findall(
        render(source, facts_of("x"), template)
    )


def test_a_figure_that_no_scene_stands_for_is_named():
    with pytest.raises(UnknownNameError, match=r"'other\.glb'"):
        body("![a][b]\n\n[b]: other.glb")


def test_figures():
    assert figures('a\n\n![x](b.glb "c")\n![](a.glb)\n\n![](b.glb)') == {"b": 3, "a": 4}
