"""What is kept of the article is used until something changes that it depends on, and then nothing else is made."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from article import cache, paths
from article.sites.article import BY, Known
from article.web.site import Site
from tests.conftest import BUILDERS, ROOT, run_anew
from tests.repo.test_layers import modules_of
from tests.sites.test_article import contents

HEAVY = {"torch", "pyvista", "trimesh", "sklearn", "scipy", "matplotlib", "gpt"}


def keys() -> dict[str, str]:
    """Of all that is kept: figures by their scenes, and what is known of the models."""
    cache.source.cache_clear()
    known = Known(Site("article"), None, 32)
    values = {what: known.value_key(what) for what in BY}
    return values | {name: known.scene_key(name, False) for name in BUILDERS}


def edited(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert text.count(old) == 1
        return text.replace(old, new)

    return edit


def remark(text: str) -> str:
    return f"{text}\n# A remark.\n"


ALL, SCENES = {"about", "facts", *BUILDERS}, {*BUILDERS}
LOOKS = SCENES | {"about"}


@pytest.mark.parametrize(
    ("file", "edit", "changes"),
    [
        ("article/index.md", remark, set()),
        ("article/flow.md", remark, set()),
        ("article/web/assets/page.css", remark, set()),
        ("article/web/assets/figure.html", remark, set()),
        ("article/web/gallery.py", remark, set()),
        ("article/web/assets/flow.html", remark, {"about"}),
        ("scenes/analysis/stages.toml", remark, {"about"}),
        ("scenes/forward.py", remark, {"forward"}),
        ("scenes/landscape.py", remark, {"landscape"}),
        ("scenes/pairs.py", remark, {"pairs", "growth", "map"}),
        ("scenes/style.py", remark, LOOKS),
        ("scenes/style.toml", remark, {"about"}),
        ("scenes/style.toml", edited("BAR_PITCH = 2.3 ", "BAR_PITCH = 2.4 "), {"lens", "about"}),
        ("scenes/style.toml", edited("FLAG = 3.5 ", "FLAG = 3.6 "), {"landscape", "about"}),
        ("scenes/style.toml", edited("LESS = [[0.70, 0.69, 0.67]", "LESS = [[0.71, 0.69, 0.67]"), LOOKS),
        ("scenes/export/readback.py", remark, SCENES),
        ("article/claims.py", remark, {"facts"}),
        ("article/values.py", remark, {"facts"}),
        ("article/measures.py", remark, {"facts"}),
        ("article/web/live.py", remark, {"about"}),
        ("article/study.py", remark, ALL),
        ("article/models/ensemble.py", remark, ALL),
        ("article/sites/trained.py", remark, ALL),
        ("gpt.py", remark, ALL),
        ("data/train.txt", edited("the bee made this hive", "the bee made that hive"), ALL),
        ("data/study.json", remark, ALL),
    ],
)
def test_exactly_what_depends_on_a_file_is_made_anew(project, monkeypatch, file, edit, changes):
    monkeypatch.setattr(paths, "ROOT", project)
    monkeypatch.setattr(paths, "ARTICLE", project / "article")
    monkeypatch.setattr(paths, "DATA", project / "data")
    monkeypatch.setattr(paths, "ASSETS", project / "article" / "web" / "assets")
    before = keys()
    assert keys() == before
    assert len({*before.values()}) == len(ALL)
    (project / file).write_text(edit((project / file).read_text("utf-8")), "utf-8")
    after = keys()
    assert {name for name in ALL if after[name] != before[name]} == changes


def test_all_is_made_anew_with_another_version_of_a_library(monkeypatch):
    before, installed = keys(), cache.installed()
    assert any(re.fullmatch(r"numpy-[\d.]+\.dist-info", name) for name in installed)
    monkeypatch.setattr(cache, "installed", lambda: (*installed, "another-1.dist-info"))
    assert all(key != before[name] for name, key in keys().items())


@pytest.mark.slow
@pytest.mark.parametrize("modules", [["article.claims", "article.values"], ["scenes.growth", "article.web.figures"]])
def test_what_is_imported_is_known(modules):
    """As Python imports it, in a process of its own."""
    code = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = modules_of(ROOT)
    loaded = {ours[name] for name in done.stdout.split() if name in ours}
    files, new = set(), {ours[name] for name in modules}
    while new:
        files |= new
        new = {path for one in new for path in cache.source(one)[1]} - files
    assert len(loaded) > 15
    assert loaded <= files


@pytest.mark.parametrize("name", ["forward", "lens", "landscape", "causes"])
def test_what_a_scene_asks_of_the_style_is_known(name, subjects, monkeypatch):
    """Each number that is read while it is drawn decides its key."""
    import importlib

    from article.web import figures
    from scenes import style

    asked = set()

    class Watched(ModuleType):
        def __getattribute__(self, name: str) -> object:
            asked.add(name)
            return super().__getattribute__(name)

    module = importlib.import_module(f"scenes.{name}")
    monkeypatch.setattr(style, "__class__", Watched)
    figures.made_of(Site("article"), name, module.build, subjects[name], False)
    monkeypatch.undo()
    (stated,) = [part for part in cache.drawing(name) if "class Scale" in part]
    settings = {one for one in asked if cache.SETTING.fullmatch(one)}
    assert len(settings) > 10
    assert {one for one in settings if not re.search(rf"^([A-Z_]+, )*{one}\b.* = ", stated, re.MULTILINE)} == set()


def test_pages_need_neither_models_nor_drawing():
    """As long as all is kept that they say of models and show."""
    code = "import sys, article.sites.article; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(done.stdout.split())


@pytest.mark.slow
def test_a_changed_sentence_needs_no_models(project, tmp_path):
    """Neither the libraries that train nor those that draw; and what is made of nothing kept has the same bytes."""
    build = ["--seeds", "1", "--out"]
    assert run_anew(*build, tmp_path / "before", root=project).returncode == 0
    text = project / "article" / "index.md"
    text.write_text(f"{text.read_text('utf-8')}\nThis is said in the end.\n", "utf-8")
    code = "import atexit, runpy, sys; atexit.register(lambda: print('known', *sys.modules))"
    code += f"; sys.argv = {['gpt.py', *build, str(tmp_path / 'fast')]}; runpy.run_path('gpt.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
    known = done.stdout.partition("known ")[2].split()
    assert "article.web.publish" in known
    assert HEAVY.isdisjoint(known)
    (project / "article" / ".kept").unlink()
    shutil.copytree(ROOT / "article" / ".kept" / "trainings", project / "article" / ".kept" / "trainings")
    assert run_anew(*build, tmp_path / "whole", root=project).returncode == 0
    before, fast, whole = (contents(tmp_path / name) for name in ("before", "fast", "whole"))
    assert fast == whole
    assert {name for name in fast if fast[name] != before[name]} == {"index.html"}
    assert b"This is said in the end." in fast["index.html"]
