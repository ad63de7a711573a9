"""What is kept of a scene is used only for the same numbers, by the same program, and whole."""

import shutil
from dataclasses import replace

import pytest

from article import cache, paths
from tests.conftest import ROOT

MADE = {"files": {"a.glb": b"\x00\xff", "a.svg": "ä".encode()}, "entry": {"bytes": 2}, "figure": {"size": [1, 2]}}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of its own for what is kept."""
    monkeypatch.setattr(cache, "KEPT", tmp_path)
    return tmp_path / "scenes"


class Maker:
    """Makes the same each time, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict:
        self.times += 1
        return MADE


def test_the_same_is_made_once():
    make = Maker()
    assert cache.kept_scene("a", make, fresh=False) == MADE
    assert cache.kept_scene("a", make, fresh=False) == MADE
    assert make.times == 1
    assert cache.kept_scene("a", make, fresh=True) == MADE
    assert make.times == 2


@pytest.mark.parametrize("damage", [b"", b"x" * 64, b"x" * 200])
def test_what_is_damaged_is_made_again(folder, damage):
    make = Maker()
    cache.kept_scene("a", make, fresh=False)
    (path,) = folder.iterdir()
    path.write_bytes(damage or path.read_bytes()[:-1])
    assert cache.kept_scene("a", make, fresh=False) == MADE
    assert make.times == 2


def test_other_numbers_or_another_program_are_something_else(trace, subjects, tmp_path, monkeypatch):
    other = replace(trace, lens=trace.lens + 1e-12)
    keys = [
        cache.scene_key("a", trace, False),
        cache.scene_key("b", trace, False),
        cache.scene_key("a", trace, True),
        cache.scene_key("a", other, False),
        cache.scene_key("a", subjects["failure"], False),
        cache.scene_key("a", replace(subjects["failure"], other=other), False),
        cache.scene_key("a", replace(subjects["failure"], trace=other), False),
    ]
    assert cache.scene_key("a", replace(trace), False) == keys[0]
    for folder in ("scenes", "article/web", "article/evidence"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "ARTICLE", tmp_path / "article")
    same = cache.scene_key("forward", trace, False)
    with open(tmp_path / "scenes" / "forward.py", "a") as scene:
        scene.write("\n")
    cache.source.cache_clear()
    assert cache.scene_key("forward", trace, False) != same
    assert len(set(keys)) == len(keys)


def test_old_scenes_go(folder, monkeypatch):
    monkeypatch.setattr(cache, "KEPT_SCENES", 2)
    for name in "abc":
        cache.kept_scene(name, Maker(), fresh=False)
    assert len(list(folder.iterdir())) == 2
