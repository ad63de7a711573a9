"""Two checkpoints, seeds or prompts side by side: scenes in step, and what is true of the one and not of the other."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import gpt
from article import claims as _claims  # noqa: F401 - they are registered
from article.errors import RefusalError
from article.escaping import say
from article.evidence import statements
from article.evidence.claim import Facts
from article.evidence.statements import Found
from article.evidence.words import count, decimals, number, percent
from article.models import loading, model, prompts
from article.models.formats.run import SETTINGS
from article.models.settings import LONGEST, SEEDS
from article.sites.model import BOXES, TALL
from article.sites.report import parameters
from article.web import markdown
from article.web.publish import Page, add_pages
from article.web.site import Site, to_json
from scenes import glyphs
from scenes.analysis.comparison import Comparison

HERE = Path(__file__).resolve().parent
SCENES = ("abreast", "levels", "looks", "ends", "odds")
KEYS = 40  # tokens that a head looks at; more in one row cannot be told apart
RELATED = 0.5  # mean cosine of the embeddings of the same tokens, from which on components are likely the same


@dataclass(frozen=True)
class Side:
    """One of the two, and what it reads."""

    name: str  # A or B
    source: str  # what the model is, in words
    run: model.OpenedModel
    prompt: prompts.Prompt

    @cached_property
    def trace(self) -> gpt.Trace:
        return prompts.traced(self.run, self.prompt)


# --- The command --------------------------------------------------------------------------------------------------


def publish(options: argparse.Namespace) -> None:
    """Writes the site of two, and prints the summary. Raises RefusalError and FalsehoodError."""
    site = Site("comparison")
    with site.published(options.out):
        sides = read(options)
        asked = make(site, *sides)
    site.notes = [*(side.prompt.note for side in sides if side.prompt.note), *site.notes]
    about = {"sides": sides, "asked": asked, "fails": fails}
    say(site.summary(options.out / "index.html", Path(__file__).with_suffix(".txt"), **about))


def read(options: argparse.Namespace) -> tuple[Side, Side]:
    """The two that are compared. Raises RefusalError."""
    a = opened(options.a, options.tokenizer)
    same = options.b == options.a and options.tokenizer_b in (None, options.tokenizer)
    foreign = os.path.lexists(options.b) and not (Path(options.b) / SETTINGS).is_file()
    b = a if same else opened(options.b, options.tokenizer_b or (options.tokenizer if foreign else None))
    texts = options.prompt, options.prompt if options.prompt_of_b is None else options.prompt_of_b
    sides = []
    for name, (source, run), text in zip("AB", (a, b), texts, strict=True):
        try:
            sides.append(Side(name, source, run, prompts.read(run, text, options.cut)))
        except RefusalError as error:
            raise RefusalError(f"{name}: {error}") from None
    return sides[0], sides[1]


def opened(text: str, tokenizer: str | None) -> tuple[str, model.OpenedModel]:
    """The model of a checkpoint's path, or of a seed of the article's recipe, and what it is. Raises RefusalError."""
    if text and "\0" not in text and os.path.lexists(text):
        return f"the model of {text}", loading.open_model(Path(text), tokenizer)
    if not text.isdecimal():
        raise RefusalError(f"{text!r} is neither a checkpoint nor the seed of a training; name the folder of a run.")
    if tokenizer:
        raise RefusalError(f"{text} is the seed of a training, which has its tokenizer; leave out --tokenizer.")
    if len(text) > LONGEST or int(text) >= SEEDS:
        raise RefusalError(f"{text[:LONGEST]!r} is no whole number from 0 to 2**32 - 1; it is the seed of a training.")
    seed = int(text)
    return f"the article's model, trained with seed {seed}", loading.open_model(None, seed=seed)


def contrasts(a: gpt.Trace, b: gpt.Trace) -> tuple[Comparison, Comparison]:
    """Each of two traces beside the other."""
    return Comparison(a, other=b, names=("A", "B")), Comparison(b, other=a, names=("B", "A"))


def fresh(run: Any, other: str | None, how: dict) -> Comparison:
    """What a scene of two shows, computed anew; `how` is what the file says of itself.

    Raises RefusalError, and ValueError for what a tokenizer has no tokens for.
    """
    if other is None:
        raise RefusalError("a scene of two needs both; name the other one, a checkpoint or a seed, with --beside.")
    beside, (_, other_run) = how["beside"], opened(other, None)
    own, theirs = (
        gpt.trace(one.model, one.tokenizer, text)
        for one, text in ((run, how["sentence"]), (other_run, beside["sentence"]))
    )
    name, other_name = beside["names"]
    return Comparison(own, other=theirs, names=(str(name), str(other_name)))


# --- What is asked ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What was asked of both, and what it came to."""

    claims: list[Found]  # of the article; none if one of the two does not know its words
    unasked: list[str]  # claims that have no answer in one of the two
    of_a: list[Found]  # statements that are true of A
    of_b: list[Found]

    def apart(self, one: int) -> list[Found]:
        """The claims that hold for the one, 0 for A or 1 for B, and fail on the other."""
        return [claim for claim in self.claims if claim.holds[one] and not claim.holds[1 - one]]


def ask(a: Side, b: Side, both: tuple[Comparison, Comparison]) -> Asked:
    """Asks both of all there is to ask. Raises FalsehoodError for a statement that is not true where it comes from."""
    one, other = statements.evidence(a.run), statements.evidence(b.run)
    claims, unasked = statements.claims(one, other) if one and other and a.run is not b.run else ([], [])
    return Asked(claims, unasked, statements.ask(*both), statements.ask(both[1], both[0], swapped=True))


def fails(found: Sequence[Found]) -> int:
    """How many do not hold for both."""
    return sum(not all(one.holds) for one in found)


# --- The site -----------------------------------------------------------------------------------------------------


def make(site: Site, a: Side, b: Side) -> Asked:
    """Adds the pages of two to their site. Raises RefusalError and FalsehoodError."""
    both = contrasts(a.trace, b.trace)
    with site.stage("statements"):
        asked = ask(a, b, both)
    refused = {scene: reason for scene in SCENES if (reason := too_much(scene, *both))}
    values = known(a, b, both, asked) | {"base": ""}
    values["undrawn"] = "; ".join(dict.fromkeys(reason for reason in refused.values() if reason != ELSEWHERE))
    parts = kept(a, b, both, asked) | ({*SCENES} - {*refused}) | ({"undrawn"} if values["undrawn"] else set())
    text = markdown.keep((HERE / "comparison.md").read_text("utf-8"), parts).strip()
    tables = {
        "both.svg": {"class": "verdicts", "shown": [portrait(a, b)]},
        "claims.svg": listed("Claims of the article", asked.claims),
        "of_a.svg": listed("What is true of A", asked.of_a),
        "of_b.svg": listed("What is true of B", asked.of_b),
    }

    page = Page("index.html", "article/sites/comparison.md", text, lambda _: both[0], other=lambda _: both[1])
    add_pages(site, [page], (), lambda: Facts(values, {}, tables))
    site.files["compare.json"] = to_json(record(a, b, asked))
    return asked


ELSEWHERE = "another scene stands for it"


def too_much(scene: str, a: Comparison, b: Comparison) -> str:
    """Why a scene is not drawn; nothing if it is."""
    D, other = a.embedding.shape[1], b.embedding.shape[1]
    longest = max(len(one.tokens) for one in (a, b))
    boxes = max(len(one.residual) + 1 for one in (a, b)) * D * longest
    if scene in ("abreast", "levels", "ends"):
        if other != D:
            return f"the vectors, which have {D:,} components in A and {other:,} in B"
        if D > TALL:
            return f"the vectors, of {D:,} components, more than {TALL} in a column"
    if (scene == "abreast") == (boxes > BOXES) and scene in ("abreast", "levels"):
        return ELSEWHERE
    if scene == "looks" and longest > KEYS:
        return f"the looks of the heads, at {longest} tokens, more than {KEYS}"
    return ""


def kept(a: Side, b: Side, both: tuple[Comparison, Comparison], asked: Asked) -> set[str]:
    """The parts of comparison.md, other than scenes, that these two have."""
    (one, other), kinship = both, related(both[0])
    same = a.trace.weights == b.trace.weights
    parts = {
        "models": not same,
        "prompts": same,
        "oneprompt": a.trace.sentence == b.trace.sentence,
        "otherprompt": a.trace.sentence != b.trace.sentence,
        "lengths": len(one.tokens) != len(other.tokens),
        "vocabularies": one.vocab != other.vocab,
        "stranger": kinship is not None and kinship < RELATED,
        "kin": kinship is not None and kinship >= RELATED and not same,
        "shapes": one.attention.shape[:2] != other.attention.shape[:2],
        "known": bool(asked.claims),
        "unasked": bool(asked.unasked),
        "note": bool(a.prompt.note or b.prompt.note),
    }
    return {name for name, there in parts.items() if there}


def related(one: Comparison) -> float | None:
    """The mean cosine of the embeddings of the same tokens in both; nothing if there are none to compare."""
    if not one.alike:
        return None
    ids = one.counterpart >= 0
    mine, theirs = one.embedding[ids], one.other.embedding[one.counterpart[ids]]
    long = np.linalg.norm(mine, axis=-1) * np.linalg.norm(theirs, axis=-1)
    cosines = (mine * theirs).sum(axis=-1)[long > 0] / long[long > 0]
    return float(cosines.mean()) if len(cosines) else None


def known(a: Side, b: Side, both: tuple[Comparison, Comparison], asked: Asked) -> dict[str, str]:
    """The values that comparison.md names."""
    one, kinship = both[0], related(both[0])
    models = a.trace.weights != b.trace.weights
    values = {
        "title": "Two models, side by side" if models else "Two prompts, side by side",
        "related": "" if kinship is None else decimals(kinship),
        "shared": number(one.shared),
        "table": glyphs.unembedding(one, one.other),
        "compared_token": str(one.shared),
        "claims_all": count(len(asked.claims)),
        "claims_both": count(sum(all(claim.holds) for claim in asked.claims)),
        "claims_neither": count(sum(not any(claim.holds) for claim in asked.claims)),
        "unasked": "; ".join(asked.unasked),
        "candidates": number(len(one.candidates)),
        "last_level": f"block {len(one.residual) - 1}",
        "notes": " ".join(f"{side.name}: {side.prompt.note}" for side in (a, b) if side.prompt.note),
    }
    for n, (side, contrast, found) in enumerate(zip((a, b), both, (asked.of_a, asked.of_b), strict=True)):
        letter = side.name.lower()
        values |= {
            f"of_{letter}_fails": count(fails(found)),
            f"of_{letter}_all": count(len(found)),
            f"claims_{letter}": count(len(asked.apart(n))),
            f"{letter}_source": side.source,
            f"{letter}_prompt": contrast.sentence,
            f"{letter}_prediction": contrast.prediction,
            f"{letter}_probability": percent(float(contrast.chance[-1, contrast.id(contrast.prediction)])),
        }
    return values


def portrait(a: Side, b: Side) -> dict:
    """What the two are, as a table of the page."""
    traces, configs = (a.trace, b.trace), (a.run.config, b.run.config)
    rows = [
        ["model", *(side.source for side in (a, b))],
        ["prompt", *(trace.sentence for trace in traces)],
        ["tokens of it", *(count(len(trace.tokens)) for trace in traces)],
        ["prediction", *(f"“{one.prediction}”, {percent(one.probability(one.prediction))}" for one in traces)],
        ["parameters", *(count(parameters(side.run)) for side in (a, b))],
        ["blocks", *(count(config.n_layer) for config in configs)],
        ["heads of each", *(count(config.n_head) for config in configs)],
        ["components", *(count(config.n_embd) for config in configs)],
        ["vocabulary", *(count(len(trace.vocab)) for trace in traces)],
    ]
    return {"title": "The two", "corner": "what", "columns": ["A", "B"], "rows": rows}


def listed(title: str, found: Sequence[Found]) -> dict:
    """What was asked and what it came to, as a figure of the page: what the two differ in, and folded up the rest."""
    differ = [one for one in found if one.holds[0] != one.holds[1]]
    alike = [one for one in found if one.holds[0] == one.holds[1]]
    folded = {"summary": f"Those in which the two agree: {len(alike)}", "tables": [table(f"{title}, agreed on", alike)]}
    return {"class": "verdicts", "shown": [table(title, differ)] if differ else []} | (folded if alike else {})


def table(title: str, found: Sequence[Found]) -> dict:
    """A table of what was asked. What fails has a sign, and a word in the last column, not a colour alone."""
    rows = []
    for one in found:
        cells = [{"text": value, "holds": held} for value, held in zip(one.values, one.holds, strict=True)]
        rows.append([one.words, *cells, one.verdict])
    return {"title": title, "corner": "statement", "columns": ["in A", "in B", "verdict"], "rows": rows}


def record(a: Side, b: Side, asked: Asked) -> dict:
    """What a machine may want to know of the two: `compare.json`."""

    def side(one: Side) -> dict:
        return {
            "source": one.source,
            "weights": one.trace.weights,
            "parameters": parameters(one.run),
            "prompt": one.trace.sentence,
            "tokens": list(one.trace.tokens),
            "prediction": one.trace.prediction,
            "probability": round(float(one.trace.probability(one.trace.prediction)), 6),
        }

    def lines(found: Sequence[Found], **more: str) -> list[dict]:
        keys = "sentence", "a", "b", "holds_a", "holds_b"
        return [more | dict(zip(keys, (one.words, *one.values, *one.holds), strict=True)) for one in found]

    return {
        "a": side(a),
        "b": side(b),
        "claims": lines(asked.claims),
        "unasked": asked.unasked,
        "statements": lines(asked.of_a, of="A") + lines(asked.of_b, of="B"),
    }
