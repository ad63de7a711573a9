"""Folders that are replaced whole or not at all, and never one that holds anything else."""

import ctypes
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from article.errors import RefusalError
from article.web.folder import KINDS, RECORD, contents, recorded, workplace
from article.web.site import Site
from tests.conftest import ROOT


def put(out: Path, kind: str, **files: str) -> None:
    """Publishes a site of one kind without scenes."""
    site = Site(kind)
    with site.published(out):
        site.files |= {name.replace("_", "."): text.encode() for name, text in files.items()}


@pytest.mark.parametrize(("there", "other"), list(itertools.permutations(KINDS, 2)))
def test_no_site_takes_the_place_of_another_kind(tmp_path, there, other):
    out = tmp_path / "site"
    put(out, there, index_html="there")
    with pytest.raises(RefusalError, match=rf"site holds {KINDS[there][0]}; name another folder with --out\."):
        put(out, other, index_html="other")
    assert (out / "index.html").read_text() == "there"
    put(out, there, index_html="anew")
    assert (out / "index.html").read_text() == "anew"


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, file) in KINDS.items() if file != "site.json"]
)  # which always had one
def test_a_site_without_a_record_is_known_by_its_files(tmp_path, kind):
    """It is replaced by one of its kind, which has a record, and by no other."""
    out = tmp_path / "site"
    for name in {"index.html", "scenes.json", "flow/x.csv", "vendor/model-viewer.min.js", KINDS[kind][1]}:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("[]")
    for other in KINDS:
        if other != kind:
            with pytest.raises(RefusalError, match=KINDS[kind][0]):
                put(out, other)
    (out / "flow" / "mine.txt").write_text("mine")
    with pytest.raises(RefusalError, match=r"holds 'flow/mine\.txt', which no build has made"):
        put(out, kind)
    (out / "flow" / "mine.txt").unlink()
    put(out, kind)
    assert recorded(out) is not None
    assert contents(out) == ["scenes.json", RECORD]


def test_the_article_of_before_is_upgraded(tmp_path, small_site):
    shutil.copytree(small_site, tmp_path / "site")
    (tmp_path / "site" / RECORD).unlink()
    shutil.rmtree(tmp_path / "site" / "live")  # which it had not
    put(tmp_path / "site", "article")
    assert contents(tmp_path / "site") == ["scenes.json", RECORD]


def test_the_record_says_what_is_there(small_site):
    stated = json.loads((small_site / RECORD).read_text("utf-8"))
    there = [name for name in contents(small_site) if not name.startswith("vendor/")]
    assert (stated["kind"], stated["files"]) == ("article", there)


@pytest.mark.parametrize("place", ["mine.txt", "vendor/mine.js", "flow/mine.csv", "embed/mine.html", "new/folder/x"])
def test_what_is_mine_stays(tmp_path, small_site, place):
    """Also where builds have folders of their own, and where it came while a build was under way."""
    out = tmp_path / "site"
    shutil.copytree(small_site, out)
    mine = out / place
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(RefusalError, match=f"holds '{place}', which no build has made"):
        put(out, "article")
    mine.unlink()
    with pytest.raises(RefusalError, match=f"holds '{place}'"), workplace(out, "article"):
        mine.write_text("mine")
    assert mine.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{}", b'{"kind": 1, "files": 2}', b"\xff", b'{"kind": "zoo", "files": []}']
)
def test_a_damaged_record_is_no_record(tmp_path, damage):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / RECORD).write_bytes(damage)
    with pytest.raises(RefusalError, match="site holds"):
        put(tmp_path / "site", "article")
    assert (tmp_path / "site" / RECORD).read_bytes() == damage


def test_a_link_to_a_folder_is_the_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    put(tmp_path / "link", "flow", index_html="x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "index.html").read_text() == "x"


JUDGED = """
import sys
from pathlib import Path
from article.web.folder import refuse_to_replace
refuse_to_replace(Path(sys.argv[1]), "article")
"""


def test_a_layer_of_an_overlay_is_told_at_once(tmp_path, small_site):
    """From where a folder cannot be moved, it is told before anything is made; what is there stays."""
    for name in ("lower", "upper", "work", "all"):
        (tmp_path / name).mkdir()
    shutil.copytree(small_site, tmp_path / "lower" / "site")
    (tmp_path / "judge.py").write_text(JUDGED)

    alone = [] if os.geteuid() == 0 else ["--map-root-user"]  # where a new folder cannot be moved, either

    def within(*command: str) -> subprocess.CompletedProcess[str]:
        """What a command comes to where the overlay is mounted."""
        mounted = 'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work all && exec "$@"'
        whole = ["unshare", "--mount", *alone, "sh", "-c", mounted, "-", *command]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(whole, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    if within("true").returncode:
        pytest.skip("no overlay can be mounted here")
    done = within(sys.executable, "judge.py", "all/site")
    assert "all/site lies on a layer of an overlay that it cannot leave; name another folder with --out." in done.stderr
    assert (tmp_path / "lower" / "site" / "site.json").is_file()
    assert within("cp", "-r", "all/site", "all/new").returncode == 0
    assert within(sys.executable, "judge.py", "all/new").returncode == bool(alone)
    assert sorted(path.name for path in (tmp_path / "upper").iterdir()) == ["new"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o027])
def test_a_site_is_as_readable_as_what_is_made_here(tmp_path, mask):
    """Neither half of it."""
    before = os.umask(mask)
    try:
        put(tmp_path / "site", "flow", index_html="x")
    finally:
        os.umask(before)
    assert (tmp_path / "site").stat().st_mode & 0o777 == 0o777 & ~mask
    assert (tmp_path / "site" / "index.html").stat().st_mode & 0o777 == 0o666 & ~mask


class NoExchange:
    """A C library of a system that cannot exchange two folders in one step."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def renameat2(self, *_: object) -> int:
        return -1

    renamex_np = renameat2


def in_a_child(act: Callable[[], None]) -> int:
    """Does something in a process of its own; returns what ended it."""
    child = os.fork()
    if not child:
        act()
        os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize("calls", range(4))
def test_a_killed_exchange_without_the_system_call_loses_nothing(tmp_path, monkeypatch, calls):
    """A kill before each of the renames, and after the last one: the next build finds the old site or the new one."""
    monkeypatch.setattr(ctypes, "CDLL", NoExchange)
    out = tmp_path / "site"
    put(out, "flow", index_html="old")

    def killed() -> None:
        usual, left = Path.rename, iter(range(calls, -1, -1))

        def rename(self: Path, target: Path) -> Path:
            if not next(left):
                os.kill(os.getpid(), signal.SIGKILL)
            return usual(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        put(out, "flow", index_html="new")

    assert in_a_child(killed) == (signal.SIGKILL if calls < 2 else 0)
    with pytest.raises(RefusalError, match="holds the full flow"), workplace(out, "article"):
        pass
    assert (out / "index.html").read_text() == ("old" if calls < 2 else "new")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
