"""Damaged inputs of every reader, by the hundred: each is opened, or refused with one sentence.

VITRINE_FUZZ is how many; the same numbers damage the same things.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Told
from tests.readers import READERS

pytestmark = pytest.mark.slow  # tries many files

CASES = int(os.environ.get("VITRINE_FUZZ", "120"))


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What has become of the inputs of each kind, in a process that has one thread."""
    command = [sys.executable, "-B", "-W", "error", "-m", "tests.readers", tmp_path_factory.mktemp("fuzz"), str(CASES)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {told["kind"]: told for told in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("kind", READERS)
def test_what_is_damaged_is_opened_or_refused(kind: str, tried: dict[str, Any], tell: Told) -> None:
    """A status that is meant, and for 2 one sentence; no traceback, hang, gigabyte, process or new file."""
    told = tried[kind]
    assert told["faults"] == []
    most = f"{told['seconds']:.1f} s and {told['bytes'] / 1e6:.0f} MB at most"
    tell(f"{kind}: {told['read']} damaged, by status {told['statuses']}, {most}")


def test_the_watch_sees_what_it_is_for(tmp_path: Path) -> None:
    """A reader that starts a process, writes elsewhere, takes long, raises or says too much is found out."""
    code = """
import os, subprocess, sys
from pathlib import Path
from tests import readers
os.environ["PATH"] = f"{sys.argv[1]}:{os.environ['PATH']}"
Path("gs").write_text("#!/bin/sh\\ntouch started\\n")
Path("gs").chmod(0o755)
readers.SECONDS = 3
acts = {
    "does subprocess.Popen": lambda: subprocess.run(["gs"]),
    "does open": lambda: Path("../elsewhere").write_text("x"),
    "writes ['here']": lambda: Path("here").write_text("x") and 0,
    "hangs": lambda: [n for n in iter(int, 1)],
    "takes": lambda: len(bytearray((1 << 30) + (1 << 24))) and 0,
    "ZeroDivisionError": lambda: 1 // 0,
    "status 3": lambda: 3,
    "says": lambda: print("\\x1b") or 2,
}
for says, act in acts.items():
    reader, folder = readers.Reader(str, act), readers.made(Path(says.split()[-1].strip("[]'")))
    wrong = readers.outcome(reader, folder, {}, Path("said").absolute())[0]
    assert says in wrong, (says, wrong)
"""
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, tmp_path], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
