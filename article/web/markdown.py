r"""Our texts: Markdown that refers to figures, values and claims, parsed once, and filled in when these are known.

An image whose source is a `.glb` or a `.svg` is a figure, a scene or a plot; its title is the caption. `{name}` is a
value. A link to `claim:name` is a claim about the article's own model; `claim:name?at-least=0.9` and `?at-most=0.1` are
about a share of the trainings. A link to `<scene>.glb#<node>`, or `<scene>.glb#<node>:3` for the third of its numbers,
takes the figure's camera there. What stands between `<!-- name -->` and `<!-- /name -->` is left out where the build
has no such part. Code, what stands between `$` or `$$`, and `\{name}` are text.

What is filled in is text, too: it meets the HTML of a document when Markdown is done, and is escaped there.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import Element, SubElement

import markdown
from markdown.extensions import Extension, toc
from markdown.inlinepatterns import InlineProcessor, SimpleTextInlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import ETX, STX, AtomicString
from markupsafe import Markup, escape

from article.evidence.claim import Claim, Facts
from article.web import html
from article.web.html import Addresses, Body

LINE = f"{STX}line(\\d+){ETX}"  # stands in each reference of a source, and says in which line that is
NAME = r"\{([a-z][a-z0-9_.]*)"
VALUE = NAME + LINE + r"\}"
MATHS = r"(?<!\$)(\$\$[^$]+\$\$|\$(?![\s$])[^$]+(?<!\s)\$(?![\d$]))"
TARGET = r"\]\([^)\s]*|^ {0,3}\[[^^\]][^\]]*\]:\s*\S+"  # of a link or an image, and the definition of one
PLACE = re.compile(f"{STX}place(\\d+)([a-z]*){ETX}")  # where a reference is filled in, and what of it
CLAIM = re.compile(r"(\w+)(?:\?(at-least|at-most)=(0(?:\.\d+)?|1(?:\.0+)?))?")
VIEW = re.compile(r"([\w-]+)\.glb#(.*)", re.DOTALL)
LONG = 5  # chapters, from which on a page has a list of contents
FIGURE = re.compile(r"[\w-]+\.glb|[\w/-]+\.svg")
PART = r"<!-- ([a-z]+) -->(.*?)<!-- /\1 -->"


class UnknownNameError(ValueError):
    """A text refers to something that does not exist; says what and in which line."""


def fault(line: int, problem: str) -> UnknownNameError:
    return UnknownNameError(f"line {line}: {problem}" if line else problem)


# --- What a text refers to ----------------------------------------------------------------------------------------


class Value(NamedTuple):
    """A place in a text that names a value."""

    name: str
    line: int


class Heading(NamedTuple):
    """A heading, whose address may have values in it."""

    words: str


class ViewLink(NamedTuple):
    """A link to a mark of a figure."""

    figure: str
    target: str  # as it is written
    line: int

    @staticmethod
    def mark(target: str) -> tuple[str, int]:
        """The node that it names, or several joined by +, once values are in place; of the first a number, from 1."""
        node, _, part = unquote(target).rpartition(":")
        return (node, int(part)) if node and part.isdecimal() else (unquote(target), 1)


class Figure(NamedTuple):
    """A scene or a plot that a text shows, with its alternative text and its caption."""

    file: str
    alt: str
    caption: str
    line: int

    @property
    def name(self) -> str:
        return self.file.rpartition("/")[2].rpartition(".")[0]


class ClaimLink(NamedTuple):
    """A link to a claim, which says that it is true."""

    id: str  # of its element: the name, and a number if it is not the first of that name
    name: str
    bound: str  # "at-least", "at-most", or nothing if it speaks of the article's own model
    share: float
    line: int
    sentence: str = ""

    def holds(self, claim: Claim) -> bool:
        """Whether what the text says is true."""
        return claim.reaches(self.bound, self.share) if self.bound else claim.own.holds

    @staticmethod
    def note(claim: Claim) -> str:
        """What a claim came to, in a line."""
        words = f"{claim.words[0].upper()}{claim.words[1:]}"
        return f"{words}: {claim.own.text}. True in {claim.held} of {claim.seeds} trainings."


Reference = Value | Heading | ViewLink | Figure | ClaimLink

# --- Documents ----------------------------------------------------------------------------------------------------


class Document:
    """A text that has been parsed: its blocks as HTML, with places for what they refer to."""

    def __init__(self, text: str, at: Addresses | None = None, foreign: bool = False) -> None:
        """Raises UnknownNameError for what cannot be understood. HTML in a `foreign` text is text."""
        self.at = at or Addresses()
        self.references: list[Reference] = []
        self.headings: list[tuple[str, str, str]] = []  # of each below the title: its tag, its words, its address
        self.blocks: list[tuple[str, str, str]] = []  # of each: its tag, the words of a heading or paragraph, its HTML
        headings = toc.TocExtension(slugify=lambda words, _: self.place(Heading(without_lines(words)[0])))
        extensions = ["tables", "fenced_code", "footnotes", headings, _Vitrine(self, foreign)]
        markdown.markdown(text, extensions=extensions, output_format="html")

    def place(self, reference: "Reference", part: str = "") -> str:
        """Notes a reference; what stands in its place for now."""
        self.references.append(reference)
        return f"{STX}place{len(self.references) - 1}{part}{ETX}"

    @property
    def claims(self) -> list[ClaimLink]:
        """The claims that it refers to, in order."""
        return [reference for reference in self.references if isinstance(reference, ClaimLink)]

    @property
    def scenes(self) -> dict[str, Figure]:
        """The scenes that it shows, by name, in order; each where it comes first."""
        found: dict[str, Figure] = {}
        for figure in self.references:
            if isinstance(figure, Figure) and figure.file.endswith(".glb"):
                found.setdefault(figure.name, figure)
        return found

    def words(self, written: str, values: Mapping[str, str]) -> str:
        """A text of the document with its values, as text."""

        def said(place: re.Match[str]) -> str:
            reference = self.references[int(place[1])]
            return str(values[reference.name]) if isinstance(reference, Value) else ""

        return PLACE.sub(said, written)

    def first(self, tag: str, values: Mapping[str, str]) -> str:
        """The words of the first block of a kind: "h1" is the title, "p" the description."""
        return self.words(next((words for one, words, _ in self.blocks if one == tag), ""), values)

    def captions(self, values: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """The alternative text and the caption of each scene, by its name."""
        shown = self.scenes.items()
        return {name: (self.words(one.alt, values), self.words(one.caption, values)) for name, one in shown}

    def body(self, facts: Facts) -> Body:
        """The page of the document. Raises UnknownNameError."""
        head, end, rest = self.html(facts).partition("</h1>")
        page = head + end + self.contents(facts) + rest if end else self.contents(facts) + head
        return Body(page, self.first("h1", facts.values), self.first("p", facts.values))

    def contents(self, facts: Facts) -> Markup:
        """A list of the headings, each a link to it; nothing for a short text."""
        if sum(tag == "h2" for tag, *_ in self.headings) < LONG:
            return Markup()
        headings = [
            (tag, self.words(words, facts.values), self.filled([id], facts)) for tag, words, id in self.headings
        ]
        return html.render("contents.html", headings=headings)

    def html(self, facts: Facts) -> Markup:
        """The HTML of all blocks. Raises UnknownNameError for what `facts` lack."""
        self.check(facts)
        return self.filled([inside for _, _, inside in self.blocks], facts)

    def sections(self, facts: Facts) -> dict[str, Markup]:
        """The HTML under each heading of the second level, by the words of that. Raises UnknownNameError."""
        self.check(facts)
        parts, heading = {}, ""
        for tag, words, inside in self.blocks:
            heading = self.words(words, facts.values) if tag == "h2" else heading
            if heading:
                parts.setdefault(heading, []).extend([inside] if tag != "h2" else [])
        return {words: self.filled(blocks, facts) for words, blocks in parts.items()}

    def filled(self, blocks: list[str], facts: Facts) -> Markup:
        """Blocks with everything in its place."""
        found = ((n, one) for n, one in enumerate(self.references) if isinstance(one, Heading))
        slugs = {n: toc.slugify(self.words(one.words, facts.values), "-") for n, one in found}
        used: set[str] = set()
        addresses = {n: toc.unique(slug, used) for n, slug in slugs.items()}  # each of its own

        def written(place: re.Match[str]) -> str:
            match self.references[int(place[1])]:
                case Value(name):
                    return str(escape(facts.values[name]))
                case Heading():
                    return str(escape(addresses[int(place[1])]))
                case ViewLink() as view:
                    node, part = view.mark(self.words(view.target, facts.values))
                    return str(escape({"node": node, "part": part}[place[2]]))
                case ClaimLink() as claim:
                    false = not claim.holds(known := facts.claims[claim.name])
                    if place[2]:
                        return " false" if false else ""
                    return str(escape(f"Line {claim.line} is false. " * false + claim.note(known)))
                case Figure() as figure:
                    return self.figure(figure, facts)

        return html.safe("\n".join(PLACE.sub(written, block) for block in blocks))

    def figure(self, figure: Figure, facts: Facts) -> Markup:
        """A figure as HTML. Raises UnknownNameError if `facts` lack it."""
        if figure.file not in facts.figures:
            raise fault(figure.line, f"there is no figure {figure.file!r}")
        nothing = {"chart": "", "plot": "", "class": "", "shown": (), "tables": ()}
        return html.render(
            "figure.html",
            name=figure.name,
            file=figure.file,
            data=nothing | {"summary": "The exact numbers"} | facts.figures[figure.file],
            alt=self.words(figure.alt, facts.values),
            caption=self.words(figure.caption, facts.values),
            at=self.at,
            base=facts.values.get("base", ""),
        )

    def check(self, facts: Facts) -> None:
        """Raises UnknownNameError for the first value, claim, or mark of a figure that is known, that is not there."""
        for reference in self.references:
            match reference:
                case Value(name, line) if name not in facts.values:
                    raise fault(line, f"there is no value {name!r}; values.py names them")
                case ClaimLink(name=name, line=line) if name not in facts.claims:
                    raise fault(line, f"there is no claim {name!r}; claims.py names them")
                case ViewLink(name, written, line):
                    target = self.words(written, facts.values)
                    node, part = reference.mark(target)
                    if name not in self.scenes:
                        raise fault(line, f"there is no figure {name!r} in this text to look at")
                    nodes = facts.figures.get(f"{name}.glb", {}).get("nodes", {node: part})
                    first, *others = [node] if node in nodes else node.split("+")
                    if not 1 <= part <= nodes.get(first, 0) or not set(others) <= set(nodes):
                        raise fault(line, f"the figure {name!r} has no {target!r} to look at")


def keep(text: str, parts: Collection[str]) -> str:
    """A text without the parts between comments that the build does not have; lines stay where they are."""

    def choose(match: re.Match[str]) -> str:
        return keep(match[2], parts) if match[1] in parts else "\n" * match[0].count("\n")

    return re.sub(PART, choose, text, flags=re.DOTALL)


# --- How a text is parsed -----------------------------------------------------------------------------------------


class _Vitrine(Extension):
    """What our Markdown adds to Python-Markdown's."""

    def __init__(self, document: Document, foreign: bool) -> None:
        super().__init__()
        self.document, self.foreign = document, foreign

    def extendMarkdown(self, md: markdown.Markdown) -> None:
        md.preprocessors.register(_Lines(md), "lines", 27)  # before fenced code (25) and HTML (20) are put aside
        # After code spans (190); after escapes (180), so that an escaped brace is none, and before links (160).
        md.inlinePatterns.register(SimpleTextInlineProcessor(MATHS, md), "maths", 185)
        md.inlinePatterns.register(_Value(VALUE, md, self.document), "value", 175)
        md.treeprocessors.register(_Blocks(md, self.document), "blocks", -1)  # when all others are done
        if self.foreign:
            md.preprocessors.deregister("html_block")
            md.inlinePatterns.deregister("html")


class _Lines(Preprocessor):
    """Puts its line into each value and each target of a link, where code and HTML keep it until it is taken out."""

    def run(self, lines: list[str]) -> list[str]:
        numbered = ((rf"\g<0>{STX}line{n}{ETX}", line) for n, line in enumerate(lines, 1))
        return [re.sub(TARGET, mark, re.sub(NAME + r"(?=\})", mark, line)) for mark, line in numbered]


class _Value(InlineProcessor):
    def __init__(self, pattern: str, md: markdown.Markdown, document: Document) -> None:
        super().__init__(pattern, md)
        self.document = document

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:
        element = Element("span", {"class": "value"})
        element.text = AtomicString(self.document.place(Value(m[1], int(m[2]))))
        return element, m.start(0), m.end(0)


def without_lines(written: str) -> tuple[str, int]:
    """A text without the numbers of lines in it, and the first of them; 0 if there was none."""
    found = re.search(LINE, written)
    return re.sub(LINE, "", written), int(found[1]) if found else 0


class _Blocks(Treeprocessor):
    """Finds what the parsed text refers to, puts places there, and writes the blocks of the document."""

    def __init__(self, md: markdown.Markdown, document: Document) -> None:
        super().__init__(md)
        self.document = document

    def run(self, root: Element) -> None:
        self.refuse_values_in_html()
        for block in root:
            self.figures(block)
        met: Counter[str] = Counter()
        for link in root.iter("a"):
            self.link(link, met)
        for code in root.iter("pre"):
            code.attrib |= {"class": "sample", "dir": "auto"}
        heading = ""
        for n, block in enumerate(root):
            words = self.words(block) if block.tag in ("h1", "h2", "h3", "p") else ""
            heading = heading if block.tag == "p" else words or heading
            if block.tag in ("h2", "h3"):
                id = block.get("id", "")
                self.document.headings.append((block.tag, words, id))
                link = {"class": "anchor", "href": f"#{id}", "aria-label": f"Permanent link to {words}"}
                SubElement(block, "a", link)  # the style fills it: the words of the heading stay its own
            if block.tag == "h3":
                block.set("class", "part")
            elif block.tag == "table":
                root[n] = scrolling(block, heading)
            written = toc.run_postprocessors(self.md.serializer(root[n]), self.md)
            self.document.blocks.append((str(block.tag), words, without_lines(written)[0]))

    def words(self, element: Element) -> str:
        """The text of an element, without footnotes."""
        return unescape(without_lines(toc.strip_tags(toc.render_inner_html(toc.remove_fnrefs(element), self.md)))[0])

    def refuse_values_in_html(self) -> None:
        """Raises UnknownNameError for a value inside HTML of the author's, where it would not be filled in."""
        for stashed in map(str, self.md.htmlStash.rawHtmlBlocks):
            if stashed.startswith(("<pre", "<!--")):  # code and comments are as they are
                continue
            blocks = [Value(name, int(line)) for name, line in re.findall(VALUE, stashed)]
            inline = [self.document.references[int(place[1])] for place in PLACE.finditer(stashed)]
            for value in (*blocks, *inline):
                if isinstance(value, Value):
                    problem = f"the value {value.name!r} stands in HTML, which is kept as it is; write it in Markdown"
                    raise fault(value.line, problem)

    def figures(self, block: Element) -> None:
        """Puts places where a block shows figures. Raises UnknownNameError if one has no paragraph of its own."""
        every = ((image, *without_lines(image.get("src", ""))) for image in block.iter("img"))
        found = [one for one in every if one[1].endswith((".glb", ".svg"))]
        others = "".join(filter(None, [block.text, *(child.tail for child in block)])).strip()
        alone = block.tag == "p" and list(block) == [image for image, *_ in found] and not others
        places = []
        for image, file, line in found:
            alt, caption = (unescape(without_lines(image.get(name, ""))[0]) for name in ("alt", "title"))
            if not alone or not FIGURE.fullmatch(file):
                example = '![what it shows](forward.glb "its caption")'
                raise fault(line, f"a figure is an image in a paragraph of its own, such as {example}")
            places.append(self.document.place(Figure(file, alt, caption, line)))
        if places:
            block.clear()
            block.text = "".join(places)
            block.tag, block.attrib["class"] = ("div", "side-by-side") if len(places) > 1 else (None, "")  # type: ignore

    def link(self, link: Element, met: Counter[str]) -> None:
        """Makes a link one to a claim, to a mark of a figure, or to where the page finds what it leads to.

        Raises UnknownNameError for one that cannot be understood.
        """
        href, line = without_lines(link.get("href", ""))
        if href.startswith("claim:"):
            claim = self.claim(link, href.removeprefix("claim:"), line, met)
            there = self.document.at.page(f"evidence.html#{claim.id}")
            note = self.document.place(claim)
            to = {"class": "claim" + note.replace(ETX, f"class{ETX}")}
            to |= {"id": f"claim-{claim.id}", "href": there, "title": note}
        elif view := VIEW.fullmatch(href):
            node, part = (self.document.place(ViewLink(view[1], view[2], line), part) for part in ("node", "part"))
            to = {"class": "view", "href": f"#{view[1]}", "data-mark": node, "data-part": part}
        elif there := self.document.at.page(href):
            to = {"href": there}
        else:  # text, from here
            link.tag, to = None, {}  # type: ignore[assignment]
        link.attrib |= to

    def claim(self, link: Element, target: str, line: int, met: Counter[str]) -> ClaimLink:
        """What a link to a claim says. Raises UnknownNameError for one that cannot be understood."""
        line -= "".join(link.itertext()).count("\n")
        found, sentence = CLAIM.fullmatch(target), self.words(link)
        if found is None:
            shares = "(claim:name?at-least=0.9) or (claim:name?at-most=0.1)"
            problem = f"{target!r} names no claim; write (claim:name), or with a share of the trainings {shares}"
            raise fault(line, problem)
        name, bound, share = found.groups()
        if not sentence:
            raise fault(line, f"the claim {name!r} has no text")
        met[name] += 1
        id = f"{name}-{met[name]}" if met[name] > 1 else name
        return ClaimLink(id, name, bound or "", float(share or 0), line, sentence)


def scrolling(table: Element, name: str) -> Element:
    """A table in a box that scrolls sideways where it must, with a head for each row."""
    for cell in table.iter():
        if cell.tag in ("th", "td") and "left" in cell.attrib.pop("style", ""):  # which our pages forbid
            cell.set("class", "words")
    for cell in table.findall("thead/tr/th"):
        if cell.text or len(cell):
            cell.set("scope", "col")
        else:
            cell.tag = "td"  # the corner is no head
    for row in table.findall("tbody/tr"):
        row[0].tag = "th"
        row[0].set("scope", "row")
    box = Element("div", {"class": "numbers", "tabindex": "0", "role": "region", "aria-label": name})
    box.append(table)
    return box
