"""flake.nix, evaluated for every system and used on this one, with a stub in place of nixpkgs: no network.

Where there is no nix, the tests that need it are skipped; in a CI that promised one (VITRINE_NIX=required), they fail.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sites.test_article import hasty

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
STUB = TESTS / "nixpkgs-stub"
SOURCES = ("flake.nix", "flake.lock", "pyproject.toml", "gpt.py", "scenes", "article", "data")
SYSTEMS = ("x86_64-linux", "aarch64-linux", "aarch64-darwin")
OUTPUTS = {"devShells": ["default"], "packages": ["default"], "checks": ["command", "tests"]}

# All that the shell, the command and the stub's builders may use of this machine. Python and npm are not among it.
TOOLS = ("bash", "chmod", "cp", "env", "mkdir", "mktemp", "rm", "touch")

Variant = Callable[..., Path]

CONFIG = """
experimental-features = nix-command flakes
sandbox = false
build-users-group =
substitute = false
flake-registry =
"""


def find_nix(environment: Mapping[str, str]) -> str:
    """The path of nix. Without one, skips the test, or fails it in a CI that has promised one."""
    nix = shutil.which("nix", path=environment.get("PATH", ""))
    if nix is None:
        if environment.get("CI") and environment.get("VITRINE_NIX") == "required":
            pytest.fail("VITRINE_NIX is “required”, but there is no nix on the PATH")
        pytest.skip("there is no nix on the PATH")
    return nix


@dataclass(frozen=True)
class Nix:
    """A nix of its own, with an empty store, and a stub for nixpkgs."""

    path: str
    folder: Path  # everything below is in it

    @property
    def flake(self) -> Path:
        """A copy of the project, without tests."""
        return self.folder / "flake"

    @property
    def temporary(self) -> Path:
        """Where programs put temporary files."""
        return self.folder / "temporary"

    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs nix, with hardly anything else on the PATH."""
        environment = {
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "NIX_CONF_DIR": str(self.folder / "etc"),
            "NIX_CONFIG": CONFIG,
            "NIX_LOG_DIR": str(self.folder / "log"),
            "NIX_REMOTE": "",  # no daemon
            "NIX_STATE_DIR": str(self.folder / "var"),
            "NIX_STORE_DIR": str(self.folder / "store"),
            "PATH": str(self.folder / "tools"),
            "TMPDIR": str(self.temporary),
        }
        return subprocess.run(
            [self.path, *arguments], cwd=cwd or self.folder, env=environment, capture_output=True, text=True
        )

    def use(
        self,
        *command: str,
        fragment: str = "",
        flake: Path | None = None,
        then: tuple[str, ...] = (),
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command of nix on the flake, with the stub for nixpkgs, and with more arguments at the end."""
        installable = f"path:{flake or self.flake}" + (f"#{fragment}" if fragment else "")
        stub = ("--override-input", "nixpkgs", f"path:{self.folder / 'stub'}")
        return self.run(*command, installable, *stub, *then, cwd=cwd)

    def evaluate(self, output: str, function: str, flake: Path | None = None):
        """What a function in the Nix language makes of an output. Raises ValueError with what nix has to say."""
        done = self.use("eval", "--json", fragment=output, flake=flake, then=("--apply", function))
        if done.returncode:
            raise ValueError(done.stderr)
        return json.loads(done.stdout)

    def derivations(self, flake: Path | None = None) -> dict[str, dict]:
        """Every output, down to the paths of its derivations; to know one, nix evaluates all that it is made of."""
        shown = self.use("flake", "show", "--json", flake=flake)
        if shown.returncode:
            raise ValueError(shown.stderr)
        descend = "let go = _: x: if x ? drvPath then x.drvPath else builtins.mapAttrs go x; in go null"
        return {output: self.evaluate(output, descend, flake) for output in json.loads(shown.stdout)}


@pytest.fixture(scope="module")
def nix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nix]:
    path = find_nix(os.environ)
    nix = Nix(path, tmp_path_factory.mktemp("nix").resolve())  # a store must not be behind a link
    for name in ("home", "temporary", "tools"):
        (nix.folder / name).mkdir()
    for name in TOOLS:
        tool = shutil.which(name)
        assert tool, f"this machine has no {name}"
        (nix.folder / "tools" / name).symlink_to(tool)

    stub = shutil.copytree(STUB, nix.folder / "stub")
    machine = {"bash": nix.folder / "tools" / "bash", "python": sys.executable, "tools": nix.folder / "tools"}
    lines = [f"  {name} = {json.dumps(str(path))};\n" for name, path in machine.items()]
    (stub / "machine.nix").write_text("".join(["{\n", *lines, "}\n"]))
    packages = [folder for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")]
    (stub / "machine.pth").write_text("".join(f"{folder}\n" for folder in packages))

    nix.flake.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, nix.flake / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__", ".*")
            )
        else:
            shutil.copy(ROOT / name, nix.flake)
    yield nix
    for folder, _, _ in os.walk(nix.folder / "store"):
        os.chmod(folder, 0o700)  # nix has made it read-only
    shutil.rmtree(nix.folder)


@pytest.fixture
def variant(nix: Nix, tmp_path: Path) -> Variant:
    """Makes copies of the flake in which one text is replaced by another."""

    def replace(old: str = "", new: str = "") -> Path:
        text = (nix.flake / "flake.nix").read_text()
        assert old in text
        flake = shutil.copytree(nix.flake, tmp_path / "variant")
        (flake / "flake.nix").write_text(text.replace(old, new))
        return flake

    return replace


def requirements(path: Path) -> set[str]:
    """The names of the packages in a requirements file."""
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return {re.split(r"[^\w.-]", line)[0].lower() for line in lines if line}


# --- Without nix --------------------------------------------------------------------------------------------------


def test_a_missing_nix_skips():
    with pytest.raises(pytest.skip.Exception):
        find_nix({"PATH": "", "VITRINE_NIX": "required"})
    with pytest.raises(pytest.skip.Exception):
        find_nix({"PATH": "", "CI": "true"})


def test_a_missing_nix_fails_where_it_was_promised():
    with pytest.raises(pytest.fail.Exception, match="no nix"):
        find_nix({"PATH": "", "CI": "true", "VITRINE_NIX": "required"})


def test_the_lock_pins_nixpkgs():
    lock = json.loads((ROOT / "flake.lock").read_text())
    assert lock["version"] == 7
    assert set(lock["nodes"]) == {"root", "nixpkgs"}
    repository = {"type": "github", "owner": "NixOS", "repo": "nixpkgs"}
    assert lock["nodes"]["nixpkgs"] == {
        "original": repository | {"ref": "nixos-26.05"},
        "locked": repository
        | {
            "rev": "02e08985a27c65ffd33d434eeb2e660a2e4dc84d",
            "lastModified": 1786711500,
            "narHash": "sha256-QvnceIGTBeDvDd9oCn+GvdsnkquliuwbVgpiRH68qaQ=",
        },
    }


# --- Evaluation ---------------------------------------------------------------------------------------------------


def test_the_lock_is_the_one_of_the_flake(nix: Nix):
    done = nix.run("flake", "metadata", "--json", "--no-update-lock-file", f"path:{nix.flake}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["locks"] == json.loads((ROOT / "flake.lock").read_text())


def test_every_output_of_every_system_evaluates(nix: Nix):
    derivations = nix.derivations()
    assert set(derivations) == {*OUTPUTS, "formatter"}
    for output, names in OUTPUTS.items():
        assert {system: sorted(found) for system, found in derivations[output].items()} == dict.fromkeys(SYSTEMS, names)
    assert set(derivations["formatter"]) == set(SYSTEMS)
    paths = [path for output in OUTPUTS for found in derivations[output].values() for path in found.values()]
    paths += derivations["formatter"].values()
    assert all(path.endswith(".drv") for path in paths)
    assert len(set(paths)) == len(SYSTEMS) * 5 - len(SYSTEMS)  # the command is a package and a check


@pytest.mark.parametrize(
    "name",
    [
        "scikit-learn",
        "scipy",
        "pytest-xdist",
        "python3",
        "nodejs",
        "chromium",
        "playwright-driver",
        "withFirefox",
        "nixfmt-tree",
    ],
)
def test_a_misspelt_name_is_noticed(nix: Nix, variant: Variant, name: str):
    misspelt = name[:-1] + "q"
    flake = variant(name, misspelt)
    with pytest.raises(ValueError, match=f"(undefined variable|attribute|unexpected argument).*'{misspelt}'"):
        nix.derivations(flake)


def test_a_package_that_a_system_lacks_is_noticed(nix: Nix, variant: Variant):
    flake = variant("lib.optional isLinux pkgs.chromium", "[ pkgs.chromium ]")
    with pytest.raises(ValueError, match="chromium is not for aarch64-darwin"):
        nix.derivations(flake)


DESCRIBE = """packages: {
  python = builtins.concatMap (p: p.requested or [ ]) packages;
  others = map (p: p.name) (builtins.filter (p: !(p ? requested)) packages);
}"""


def test_the_shell_has_what_the_requirements_name(nix: Nix):
    shells = nix.evaluate(
        "devShells", f"builtins.mapAttrs (system: shells: ({DESCRIBE}) shells.default.nativeBuildInputs)"
    )
    wanted = requirements(ROOT / "requirements.txt") | requirements(TESTS / "requirements.txt")
    assert "ruff" in wanted
    for system in SYSTEMS:
        assert sorted(shells[system]["python"]) == sorted(wanted - {"ruff"})
        browser = ["chromium"] if system.endswith("linux") else []
        assert sorted(shells[system]["others"]) == sorted(["npm", "ruff", "pyright", *browser])


def test_the_shell_names_a_browser_where_there_is_no_chromium(nix: Nix):
    browsers = nix.evaluate(
        "devShells",
        """builtins.mapAttrs (_: shells:
          let b = shells.default.PLAYWRIGHT_BROWSERS_PATH or null; in
          if b == null then null else { inherit (b) name withFirefox withWebkit; })""",
    )
    assert browsers == {
        "x86_64-linux": None,
        "aarch64-linux": None,
        "aarch64-darwin": {"name": "browsers", "withFirefox": False, "withWebkit": False},
    }


def test_the_command_has_what_the_requirements_name(nix: Nix):
    commands = nix.evaluate(
        "packages", f"builtins.mapAttrs (system: packages: ({DESCRIBE}) packages.default.runtimeInputs)"
    )
    for system in SYSTEMS:
        assert sorted(commands[system]["python"]) == sorted(requirements(ROOT / "requirements.txt"))
        assert commands[system]["others"] == ["npm"]


# --- Use ----------------------------------------------------------------------------------------------------------


def test_the_shell_has_a_python_of_its_own(nix: Nix):
    done = nix.use("develop", then=("--command", "python", "-c", "import sys; print(sys.executable)"))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(nix.folder / "store")


def shorten(flake: Path) -> None:
    """Makes an article of one figure, about a model that is hardly trained."""
    (flake / "article" / "index.md").write_text("# Boxes\n\nOne figure.\n\n![Boxes.](pairs.glb)\n")
    (flake / "article" / "flow.md").write_text("")
    program = flake / "gpt.py"
    program.write_text(hasty(program.read_text("utf-8")), "utf-8")


@pytest.mark.slow
def test_the_shell_does_the_job(nix: Nix, variant: Variant, tmp_path: Path):
    source, out = variant(), tmp_path / "site"
    shorten(source)
    done = nix.use("develop", then=("--command", "python", "gpt.py", "--seeds", "1", "--out", str(out)), cwd=source)
    assert done.returncode == 0, done.stderr
    assert (out / "index.html").is_file()
    assert (out / "vendor" / "model-viewer.min.js").read_text() == "// from the stub\n"


@pytest.mark.slow
def test_the_command_does_the_job_in_the_folder_of_the_caller(nix: Nix, variant: Variant, tmp_path: Path):
    flake, here = variant(), tmp_path / "here"
    shorten(flake)
    here.mkdir()
    done = nix.use("run", flake=flake, then=("--", "--seeds", "1"), cwd=here)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in here.iterdir()] == ["docs"]
    assert (here / "docs" / "index.html").is_file()
    assert (here / "docs" / "vendor" / "model-viewer.min.js").read_text() == "// from the stub\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ([], ["--out", "HERE/docs"]),
        (["--seed", "2"], ["--out", "HERE/docs", "--seed", "2"]),
        (["--out", "else where"], ["--out", "HERE/docs", "--out", "else where"]),  # the last counts
        (["verify", "docs/a b.glb"], ["verify", "docs/a b.glb"]),
        (["generate", "the fox"], ["generate", "the fox"]),
    ],
)
def test_the_command_passes_on_what_it_is_told(nix: Nix, variant: Variant, tmp_path: Path, arguments, passed):
    flake = variant()
    (flake / "gpt.py").write_text(
        """
import json, os, pathlib, sys
mode = pathlib.Path(__file__).with_name("article").stat().st_mode
print(json.dumps([__file__, mode, os.getcwd(), *sys.argv[1:]]))
sys.exit(3)
"""
    )
    here = tmp_path / "the caller's folder"
    here.mkdir()
    done = nix.use("run", flake=flake, then=("--", *arguments), cwd=here)
    assert done.returncode == 3, done.stderr
    script, mode, folder, *received = json.loads(done.stdout)
    assert received == [argument.replace("HERE", str(here)) for argument in passed]
    assert folder == str(here)
    assert Path(script).is_relative_to(nix.temporary)
    assert mode & stat.S_IWUSR  # npm will install the viewer there; root could write in any case
    assert not Path(script).parent.exists()  # the copy is gone


@pytest.mark.slow
def test_the_check_runs_the_tests_that_it_can(nix: Nix, variant: Variant):
    flake = variant()
    (flake / "tests").mkdir()
    test = flake / "tests" / "test_it.py"
    test.write_text(
        """
import pytest

def test_runs(): import gpt; assert gpt.Config(n_vocab=1).seed == 1

@pytest.mark.slow
def test_takes_long(): assert False

@pytest.mark.npm
def test_needs_packages(): assert False
"""
    )
    done = nix.use("flake", "check", flake=flake)
    assert done.returncode == 0, done.stderr
    test.write_text("def test_runs(): assert False")
    done = nix.use("flake", "check", flake=flake)
    assert done.returncode != 0
    assert "vitrine-tests" in done.stderr
