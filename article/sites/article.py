"""The article: its texts, its figures, and its claims over many trainings.

What is said of its models is kept, by the sources of what finds it out; only what is not kept needs the models, and the
libraries that train and draw.
"""

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from article import cache, paths
from article.errors import RefusalError
from article.escaping import say
from article.evidence.claim import Claim, Facts, Outcome
from article.files import replace_file
from article.web import claims_page, html, imprint, live, markdown
from article.web.html import Body
from article.web.markdown import Document
from article.web.plots import columns, interval
from article.web.publish import Page, add_page, add_pages
from article.web.single_file import Embedded, single
from article.web.site import Site, read_article, to_json
from article.web.viewer import VIEWER

PARTS = ("article",)  # of the template
COLUMNS = ["generalise", "interval", "probability", "loss"]
PREVIEW = "forward"  # the scene in link previews; the first one if the article does not show it
MODELS = ("article.models.own", "article.evidence.evidence", "article.study")  # what decides what they are
BY = {  # which modules functions of `trained` ask, besides
    "about": ("article.sites.flow", "article.web.live", "scenes.glyphs.text"),
    "facts": ("article.values", "article.claims"),
}


@dataclass(frozen=True)
class Known:
    """What is known of the models of the article; they are trained, or taken from where they are kept, when asked."""

    site: Site
    seed: int | None
    seeds: int

    @cached_property
    def models(self) -> tuple[ModuleType, list[Any]]:
        """What asks them, and each as `Evidence`: the article's own, and those of the survey. Raises RefusalError."""
        with self.site.stage("train"):
            from article.models import own

            with own.trained_beside(self.seed, self.site.fresh):
                from article.sites import trained
            return trained, trained.train(self.seed, range(1, self.seeds + 1), self.site.fresh)

    def view(self, shows: str) -> Any:
        """What a scene is built from, by its SHOWS."""
        return self.models[1][0].view(shows)

    def key(self, *parts: Any) -> str:
        """By the data and the settings, what makes the models and keeps this, and by further parts."""
        modules = (paths.ARTICLE / "sites" / name for name in ("article.py", "trained.py"))
        return cache.key(self.seed, self.seeds, *modules, *sorted(paths.DATA.glob("*")), *parts)

    def scene_key(self, name: str, preview: bool) -> str:
        """By all that decides what is made of a scene."""
        return self.key(name, preview, *cache.drawing(name, *MODELS))

    def value_key(self, what: str) -> str:
        """By all that decides what a function of `trained` finds out."""
        files = [paths.ASSETS / "flow.html", paths.ROOT / "scenes" / "style.toml"] if what == "about" else []
        return self.key(*files, *cache.made_by(*MODELS, *BY[what]))

    def kept(self, what: str, *more: Any) -> dict:
        """What a function of `trained` finds out of the models, or has found before. Raises RefusalError."""

        def found() -> dict:
            trained, models = self.models
            return getattr(trained, what)(models, *more)

        return cache.kept_value(what, self.value_key(what), found, self.site.fresh)


def publish(options: argparse.Namespace) -> None:
    """Builds the article and puts it in place; prints the summary. Raises RefusalError and FalsehoodError."""
    said = imprint.read(paths.ARTICLE / "article.toml")
    site = Site("draft" if options.draft else "article", options.url, options.fresh, live.scripts(), imprint=said)
    if options.single_file:
        page = options.single_file
        told = build_single(site, page, options.seed, options.seeds)
    else:
        page = (options.out or paths.DOCS) / "index.html"
        with site.published(page.parent):
            told, _ = prepare(site, options.seed, options.seeds)
    say("\n".join([*told, *site.told(page)]))
    for note in site.notes:
        say(f"{paths.COMMAND}: {note}", sys.stderr)


def build_single(site: Site, file: Path, seed: int | None, seeds: int) -> list[str]:
    """The whole article as one file; returns what the terminal is told of the models.

    Raises RefusalError and FalsehoodError.
    """
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --single-file, such as article.html.")
    told, write = prepare(site, seed, seeds)
    with site.stage("write"):
        source = paths.KEPT / VIEWER / "dist" / "model-viewer-umd.min.js"
        viewer = source.read_text("utf-8") if site.has_viewer() else ""
        try:
            at = Embedded(files=site.files, imprint=site.imprint, source=viewer, url=site.url)
            replace_file(file, write(at).encode())
        except OSError as error:
            raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    return told


def prepare(site: Site, seed: int | None, seeds: int) -> tuple[list[str], Callable[[Embedded], str]]:
    """Makes the files of the site; returns what the terminal is told of the models, and what writes one file of all.

    Raises RefusalError and FalsehoodError.
    """
    known = Known(site, seed, seeds)
    about = known.kept("about")
    results, note = about["study"]
    site.notes += [note] if note else []
    site.files |= {name: text.encode() for name, text in about["files"].items()}
    text = markdown.keep(read_article("index.md"), {"study"} if results else set())
    aside = read_article("flow.md")  # what would interrupt the story
    ways = Document.body, partial(flow_page, about["flow"])
    bench, beside = (partial(live.page, about["bench"], write) for write in ways)
    pages = [
        Page("index.html", "article/index.md", text, known.view, wrap=bench, key=known.scene_key),
        Page("flow.html", "article/flow.md", aside, known.view, wrap=beside, key=known.scene_key),
    ]
    if not (names := pages[0].document.scenes):
        raise RefusalError("article/index.md shows no scene; an image whose source is forward.glb is one.")
    preview = PREVIEW if PREVIEW in names else next(iter(names))
    facts, judged = add_pages(site, pages, PARTS, partial(facts_of, known, results), preview, forks=True)
    picture = f"{site.base}{preview}.png"
    add_page(site, "evidence.html", claims_page.body(judged, facts), PARTS, picture)
    site.files |= {"claims.json": to_json(judged)}
    return about["told"], partial(single, text, bench, facts, judged, picture)


def facts_of(known: Known, results: dict | None) -> Facts:
    """The values and claims of the texts, and the plots and tables by the name of their file. Raises RefusalError."""
    found = known.kept("facts", results)
    claims = [
        Claim(name, words, code, expression, Outcome(*own), tuple(Outcome(*one) for one in survey))
        for name, words, code, expression, own, survey in found["claims"]
    ]
    facts = Facts(found["values"] | {"base": known.site.base}, {claim.name: claim for claim in claims})
    sure = facts.claims["is_sure"]
    seeds = [[str(seed), outcome.text] for seed, outcome in enumerate(sure.survey, 1)]
    trainings = {"title": "Every training", "corner": "seed", "columns": ["probability"], "rows": seeds}
    facts.figures["survey.svg"] = {"plot": columns(sure.survey, sure.own), "tables": [trainings]}
    if results:
        turns = [trained(row, facts) for row in results["held_out"]]
        others = [trained(row, facts) for row in results["recipes"]]
        others += [[words, "", "", *rest] for words, *rest in found["counting"]]
        tables = (
            ("Each sentence held out in turn", "held out", turns),
            ("Ways to train, and to count", "recipe", others),
        )
        for file, (title, corner, rows) in zip(("held_out.svg", "recipes.svg"), tables, strict=True):
            table = {"title": title, "corner": corner, "columns": COLUMNS, "rows": rows}
            facts.figures[file] = {"shown": [table]}
    return facts


def flow_page(page: tuple[str, str, str], document: Document, facts: Facts) -> Body:
    """The page of the full flow, with what the article says of its stages in their places. Raises RefusalError."""
    inside, *about = page
    said = document.sections(facts)
    if unknown := [id for id in said if f"<!--stage {id}-->" not in inside]:
        raise RefusalError(
            f"article/flow.md: there is no stage {unknown[0]!r}; a heading is the id of one, such as logits."
        )
    shown = {f"?{id}": " (3D)" for id, words in said.items() if "<figure" in words} | said
    return Body(html.safe(re.sub("<!--stage (.*?)-->", lambda place: shown.get(place[1], ""), inside)), *about)


def trained(row: dict, facts: Facts) -> list:
    """A row of the study: how many generalise, with the interval, the median probability and the mean loss."""
    names = (f"study.{row['name']}.{what}" for what in ("held", "seeds", "probability", "loss"))
    held, seeds, probability, loss = (facts.values[name] for name in names)
    return [row["words"], f"{held} of {seeds}", interval(int(held), int(seeds)), probability, loss]
