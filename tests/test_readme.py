"""The README's own code runs."""

import os
import re
import subprocess
import sys

from scenes import readback
from tests.conftest import ROOT


def code_of(n: int) -> str:
    """The Python example number n."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)[n]


def test_example_claim():
    """It is one of ours."""
    assert code_of(0) in (ROOT / "article" / "facts.py").read_text("utf-8")


def test_example_scene(tmp_path):
    """The example is a scene of at most 20 lines, imports apart, and makes a file that reads back."""
    code = code_of(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment, check=True)
    assert len(readback.read_back((tmp_path / "tides.glb").read_bytes())) == 5
    assert (tmp_path / "tides.svg").read_text("utf-8").startswith("<svg")


def test_files_that_it_names_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    named = re.findall(r"`((?:docs|data|scenes|article|tests|\.github)/[\w./-]*\w)`|\]\((docs/[\w.]+)\)", text)
    for name in (one or other for one, other in named):
        assert (ROOT / name).exists() or name.startswith("docs/vendor"), name
