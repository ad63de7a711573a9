"""The article as a page: Markdown in, HTML out, with figures, values and claims filled in.

An image whose source is a `.glb` is a figure; its title is the caption. `{name}` is a value; a link to `claim:name` is
a claim. Everything that is filled in is text: it is escaped where it enters the page.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

if TYPE_CHECKING:
    from article.facts import Facts

VALUE = r"\{([a-z][a-z0-9_.]*)\}"
ALONE = re.compile(r"(?:^|\n\n)!\[[^\]]*\]\([\w-]+\.glb(?:\s+\"[^\n]*\")?\)[ ]*(?=\n\n|\n?$)")
FIGURE = r"!\[[^\]]*\]\(([\w-]+)\.glb\b"
CLAIM = r"\[((?:[^\]\\]|\\.)+)\]\(claim:([\w.-]*)\)"


class UnknownNameError(ValueError):
    """The text refers to something that does not exist; says what and in which line."""


def render(text: str, facts: "Facts", template: str) -> str:
    """The page of a Markdown text. Raises UnknownNameError for a value or claim that `facts` lacks."""
    check(text, facts)
    ours = _Vitrine(facts)
    body = markdown.markdown(text, extensions=["tables", "toc", ours], output_format="html")
    parts = {"body": body, "title": escape(ours.title), "description": escape(ours.description)}
    parts |= {name: escape(value) for name, value in facts.values.items()}
    return re.sub(r"\{\{([a-z_]+)\}\}", lambda match: parts[match[1]], template)


def claims(text: str, facts: "Facts") -> list[dict]:
    """The claims of a Markdown text in order, as {"id", "sentence", "value", "holds", "held", "seeds", "line"}.

    Raises UnknownNameError like `render`.
    """
    check(text, facts)
    result = []
    for match in re.finditer(CLAIM, text):
        found = facts.claims[match[2]]
        sentence = " ".join(fill(match[1], facts.values).split())
        counts = {"held": int(found.holds), "seeds": 1}
        entry = {"id": match[2], "sentence": sentence, "value": found.value, "holds": found.holds}
        result.append(entry | counts | {"line": line_of(text, match.start())})
    return result


def figures(text: str) -> dict[str, int]:
    """The scenes that a Markdown text shows, by name, in order, each with the line where it comes first."""
    found: dict[str, int] = {}
    for match in re.finditer(FIGURE, text):
        found.setdefault(match[1], line_of(text, match.start()))
    return found


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its values in place."""
    return re.sub(VALUE, lambda match: values[match[1]], text)


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def check(text: str, facts: "Facts") -> None:
    """Raises UnknownNameError for the first value or claim that does not exist, or figure that is not one."""
    kinds = (
        (VALUE, 1, facts.values, "there is no value {!r}; article/facts.py names them"),
        (CLAIM, 2, facts.claims, "there is no claim {!r}; article/facts.py names them"),
    )
    alone = [match.span() for match in ALONE.finditer(text)]
    for match in re.finditer(r"!\[[^\]]*\]\([^)]*\.glb", text):
        if not any(start <= match.start() < end for start, end in alone):
            raise UnknownNameError(
                f"line {line_of(text, match.start())}: a figure is an image in a paragraph of its own, "
                'such as ![what it shows](forward.glb "its caption")'
            )
    for pattern, group, known, message in kinds:
        for match in re.finditer(pattern, text):
            if match[group] not in known:
                raise UnknownNameError(f"line {line_of(text, match.start())}: {message.format(match[group])}")


class _Vitrine(Extension):
    """What our Markdown adds to Python-Markdown's."""

    def __init__(self, facts: "Facts") -> None:
        super().__init__()
        self.facts = facts
        self.title = self.description = ""  # known once a text was converted

    def extendMarkdown(self, md: markdown.Markdown) -> None:
        # After code spans (190), which show braces as they are; before links (160), which would take claims for theirs.
        md.inlinePatterns.register(_Value(VALUE, md, self.facts), "value", 185)
        md.inlinePatterns.register(_Claim(CLAIM, md, self.facts), "claim", 184)
        # After the inline patterns (20), which make the images.
        md.treeprocessors.register(_Figures(md, self), "figures", 15)


class _Value(InlineProcessor):
    def __init__(self, pattern: str, md: markdown.Markdown, facts: "Facts") -> None:
        super().__init__(pattern, md)
        self.facts = facts

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[ElementTree.Element, int, int]:
        element = ElementTree.Element("span", {"class": "value"})
        element.text = AtomicString(self.facts.values[m[1]])
        return element, m.start(0), m.end(0)


class _Claim(_Value):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[ElementTree.Element, int, int]:
        found = self.facts.claims[m[2]]
        element = ElementTree.Element(
            "span", {"class": "claim", "id": f"claim-{m[2]}", "title": f"{found.words}: {found.value}"}
        )
        element.text = m[1]  # not atomic: a claim may hold values and emphasis
        return element, m.start(0), m.end(0)


class _Figures(Treeprocessor):
    """Puts a figure in the place of each paragraph that is an image of a scene; notes the page's first words."""

    def __init__(self, md: markdown.Markdown, ours: _Vitrine) -> None:
        super().__init__(md)
        self.ours, self.facts = ours, ours.facts

    def run(self, root: ElementTree.Element) -> None:
        texts = {
            tag: " ".join("".join(found.itertext()).split())
            for tag in ("h1", "p")
            if (found := root.find(tag)) is not None
        }
        self.ours.title, self.ours.description = texts.get("h1", ""), texts.get("p", "")
        for place, paragraph in enumerate(list(root)):
            image = paragraph.find("img")
            if image is not None and image.get("src", "").endswith(".glb"):
                root[place] = self.figure(image)

    def figure(self, image: ElementTree.Element) -> ElementTree.Element:
        source = image.get("src", "")
        if source not in self.facts.figures:
            raise UnknownNameError(f"the figure {source!r} is not written as ![what it shows]({source})")
        data = self.facts.figures[source]
        alt, caption = (fill(image.get(key, ""), self.facts.values) for key in ("alt", "title"))
        name = source.removesuffix(".glb")
        figure = ElementTree.Element("figure", {"class": "scene", "id": name, "data-src": source})
        for key in ("orbit", "target", "field-of-view"):
            figure.set(f"data-{key}", data[key])
        stage = ElementTree.SubElement(figure, "div", {"class": "stage"})
        width, height = map(str, data["size"])
        still = {
            "class": "still",
            "src": data["still"],
            "alt": alt,
            "width": width,
            "height": height,
            "loading": "lazy",
        }
        ElementTree.SubElement(stage, "img", still)
        text = ElementTree.SubElement(figure, "figcaption")
        text.text = AtomicString(caption)
        details = ElementTree.SubElement(figure, "details")
        ElementTree.SubElement(details, "summary").text = AtomicString("The exact numbers, and files to keep")
        files = ElementTree.SubElement(details, "p", {"class": "files"})
        link = ElementTree.SubElement(files, "a", {"href": source, "download": ""})
        link.text = AtomicString(f"{source}, {data['bytes']}")
        link.tail = AtomicString(" · ")
        ElementTree.SubElement(files, "a", {"href": data["still"], "download": ""}).text = AtomicString(data["still"])
        for table in data["tables"]:
            details.append(self.table(table, name))
        return figure

    @staticmethod
    def table(data: dict, figure: str) -> ElementTree.Element:
        """A table of numbers in a box of its own, which scrolls sideways where it must."""
        box = ElementTree.Element(
            "div",
            {"class": "numbers", "tabindex": "0", "role": "region", "aria-label": f"{data['title']}, figure {figure}"},
        )
        table = ElementTree.SubElement(box, "table")
        ElementTree.SubElement(table, "caption").text = AtomicString(data["title"])
        head = ElementTree.SubElement(ElementTree.SubElement(table, "thead"), "tr")
        for text in (data["corner"], *data["columns"]):
            ElementTree.SubElement(head, "th", {"scope": "col"}).text = AtomicString(text)
        body = ElementTree.SubElement(table, "tbody")
        for first, *cells in data["rows"]:
            row = ElementTree.SubElement(body, "tr")
            ElementTree.SubElement(row, "th", {"scope": "row"}).text = AtomicString(first)
            for text in cells:
                ElementTree.SubElement(row, "td").text = AtomicString(text)
        return box
