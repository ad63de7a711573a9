"""The article as one file, which opens from the disk: scripts, scenes, stills and the evidence are inside it."""

import base64
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from article.evidence.claim import Facts
from article.web import claims_page, html
from article.web.html import Addresses, Body
from article.web.markdown import Document

KNOWN = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
IMPORT = re.compile(r'^import (?:(\{[^}]*\}) from )?"\.{1,2}/([\w.]+)(?:\?\w+)?";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|let|class) (\w+))", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Embedded(Addresses):
    """The files of a site, inside the one page that holds the article and the evidence.

    Other pages are linked where the site is published; without such a `url`, they are not linked.
    """

    source: str  # of the viewer; nothing if the page is to show stills
    url: str = ""
    embedded = True

    def file(self, name: str) -> str:
        """A file as an address of its own."""
        kind = name.rsplit(".", 1)[-1]
        return f"data:{KNOWN['kinds'][kind]};base64,{base64.b64encode(self.files[name]).decode()}"

    def page(self, href: str) -> str:
        """Where a page is: inside, elsewhere, or nowhere."""
        if inside := re.fullmatch(r"(?:index|evidence)\.html(#.*)", href):
            return inside[1]
        own = {"index.html": "#article", "evidence.html": "#evidence"}
        if href in own or not re.fullmatch(r"[\w.-]+\.(?:html|json)(?:#.*)?", href):
            return own.get(href, href)
        return f"{self.url.rstrip('/')}/{href}" if self.url else ""

    @property
    def viewer(self) -> str:
        return self.source and f"delete globalThis.WebAssembly;\n{self.source}"  # figure.js says why

    @property
    def style(self) -> str:
        return self.files["page.css"].decode()

    @cached_property
    def script(self) -> str:
        """The scripts of the pages."""
        return bundle(self.files)


def single(
    text: str,
    wrap: Callable[[Document, Facts], Body],
    facts: Facts,
    claims: Sequence[Mapping],
    preview: str,
    at: Embedded,
) -> str:
    """The page of a Markdown text, as `wrap` makes it, with the evidence for its claims and its site's files inside."""
    article = wrap(Document(text, at), facts)
    both = article.html + claims_page.body(claims, facts, at).html
    return html.page(article._replace(html=both), ("article",), preview, at)


def bundle(files: Mapping[str, bytes]) -> str:
    """The scripts of the pages as one: each a function that returns what it exports, so that no names collide."""
    parts = ["const modules = {};"]
    for name in KNOWN["order"]:
        text = files[name].decode()
        exports = ", ".join(EXPORT.findall(text))
        name = name.rpartition("/")[2]
        text = IMPORT.sub(lambda m: f'const {m[1]} = modules["{m[2]}"];\n' if m[1] else "", text)
        parts.append(f'modules["{name}"] = (() => {{\n{EXPORT.sub("", text)}\nreturn {{ {exports} }};\n}})();')
    return "\n".join(parts).replace("</script", "<\\/script")
