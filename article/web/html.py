"""HTML from the templates in `assets/`: what is filled in is text, and escaped once, unless it is Markup already."""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from article import paths
from article.escaping import PICTURES
from article.web.imprint import Imprint
from scenes.export import light


def version(data: bytes) -> str:
    """What stands behind the name of a file in its address."""
    return hashlib.sha256(data).hexdigest()[:10]


def digest(text: str) -> str:
    """What a policy calls a script or a style that it admits."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


TEMPLATES = Environment(
    loader=FileSystemLoader(paths.ASSETS),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {"digest": digest, "json": partial(json.dumps, ensure_ascii=False)}


def render(template: str, **values: object) -> Markup:
    """The HTML of a template. Raises jinja2.UndefinedError for a value that it lacks."""
    return safe(TEMPLATES.get_template(template).render(values).strip().translate(PICTURES))


def safe(html: str) -> Markup:
    """HTML of our own making, in which all that is foreign has been escaped."""
    return Markup(html)  # noqa: S704


@dataclass(frozen=True)
class Addresses:
    """Where a page finds the files of its site and the other pages: `root` leads to the folder that they are in."""

    root: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)  # those that are known already
    imprint: Imprint = field(default_factory=Imprint)  # of the article
    embedded = False  # whether all files are inside the page itself

    def file(self, name: str) -> str:
        """The address of a file; it changes with its content, or a cache has the old one beside the new page."""
        return self.root + name + (f"?{version(self.files[name])}" if name in self.files else "")

    def page(self, href: str) -> str:
        """The address of a page, or of a place in it; nothing if it cannot be reached from here."""
        return self.root + href


class Body(NamedTuple):
    """The inside of a page, and what it is called."""

    html: Markup
    title: str
    description: str


def page(body: Body, parts: Collection[str] = (), preview: str = "", at: Addresses | None = None) -> str:
    """A whole page. `parts` are those of the template that the site has; `preview` is a picture for links to it."""
    bright = ", ".join(f"{number:.5f}" for number in light.harmonics())
    return render("page.html", body=body, parts=parts, preview=preview, at=at or Addresses(), light=bright)
