"""The article: its own model, its figures, and its claims over many trainings."""

import gc
import importlib
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import gpt
from article import paths, study
from article.errors import FalsehoodError, RefusalError
from article.evidence.evidence import Evidence
from article.evidence.words import decimals, percent
from article.measures import counted, entropy
from article.models import ensemble
from article.models.own import read
from article.sites.flow import flow_page, stages_of
from article.web.figures import PREVIEW, exhibits
from article.web.folder import workplace
from article.web.plots import columns, interval
from article.web.site import Site, finish, furnish, has_viewer, read_article, to_json, told
from article.web.viewer import VIEWER

if TYPE_CHECKING:
    from article.evidence.claim import Claim, Facts


LIBRARIES = ("pyvista", "trimesh", "sklearn.decomposition", "matplotlib.textpath", "PIL.ImageDraw", "markdown")


@dataclass(frozen=True)
class Own(Evidence):
    """The article's own model, and what the study knows of others."""

    @cached_property
    def failing(self) -> gpt.Trace:
        """The trace of a training that looks at the right word and says the wrong one.

        Raises ValueError if the study knows of none.
        """
        recipe, seed = study.failing(self.config)
        (model,) = ensemble.trainings(recipe, self.tokenizer, self.corpus, [seed])
        return gpt.trace(model, self.tokenizer, self.trace.sentence)


def build(out: Path, seed: int | None = None, url: str = "", seeds: int = 1, fresh: bool = False) -> Site:
    """The whole job. Raises RefusalError and FalsehoodError."""
    site = Site(fresh=fresh)
    with workplace(out) as work:
        own = prepare(site, seed, url, seeds)
        finish(site, work)
    site.summary = summary(site, own, out / "index.html")
    return site


def build_single(file: Path, seed: int | None = None, url: str = "", seeds: int = 1, fresh: bool = False) -> Site:
    """The whole job, as one file instead of a folder. Raises RefusalError and FalsehoodError."""
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --single-file, such as article.html.")
    from article import cache
    from article.web.single_file import single

    site = Site(fresh=fresh)
    own = prepare(site, seed, url, seeds)
    with site.stage("write"):
        source = paths.ARTICLE / VIEWER / "dist" / "model-viewer-umd.min.js"
        viewer = source.read_text("utf-8") if has_viewer(site) else ""
        try:
            cache.replace_file(file, single(site.files, viewer, url).encode())
            file.chmod(0o644)
        except OSError as error:
            raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    site.summary = summary(site, own, file)
    return site


def prepare(site: Site, seed: int | None, url: str, seeds: int) -> Evidence:
    """Trains, and makes the files of the site; returns what is known of the article's own model.

    Raises RefusalError and FalsehoodError.
    """
    gc.freeze()  # what was imported stays; looking through it again and again takes a tenth of a rebuild
    with site.stage("train"):
        own, *survey = train(seed, range(1, seeds + 1), site.fresh)
    gc.freeze()
    make(site, own, survey, url)
    return own


def train(seed: int | None, others: Sequence[int] = (), fresh: bool = False) -> list[Evidence]:
    """Trains the model on `data/`, and again with other seeds; traces the held-out sentence without its last word.

    What an earlier build has kept is not trained again, unless it is to be fresh.
    """
    config, tokenizer, corpus, held_out = read(seed)
    try:
        from article import claims  # noqa: F401 - they are registered
    except ValueError as error:
        raise RefusalError(f"article/claims.py: {error}; change the claim.") from None
    from article.models.recording import explored, kept_at
    from article.parallel import beside
    from scenes.glyphs.text import letters

    recipe = ensemble.Recipe(config)
    prompt = held_out[0].rsplit(maxsplit=1)[0]
    if others:
        explore = partial(explored, config, tokenizer, corpus, prompt)  # which trains our own model, and keeps it
        if fresh or not kept_at(config, corpus, prompt).exists():
            with beside(partial(explore, fresh)) as wait:
                for library in LIBRARIES:
                    importlib.import_module(library)
                letters(string.ascii_letters + string.digits)  # labels remember their outlines
                wait()
        explore()
    (own,) = ensemble.trainings(recipe, tokenizer, corpus, [config.seed])
    rest = [other for other in others if other != config.seed]
    trained = dict(zip(rest, ensemble.trainings(recipe, tokenizer, corpus, rest, fresh), strict=True)) | {
        config.seed: own
    }
    models = [own, *(trained[other] for other in others)]
    return [
        kind(config, tokenizer, corpus, held_out, model, gpt.trace(model, tokenizer, prompt))
        for kind, model in zip([Own] + [Evidence] * len(others), models, strict=True)
    ]


def make(site: Site, own: Evidence, survey: Sequence[Evidence], url: str = "") -> None:
    """Everything between the trained models and the files of the site. Raises RefusalError and FalsehoodError."""
    from article.study import FEWER, load
    from article.web import claims_page, gallery, plots, render

    text, whole = read_article("index.md"), read_article("template.html")
    template = render.keep(whole, {"page", "article"})
    results = load([one.model for one in survey])
    if results is None:
        most, least = len(survey), len(FEWER)
        few = f"its chapter takes {least} trainings or more, so with {most} it is left out; raise --seeds."
        other = "it is not of this program and corpus, so its chapter is left out; make study."
        site.notes.append(f"data/study.json: {few if most < least else other}")
    text = render.keep(text, set() if results is None else {"study"})
    names = render.figures(text)
    if not names:
        raise RefusalError("article/index.md shows no scene; an image whose source is forward.glb is one.")
    preview = PREVIEW if PREVIEW in names else next(iter(names))
    base = f"{url.rstrip('/')}/" if url else ""
    aside = read_article("flow.md")  # what would interrupt the story
    stages = stages_of(own.trace)  # what is wrong with one is said before the scenes are drawn
    places: dict[str, str] = {}
    for path, shown in (("index.md", names), ("flow.md", render.figures(aside))):
        for name, line in shown.items():
            places.setdefault(name, f"article/{path}, line {line}")
    with exhibits(site, places, own.view, preview) as made:
        with site.stage("claims"):
            texts = {"index.md": text, "flow.md": aside}
            known, claims = judge(texts, own, survey, results, {"preview": f"{base}{preview}.png", "base": base})
        known.figures.update(made())
    with site.stage("article"):
        known.figures.update(plotted(known, own, results))
        for figure in known.figures.values():
            if "film" in figure:
                figure["film"]["curve"] = plots.curve(figure["film"])
        try:
            pages = {"index.html": render.render(text, known, template)}
        except render.UnknownNameError as error:
            raise RefusalError(f"article/index.md, {error}.") from None
        body = claims_page.body(claims, known)
        proof = render.fill_in(template, body, claims_page.TITLE, claims_page.DESCRIPTION, known.values)
        pages["evidence.html"] = proof
        try:
            figures = render.render(aside, known, "{{body}}")
        except render.UnknownNameError as error:
            raise RefusalError(f"article/flow.md, {error}.") from None
        pages["flow.html"] = flow_page(site, own.trace, stages, template, known.values, figures)
        shown = {
            name: (path.replace(".md", ".html"), *words)
            for path, part in texts.items()
            for name, words in render.captions(part, known.values).items()
        }
        pages |= gallery.pages(shown, known, template, render.keep(whole, {"embed"}), render.title(text))
    furnish(site, pages)
    site.files["claims.json"] = to_json(claims)


def judge(
    texts: Mapping[str, str],
    own: Evidence,
    survey: Sequence[Evidence],
    results: dict | None,
    more: dict[str, str],
) -> "tuple[Facts, list[dict]]":
    """What the texts, by file, may refer to, and their claims, all true. Raises RefusalError and FalsehoodError."""
    from article import values
    from article.web import render

    try:
        known = values.gather(own, survey, more, results)
    except ValueError as error:
        raise RefusalError(f"article/claims.py: {error}; change the claims, or data/.") from None
    claims: dict[str, dict] = {}
    for name, text in texts.items():
        path = f"article/{name}"
        try:
            found = render.claims(text, known, name.replace(".md", ".html"))
        except render.UnknownNameError as error:
            raise RefusalError(f"{path}, {error}.") from None
        for claim in found:
            line = claim.pop("line")
            if claim["id"] in claims:
                raise RefusalError(f"{path}, line {line}: the claim {claim['id']!r} stands in another text already.")
            if not claim["holds"]:
                raise FalsehoodError(falsehood(claim, f"{path}, line {line}"))
            claims[claim["id"]] = claim
    return known, list(claims.values())


def falsehood(claim: dict, where: str) -> str:
    """What is wrong with a claim that does not hold: where it stands, the sentence, the predicate, what it found."""
    where = f"{where}: “{claim['sentence']}” is false"
    share = f"it holds in {claim['held']} of {claim['seeds']} trainings"
    if "share" in claim:
        return f"{where}: the text says {claim['share']} of the trainings; {share} that {claim['predicate']}."
    found = f"{claim['expression']} is False at {claim['value']!r}"
    return f"{where} of this model: it says that {claim['predicate']}, but {found} ({share})."


def summary(site: Site, evidence: Evidence, page: Path) -> str:
    """What the job has done, for the terminal."""
    trace, answer = evidence.trace, evidence.answer
    lines = [
        f"loss        {evidence.loss:.3f} nats a token, {evidence.parameters:,} parameters",
        f"held out    {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})",
        *([] if trace.prediction == answer else [f"            but the sentence goes on with {answer}"]),
        *told(site, page),
    ]
    return "\n".join(lines)


COLUMNS = ["generalise", "interval", "probability", "loss"]


def plotted(facts: "Facts", own: Evidence, study: dict | None) -> dict[str, dict]:
    """The plots and tables that the article may show, by the name of their file."""
    sure = facts.claims["is_sure"]
    result = {"survey.svg": {"plot": columns(sure.survey, sure.own), "tables": [trainings(sure)]}}
    if study:
        turns = [trained(row, facts) for row in study["held_out"]]
        others = [trained(row, facts) for row in study["recipes"]] + [
            counting(own, "counting words", 0),
            counting(own, "counting pairs of words (bigrams)", 1),
            counting(own, "counting threes (trigrams)", 2),
            ["what no model can pass", "", "", "", decimals(entropy(own.corpus))],
        ]
        result["held_out.svg"] = {"shown": [table("Each sentence held out in turn", "held out", turns)]}
        result["recipes.svg"] = {"shown": [table("Ways to train, and to count", "recipe", others)]}
    return result


def table(title: str, corner: str, rows: list[list]) -> dict:
    """A table of recipes."""
    return {"title": title, "corner": corner, "columns": COLUMNS, "rows": rows}


def trained(row: dict, facts: "Facts") -> list:
    """A row of the study: how many generalise, with the interval, the median probability and the mean loss."""
    names = (f"study.{row['name']}.{what}" for what in ("held", "seeds", "probability", "loss"))
    held, seeds, probability, loss = (facts.values[name] for name in names)
    return [row["words"], f"{held} of {seeds}", interval(int(held), int(seeds)), probability, loss]


def counting(own: Evidence, words: str, reach: int) -> list:
    """The row of a model that counts which word follows so many others."""
    chance = counted(own.corpus, own.held_out[0], reach)
    return [words, "", "", percent(chance), decimals(entropy(own.corpus, reach))]


def trainings(claim: "Claim") -> dict:
    """The value of a claim in every training."""
    rows = [[str(seed), outcome.text] for seed, outcome in enumerate(claim.survey, 1)]
    return {"title": "Every training", "corner": "seed", "columns": ["probability"], "rows": rows}
