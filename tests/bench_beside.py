"""Measures the program beside an earlier commit of it, in turns, so that the ratio holds on any machine.

    python tests/bench_beside.py [--base b2040c7] [--runs 5] [--whole 1]

prints, of each thing that is asked of both, the least and the median of the seconds that it takes and of those that the
processors work, with the ratios of the medians; what `make serve` takes, which only this one has; and bytes.
"""

import argparse
import gzip
import io
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ["--out", "site"]


def more(name: str, words: str) -> Callable[[Path, int], None]:
    """What adds a line to a file."""

    def change(program: Path, n: int) -> None:
        with open(program / name, "a", encoding="utf-8") as file:
            file.write(words.format(n))

    return change


def number(program: Path, n: int) -> None:
    """Changes a number of the style that few scenes ask."""
    for style in (program / "scenes").glob("style.*"):  # the module, or its table
        style.write_text(re.sub(r"^FLAG = [\d.]+", f"FLAG = 3.{n + 1}", style.read_text("utf-8"), flags=re.M), "utf-8")


ASKED: dict[str, tuple[list[str], Callable[[Path, int], None] | None]] = {
    "help": (["-h"], None),
    "help of a command": (["generate", "-h"], None),
    "a mistyped option": (["--sead", "2"], None),
    "a path that cannot be": (["flow", "the fox", "--out", "gpt.py"], None),
    "a build again": (BUILD, None),
    "a changed sentence": (BUILD, more("article/index.md", "\nIt is said {} times.\n")),
    "a changed scene": (BUILD, more("scenes/forward.py", "\n# Change {}.\n")),
    "a number of the style": (BUILD, number),
}
WHOLE = "the whole job from nothing"


def extracted(commit: str, folder: Path) -> Path:
    """A commit of the program, with what npm has installed here."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    modules = ROOT / "article" / "node_modules"
    if modules.is_dir():
        (folder / "article" / "node_modules").symlink_to(modules)
    return folder


def seconds(program: Path, arguments: list[str]) -> tuple[float, float]:
    """Of one run, and those that processors worked for it."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "gpt.py", *arguments], cwd=program, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, worked


def saved(program: Path, runs: int) -> dict:
    """Seconds from saving a text to the version that open pages ask for, while it is served."""
    command = [sys.executable, "-u", "-m", "article.serve", "--port", "0", "--out", "site"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=program, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stderr
        state = process.stdout.readline().strip() + "-/state"

        def version() -> int:
            with urllib.request.urlopen(state) as answer:  # noqa: S310 - it is ours
                return json.load(answer)["version"]

        process.stderr.readline()  # it is built
        found = []
        for n in range(runs):
            then, start = version(), time.perf_counter()
            more("article/index.md", "\nIt was saved {} times.\n")(program, n)
            while version() == then:
                time.sleep(0.01)
            found.append(time.perf_counter() - start)
            process.stderr.readline()
        process.terminate()
    return {"least": round(min(found), 2), "median": round(statistics.median(found), 2)}


def scenes_of(site: Path) -> dict[str, int]:
    """Bytes of scenes, as they travel: of the whole forward pass, and of all."""
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in sorted(site.glob("*.glb"))}
    return {"forward": sizes["forward.glb"], "all scenes": sum(sizes.values()), "scenes": len(sizes)}


def compared(programs: dict[str, Path], arguments: list[str], change: Callable | None, runs: int) -> dict:
    """What one thing takes, before and now, in turns."""
    found: dict[str, list[tuple[float, float]]] = {when: [] for when in programs}
    for n in range(runs):
        for when, program in programs.items():
            if change:
                change(program, n)
            found[when].append(seconds(program, arguments))
    result: dict[str, dict] = {}
    for kind, place in (("seconds", 0), ("worked", 1)):
        of = {when: [one[place] for one in some] for when, some in found.items()}
        medians = {when: statistics.median(some) for when, some in of.items()}
        result[kind] = {when: [round(min(some), 2), round(medians[when], 2)] for when, some in of.items()}
        result[kind]["ratio"] = round(medians["now"] / medians["before"], 3)
    return result


def beside(base: str, runs: int, whole: int) -> dict:
    """What each thing takes, before and now."""
    with tempfile.TemporaryDirectory() as folder:
        programs = {"before": extracted(base, Path(folder) / "before"), "now": Path(folder) / "now"}
        ignored = shutil.ignore_patterns(
            ".git", ".venv", "node_modules", ".kept", "__pycache__", ".cache", "docs", "tests"
        )
        shutil.copytree(ROOT, programs["now"], ignore=ignored)
        if (ROOT / "article" / "node_modules").is_dir():
            (programs["now"] / "article" / "node_modules").symlink_to(ROOT / "article" / "node_modules")
        for program in programs.values():  # what is compiled and kept once
            seconds(program, ["-h"])
            seconds(program, ["--out", "site"])
        result = {name: compared(programs, *asked, runs) for name, asked in ASKED.items()}
        result["a text saved while it is served"] = {"now": saved(programs["now"], runs)}
        result["bytes, compressed"] = {when: scenes_of(program / "site") for when, program in programs.items()}
        if whole:
            result[WHOLE] = compared(programs, ["--fresh", *BUILD], None, whole)
        return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="b2040c7", help="the commit that is measured beside")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--whole", type=int, default=1, help="runs of the whole job, which takes a minute each")
    asked = parser.parse_args()
    print(json.dumps(beside(asked.base, asked.runs, asked.whole), indent=1))
