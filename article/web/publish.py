"""The one path from texts to pages: figures are made, claims judged, Markdown rendered, and the gallery added."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from article import cache
from article.errors import FalsehoodError, RefusalError
from article.evidence.claim import Facts
from article.parallel import beside, shared
from article.web import gallery, html, plots
from article.web.claims_page import claims_of
from article.web.html import Body
from article.web.markdown import Document, UnknownNameError
from article.web.site import DRAFT, Site


@dataclass(frozen=True)
class Page:
    """A page to be: its text, and what that refers to."""

    file: str  # its name in the site
    source: str  # of its text, as errors name it
    text: str  # Markdown, with the parts that it has
    view: Callable[[str], Any] | None  # what its scenes are built from; none if they know that themselves
    values: Mapping[str, str] = field(default_factory=dict)  # of this page alone
    wrap: Callable[[Document, Facts], Body] | None = None  # what the text stands in, if it is not the whole page
    other: Callable[[str], Any] | None = None  # the same for figures whose names end in -b, beside those that end in -a
    package: str = "scenes"  # where its scenes stand
    kept: bool = True  # whether its scenes are kept for the next build
    key: Callable[[str, bool], str] | None = None  # of a scene, a preview or not, that is known before its numbers are

    @cached_property
    def document(self) -> Document:
        """Its text, parsed once. Raises RefusalError for what cannot be understood."""
        with naming(self):
            return Document(self.text)

    def own(self, facts: Facts) -> Facts:
        """What it may refer to: what all pages may, and its values."""
        return replace(facts, values={**facts.values, **self.values})

    def body(self, facts: Facts) -> Body:
        """What it says. Raises RefusalError for what there is not."""
        with naming(self):
            return (self.wrap or Document.body)(self.document, self.own(facts))


def add_pages(
    site: Site,
    pages: Sequence[Page],
    parts: Collection[str],
    facts: Callable[[], Facts],
    preview: str = "",
    forks: bool = False,
) -> tuple[Facts, list[dict]]:
    """Adds pages to a site, with their figures, the gallery, and a page for each figure by itself.

    `parts` are those of the template that the site has. Of the scene `preview` there is a picture for links. `facts`
    gives what the texts refer to; it is asked while a second process makes figures, if this one `forks`, which who has
    shared torch's work among threads must not. Returns the facts with all figures, and the claims of the texts, all
    true but in a draft, which keeps what is false. Raises RefusalError and FalsehoodError.
    """
    site.furnish()
    with made(site, pages, preview, forks) as finish:
        with site.stage("claims"):
            known = facts()
            claims, site.false = judged(pages, known)
            if site.false and site.kind != DRAFT:
                raise FalsehoodError("\n".join(site.false))
        known.figures.update(finish())
    with site.stage("pages"):
        for figure in known.figures.values():
            if "film" in figure:
                figure["film"]["curve"] = plots.curve(figure["film"])
        address, shown = f"{site.base}{preview}.png" if preview else "", {}
        for page in pages:
            page.document.at = site.at
            add_page(site, page.file, page.body(known), parts, address)
            captions = page.document.captions(page.own(known).values)
            shown |= {name: (page.file, *words) for name, words in captions.items()}
        title = pages[0].document.first("h1", known.values)
        every = gallery.pages(shown, known.figures, title, parts, address, site.at)
        site.files |= {name: page.encode() for name, page in every.items()}
    return known, claims


def add_page(site: Site, file: str, body: Body, parts: Collection[str], preview: str = "") -> None:
    """Adds a page; links to it show the picture `preview`, if the template has room for one."""
    site.files[file] = html.page(body, parts, preview, site.at).encode()


@contextlib.contextmanager
def naming(page: Page) -> Iterator[None]:
    """Says of what a text refers to in vain, where it does."""
    try:
        yield
    except UnknownNameError as error:
        raise RefusalError(f"{page.source}, {error}.") from None


@contextlib.contextmanager
def made(site: Site, pages: Sequence[Page], preview: str, forks: bool) -> Iterator[Callable[[], dict[str, dict]]]:
    """Has the figures of pages made, if possible by two processes, one of which begins at once.

    Gives what makes the rest of them, adds all to the site in their order, and returns what the pages must know of
    each. Raises RefusalError and FalsehoodError.
    """
    wanted: dict[str, tuple[Page, str]] = {}
    for page in pages:
        for name, figure in page.document.scenes.items():
            wanted.setdefault(name, (page, f"{page.source}, line {figure.line}"))
    names = list(wanted)

    def make(number: int, fresh: bool) -> dict:
        (page, where), name = wanted[names[number]], names[number]

        def drawn() -> dict:
            from article.web import figures  # with libraries that take a second to import

            view = page.other if page.other and name.endswith("-b") else page.view
            return figures.make(site, name, where, view, name == preview, fresh, page.kept, page.package)

        return cache.kept_scene(key, drawn, fresh) if (key := keys[number]) else drawn()

    keys = [page.key(name, name == preview) if page.key else None for name, (page, _) in wanted.items()]
    forks = forks and (site.fresh or not all(key and (cache.KEPT / "scenes" / key).exists() for key in keys))
    take = shared(len(names))
    for page in pages if forks else ():
        if page.key and page.view:
            page.view("trace")  # what all need is there before another process begins
    other = beside(lambda: [make(number, site.fresh) for number in take()]) if forks else contextlib.nullcontext()
    with other as wait:

        def finish() -> dict[str, dict]:
            ours: dict[int, dict] = {}
            with contextlib.suppress(RefusalError, FalsehoodError):  # of all that is wrong, the first is said below
                for number in take():
                    ours[number] = make(number, site.fresh)
            if wait:
                with site.stage("scenes"):
                    wait()
            found = [ours[number] if number in ours else make(number, False) for number in range(len(names))]
            return {f"{name}.glb": add(site, figure) for name, figure in zip(names, found, strict=True)}

        yield finish


def add(site: Site, made: dict) -> dict:
    """Adds what is made of a scene to the site; returns what the page must know of the figure."""
    site.files |= made["files"]
    site.scenes.append(made["entry"])
    site.notes += made["notes"]
    return made["figure"]


def judged(pages: Sequence[Page], known: Facts) -> tuple[list[dict], list[str]]:
    """The claims of the texts, and what is wrong with those that are false. Raises RefusalError."""
    claims: dict[str, dict] = {}
    wrong = []
    for page in pages:
        with naming(page):
            found = claims_of(page.document, page.own(known), page.file)
        for claim in found:
            where = f"{page.source}, line {claim.pop('line')}"
            if claim["id"] in claims:
                raise RefusalError(f"{where}: the claim {claim['id']!r} stands in another text already.")
            if not claim["holds"]:
                wrong.append(falsehood(claim, where))
            claims[claim["id"]] = claim
    return list(claims.values()), wrong


def falsehood(claim: dict, where: str) -> str:
    """What is wrong with a claim that does not hold: where it stands, the sentence, the predicate, what it found."""
    where = f"{where}: “{claim['sentence']}” is false"
    share = f"it holds in {claim['held']} of {claim['seeds']} trainings"
    if "share" in claim:
        return f"{where}: the text says {claim['share']} of the trainings; {share} that {claim['predicate']}."
    found = f"{claim['expression']} is False at {claim['value']!r}"
    return f"{where} of this model: it says that {claim['predicate']}, but {found} ({share})."
