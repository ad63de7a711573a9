"""What the tests share: an untrained model and its trace, copies of the project, and a site built by the command."""

import fcntl
import importlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:  # whoever only hands the tests to others needs none of it
    import pyvista as pv

    import gpt

# A thread that waits must not keep a processor busy that other tests have. It is read as torch is imported.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

settings.register_profile("ours", deadline=None)  # speed is measured by make bench, not by tests
settings.load_profile("ours")

ROOT = Path(__file__).resolve().parent.parent
# The scenes of the article, in its order, and those that it leaves to others.
pytest_plugins = ["tests.browser"]  # its fixtures

SCENES = (
    "pairs",
    "map",
    "prompt",
    "stream",
    "sum",
    "forward",
    "final",
    "predicted",
    "lens",
    "origin",
    "causes",
)
SCENES += ("failure", "landscape", "growth")
BUILDERS = (*SCENES, "entrance", "match", "scores", "softmax", "carry")
BUILDERS += ("mlp", "norm", "logit")
COMPARED = ("abreast", "levels", "looks", "ends", "odds")  # which the article has none of
FURTHER = {*BUILDERS, *COMPARED} - set(SCENES)
FILMS = ("growth",)
PARTS = ("gpt.py", "scenes", "article", "data")


# What takes a minute or more. It comes first, so that no worker ends with it alone.
LONG = (
    "page",
    "article",
    "run",
    "checkpoint",
    "training",
    "reader",
    "flake",
    "comparison",
    "scenes",
    "training_history",
)
LONG += ("commands", "readme")
HEAVY = {"site", "browser", "start", "saved_family", "nix"}  # fixtures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What builds a site, trains or opens a browser is slow.

    So is another library's model, nix, and every scene that the article has not.
    """
    for item in items:
        call = getattr(item, "callspec", None)
        scene = call.params.get("name") if call else None
        if HEAVY & set(getattr(item, "fixturenames", ())) or scene in FURTHER:
            item.add_marker(pytest.mark.slow)
    order = [f"test_{name}" for name in LONG]
    items.sort(key=lambda item: order.index(item.path.stem) if item.path.stem in order else len(order))


def lines(name: str) -> list[str]:
    return (ROOT / "data" / name).read_text("utf-8").split("\n")[:-1]


class Elements(HTMLParser):
    """The elements of a page, in their order: each its name and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.every: list[tuple[str, dict[str, str]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.every.append((tag, {name: value or "" for name, value in attrs}))

    def named(self, name: str) -> list[dict[str, str]]:
        return [element for tag, element in self.every if tag == name]


def validate(files: Sequence[Path], place: Path) -> dict[str, list]:
    """What the Khronos validator finds wrong with files, by name; its script is written to a folder."""
    script = place / "validate.js"
    script.write_text(
        "const {validateBytes} = require(process.argv[2]), {readFileSync} = require('fs');"
        "Promise.all(process.argv.slice(3).map(file => validateBytes(new Uint8Array(readFileSync(file)))))"
        ".then(reports => console.log(JSON.stringify(reports.map(report => report.issues))))"
    )
    command = ["node", str(script), str(ROOT / "tests" / "node_modules" / "gltf-validator"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    reports = zip(files, json.loads(done.stdout), strict=True)
    return {file.name: issues["messages"] for file, issues in reports if issues["numErrors"] or issues["numWarnings"]}


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    return lines("train.txt")


@pytest.fixture(scope="session")
def held_out() -> str:
    return lines("held_out.txt")[0]


@pytest.fixture(scope="session")
def tokenizer(corpus: list[str]) -> "gpt.Tokenizer":
    import gpt

    return gpt.Tokenizer(corpus)


@pytest.fixture(scope="session")
def model(tokenizer: "gpt.Tokenizer") -> "gpt.GPT":
    """An untrained model with weights large enough for its attention to be uneven."""
    import torch

    import gpt

    torch.set_num_threads(1)
    model = gpt.GPT(gpt.Config(n_vocab=len(tokenizer.vocab))).double()
    gpt.initialise(model, 2.0, torch.Generator().manual_seed(7))
    return model


@pytest.fixture(scope="session")
def trace(model: "gpt.GPT", tokenizer: "gpt.Tokenizer", held_out: str) -> "gpt.Trace":
    """The trace of the prompt through the untrained model."""
    import gpt

    return gpt.trace(model, tokenizer, held_out.rsplit(maxsplit=1)[0])


@pytest.fixture(scope="session")
def subjects(
    model: "gpt.GPT", trace: "gpt.Trace", tokenizer: "gpt.Tokenizer", corpus: list[str], held_out: str
) -> dict:
    """What each scene is built from, by its name; what needs a recorded training has numbers of no training."""
    import torch

    import gpt
    from scenes.analysis.loss_landscape import LossLandscape
    from scenes.analysis.training_history import TrainingHistory
    from scenes.analysis.views import view

    answer = held_out.split()[-1]
    other = gpt.GPT(gpt.Config(n_vocab=len(tokenizer.vocab))).double()
    gpt.initialise(other, 1.0, torch.Generator().manual_seed(8))
    theirs = gpt.trace(other, tokenizer, trace.sentence)
    subject = SimpleNamespace(
        trace=trace, model=model, tokenizer=tokenizer, corpus=corpus, answer=answer,
        other=theirs, failing=theirs, names=("A", "B"),
    )  # fmt: skip
    recorded = {
        "loss_landscape": LossLandscape(
            trace,
            height=np.random.default_rng(1).random((21, 21)),
            path=np.random.default_rng(2).random((9, 2)) * 2 - 1,
            path_loss=np.ones(9),
            in_plane=0.5,
        ),
        "training_history": TrainingHistory(
            trace,
            answer=answer,
            steps=tuple(range(0, 200, 40)),
            course=np.random.default_rng(3).normal(size=(*trace.embedding.shape, 5)),
            loss=np.linspace(3, 0, 5),
            said=(trace.prediction,) * 4 + (answer,),
            sure=np.linspace(0, 1, 5),
            samples=(trace.sentence,) * 5,
            said_at=(trace.prediction,) * 150 + (answer,) * 11,
        ),
    }
    shows = {
        name: getattr(importlib.import_module(f"scenes.{name}"), "SHOWS", "trace") for name in (*BUILDERS, *COMPARED)
    }
    return {name: recorded.get(one) or view(one, subject) for name, one in shows.items()}


Built = Callable[[str], "pv.MultiBlock"]


@pytest.fixture(scope="session")
def built(subjects: dict) -> Built:
    """Builds the scene of a name, once for all tests; who changes it takes a copy."""
    return cache(lambda name: importlib.import_module(f"scenes.{name}").build(subjects[name]))


@pytest.fixture(scope="session")
def written(built: Built) -> Callable[[str], bytes]:
    """The file of such a scene."""
    from scenes.export.glb import to_glb

    return cache(lambda name: to_glb(built(name)))


def ended(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[object, str, str]:
    """The exit status of gpt.py in this process, its output and its errors."""
    from article import __main__

    status: object
    try:
        status = __main__.main(list(map(str, arguments)))
    except SystemExit as end:  # of argparse
        status = end.code
    out, err = capsys.readouterr()
    return status, out, err


Run = Callable[..., subprocess.CompletedProcess[str]]


def run_anew(*arguments: object, root: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs gpt.py as the shell does. For what depends on how Python and its libraries start; else, `run` is faster."""
    command = [sys.executable, "-B", "-W", "error", "gpt.py", *map(str, arguments)]
    return subprocess.run(command, cwd=root, env=os.environ | variables, capture_output=True, text=True, check=False)


@dataclass
class Started:
    """A run of gpt.py that may not have ended yet."""

    arguments: list[str]
    process: int
    stdout: Path
    stderr: Path
    ask: Callable[..., int | None]

    def poll(self) -> int | None:
        return self.ask(ended=self.process, wait=False)

    def wait(self) -> subprocess.CompletedProcess[str]:
        status = self.ask(ended=self.process, wait=True)
        assert status is not None
        stdout, stderr = (p.read_text("utf-8") if p.is_file() else "" for p in (self.stdout, self.stderr))
        return subprocess.CompletedProcess(self.arguments, status, stdout, stderr)


Start = Callable[..., Started]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts gpt.py of a project with arguments and variables of the environment, in a process of its own.

    The libraries that it imports are there already (`tests/warm.py`). What it says goes to files, or to a pipe for its
    `stdout`; no file gets beyond `most` bytes (-1: any).
    """
    folder, numbers = tmp_path_factory.mktemp("run"), itertools.count()
    command = [sys.executable, "-B", "-W", "error", str(ROOT / "tests" / "warm.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as warm:
        tell, hear = warm.stdin, warm.stdout
        assert tell
        assert hear

        def ask(**request: object) -> int | None:
            print(json.dumps(request), file=tell)
            return json.loads(hear.readline())

        def start(
            *arguments: object, root: Path = ROOT, stdout: Path | None = None, most: int = -1, **variables: str
        ) -> Started:
            told, number = list(map(str, arguments)), next(numbers)
            out, err = stdout or folder / f"{number}.stdout", folder / f"{number}.stderr"
            out.touch()
            err.touch()
            streams = [os.devnull, str(out), str(err)]
            process = ask(root=str(root), arguments=told, variables=variables, streams=streams, most=most)
            assert process
            return Started(told, process, out, err, ask)

        yield start


@pytest.fixture(scope="session")
def run(start: Start) -> Run:
    """Runs gpt.py, as `start` does, to its end."""
    return lambda *arguments, **more: start(*arguments, **more).wait()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may change; what npm has installed and what is trained is shared with it."""
    root = tmp_path / "project"
    root.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules", ".kept"))
        else:
            shutil.copy(source, root)
    (ROOT / "article" / ".kept").mkdir(exist_ok=True)
    for shared in ("node_modules", ".kept"):
        if (ROOT / "article" / shared).is_dir():
            (root / "article" / shared).symlink_to(ROOT / "article" / shared)
    return root


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy whose texts stand in the place of ours, for this process; its code does not."""
    from article import parallel, paths

    monkeypatch.setattr(paths, "ROOT", project)
    monkeypatch.setattr(paths, "DATA", project / "data")
    monkeypatch.setattr(paths, "DOCS", project / "docs")
    monkeypatch.setattr(paths, "KEPT", project / "article")
    monkeypatch.setattr(paths, "ARTICLE", project / "article")
    monkeypatch.setattr(paths, "ASSETS", project / "article" / "web" / "assets")
    monkeypatch.setattr(parallel, "processors", lambda: 1)  # this process has threads, and should not fork
    monkeypatch.chdir(project)
    return project


Told = Callable[[str], None]
NIGHTLY = "VITRINE_NIGHTLY" in os.environ  # tries as many things as a night has room for


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Told:
    """Says a figure on the terminal, where many things were tried; that the few of each day pass is said by none."""

    def tell(figure: str) -> None:
        with capsys.disabled():
            print(f"\n{figure}" if NIGHTLY or "VITRINE_FUZZ" in os.environ else "", end="")

    return tell


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Makes a file or a folder of a name once for all workers; who comes while it is made waits."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (shared / name).exists():
                make(shared / name)
        return shared / name

    return once


@pytest.fixture(scope="session")
def site(once: Once) -> Path:
    """The site as `python gpt.py --out` makes it, once for all workers, with the viewer that npm installs."""

    def make(site: Path) -> None:
        done = run_anew("--out", site)
        assert done.returncode == 0, done.stderr
        (site.parent / "site.out").write_text(done.stdout)

    return once("site", make)


@pytest.fixture(scope="session")
def small_site(once: Once, site: Path) -> Path:
    """The site of a single training; it is trained and drawn anew, by other instructions and matrix routines."""
    assert site.is_dir()
    variables = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"}
    variables |= {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "2"}

    def make(small: Path) -> None:
        done = run_anew("--out", small, "--seeds", "1", "--fresh", root=ROOT, **variables)
        assert done.returncode == 0, done.stderr

    return once("small", make)
