"""The article: its own model, its figures, and its claims over many trainings."""

import argparse
import gc
import string
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path

import gpt
from article import cache, claims, paths, study  # noqa: F401 - claims are registered
from article.errors import RefusalError
from article.escaping import say
from article.evidence.claim import Facts
from article.evidence.evidence import Evidence
from article.evidence.words import decimals, percent
from article.files import replace_file
from article.measures import counted, entropy
from article.models import ensemble, own
from article.sites import flow
from article.values import gather
from article.web import claims_page, imprint, live, markdown
from article.web.figures import PREVIEW
from article.web.plots import columns, interval
from article.web.publish import Page, add_page, add_pages
from article.web.single_file import Embedded, single
from article.web.site import Site, read_article, to_json
from article.web.viewer import VIEWER
from scenes.analysis.stages import stages as all_stages
from scenes.glyphs.text import letters

PARTS = ("article",)  # of the template
COLUMNS = ["generalise", "interval", "probability", "loss"]


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


def publish(options: argparse.Namespace) -> None:
    """Builds the article and puts it in place; prints the summary. Raises RefusalError and FalsehoodError."""
    said = imprint.read(paths.ARTICLE / "article.toml")
    site = Site("draft" if options.draft else "article", options.url, options.fresh, live.scripts(), imprint=said)
    if options.single_file:
        page = options.single_file
        evidence = build_single(site, page, options.seed, options.seeds)
    else:
        page = (options.out or paths.DOCS) / "index.html"
        with site.published(page.parent):
            evidence, _ = prepare(site, options.seed, options.seeds)
    say(summary(site, evidence, page))
    for note in site.notes:
        say(f"{paths.COMMAND}: {note}", sys.stderr)


def build_single(site: Site, file: Path, seed: int | None, seeds: int) -> Evidence:
    """The whole article as one file. Raises RefusalError and FalsehoodError."""
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --single-file, such as article.html.")
    evidence, write = prepare(site, seed, seeds)
    with site.stage("write"):
        source = paths.KEPT / VIEWER / "dist" / "model-viewer-umd.min.js"
        viewer = source.read_text("utf-8") if site.has_viewer() else ""
        try:
            at = Embedded(files=site.files, imprint=site.imprint, source=viewer, url=site.url)
            replace_file(file, write(at).encode())
        except OSError as error:
            raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    return evidence


def prepare(site: Site, seed: int | None, seeds: int) -> tuple[Evidence, Callable[[Embedded], str]]:
    """Trains, and makes the files of the site; returns what is known of the article's own model, and `make`'s result.

    Raises RefusalError and FalsehoodError.
    """
    gc.freeze()  # what was imported stays; looking through it again and again takes a tenth of a rebuild
    with site.stage("train"):
        letters(string.ascii_letters + string.digits)  # labels remember their outlines, also in what is forked
        mine, *survey = train(seed, range(1, seeds + 1), site.fresh)
    gc.freeze()
    return mine, make(site, mine, survey)


def train(seed: int | None, others: Sequence[int] = (), fresh: bool = False) -> list[Evidence]:
    """Trains the model on `data/`, and again with other seeds; traces the held-out sentence without its last word.

    What an earlier build has kept is not trained again, unless it is to be fresh. Raises RefusalError.
    """
    config, tokenizer, corpus, held_out = own.read_data(seed)
    prompt = own.prompt_of(held_out)
    models = own.trainings(config, tokenizer, corpus, prompt, others, fresh)
    return [
        kind(config, tokenizer, corpus, held_out, model, gpt.trace(model, tokenizer, prompt))
        for kind, model in zip([Own] + [Evidence] * len(others), models, strict=True)
    ]


def make(site: Site, mine: Evidence, survey: Sequence[Evidence]) -> Callable[[Embedded], str]:
    """Everything between the trained models and the files of the site; returns what writes the article as one file.

    Raises RefusalError and FalsehoodError.
    """
    results = study.load([one.model for one in survey])
    if results is None:
        most, least = len(survey), len(study.FEWER)
        few = f"its chapter takes {least} trainings or more, so with {most} it is left out; raise --seeds."
        other = "it is not of this program and corpus, so its chapter is left out; make study."
        site.notes.append(f"data/study.json: {few if most < least else other}")
    text = markdown.keep(read_article("index.md"), set() if results is None else {"study"})
    bench = bench_of(mine)
    stages = all_stages(mine.trace)  # what is wrong with one is said before the scenes are drawn
    aside = read_article("flow.md")  # what would interrupt the story
    pages = [
        Page("index.html", "article/index.md", text, mine.view, wrap=bench.page),
        Page("flow.html", "article/flow.md", aside, mine.view, wrap=partial(flow.page, site, mine.trace, stages)),
    ]
    if not (names := pages[0].document.scenes):
        raise RefusalError("article/index.md shows no scene; an image whose source is forward.glb is one.")
    preview = PREVIEW if PREVIEW in names else next(iter(names))

    def facts() -> Facts:
        try:
            known = gather(mine, survey, {"base": site.base}, results)
        except ValueError as error:
            raise RefusalError(f"article/claims.py: {error}; change the claims, or data/.") from None
        known.figures.update(plotted(known, mine, results))
        return known

    known, judged = add_pages(site, pages, PARTS, facts, preview, forks=True)
    picture = f"{site.base}{preview}.png"
    add_page(site, "evidence.html", claims_page.body(judged, known), PARTS, picture)
    site.files |= {"claims.json": to_json(judged)}
    return partial(single, text, bench.page, known, judged, picture)


def bench_of(own: Evidence) -> live.Bench:
    """Where the reader asks the article's own model."""
    weights = {name: weight.detach().numpy() for name, weight in own.model.named_parameters()}
    model = live.packed(
        weights,
        asdict(own.config),
        own.tokenizer.vocab,
        corpus=own.corpus,
        prompt=own.trace.sentence,
        answer=own.answer,
        fingerprint=own.trace.weights,
        look=live.look(own.tokenizer.vocab),
    )
    return live.Bench(model, own.trace, presets(own), own.config.seed, own.config.steps)


def presets(own: Evidence) -> dict[str, list[str]]:
    """Prompts by what they are: the page's own, those of the corpus that are most like it, and one that is missed.

    What is missed is a sentence that begins late, and of which only one end is known: the longest.
    """
    first, *others = every = [sentence.split() for sentence in (*own.held_out, *own.corpus)]
    apart = {" ".join(words[:-1]): sum(map(str.__ne__, first, words)) for words in others if len(words) == len(first)}
    late = [(" ".join(words[n:-1]), words[-1]) for n in range(1, own.config.n_context) for words in every]
    ends = {start: {end for other, end in late if other == start} for start, _ in late if start}
    missed = (
        start
        for start, known in ends.items()
        if len(known) == 1 and gpt.trace(own.model, own.tokenizer, start).prediction not in known
    )
    found = {
        "kept back from the training": [own.trace.sentence],
        "like it, and learned": [one for one, differs in apart.items() if differs == min(apart.values())],
        "begun late, and missed": [one for one in [next(missed, "")] if one],
    }
    return {what: prompts for what, prompts in found.items() if prompts}


def summary(site: Site, evidence: Evidence, page: Path) -> str:
    """What the job has done, for the terminal."""
    trace, answer = evidence.trace, evidence.answer
    lines = [
        f"loss        {evidence.loss:.3f} nats a token, {evidence.parameters:,} parameters",
        f"held out    {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})",
        *([] if trace.prediction == answer else [f"            but the sentence goes on with {answer}"]),
        *site.told(page),
    ]
    return "\n".join(lines)


def plotted(facts: Facts, own: Evidence, study: dict | None) -> dict[str, dict]:
    """The plots and tables that the article may show, by the name of their file."""
    sure = facts.claims["is_sure"]
    seeds = [[str(seed), outcome.text] for seed, outcome in enumerate(sure.survey, 1)]
    trainings = {"title": "Every training", "corner": "seed", "columns": ["probability"], "rows": seeds}
    result = {"survey.svg": {"plot": columns(sure.survey, sure.own), "tables": [trainings]}}
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


def trained(row: dict, facts: Facts) -> list:
    """A row of the study: how many generalise, with the interval, the median probability and the mean loss."""
    names = (f"study.{row['name']}.{what}" for what in ("held", "seeds", "probability", "loss"))
    held, seeds, probability, loss = (facts.values[name] for name in names)
    return [row["words"], f"{held} of {seeds}", interval(int(held), int(seeds)), probability, loss]


def counting(own: Evidence, words: str, reach: int) -> list:
    """The row of a model that counts which word follows so many others."""
    chance = percent(counted(own.corpus, own.held_out[0], reach))
    return [words, "", "", chance, decimals(entropy(own.corpus, reach))]
