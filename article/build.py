"""The whole job: from `data/` to a published `docs/`, and the command line that starts it.

`docs/` is built beside itself and then exchanged in one step: it is the old one or the new one at every moment.
"""

import argparse
import contextlib
import ctypes
import fcntl
import gc
import importlib
import io
import json
import os
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import gpt
    from article import flow
    from article.facts import Evidence, Facts

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "article"
PREVIEW = "forward"  # the scene in link previews; the first one if the article does not show it
VIEWER = "node_modules/@google/model-viewer"
LIBRARIES = ("pyvista", "trimesh", "sklearn.decomposition", "matplotlib.textpath", "PIL.ImageDraw", "markdown")
SEEDS = 32  # trainings of the survey: those of the seeds from 1
FILES = {
    "index.html",
    "evidence.html",
    "flow.html",
    "flow.json",
    "flow",
    "gallery.html",
    "embed",
    "light.hdr",
    "scenes.json",
    "claims.json",
    ".nojekyll",
    "vendor",
    "report.html",
    "report.md",
    "log.csv",
    "plots",
    "model.safetensors",
    "config.toml",
    "tokenizer.json",
    "numbers",
    "compare.json",
}
KINDS = {  # of sites, by a file that tells them from those further down
    "evidence.html": "the article",
    "config.toml": "a run",
    "report.html": "a checkpoint's site",
    "compare.json": "a comparison",
    "flow.json": "the full flow of a prompt",
}
PAPER = "#fbfaf8"  # behind the picture in link previews; the page's own is in page.css


class RefusalError(Exception):
    """The input cannot be used; says what is wrong, where, and what to do, in one sentence."""


class FalsehoodError(Exception):
    """A claim or a verification failed; says which."""


# --- Command line -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0 done, 1 a claim or verification failed, 2 unusable input."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without a letter gets its number
        sys.stdout.reconfigure(errors="backslashreplace")
    command = subcommands().get(arguments[0]) if arguments else None
    try:
        if command:
            status = command.act(command.parser().parse_args(arguments[1:]))
        else:
            status = publish(parser().parse_args(arguments))
        sys.stdout.flush()  # here, where a pipe that nobody reads any more is no accident
        return status
    except (RefusalError, FalsehoodError) as problem:
        print(f"gpt.py: {problem}", file=sys.stderr)
        return 1 if isinstance(problem, FalsehoodError) else 2
    except KeyboardInterrupt:
        whole = "" if command and not command.writes_site else "; the site is the old or the new one, whole"
        print(f"gpt.py: interrupted{whole}.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at the end
        return 141  # as for a program that SIGPIPE ends


class Command(NamedTuple):
    """A subcommand: how it is asked for, what it does, its options, and what carries it out."""

    usage: str
    what: str
    parser: Callable[[], argparse.ArgumentParser]
    act: Callable[[argparse.Namespace], int]
    writes_site: bool = False


def subcommands() -> dict[str, Command]:
    """All of them, by name."""
    from article.runs import commands  # which needs what is defined here

    return {
        "verify": Command("FILE.glb ...", "reads the numbers back out of scenes", verify_parser, verify),
        "flow": Command("PROMPT --out DIR", "shows every number of a prompt on a page", flow_parser, show_flow, True),
        "compare": Command(
            "A B PROMPT --out DIR",
            "sets two models, or prompts, side by side",
            commands.compare_parser,
            commands.compare,
            True,
        ),
        "generate": Command(
            "PROMPT",
            "goes on from a prompt and shows each draw",
            commands.generate_parser,
            commands.generate,
        ),
        "explain": Command(
            "PROMPT", "tells the forward pass in its numbers", commands.explain_parser, commands.explain
        ),
        "trace": Command(
            "PROMPT --out FILE.npz",
            "keeps every array of the forward pass for numpy",
            commands.trace_parser,
            commands.save_trace,
        ),
    }


def parser() -> argparse.ArgumentParser:
    """The options of the job itself."""
    from article.runs.settings import FIELDS

    others = {f"{name} {command.usage}": command.what for name, command in subcommands().items()}
    result = argparse.ArgumentParser(
        prog="gpt.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of the other commands
        description="Trains the tiny GPT on data/, builds its 3D scenes and publishes the\narticle that shows them.",
        epilog="other commands, which -h after their names explains:\n"
        + "\n".join(f"  {usage:<30}{what}" for usage, what in others.items()),
    )
    result.add_argument("--out", type=folder, metavar="DIR", help="write the site there, not to docs/")
    result.add_argument("--seed", type=seed, metavar="N", help="train with another seed")
    result.add_argument(
        "--seeds", type=seeds, default=SEEDS, metavar="N", help=f"check the claims on N trainings, not on {SEEDS}"
    )
    result.add_argument("--fresh", action="store_true", help="train anew what is kept from earlier builds")
    result.add_argument(
        "--single-file", type=folder, metavar="FILE", help="write the article as one file, which opens from the disk"
    )
    result.add_argument(
        "--checkpoint",
        type=folder,
        metavar="PATH",
        help="open another model, and write a site about what it does with --prompt; it may need its --tokenizer",
    )
    result.add_argument("--url", default="", help="where the site will be published; makes link previews absolute")
    own = result.add_argument_group(
        "a text of your own", "These need --data. All but the first four can stand in the TOML file, too."
    )
    own.add_argument(
        "--data", type=folder, metavar="DIR", help="train on train.txt of DIR, and write a site about that"
    )
    own.add_argument("--config", type=folder, metavar="FILE", help="a TOML file with settings; options overrule it")
    own.add_argument("--prompt", metavar="TEXT", help="what the scenes show; else the start of the held-out text")
    own.add_argument("--ladder", action="store_true", help="also train simpler models, from pairs to a block")
    for name, setting in FIELDS.items():
        if name != "seed":
            own.add_argument(
                f"--{name.replace('_', '-')}",
                type=type(setting.default),
                metavar="N" if isinstance(setting.default, int | float) else "NAME",
                help=setting.metadata["words"].replace("%", "%%"),
            )
    return result


def verify_parser() -> argparse.ArgumentParser:
    """The options of `verify`."""
    from article.runs.commands import add_checkpoint

    result = argparse.ArgumentParser(
        prog="gpt.py verify",
        description="Decodes the numbers in scenes from their geometry and compares them with what the files state and "
        "with a fresh trace of the sentence that they show. Exits 1 and names the node where they disagree.",
    )
    result.add_argument("files", nargs="+", type=Path, metavar="FILE.glb")
    result.add_argument("--seed", type=seed, metavar="N", help="the seed that the model of the files was trained with")
    add_checkpoint(result)
    result.add_argument(
        "--beside", metavar="B", help="of scenes of two, the other one: the path of a checkpoint, or a seed"
    )
    return result


def flow_parser() -> argparse.ArgumentParser:
    """The options of `flow`."""
    from article.runs.commands import asking

    result = asking(
        "flow",
        "Shows every number between a prompt and the next token on one page, stage by stage: as tables, with the lines "
        "of gpt.py that computed them, and as CSV and JSON.",
    )
    result.add_argument("--out", type=folder, required=True, metavar="DIR", help="write the page there, as index.html")
    result.add_argument("--seed", type=seed, metavar="N", help="train with another seed")
    return result


def folder(text: str) -> Path:
    """A path that the system can have."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no path")
    return Path(text)


def seed(text: str) -> int:
    """A whole number that torch takes as a seed."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to 2**63 - 1")
    return int(text)


def seeds(text: str) -> int:
    """A number of trainings."""
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)


# --- The job ------------------------------------------------------------------------------------------------------


@dataclass
class Site:
    """What a build has made: the files by name, what it knows of each scene, and the seconds of each stage."""

    files: dict[str, bytes] = field(default_factory=dict)
    scenes: list[dict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    summary: str = ""
    notes: list[str] = field(default_factory=list)  # what could not be had, in a sentence each
    fresh: bool = False  # nothing that earlier builds have kept is used

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def publish(options: argparse.Namespace) -> int:
    """Builds the site and puts it in place; prints the summary. Raises RefusalError and FalsehoodError."""
    from article.runs.settings import FIELDS

    if options.data is not None:
        if options.checkpoint is not None:
            raise RefusalError("--data trains a model, and --checkpoint opens one; leave one of them out.")
        from article.runs import job

        return job.publish(options)
    of_checkpoint = {"prompt", "tokenizer"} if options.checkpoint is not None else set()
    for name in ("config", "prompt", "ladder", *FIELDS):
        given = getattr(options, name)
        if name not in ("seed", *of_checkpoint) and given is not None and given is not False:
            raise RefusalError(f"--{name.replace('_', '-')} is about a text of your own; name its folder with --data.")
    if options.checkpoint is not None:
        from article.runs import opened

        return opened.publish(options)
    if options.single_file:
        site = build_single(options.single_file, options.seed, options.url, options.seeds, options.fresh)
    else:
        site = build(options.out or ROOT / "docs", options.seed, options.url, options.seeds, options.fresh)
    print(site.summary)
    for note in site.notes:
        print(f"gpt.py: {note}", file=sys.stderr)
    return 0


def build(out: Path, seed: int | None = None, url: str = "", seeds: int = SEEDS, fresh: bool = False) -> Site:
    """The whole job. Raises RefusalError and FalsehoodError."""
    site = Site(fresh=fresh)
    with workplace(out) as work:
        own = prepare(site, seed, url, seeds)
        finish(site, work)
    site.summary = summary(site, own, out / "index.html")
    return site


def build_single(file: Path, seed: int | None = None, url: str = "", seeds: int = SEEDS, fresh: bool = False) -> Site:
    """The whole job, as one file instead of a folder. Raises RefusalError and FalsehoodError."""
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "has no folder to lie in"
        raise RefusalError(f"{file} {what}; name a file with --single-file, such as article.html.")
    from article import survey
    from article.single import single

    site = Site(fresh=fresh)
    own = prepare(site, seed, url, seeds)
    with site.stage("write"):
        source = ARTICLE / VIEWER / "dist" / "model-viewer-umd.min.js"
        viewer = source.read_text("utf-8") if has_viewer(site) else ""
        try:
            survey.replace_file(file, single(site.files, viewer, url).encode())
            file.chmod(0o644)
        except OSError as error:
            raise RefusalError(f"{file} cannot be written: {error.strerror}; it is as it was.") from None
    site.summary = summary(site, own, file)
    return site


def prepare(site: Site, seed: int | None, url: str, seeds: int) -> "Evidence":
    """Trains, and makes the files of the site; returns what is known of the article's own model.

    Raises RefusalError and FalsehoodError.
    """
    gc.freeze()  # what was imported stays; looking through it again and again takes a tenth of a rebuild
    with site.stage("train"):
        own, *survey = train(seed, range(1, seeds + 1), site.fresh)
    gc.freeze()
    make(site, own, survey, url)
    return own


def has_viewer(site: Site) -> bool:
    """Whether model-viewer is there, or npm can bring it; if not, the site notes why."""
    missing = ensure_viewer()
    if missing:
        site.notes.append(f"{missing} The page shows stills.")
    return not missing


def finish(site: Site, work: Path) -> None:
    """Writes the files of a site into a folder, and the viewer beside them, if there is one."""
    with site.stage("write"):
        write(site, work)
        if has_viewer(site):
            copy_viewer(work / "vendor")


def write(site: Site, work: Path) -> None:
    """Writes the files of a site into a folder."""
    for name, data in site.files.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_bytes(data)


def train(seed: int | None, others: Sequence[int] = (), fresh: bool = False) -> "list[Evidence]":
    """Trains the model on `data/`, and again with other seeds; traces the held-out sentence without its last word.

    What an earlier build has kept is not trained again, unless it is to be fresh.
    """
    config, tokenizer, corpus, held_out = read(seed)
    try:
        from article.facts import Evidence
    except ValueError as error:
        raise RefusalError(f"article/facts.py: {error}; change the claim.") from None
    import gpt
    from article import survey
    from article.forked import beside
    from article.landscape import explored, kept_at

    recipe = survey.Recipe(config)
    prompt = held_out[0].rsplit(maxsplit=1)[0]
    if others:
        explore = partial(explored, config, tokenizer, corpus, prompt)  # which trains our own model, and keeps it
        if fresh or not kept_at(config, corpus, prompt).exists():
            with beside(partial(explore, fresh)) as wait:
                for library in LIBRARIES:
                    importlib.import_module(library)
                scene_module("glyphs").letters(string.ascii_letters + string.digits)  # labels remember their outlines
                wait()
        explore()
    (own,) = survey.trainings(recipe, tokenizer, corpus, [config.seed])
    rest = [other for other in others if other != config.seed]
    trained = dict(zip(rest, survey.trainings(recipe, tokenizer, corpus, rest, fresh), strict=True)) | {
        config.seed: own
    }
    models = [own, *(trained[other] for other in others)]
    return [
        Evidence(config, tokenizer, corpus, held_out, model, gpt.trace(model, tokenizer, prompt)) for model in models
    ]


def read(seed: int | None = None) -> "tuple[gpt.Config, gpt.Tokenizer, list[str], list[str]]":
    """What `data/` holds: the configuration, the tokenizer, the corpus and what is held out. Raises RefusalError."""
    corpus, held_out = sentences(ROOT / "data" / "train.txt"), sentences(ROOT / "data" / "held_out.txt")
    import gpt

    tokenizer = gpt.Tokenizer(sentence for _, sentence in corpus)
    config = gpt.Config(n_vocab=len(tokenizer.vocab))
    config = config if seed is None else replace(config, seed=seed)
    for path, lines in (("data/train.txt", corpus), ("data/held_out.txt", held_out)):
        for line, sentence in lines:
            n, most = len(sentence.split()), config.n_context + 1
            if not 2 <= n <= most:
                raise RefusalError(
                    f"{path}, line {line}: the sentence has {n} words; it needs at least 2 and at most {most}."
                )
            try:
                tokenizer.encode(sentence)
            except ValueError as error:
                raise RefusalError(
                    f"{path}, line {line}: {error}; use it in data/train.txt, too, or leave it out."
                ) from None
    return config, tokenizer, [sentence for _, sentence in corpus], [sentence for _, sentence in held_out]


def sentences(path: Path) -> list[tuple[int, str]]:
    """The numbered lines of a text that hold words. Raises RefusalError where there is none to be had."""
    name = path.relative_to(ROOT)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RefusalError(f"{name} cannot be read: {error.strerror}; it holds the sentences, one a line.") from None
    except UnicodeDecodeError as error:
        raise RefusalError(f"{name} is not UTF-8 text (at byte {error.start}); save it as UTF-8.") from None
    if any(ord(letter) < 32 and letter not in "\t\n\r" for letter in text):
        raise RefusalError(
            f"{name} holds control characters, as binary files do; it takes plain text, one sentence a line."
        )
    lines = [(n, " ".join(line.split())) for n, line in enumerate(text.split("\n"), 1) if line.split()]
    if not lines:
        raise RefusalError(f"{name} holds no sentence; write one a line.")
    return lines


def make(site: Site, own: "Evidence", survey: "Sequence[Evidence]", url: str = "") -> None:
    """Everything between the trained models and the files of the site. Raises RefusalError and FalsehoodError."""
    from article import evidence, gallery, plots, render, study

    text, whole = read_article("index.md"), read_article("template.html")
    template = render.keep(whole, {"page", "article"})
    results = study.load([one.model for one in survey])
    if results is None:
        most, least = len(survey), len(study.FEWER)
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
    with exhibits(site, places, own, preview) as made:
        with site.stage("claims"):
            texts = {"index.md": text, "flow.md": aside}
            known, claims = judge(texts, own, survey, results, {"preview": f"{base}{preview}.png", "base": base})
        known.figures.update(made())
    with site.stage("article"):
        known.figures.update(plots.figures(known, own, results))
        for figure in known.figures.values():
            if "film" in figure:
                figure["film"]["curve"] = plots.curve(figure["film"])
        try:
            pages = {"index.html": render.render(text, known, template)}
        except render.UnknownNameError as error:
            raise RefusalError(f"article/index.md, {error}.") from None
        body = evidence.body(claims, known)
        proof = render.fill_in(template, body, evidence.TITLE, evidence.DESCRIPTION, known.values)
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


def furnish(site: Site, pages: Mapping[str, str]) -> None:
    """Adds the pages to a site that has its scenes, and what they need."""
    from scenes import light

    site.files |= {name: page.encode() for name, page in pages.items()}
    site.files |= {"light.hdr": light.to_hdr(), ".nojekyll": b"", "scenes.json": to_json(site.scenes)}
    site.files |= {asset: (ARTICLE / asset).read_bytes() for asset in assets()}


def assets() -> list[str]:
    """The names of the style and the scripts that every page has."""
    return ["page.css", *sorted(path.name for path in ARTICLE.glob("*.js"))]


def read_article(name: str) -> str:
    """A text that the pages are made from. Raises RefusalError."""
    try:
        return (ARTICLE / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusalError(f"the article cannot be read: {error}.") from None


def stages_of(trace: "gpt.Trace") -> "list[flow.Stage]":
    """The stages of a trace's full flow. Raises RefusalError."""
    from article import flow

    try:
        return flow.stages(trace)
    except flow.CodeError as error:
        raise RefusalError(f"article/flow.py: {error}; change the stage.") from None


def flow_page(
    site: Site,
    trace: "gpt.Trace",
    stages: "Sequence[flow.Stage]",
    template: str,
    values: Mapping[str, str],
    more: str | None = None,
) -> str:
    """The page of a trace's full flow, of its stages, whose files of numbers join the site's. Raises RefusalError.

    `more` is what the article has to say of it, as HTML; without it, the page is one of its own.
    """
    from article import flow, render

    site.files |= flow.files(trace, stages)
    try:
        body = flow.body(trace, stages, None if more is None else flow.by_stage(more))
    except flow.StageError as error:
        raise RefusalError(f"article/flow.md: {error}; a heading is the id of one, such as logits.") from None
    return render.fill_in(template, body, flow.TITLE, flow.description(trace, stages), values)


@contextlib.contextmanager
def exhibits(
    site: Site, places: Mapping[str, str], own: "Evidence", preview: str
) -> Iterator[Callable[[], dict[str, dict]]]:
    """Has scenes made, of which it is known where they stand, by two processes: one of them at once.

    Gives what makes the rest of them, adds them to the site, and returns what the page must know of each figure.
    Raises RefusalError and FalsehoodError.
    """
    from article.forked import beside, shared

    def make(number: int, fresh: bool) -> dict:
        name = names[number]
        return made_for(site, name, places[name], partial(subject, own), name == preview, fresh)

    names = list(places)
    take = shared(len(names))
    with beside(lambda: [make(number, site.fresh) for number in take()]) as wait:

        def all_of_them() -> dict[str, dict]:
            ours: dict[int, dict] = {}
            with contextlib.suppress(RefusalError, FalsehoodError):  # of all that is wrong, the first is said below
                for number in take():
                    ours[number] = make(number, site.fresh)
            with site.stage("scenes"):
                wait()
            found = [ours[number] if number in ours else make(number, False) for number in range(len(names))]
            return {f"{name}.glb": add(site, made) for name, made in zip(names, found, strict=True)}

        yield all_of_them


def exhibit(site: Site, name: str, where: str, subject: "Callable[[str], gpt.Trace]", preview: bool) -> dict:
    """Makes a scene, and adds it to the site; returns what the page must know of the figure. Raises like `made_for`."""
    return add(site, made_for(site, name, where, subject, preview, site.fresh))


def add(site: Site, made: dict) -> dict:
    """Adds what is made of a scene to the site; returns what the page must know of the figure."""
    site.files |= made["files"]
    site.scenes.append(made["entry"])
    return made["figure"]


def made_for(
    site: Site, name: str, where: str, subject: "Callable[[str], gpt.Trace]", preview: bool, fresh: bool
) -> dict:
    """Builds a scene, verifies it and draws its still, or takes what is kept of it unless it is to be fresh.

    `subject` gives what a scene is built from, by its SHOWS. Raises RefusalError and FalsehoodError.
    """
    from article.exhibit import kept

    with site.stage("scenes"):
        module = scene_module(name)
        if not hasattr(module, "build"):
            raise RefusalError(f"{where}: there is no scene {name!r}; write scenes/{name}.py.")
    try:
        with site.stage("scenes"):
            shown = subject(getattr(module, "SHOWS", "trace"))
        return kept(name, shown, preview, lambda: made_of(site, name, module, shown, preview), fresh)
    except ValueError as error:
        raise RefusalError(f"scenes/{name}.py: {error}; change the scene or data/train.txt.") from None


def made_of(site: Site, name: str, module: Any, shown: "gpt.Trace", preview: bool) -> dict:
    """A scene's files, its entry in `scenes.json`, and its figure. Raises FalsehoodError if it shows other numbers."""
    from article.effects import Effects
    from article.film import Film
    from article.marks import marks
    from article.tables import tables
    from scenes import readback, style
    from scenes.glb import to_glb
    from scenes.still import frame, stills, to_png, to_webp

    with site.stage("scenes"):
        scene = module.build(shown)
    with site.stage("glb"):
        glb = to_glb(scene)
    with site.stage("verify"):
        for problem in readback.disagreements(glb, shown):
            raise FalsehoodError(f"{name}.glb does not show the model: {problem}.")
    with site.stage("stills"):
        camera = frame(scene)
        crowded = "crowded" in scene.user_dict  # too much for an SVG, and for tables
        still, strip = f"{name}.{'webp' if crowded else 'svg'}", shown.strip if isinstance(shown, Film) else []
        if crowded:
            files, pictures = {f"{name}.glb": glb, still: to_webp(scene, camera)}, []
        else:
            svg, *pictures = stills(scene, camera, [-1, *strip])
            files = {f"{name}.glb": glb, still: svg.encode()}
        if preview:
            files[f"{name}.png"] = to_png(scene, camera, PAPER)
    with site.stage("marks"):
        known = marks(scene, glb, shown)
        files[f"{name}.marks.json"] = json.dumps(
            known, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
    drawn = known["marks"]
    entry = {
        "name": name,
        "file": f"{name}.glb",
        "still": still,
        "sentence": shown.sentence,
        "bytes": len(glb),
        "marks": sum(quantities(mark) for mark in drawn),
        "values": sum(len(mark["values"]) for mark in drawn),
    }
    x, y, z = (style.METER * length for length in camera.target)
    figure = {
        "still": still,
        "marks": f"{name}.marks.json",
        "nodes": {mark["node"]: len(mark["values"]) for mark in drawn},
        "size": camera.pixels,
        "orbit": f"{camera.azimuth:g}deg {camera.zenith:g}deg {camera.distance * style.METER:.5f}m",
        "target": f"{x:.5f}m {z:.5f}m {-y:.5f}m",
        "field-of-view": f"{camera.field_of_view:g}deg",
        "bytes": f"{len(glb) / 1000:.0f} KB",
        "tables": [] if crowded else shown.tables() if isinstance(shown, Effects | Film) else tables(scene, shown),
        **({"shadow": "0"} if crowded else {}),  # which would hide what lies on the floor
    }
    if isinstance(shown, Film):
        entry["strip"] = [f"{name}-{shown.steps[k]}.svg" for k in shown.strip]
        files |= {file: svg.encode() for file, svg in zip(entry["strip"], pictures, strict=True)}
        steps = range(len(shown.steps))
        figure["film"] = {
            "times": scene.user_dict["times"][:-1],
            "steps": shown.steps,
            "loss": [round(float(loss), 4) for loss in shown.loss],
            "found": shown.found,
            "words": [shown.words(k) for k in steps],
            "strip": list(zip(entry["strip"], shown.strip, strict=True)),
        }
    return {"files": files, "entry": entry, "figure": figure}


def quantities(mark: dict) -> int:
    """How many quantities a mark of a scene draws. A difference is told by the quantity that it is of."""
    array = mark["node"].split("/")[0]
    if array.removesuffix("_apart") == "attention":
        return 1
    return len(mark["values"]) // (2 if array.endswith("_apart") else 1)


def scene_module(name: str) -> Any:
    """The module of a scene, or nothing if there is none of that name; "-a" and "-b" tell two of one module apart."""
    name = name.removesuffix("-a").removesuffix("-b")
    scenes = {path.stem for path in (ROOT / "scenes").glob("*.py")}
    return importlib.import_module(f"scenes.{name}") if name in scenes else None


def subject(own: "Evidence", shows: str) -> "gpt.Trace":
    """What a scene is built from, by its SHOWS: "trace", "anatomy", "readings", "effects", "landscape", "film",
    "success" or "failure".

    The last two are the traces of the article's model and of a training that fails, each beside the other. Raises
    ValueError for anything else, and if the study knows of no training that fails.
    """
    import gpt
    from article import study, survey
    from article.effects import Compared, fields_of

    if shows in ("trace", "anatomy", "readings", "effects", "landscape", "film"):
        return getattr(own, shows)
    if shows not in ("success", "failure"):
        raise ValueError(f"there is nothing to show of the name {shows!r}")
    recipe, seed = study.failing(own.config)
    (model,) = survey.trainings(recipe, own.tokenizer, own.corpus, [seed])
    both = [own.trace, gpt.trace(model, own.tokenizer, own.trace.sentence)]
    one, other = both if shows == "success" else reversed(both)
    return Compared(**fields_of(one), answer=own.answer, other=other)


def judge(
    texts: Mapping[str, str],
    own: "Evidence",
    survey: "Sequence[Evidence]",
    results: dict | None,
    more: dict[str, str],
) -> "tuple[Facts, list[dict]]":
    """What the texts, by file, may refer to, and their claims, all true. Raises RefusalError and FalsehoodError."""
    from article import facts, render

    try:
        known = facts.gather(own, survey, more, results)
    except ValueError as error:
        raise RefusalError(f"article/facts.py: {error}; change the claims, or data/.") from None
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


def to_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def summary(site: Site, evidence: "Evidence", page: Path) -> str:
    """What the job has done, for the terminal."""
    trace, answer = evidence.trace, evidence.answer
    lines = [
        f"loss        {evidence.loss:.3f} nats a token, {evidence.parameters:,} parameters",
        f"held out    {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})",
        *([] if trace.prediction == answer else [f"            but the sentence goes on with {answer}"]),
        *told(site, page),
    ]
    return "\n".join(lines)


def told(site: Site, page: Path) -> list[str]:
    """The lines for the terminal that the sites of the article and of a run have in common."""
    return [
        *(
            f"scene       {scene['file']:<14}{scene['values']:>5} numbers{scene['bytes']:>9,} bytes"
            for scene in site.scenes
        ),
        f"seconds     {sum(site.seconds.values()):.1f} in all: "
        + ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in site.seconds.items()),
        f"page        {page}",
    ]


def show_flow(options: argparse.Namespace) -> int:
    """Writes a site of one page, the full flow of a prompt; prints the summary. Raises RefusalError."""
    from article import render
    from article.runs import prompts, store

    out = options.out
    refuse_another_kind(out, "flow.json")
    run = store.ask(options.checkpoint, options.tokenizer, options.seed)
    prompt = prompts.read(run, options.prompt, options.cut)
    site = Site()
    with workplace(out) as work:
        trace = prompts.traced(run, prompt)
        template = render.keep(read_article("template.html"), {"page"})
        site.files["index.html"] = flow_page(site, trace, stages_of(trace), template, {}).encode()
        site.files |= {asset: read_article(asset).encode() for asset in assets()}
        site.files["scenes.json"] = to_json([])  # none; by this file the next build knows the folder
        write(site, work)
    for note in [*run.notes, *prompt.notes]:
        print(note)
    print(f"prompt      {trace.sentence} … {trace.prediction} ({trace.probability(trace.prediction):.0%})")
    print(f"files       {len(site.files)}, {sum(map(len, site.files.values())):,} bytes")
    print(f"page        {out / 'index.html'}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Compares scenes with what they state and with a fresh trace. Raises RefusalError and FalsehoodError."""
    import gpt
    from article.runs import store
    from scenes import readback

    contents = {}
    for path in options.files:
        try:
            glb = path.read_bytes()
            extras = readback.header(glb)["asset"]["extras"]
            contents[path] = glb, extras, str(extras.get("scene"))
        except OSError as error:
            raise RefusalError(f"{path} cannot be read: {error.strerror}; name a .glb that gpt.py has made.") from None
        except ValueError as error:
            raise RefusalError(f"{path} cannot be used: {error}; name a .glb that gpt.py has made.") from None
    asked = options.checkpoint, options.tokenizer, options.seed
    known = train(options.seed)[0] if asked[:2] == (None, None) else store.ask(*asked)
    wrong = 0
    for path, (glb, extras, scene) in contents.items():
        shows, sentence = getattr(scene_module(scene), "SHOWS", "trace"), extras["sentence"]
        try:
            n = len(known.tokenizer.encode(sentence))
            if not 1 <= n <= known.config.n_context:
                raise ValueError(f"it reads 1 to {known.config.n_context} tokens, and the sentence has {n}")
            if shows == "contrast":
                from article.runs import compare

                fresh = compare.fresh(known, options.beside, extras)
            elif isinstance(known, store.Run):
                from article.runs.shown import Shown

                fresh = Shown(gpt.trace(known.model, known.tokenizer, sentence), extras.get("block", 0)).subject(shows)
            elif shows == "trace":
                fresh = gpt.trace(known.model, known.tokenizer, sentence)
            else:
                fresh = subject(known, shows)
        except ValueError as error:
            raise RefusalError(f"{path} shows what this model cannot: {error}.") from None
        try:
            problems = readback.disagreements(glb, fresh)
        except ValueError as error:
            problems = [str(error)]
        wrong += len(problems)
        for problem in problems:
            print(f"{path}: {problem}", file=sys.stderr)
        if not problems:
            marks = readback.marks(glb).values()
            print(f"{path}: {sum(mark.stated.size for mark in marks)} numbers agree, in {len(marks)} nodes")
    if wrong:
        raise FalsehoodError(f"{wrong} nodes do not show what they should; rebuild the scenes, or name their --seed.")
    return 0


# --- docs/ --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def workplace(out: Path) -> Iterator[Path]:
    """A new folder beside `out` that takes its place when all went well, and goes away in any case.

    It is locked while in use, so that the remains of a killed build can be told from a build under way.
    """
    out = out.absolute()
    refuse_to_replace(out)
    prefix = f".{out.name}.building-"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for remains in out.parent.glob(f"{prefix}*"):
            with contextlib.suppress(OSError), locked(remains):
                shutil.rmtree(remains, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
    except OSError as error:
        raise RefusalError(f"{out} cannot be written: {error.strerror}; choose another --out.") from None
    try:
        with locked(work):
            work.chmod(0o755)
            yield work
            if out.exists():
                exchange(work, out)
            else:
                work.rename(out)
    except OSError as error:
        raise RefusalError(f"{out} cannot be written: {error.strerror}; it is as it was.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def refuse_another_kind(out: Path, own: str) -> None:
    """Raises RefusalError if a folder holds a site of another kind than the one that is told by its `own` file.

    Who names a folder by mistake would lose more than a page.
    """
    found = next((file for file in KINDS if (out / file).exists()), own)
    if found != own:
        raise RefusalError(f"{out} holds {KINDS[found]}; name another folder with --out.")


def refuse_to_replace(out: Path) -> None:
    """Raises RefusalError if `out` is anything but a site of ours, an empty folder, or not there yet."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RefusalError(f"{out} is a file; name a folder with --out.")
    foreign = sorted({entry.name for entry in out.iterdir()} - made(out)) if out.exists() else []
    if foreign:
        raise RefusalError(f"{out} holds {foreign[0]!r}, which no build has made; move it, or name another folder.")


def made(out: Path) -> set[str]:
    """The names of what a build puts into a folder, its scenes as its `scenes.json` has them."""
    try:
        scenes = json.loads((out / "scenes.json").read_bytes())
        names = {str(scene[key]) for scene in scenes for key in ("name", "file", "still")}
        names |= {str(file) for scene in scenes for file in scene.get("strip", ())}
    except (OSError, ValueError, TypeError, KeyError):
        return set()
    return {*FILES, *assets(), *names} | {f"{name}.{kind}" for name in names for kind in ("png", "marks.json", "html")}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder. Raises BlockingIOError if another process does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def exchange(one: Path, other: Path) -> None:
    """Exchanges two folders in one step, by the system call that Linux and macOS have for it.

    Where the file system cannot, they are renamed one after the other.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(*paths, 2)  # RENAME_SWAP
    else:
        failed = libc.renameat2(-100, paths[0], -100, paths[1], 2)  # AT_FDCWD, RENAME_EXCHANGE
    if failed:
        aside = one.with_name(one.name + ".old")
        other.rename(aside)
        one.rename(other)
        aside.rename(one)


def ensure_viewer() -> str:
    """Has npm install model-viewer, once; returns what went wrong, or nothing."""
    with open(ARTICLE / "package-lock.json") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # npm itself does not keep two installations apart
        wanted = json.load(lock)["packages"][VIEWER]["version"]
        whole = ARTICLE / "node_modules" / ".package-lock.json"  # npm writes it when all is in place
        if not whole.is_file() or json.loads(whole.read_text())["packages"][VIEWER]["version"] != wanted:
            reason = run_npm()
            if reason:
                return f"The 3D viewer is missing, because {reason}."
    return ""


def copy_viewer(vendor: Path) -> None:
    """Copies model-viewer into a new folder."""
    vendor.mkdir()
    shutil.copy(ARTICLE / VIEWER / "dist" / "model-viewer.min.js", vendor)
    shutil.copy(ARTICLE / VIEWER / "LICENSE", vendor / "model-viewer.LICENSE.txt")


def run_npm() -> str:
    """Installs what the lock file names; returns what went wrong, or nothing."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    npm = shutil.which("npm", path=path)
    if npm is None:
        return "there is no npm to install it with"
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000"]
    command = [npm, "ci", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund", *patience]
    done = subprocess.run(command, cwd=ARTICLE, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    said = next((line for line in done.stderr.splitlines() if "code" in line), "it failed")
    return f"npm could not install it ({said.strip()})"
