"""The README's own code runs, and its commands print what it says."""

import re
import runpy
import shlex

import pytest
from pyvista.examples import load_hexbeam

from article import __main__
from article.commands.shared.options import described
from scenes.export import readback
from tests.conftest import ROOT


def code_of(n: int) -> str:
    """The Python example number n."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)[n]


def test_example_claim():
    """It is one of ours."""
    assert code_of(0) in (ROOT / "article" / "claims.py").read_text("utf-8")


def test_example_scene(tmp_path, monkeypatch):
    """The example is a scene of at most 20 lines, imports apart, and makes a file that reads back."""
    code = code_of(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    (tmp_path / "example.py").write_text(code, "utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py", run_name="__main__")
    assert len(readback.read_back((tmp_path / "tides.glb").read_bytes())) == 5
    assert (tmp_path / "tides.svg").read_text("utf-8").startswith("<svg")


def test_example_of_any_mesh():
    known: dict = {}
    exec(compile(code_of(2), "README.md", "exec"), known)  # noqa: S102 - our own
    assert known["glb"][:4] == b"glTF"


def test_files_that_it_names_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    named = re.findall(r"`((?:docs|data|scenes|article|tests|\.github)/[\w./-]*\w)`|\]\((docs/[\w.]+)\)", text)
    for name in (one or other for one, other in named):
        assert (ROOT / name).exists() or name.startswith("docs/vendor"), name


EXAMPLES = {
    arguments.strip(): shown
    for arguments, shown in re.findall(
        r"```console\n\$ \.venv/bin/python gpt\.py(.*?)\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
}


def prints(said: str, shown: str) -> bool:
    """Whether a command's output is the example, whatever stands where it leaves lines out."""
    pattern = ".*?".join(map(re.escape, shown.strip("\n").split("[…]")))
    return re.fullmatch(pattern, said.strip("\n"), re.DOTALL) is not None


def slow(arguments: str) -> bool:
    """Whether a command needs more than the article's own model."""
    return arguments.split()[0] in ("verify", "flow", "compare", "--data")


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(one, marks=[pytest.mark.slow] * slow(one), id=one.split()[0]) for one in EXAMPLES if one],
)
def test_example_of_a_command(capsys, tmp_path, monkeypatch, arguments):
    for name in ("docs", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    if arguments.split()[0] == "publish":  # what the example before it has written
        assert __main__.main(["new", "tides"]) == 0
        capsys.readouterr()
    if arguments.split()[0] == "figure":
        load_hexbeam().save("beam.vtu")
    assert __main__.main(shlex.split(arguments)) == 0
    done = capsys.readouterr()
    assert prints(done.out, EXAMPLES[arguments]), done.out


def test_example_of_the_job(site):
    said = (site.parent / "site.out").read_text()
    assert prints(said, EXAMPLES[""]), said


def test_every_command_has_an_example():
    """In the table, too, as the help has it."""
    assert {arguments.split()[0] for arguments in EXAMPLES if arguments} == {"--data", *__main__.NAMES}
    text = (ROOT / "README.md").read_text("utf-8")
    for name in __main__.NAMES:
        command = described(name)
        assert f"\n| `{name} {command['usage']}` | {command['what']}" in text
