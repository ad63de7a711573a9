"""The recipes of CONTRIBUTING.md, applied to a copy as they stand there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from article.models import own
from tests.conftest import ROOT, Run

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = ("A scene", "A claim", "A command", "A checkpoint format")
STEP = re.compile(
    r"^(at the end of |in |)`([\w/.]+)`(?:, in place of .*)?:\n\n```\w+\n(.*?)```", re.MULTILINE | re.DOTALL
)


def steps(recipe: str) -> list[tuple[str, str, str]]:
    """What a recipe does: how, to which file, with which text."""
    section = re.search(rf"^## {recipe}\n(.*?)^## ", TEXT, re.MULTILINE | re.DOTALL)
    assert section
    return STEP.findall(section[1])


def follow(recipe: str, project: Path) -> None:
    """Does what a recipe says, in a copy of the project."""
    for how, name, text in steps(recipe):
        file = project / name
        if how == "in ":  # each line stands in the place of the one that begins as it does
            for line in filter(None, text.splitlines()):
                begins = re.match(r"from \S+ |\w+ = ", line)
                assert begins
                there, n = re.subn(rf"^{begins[0]}.*$", line, file.read_text("utf-8"), flags=re.M)
                assert n == 1
                file.write_text(there, "utf-8")
        elif how:
            file.write_text(file.read_text("utf-8") + text, "utf-8")
        else:
            assert not file.exists()
            file.write_text(text, "utf-8")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_touches_two_files_at_most(recipe):
    assert 1 <= len({name for _, name, _ in steps(recipe)}) <= 2
    assert TEXT.count("```") == 2 * (sum(len(steps(one)) for one in RECIPES) + 1)  # none is left out


def test_the_recipes_work(project, run: Run, tmp_path):
    """One build has the scene and the claim; the command counts; the format opens what it describes."""
    for recipe in RECIPES:
        follow(recipe, project)
    done = run("--out", "site", "--seeds", "1", root=project)
    assert done.returncode == 0, done.stderr
    assert "scenes/gains.py draws gain, for which" in done.stderr  # of the array that no table knows
    marks = json.loads((project / "site" / "gains.marks.json").read_text("utf-8"))
    assert len(marks["marks"][0]["values"]) == 20
    claims = {claim["id"] for claim in json.loads((project / "site" / "claims.json").read_text("utf-8"))}
    assert "gains_are_positive" in claims
    assert run("verify", "site/gains.glb", root=project).returncode == 0
    done = run("count", "the fox made this", root=project)
    assert (done.returncode, done.stdout) == (0, "4\n")
    assert "count PROMPT" in run("-h", root=project).stdout
    known = own.own_model()
    arrays = {name: weight.numpy() for name, weight in known.model.state_dict().items()}
    np.savez(tmp_path / "own.npz", vocab=np.array(known.tokenizer.vocab), n_head=known.config.n_head, **arrays)
    asked = ("generate", "the fox made this", "--tokens", "1", "--temperature", "0", "--quiet")
    (done, ours) = (run(*asked, *more, root=project) for more in (("--checkpoint", tmp_path / "own.npz"), ()))
    assert (done.returncode, done.stdout) == (0, ours.stdout)
