"""The wheel: all of the program is in it, and the command that it installs works outside the clone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import PARTS, ROOT
from tests.repo.test_supply import pinned

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy, as building leaves its traces where it is done."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    for part in (*PARTS, "pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / "source" / part, ignore=ignored)
        else:
            shutil.copy(ROOT / part, folder / "source")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(folder / "source")], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def vitrine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs the command of an environment that has the wheel and sees our libraries, in a folder, without npm."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", symlinks=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder / "env"), "platbase": str(folder / "env")})
    (Path(packages) / "ours.pth").write_text(sysconfig.get_path("purelib"))
    options = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(folder / "env"), *options], check=True)
    (cache := folder / "cache" / "vitrine").mkdir(parents=True)

    def run(*arguments: object, npm: bool = False) -> subprocess.CompletedProcess[str]:
        if npm:  # what it has brought before
            (cache / "node_modules").symlink_to(ROOT / "article" / "node_modules")
        known = {"PATH": "", "XDG_CACHE_HOME": str(cache.parent), "HOME": str(folder)}
        command = [str(folder / "env" / "bin" / "vitrine"), *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True, check=False)

    run.folder = folder  # type: ignore[attr-defined]
    return run


def test_what_is_no_module_is_named():
    """Each file beside the modules fits a pattern, or the wheel would lack it."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    named = {path for package in ("article", "scenes") for one in known[package] for path in (ROOT / package).glob(one)}
    tracked = ["git", "ls-files", "article", "scenes", "--others", "--cached", "--exclude-standard"]
    files = subprocess.run(tracked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert [file for file in files if not file.endswith(".py") and (ROOT / file) not in named] == []


@pytest.mark.slow
def test_all_of_the_program_is_in_it(wheel: Path):
    with zipfile.ZipFile(wheel) as made:
        packed = {name for name in made.namelist() if ".dist-info/" not in name}
    tracked = {path.relative_to(wheel.parent / "source") for path in (wheel.parent / "source").rglob("*.*")}
    files = {path.as_posix() for path in tracked if path.parts[0] in PARTS and (ROOT / path).is_file()}
    assert packed == {f"article/{name}" if name.startswith("data/") else name for name in files}


def test_it_asks_for_what_the_tests_are_run_with():
    """What is pinned stands in one of its lists, and is allowed there; a model's libraries are not asked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [Requirement(line) for line in project["dependencies"]]
    of_models = [Requirement(line) for line in project["optional-dependencies"]["gpt"]]
    versions = pinned("requirements.txt")
    assert {one.name for one in (*asked, *of_models)} == set(versions)
    assert all(versions[one.name] in one.specifier for one in (*asked, *of_models))
    assert "torch" in {one.name for one in of_models}


@pytest.mark.slow
def test_the_command_makes_articles(vitrine: Command):
    folder: Path = vitrine.folder  # type: ignore[attr-defined]
    said = vitrine("new", "tides")
    assert said.stdout.endswith("vitrine publish tides --out SITE publishes it.\n"), said.stderr
    said = vitrine("publish", "tides", "--out", "site")
    assert said.returncode == 0, said.stderr
    assert "note        The 3D viewer is missing, because there is no npm to install it with." in said.stdout
    assert "{springs}" not in (folder / "site" / "index.html").read_text("utf-8")
    assert not (folder / "site" / "vendor").exists()
    (folder / "cone.py").write_text("import pyvista as pv\n\ndef build():\n    return pv.Cone()\n")
    said = vitrine("figure", "cone.py", "--out", "cone")
    assert said.returncode == 0, said.stderr
    assert (folder / "cone" / "cone.png").is_file()
    wrong = vitrine("publish", "tides")
    assert (wrong.returncode, wrong.stderr[:9]) == (2, "vitrine: ")


@pytest.mark.npm
@pytest.mark.slow
def test_with_npm_the_viewer_comes_from_a_folder_of_the_users(vitrine: Command):
    vitrine("new", "more")
    said = vitrine("publish", "more", "--out", "living", npm=True)
    assert (said.returncode, said.stderr) == (0, "")
    folder: Path = vitrine.folder  # type: ignore[attr-defined]
    assert (folder / "living" / "vendor" / "model-viewer.min.js").is_file()
    said = vitrine("figure", "living/ranges.glb", "--out", "ranges")
    assert (folder / "ranges" / "vendor" / "model-viewer.min.js").is_file(), said.stderr


@pytest.mark.slow
def test_it_has_models_where_their_libraries_are(vitrine: Command):
    said = vitrine("generate", "the fox made this", "--tokens", "1", "--quiet")
    assert (said.returncode, said.stderr) == (0, "")
    folder: Path = vitrine.folder  # type: ignore[attr-defined]
    assert (folder / "cache" / "vitrine" / ".kept" / "trainings").is_dir()


@pytest.mark.slow
@pytest.mark.skipif("VITRINE_NIGHTLY" not in os.environ, reason="fetches libraries")
def test_bare_it_brings_no_torch(wheel: Path, tmp_path: Path):
    """In an environment with nothing else: articles, and a sentence for what needs a model."""
    venv.create(tmp_path / "env", symlinks=True, with_pip=True)
    subprocess.run([str(tmp_path / "env" / "bin" / "pip"), "install", "--quiet", str(wheel)], check=True)
    command = [str(tmp_path / "env" / "bin" / "vitrine")]
    commands = (["new", "tides"], ["publish", "tides", "--out", "site"], ["verify", "site/ranges.glb"])
    for arguments in (*commands, ["figure", "site/ranges.glb", "--out", "figure"]):
        subprocess.run([*command, *arguments], cwd=tmp_path, check=True)
    done = subprocess.run([*command, "generate", "the"], cwd=tmp_path, capture_output=True, text=True, check=False)
    says = "vitrine: there is no torch, which models need; pip install 'vitrine[gpt]' brings it.\n"
    assert (done.returncode, done.stderr) == (2, says)
