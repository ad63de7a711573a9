"""Measures the program beside an earlier commit of it, in turns, so that the ratio holds on any machine.

    python tests/bench_beside.py [--base b2040c7] [--runs 5]

prints, of each thing that is asked of both, the least and the median of the seconds, and the ratio of the medians.
"""

import argparse
import io
import json
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASKED = {
    "help": ["-h"],
    "help of a command": ["generate", "-h"],
    "a mistyped option": ["--sead", "2"],
    "a path that cannot be": ["flow", "the fox", "--out", "gpt.py"],
    "a build again": ["--out", "site"],
    "a changed sentence": ["--out", "site"],
}


def extracted(commit: str, folder: Path) -> Path:
    """A commit of the program, with what npm has installed here."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    modules = ROOT / "article" / "node_modules"
    if modules.is_dir():
        (folder / "article" / "node_modules").symlink_to(modules)
    return folder


def seconds(program: Path, arguments: list[str]) -> float:
    """Of one run."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "gpt.py", *arguments], cwd=program, capture_output=True, check=False)
    return time.perf_counter() - start


def beside(base: str, runs: int) -> dict:
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
        result: dict[str, dict] = {}
        for name, arguments in ASKED.items():
            found: dict[str, list[float]] = {"before": [], "now": []}
            for n in range(runs):
                for when, program in programs.items():
                    if name == "a changed sentence":
                        text = program / "article" / "index.md"
                        text.write_text(f"{text.read_text('utf-8')}\nIt is said {n} times.\n", "utf-8")
                    found[when].append(seconds(program, arguments))
            medians = {when: statistics.median(some) for when, some in found.items()}
            result[name] = {
                when: {"least": round(min(some), 2), "median": round(medians[when], 2)} for when, some in found.items()
            }
            result[name]["ratio"] = round(medians["now"] / medians["before"], 3)
        return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="b2040c7", help="the commit that is measured beside")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    print(json.dumps(beside(asked.base, asked.runs), indent=1))
