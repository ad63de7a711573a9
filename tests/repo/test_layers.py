"""Who may import whom: each room imports from those before it only, and none in a circle.

Imports inside functions and those for types count as any other.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# From the left to the right; of two that fit a module, the longer one counts.
ROOMS = [
    ("gpt",),
    ("article.errors", "article.escaping", "article.files", "article.paths", "article.cache", "article.parallel"),
    ("article.models",),
    ("scenes.words",),
    ("scenes.analysis",),
    ("scenes.style", "scenes.glyphs", "scenes.export"),
    ("scenes",),
    ("article.evidence",),
    ("article.web",),
    ("article.measures", "article.study", "article.values", "article.claims"),
    ("article.sites",),
    ("article.commands", "article.serve"),
    ("article.__main__",),
]
# These serve anyone's scenes and pages: what they need of a model is handed to them.
SERVE_ANYONE = ("scenes.words", "scenes.style", "scenes.glyphs", "scenes.export", "article.web")
KNOW_MODELS = ("gpt", "article.models", "scenes.analysis")


def modules_of(root: Path) -> dict[str, Path]:
    """Every module of the program, by its name."""
    found = [root / "gpt.py", *root.glob("scenes/**/*.py"), *root.glob("article/**/*.py")]
    found = [path for path in found if not {"node_modules", ".kept"} & set(path.parts)]
    names = (".".join(path.relative_to(root).with_suffix("").parts) for path in found)
    return {name.removesuffix(".__init__"): path for name, path in zip(names, found, strict=True)}


def arrows(modules: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Each import of one module of ours by another."""
    for name, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name} imports by its place; absolute names can be searched for"
                of = {f"{node.module}.{alias.name}" for alias in node.names}
                wanted = [node.module or "", *of] if of - modules.keys() else list(of)
            else:
                continue
            yield from ((name, other) for other in wanted if other in modules and other != name)


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def place_of(module: str) -> int:
    """The place of a module's room in the row."""
    fitting = [(len(room), place) for place, rooms in enumerate(ROOMS) for room in rooms if is_in(module, room)]
    return max(fitting)[1] if fitting else 0  # `article` itself knows nothing


def faults(root: Path) -> list[str]:
    """Arrows to the right, arrows from what serves anyone to what knows models, and circles; each with both ends."""
    modules = modules_of(root)
    every = sorted(set(arrows(modules)))
    found = [f"{one} -> {other}: to the right" for one, other in every if place_of(other) > place_of(one)]
    for one, other in every:
        if any(is_in(one, room) for room in SERVE_ANYONE) and any(is_in(other, room) for room in KNOW_MODELS):
            found.append(f"{one} -> {other}: it serves anyone")
    ahead = {name: {other for one, other in every if one == name} for name in modules}
    reached = dict(ahead)
    while (
        wider := {name: set().union(near, *(reached[n] for n in near)) for name, near in reached.items()}
    ) != reached:
        reached = wider
    return found + [f"{one} -> {other}: in a circle" for one, other in every if one in reached[other]]


def test_arrows_lead_to_the_left():
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("article/errors.py", "import gpt", None),
        ("article/errors.py", "from article.web import site", "article.errors -> article.web.site: to the right"),
        ("scenes/style.py", "def f():\n    import gpt", "scenes.style -> gpt: it serves anyone"),
        (
            "article/web/html.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from scenes.analysis.view import View",
            "article.web.html -> scenes.analysis.view: it serves anyone",
        ),
        ("article/measures.py", "from article import claims", "article.measures -> article.claims: in a circle"),
    ],
)
def test_an_arrow_that_is_added_is_found(tmp_path, file, line, says):
    for path in modules_of(ROOT).values():
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    with open(tmp_path / file, "a") as module:
        module.write(f"\n{line}\n")
    found = faults(tmp_path)
    assert says in found if says else found == []


@pytest.mark.slow
@pytest.mark.parametrize("room", SERVE_ANYONE)
def test_what_serves_anyone_needs_no_torch(room):
    """Not even indirectly: in a process of its own."""
    names = [name for name in modules_of(ROOT) if is_in(name, room)]
    code = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"torch", "gpt"}.isdisjoint(done.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["-h"], ["verify", "-h"], ["--no-such-option"], ["generate", "--no"]])
def test_what_must_be_quick_imports_no_library(arguments):
    """Help and mistyped options, of every kind of parser."""
    code = "import atexit, runpy, sys; atexit.register(lambda: print('known', *sys.modules))"
    code += f"; sys.argv = {['gpt.py', *arguments]}; runpy.run_path('gpt.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    known = done.stdout.partition("known ")[2].split()
    assert "article.errors" in known
    assert {"torch", "pyvista", "numpy", "sklearn", "trimesh", "gpt"}.isdisjoint(known)
