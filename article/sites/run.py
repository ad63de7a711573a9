"""The site of a run: the scenes of a prompt, its full flow, and the report of the training."""

import argparse
import shutil
from pathlib import Path

import gpt
from article.escaping import say
from article.evidence.words import count
from article.models.fit import Result, learn, prompt_of, training_ground
from article.models.formats import run
from article.models.processes import Team
from article.models.settings import FIELDS, WINDOWS, read_toml, settle
from article.sites import model, report
from article.web.site import Site


def publish(options: argparse.Namespace) -> None:
    """Trains on the text of a folder and puts the site of the run in place; prints the summary.

    Raises RefusalError and FalsehoodError.
    """
    given = read_toml(options.config) if options.config else {}
    where = f"{options.config}: " if options.config else ""
    settle(given, WINDOWS, where)  # what the file says is judged by itself, so that errors name it
    given |= {name: value for name in FIELDS if (value := getattr(options, name, None)) is not None}
    with Team.gather() as team:
        if team.rank:
            learn(options.data, given, options.ladder, None, team)
            return
        site = Site("run", options.url, options.fresh)
        with site.published(options.out):
            with training_ground(options.out, options.fresh) as ground, site.stage("train"):
                result = learn(options.data, given, options.ladder, ground, team, options.prompt)
                prompt = prompt_of(result, options.prompt)
            site.notes += [result.note] if result.note else []
            make(site, result, prompt)
        shutil.rmtree(ground, ignore_errors=True)  # once the site stands
    about = {"result": result, "course": result.course, "settings": result.settings, "prompt": prompt}
    about["parameters"] = report.parameters(result)
    say(site.summary(options.out / "index.html", Path(__file__).with_suffix(".txt"), **about))


def make(site: Site, result: Result, prompt: str) -> None:
    """Adds the pages of a run to its site. Raises RefusalError and FalsehoodError."""
    trace = gpt.trace(result.model, result.tokenizer, prompt)
    about = {"name": result.name, "parameters": count(report.parameters(result))}
    parts = model.make(site, trace, about, {"trained"})
    with site.stage("pages"):
        site.files |= run.run_files(result.settings, result.tokenizer, result.course.best)
        site.files |= report.files(result, parts, [*site.files])
