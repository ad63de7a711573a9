"""The article as a page: Markdown in, HTML out, with figures, values and claims filled in.

An image whose source is a `.glb` or a `.svg` is a figure, a scene or a plot; its title is the caption. `{name}` is a
value. A link to `claim:name` is a claim about the article's own model; `claim:name?at-least=0.9` and `?at-most=0.1` are
about a share of the trainings. A link to `<scene>.glb#<node>`, or `<scene>.glb#<node>:3` for the third of its numbers,
takes the figure's camera there. What stands between `<!-- name -->` and `<!-- /name -->` is left out where the build
has no such part. Everything that is filled in is text: it is escaped where it enters the page.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree

import markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AMP_SUBSTITUTE, AtomicString

if TYPE_CHECKING:
    from article.evidence.claim import Claim, Facts


VALUE = r"\{([a-z][a-z0-9_.]*)\}"
IMAGE = r"!\[[^\]]*\]\([\w-]+\.(?:glb|svg)(?:\s+\"[^\n]*\")?\)[ ]*"
ALONE = re.compile(rf"(?:^|\n\n){IMAGE}(?:\n{IMAGE})*(?=\n\n|\n?$)")  # a paragraph of figures, side by side
FIGURE = r"!\[[^\]]*\]\(([\w-]+)\.glb\b"
VIEW = r"(?<!!)\[((?:[^\]\\]|\\.)*)\]\(([\w-]+)\.glb#([^)\s]*)\)"
CLAIM = r"\[((?:[^\]\\]|\\.)*)\]\(claim:([^)]*)\)"
TARGET = re.compile(r"(\w+)(?:\?(at-least|at-most)=(0(?:\.\d+)?|1(?:\.0+)?))?")
AMPERSAND = f"{AMP_SUBSTITUTE}amp;"
PART = r"<!-- ([a-z]+) -->(.*?)<!-- /\1 -->"


class UnknownNameError(ValueError):
    """The text refers to something that does not exist; says what and in which line."""


def render(text: str, facts: "Facts", template: str) -> str:
    """The page of a Markdown text. Raises UnknownNameError for a value or claim that `facts` lacks."""
    check(text, facts)
    ours = _Vitrine(facts)
    body = markdown.markdown(text, extensions=["tables", "toc", ours], output_format="html")
    body = re.sub(r"</(?:td|th|tr|thead|tbody)>\s*", "", body)  # which HTML can do without; a fifth of the page
    return fill_in(template, body, ours.title, ours.description, facts.values)


def fill_in(template: str, body: str, title: str, description: str, values: Mapping[str, str], root: str = "") -> str:
    """A page: the template with its body, and title, description and values as text.

    `root` leads from the page to the folder of the files.
    """
    parts = {"title": title, "description": description, "root": root} | dict(values)
    parts = {name: escape(value) for name, value in parts.items()} | {"body": body}
    return re.sub(r"\{\{([a-z_]+)\}\}", lambda match: parts[match[1]], template)


@dataclass(frozen=True)
class Reference:
    """A place in the text that names a claim."""

    id: str  # of its element: the name, and a number if it is not the first of that name
    name: str
    sentence: str  # as it is written
    bound: str  # "at-least", "at-most", or nothing if it speaks of the article's own model
    share: float
    line: int

    def holds(self, claim: "Claim") -> bool:
        """Whether what the text says is true."""
        return claim.reaches(self.bound, self.share) if self.bound else claim.own.holds


def references(text: str) -> list[Reference]:
    """The claims that a text refers to, in order. Raises UnknownNameError for a reference that cannot be understood."""
    result: list[Reference] = []
    for match in re.finditer(CLAIM, text):
        line, target = line_of(text, match.start()), TARGET.fullmatch(match[2])
        if target is None:
            raise UnknownNameError(
                f"line {line}: {match[2]!r} names no claim; write (claim:name), "
                "or with a share of the trainings (claim:name?at-least=0.9) or (claim:name?at-most=0.1)"
            )
        name, bound, share = target.groups()
        if not match[1].strip():
            raise UnknownNameError(f"line {line}: the claim {name!r} has no text")
        before = sum(other.name == name for other in result)
        id = f"{name}-{before + 1}" if before else name
        result.append(Reference(id, name, match[1], bound or "", float(share or 0), line))
    return result


def claims(text: str, facts: "Facts", page: str = "index.html") -> list[dict]:
    """The claims of a Markdown text in order, with what they came to; "line" says where, and "page" where to.

    Raises UnknownNameError like `render`.
    """
    check(text, facts)
    result = []
    for reference in references(text):
        claim = facts.claims[reference.name]
        share = {"share": f"{reference.bound} {reference.share:g}"} if reference.bound else {}
        result.append(
            {
                "id": reference.id,
                "sentence": " ".join(fill(reference.sentence, facts.values).split()),
                "value": claim.own.text,
                "holds": reference.holds(claim),
                "held": claim.held,
                "seeds": claim.seeds,
                **share,
                "interval": [round(end, 4) for end in claim.interval],
                "predicate": claim.words,
                "code": claim.code,
                "expression": claim.expression,
                "page": page,
                "survey": [{"value": outcome.text, "holds": outcome.holds} for outcome in claim.survey],
                "line": reference.line,
            }
        )
    return result


def note(claim: "Claim") -> str:
    """What a claim came to, in a line."""
    return (
        f"{claim.words[0].upper()}{claim.words[1:]}: {claim.own.text}. True in {claim.held} of {claim.seeds} trainings."
    )


def keep(text: str, parts: Collection[str]) -> str:
    """A text without the parts between comments that the build does not have; lines stay where they are."""

    def choose(match: re.Match[str]) -> str:
        return keep(match[2], parts) if match[1] in parts else "\n" * match[0].count("\n")

    return re.sub(PART, choose, text, flags=re.DOTALL)


def figures(text: str) -> dict[str, int]:
    """The scenes that a Markdown text shows, by name, in order, each with the line where it comes first."""
    found: dict[str, int] = {}
    for match in re.finditer(FIGURE, text):
        found.setdefault(match[1], line_of(text, match.start()))
    return found


def title(text: str) -> str:
    """The first heading of a Markdown text."""
    return next((line.removeprefix("# ") for line in text.split("\n") if line.startswith("# ")), "")


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its values in place."""
    return re.sub(VALUE, lambda match: values[match[1]], text)


def literal(text: str) -> str:
    """A text for Python-Markdown, which takes an & before a name and a semicolon for a character, and leaves it so."""
    return text.replace("&", AMPERSAND)


def readable(text: str) -> str:
    """What Python-Markdown has made of a text, without its ways to write a character."""
    return unescape(text).replace(AMPERSAND, "&")


def line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def mark_of(target: str) -> tuple[str, int]:
    """The node that a link to a view names, and which of its numbers, from 1."""
    node, _, part = unquote(target).rpartition(":")
    return (node, int(part)) if node and part.isdecimal() else (unquote(target), 1)


def check(text: str, facts: "Facts") -> None:
    """Raises UnknownNameError for the first value or claim that does not exist, or figure that is not one."""
    for reference in references(text):
        if reference.name not in facts.claims:
            raise UnknownNameError(
                f"line {reference.line}: there is no claim {reference.name!r}; article/claims.py names them"
            )
    alone = [match.span() for match in ALONE.finditer(text)]
    for match in re.finditer(r"!\[[^\]]*\]\([^)]*\.(?:glb|svg)", text):
        if not any(start <= match.start() < end for start, end in alone):
            raise UnknownNameError(
                f"line {line_of(text, match.start())}: a figure is an image in a paragraph of its own, "
                'such as ![what it shows](forward.glb "its caption")'
            )
    for match in re.finditer(VALUE, text):
        if match[1] not in facts.values:
            raise UnknownNameError(
                f"line {line_of(text, match.start())}: there is no value {match[1]!r}; article/values.py names them"
            )
    for match in re.finditer(VIEW, text):
        name, node, part = match[2], *mark_of(fill(match[3], facts.values))
        problem = ""
        if name not in figures(text):
            problem = f"there is no figure {name!r} in this text to look at"
        elif f"{name}.glb" in facts.figures and not 1 <= part <= facts.figures[f"{name}.glb"]["nodes"].get(node, 0):
            problem = f"the figure {name!r} has no {match[3]!r} to look at"
        if problem:
            raise UnknownNameError(f"line {line_of(text, match.start())}: {problem}")


class _Vitrine(Extension):
    """What our Markdown adds to Python-Markdown's."""

    def __init__(self, facts: "Facts") -> None:
        super().__init__()
        self.facts = facts
        self.title = self.description = ""  # known once a text was converted

    def extendMarkdown(self, md: markdown.Markdown) -> None:
        self.met: Counter[str] = Counter()
        # After code spans (190), which show braces as they are; before links (160), which would take claims for theirs.
        md.inlinePatterns.register(_View(VIEW, md, self.facts), "view", 186)
        md.inlinePatterns.register(_Value(VALUE, md, self.facts), "value", 185)
        md.inlinePatterns.register(_Claim(CLAIM, md, self), "claim", 184)
        # After the inline patterns (20), which make the images.
        md.treeprocessors.register(_Figures(md, self), "figures", 15)


class _View(InlineProcessor):
    """A link to a mark of a figure; what its target names may come from values."""

    def __init__(self, pattern: str, md: markdown.Markdown, facts: "Facts") -> None:
        super().__init__(pattern, md)
        self.facts = facts

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[ElementTree.Element, int, int]:
        node, part = mark_of(fill(m[3], self.facts.values))
        attributes = {"class": "view", "href": f"#{m[2]}", "data-mark": node, "data-part": str(part)}
        element = ElementTree.Element("a", attributes)
        element.text = m[1]
        return element, m.start(0), m.end(0)


class _Value(InlineProcessor):
    def __init__(self, pattern: str, md: markdown.Markdown, facts: "Facts") -> None:
        super().__init__(pattern, md)
        self.facts = facts

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[ElementTree.Element, int, int]:
        element = ElementTree.Element("span", {"class": "value"})
        element.text = AtomicString(literal(self.facts.values[m[1]]))
        return element, m.start(0), m.end(0)


class _Claim(InlineProcessor):
    def __init__(self, pattern: str, md: markdown.Markdown, ours: _Vitrine) -> None:
        super().__init__(pattern, md)
        self.ours = ours

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[ElementTree.Element, int, int]:
        name = m[2].split("?")[0]
        self.ours.met[name] += 1
        id = f"{name}-{self.ours.met[name]}" if self.ours.met[name] > 1 else name
        attributes = {"class": "claim", "id": f"claim-{id}", "href": f"evidence.html#{id}"}
        element = ElementTree.Element("a", attributes | {"title": literal(note(self.ours.facts.claims[name]))})
        element.text = m[1]  # not atomic: a claim may hold values and emphasis
        return element, m.start(0), m.end(0)


class _Figures(Treeprocessor):
    """Puts a figure in the place of each paragraph that is an image of a scene; notes the page's first words."""

    def __init__(self, md: markdown.Markdown, ours: _Vitrine) -> None:
        super().__init__(md)
        self.ours, self.facts = ours, ours.facts

    def run(self, root: ElementTree.Element) -> None:
        texts = {
            tag: " ".join(readable("".join(found.itertext())).split())
            for tag in ("h1", "p")
            if (found := root.find(tag)) is not None
        }
        self.ours.title, self.ours.description = texts.get("h1", ""), texts.get("p", "")
        for place, paragraph in enumerate(list(root)):
            images = [image for image in paragraph.findall("img") if image.get("src", "").endswith((".glb", ".svg"))]
            figures = [self.figure(image, image.get("src", "")) for image in images]
            if len(figures) == 1:
                root[place] = figures[0]
            elif figures:
                root[place] = ElementTree.Element("div", {"class": "side-by-side"})
                root[place].extend(figures)

    def figure(self, image: ElementTree.Element, source: str) -> ElementTree.Element:
        """The figure of an image: a scene or a plot."""
        figure = self.scene(image, source) if source.endswith(".glb") else self.plot(image, source)
        for element in figure.iter():
            element.text, element.tail = literal(element.text or ""), literal(element.tail or "")
            element.attrib.update({key: literal(value) for key, value in element.items()})
        return figure

    def known(self, image: ElementTree.Element, source: str) -> tuple[dict, str, str]:
        """A figure's data, its alternative text and its caption."""
        if source not in self.facts.figures:
            raise UnknownNameError(f"there is no figure {source!r}")
        alt, caption = (readable(image.get(key, "")) for key in ("alt", "title"))  # the values are in place
        return self.facts.figures[source], alt, caption

    def plot(self, image: ElementTree.Element, source: str) -> ElementTree.Element:
        data, alt, caption = self.known(image, source)
        name = source.removesuffix(".svg")
        figure = ElementTree.Element("figure", {"class": f"plot {data.get('class', '')}".strip(), "id": name})
        if "plot" in data:
            data["plot"].set("aria-label", alt)
            figure.append(data["plot"])
        for table in data.get("shown", ()):
            figure.append(self.table(table, name))
        ElementTree.SubElement(figure, "figcaption").text = caption
        if data.get("tables"):
            details = ElementTree.SubElement(figure, "details")
            summary = data.get("summary", "The exact numbers")
            ElementTree.SubElement(details, "summary").text = summary
            for table in data["tables"]:
                details.append(self.table(table, name))
        return figure

    def scene(self, image: ElementTree.Element, source: str) -> ElementTree.Element:
        data, alt, caption = self.known(image, source)
        name = source.removesuffix(".glb")
        figure = scene(name, data, alt, caption)
        base = self.facts.values.get("base", "")
        live = ElementTree.SubElement(figure, "p", {"class": "live-link"})
        live.text = "In 3D: "
        ElementTree.SubElement(live, "a", {"href": f"{base}#{name}"}).text = f"{base}#{name}"
        details = ElementTree.SubElement(figure, "details")
        summary = "The exact numbers, and files to keep" if data["tables"] else "Files to keep"
        ElementTree.SubElement(details, "summary").text = summary
        files = ElementTree.SubElement(details, "p", {"class": "files"})
        link = ElementTree.SubElement(files, "a", {"href": source, "download": ""})
        link.text = f"{source}, {data['bytes']}"
        link.tail = " · "
        ElementTree.SubElement(files, "a", {"href": data["still"], "download": ""}).text = data["still"]
        share = ElementTree.SubElement(details, "p", {"class": "files"})
        label = ElementTree.SubElement(share, "label")
        label.text = "To show it on another page: "
        width, height = data["size"]
        room = 650 if "film" in data else 300  # pixels, below the stage
        line = (
            f'<iframe src="{base}embed/{name}.html" title="{escape(caption)}" loading="lazy" '
            f'allow="xr-spatial-tracking; fullscreen" '
            f'style="width: 100%; aspect-ratio: {width} / {height + room}; min-height: {room + 320}px; border: 0">'
            "</iframe>"
        )
        ElementTree.SubElement(label, "input", {"class": "embed", "readonly": "", "value": line})
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
        ElementTree.SubElement(table, "caption").text = data["title"]
        head = ElementTree.SubElement(ElementTree.SubElement(table, "thead"), "tr")
        for text in (data["corner"], *data["columns"]):
            ElementTree.SubElement(head, "th", {"scope": "col"}).text = text
        body = ElementTree.SubElement(table, "tbody")
        for first, *cells in data["rows"]:
            row = ElementTree.SubElement(body, "tr")
            ElementTree.SubElement(row, "th", {"scope": "row"}).text = first
            for cell in cells:
                place = ElementTree.SubElement(row, "td")
                if isinstance(cell, str):
                    place.text = cell
                else:
                    place.append(cell)
        return box


def scene(name: str, data: Mapping, alt: str, caption: str, root: str = "") -> ElementTree.Element:
    """The figure of a scene, from what `article.web.figures` knows of it: its still, and room for what the scripts add.

    `root` leads from the page to the folder of the files.
    """
    places = {key: data[key] for key in ("orbit", "target", "field-of-view", "shadow") if key in data}
    files = {"src": f"{root}{name}.glb", "marks": f"{root}{data['marks']}"}
    attributes = {f"data-{key}": value for key, value in (places | files).items()}
    figure = ElementTree.Element("figure", {"class": "scene", "id": name} | attributes)
    stage = ElementTree.SubElement(figure, "div", {"class": "stage"})
    width, height = map(str, data["size"])
    still = {"src": f"{root}{data['still']}", "alt": alt, "width": width, "height": height, "loading": "lazy"}
    ElementTree.SubElement(stage, "img", {"class": "still"} | still)
    # The page's scripts put buttons and readings there; until then, and without them, there is nothing.
    ElementTree.SubElement(figure, "div", {"class": "tools", "role": "group", "aria-label": "Turn the figure"})
    reader = {"class": "reader", "role": "group", "aria-label": "Read the numbers of the figure"}
    ElementTree.SubElement(ElementTree.SubElement(figure, "div", reader), "p", {"class": "readout", "role": "status"})
    if "film" in data:
        figure.extend(player(data["film"], root, alt, (width, height)))
    ElementTree.SubElement(figure, "figcaption").text = caption
    return figure


def player(film: Mapping, root: str, alt: str, size: tuple[str, str]) -> list[ElementTree.Element]:
    """What plays a film: the curve of its loss over a slider; and stills with words where it is not played."""
    times, words = json.dumps(film["times"]), json.dumps(film["words"], ensure_ascii=False)
    box = ElementTree.Element("div", {"class": "player", "role": "group", "data-times": times, "data-words": words})
    box.set("aria-label", "Play the training")
    if "curve" in film:
        box.append(film["curve"])
    strip = ElementTree.Element("ol", {"class": "strip"})
    for file, k in film["strip"]:
        item = ElementTree.SubElement(strip, "li")
        still = {"src": f"{root}{file}", "alt": f"{alt} Step {film['steps'][k]:,}.", "loading": "lazy"}
        ElementTree.SubElement(item, "img", still | {"width": size[0], "height": size[1]})
        ElementTree.SubElement(item, "p").text = film["words"][k]
    return [box, strip]


def captions(text: str, values: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The alternative text and the caption of each scene that a Markdown text shows, by its name."""
    return {
        match[2]: (fill(match[1], values), fill(match[3] or "", values))
        for match in re.finditer(r'!\[([^\]]*)\]\(([\w-]+)\.glb(?:\s+"([^\n]*)")?\)', text)
    }
