"""A scene's file is held against what it states, and against the same scene drawn anew from a fresh trace."""

import argparse
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gpt
from article.errors import RefusalError
from article.evidence.evidence import Evidence
from article.models import loading
from article.models.model import OpenedModel
from article.sites import comparison
from article.sites.trained import train
from article.web.figures import scene_module
from scenes.analysis import views
from scenes.export import compare, readback
from scenes.export.glb import to_glb


def known(options: argparse.Namespace) -> Evidence | OpenedModel:
    """The model that is to be asked: the article's own, or a checkpoint. Raises RefusalError."""
    asked = options.checkpoint, options.tokenizer, options.seed
    return train(options.seed)[0] if asked[:2] == (None, None) else loading.open_model(*asked)


def judge(path: Path, glb: bytes, model: Evidence | OpenedModel, beside: str | None) -> tuple[list[str], str]:
    """What is wrong with a file, a sentence for each node; and if nothing is, the verdict. Raises RefusalError."""
    how = readback.header(glb)["asset"]["extras"]
    scene = scene_module(name := str(how.get("scene")))
    if not hasattr(scene, "build"):
        raise RefusalError(f"{path} shows {name!r}, and there is no scenes/{name}.py to draw it anew; was it renamed?")
    try:
        fresh = view(model, getattr(scene, "SHOWS", "trace"), how, beside)
        drawn = to_glb(scene.build(fresh))
    except (ValueError, LookupError, TypeError) as error:  # the last ones for what a damaged file says of itself
        raise RefusalError(f"{path} shows what this model cannot: {error}.") from None
    try:
        differ, lost = compare.differences(glb, drawn)
        told = drawn if lost and not differ else glb  # what has lost its extras draws what the other one does
        problems = readback.disagreements(told, fresh)
    except ValueError as error:
        return [str(error)], ""
    named = {problem.split(":")[0].split(",")[0] for problem in problems}
    if "the weights" not in named:  # or all would be others
        problems += [problem for problem in differ if problem.split(":")[0] not in named]
    marks = readback.marks(told).values() if not problems else ()
    verdict = f"{sum(mark.stated.size for mark in marks)} numbers agree, in {len(marks)} nodes; "
    saved_again = f"saved again, lost: {', '.join(lost) or 'nothing'}"
    return problems, verdict + ("as drawn" if glb == drawn else saved_again)


def view(model: Evidence | OpenedModel, shows: str, how: dict, beside: str | None) -> Any:
    """What a scene is built from, computed anew; `how` is what the file says of itself.

    Raises RefusalError, and ValueError for what the model cannot show.
    """
    sentence = how["sentence"]
    n, most = len(model.tokenizer.encode(sentence)), model.config.n_context
    if not 1 <= n <= most:
        raise ValueError(f"it reads 1 to {most} tokens, and the sentence has {n}")
    if shows == "comparison":
        return comparison.fresh(model, beside, how)
    if isinstance(model, OpenedModel):
        trace = gpt.trace(model.model, model.tokenizer, sentence)
        return views.view(shows, SimpleNamespace(trace=trace, block=how.get("block", 0)))
    same = sentence == model.trace.sentence
    own = model if same else replace(model, trace=gpt.trace(model.model, model.tokenizer, sentence))
    return own.view(shows)
