"""Builds that are killed, at any call of the system and at any byte: nothing is lost, and no site is torn.

The kill comes before a chosen call, or in the midst of a write; the calls are those that Python tells its audit hooks.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torch import nn

from article import cache
from article.errors import RefusalError
from article.models import training_state
from article.models.optimizer import AdamW
from article.models.settings import Settings
from article.parallel import forked
from article.web.folder import RECORD, contents, workplace
from article.web.site import Site
from tests.conftest import NIGHTLY, Told
from tests.web.test_folder import NoExchange

pytestmark = pytest.mark.slow  # forks many processes

KILLS = 500 if NIGHTLY else 100
CALLS = ("open", "os.", "shutil.", "fcntl.", "ctypes.", "tempfile.")
NAMES = [f"{folder}{n}.txt" for folder in ("", "flow/", "embed/") for n in range(3)]
Act = Callable[[], object]


def put(out: Path, text: str) -> None:
    """Publishes a site whose files are larger and larger, and all say the same."""
    site = Site("flow")
    with site.published(out):
        site.files |= {name: text.encode() * 100 * (n + 1) for n, name in enumerate(NAMES)}


def whole(out: Path) -> str:
    """The text of a site, of which all files are there, and are whole."""
    (said,) = {(out / name).read_text()[:3] for name in NAMES}
    assert contents(out) == sorted([*NAMES, RECORD, "scenes.json"])
    assert [(out / name).read_text() for name in NAMES] == [said * 100 * (n + 1) for n in range(len(NAMES))]
    return said


def in_a_child(act: Act, before: int | None = None, byte: int | None = None) -> int:
    """Acts in a process of its own, which is killed before a call, or as it writes a byte of a file; the status."""
    child = forked()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = iter(range(before if before is not None else sys.maxsize, -1, -1))

    def hook(event: str, _: object) -> None:
        if event.startswith(CALLS) and next(left, -1) == 0:  # it is called for that kill, too
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        if byte is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (byte, byte))
        sys.addaudithook(hook)
        act()
        sys.audit("os.end")  # a kill after all of it
        os._exit(0)
    finally:
        os._exit(70)


def dooms(act: Act, most: int, bytes_: int) -> Iterator[dict[str, int]]:
    """Where to kill: before and after each call that renames, else before calls of all, or at bytes, in turns."""
    reads, writes = os.pipe()

    def counted() -> None:
        calls = []
        sys.addaudithook(lambda event, _: calls.append(event) if event.startswith(CALLS) else None)
        act()
        os.write(writes, "\n".join([*calls, "os.end"]).encode())

    assert in_a_child(counted) == 0
    calls = os.read(reads, 1 << 16).decode().split("\n")
    os.close(reads)
    os.close(writes)
    chosen = [n + after for n, call in enumerate(calls) if call == "os.rename" for after in (0, 1)]
    chosen = [{"before": before} for before in chosen]
    chosen += [{"byte": k * bytes_ // most} for k in range(most // 3)]
    rest = most - len(chosen)
    yield from [*chosen, *({"before": k * (len(calls) - 1) // (rest - 1)} for k in range(rest))]


@pytest.mark.parametrize("way", ["first", "exchange", "fallback", "fallback twice"])
def test_a_killed_build_loses_nothing(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Told) -> None:
    """At every moment there is the old site or the new one; where folders cannot be exchanged, after the next build."""
    if way.startswith("fallback"):
        monkeypatch.setattr(ctypes, "CDLL", NoExchange)
    found = []

    def begin(name: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
        if way != "first":
            put(tmp_path / name / "site", "old")
        return tmp_path / name / "site"

    counted = begin("counted")
    for k, doom in enumerate(dooms(lambda: put(counted, "new"), KILLS // 5, 300 * len(NAMES))):
        out = begin(str(k))
        times = 2 if way == "fallback twice" else 1
        *_, status = (in_a_child(lambda out=out: put(out, "new"), **doom) for _ in range(times))
        assert way == "fallback twice" or status in (-signal.SIGKILL, -signal.SIGXFSZ), (doom, status)
        if way == "exchange":
            assert whole(out) in ("old", "new")
        with pytest.raises((RefusalError, ValueError)), workplace(out, "article"):  # as the next build does
            raise ValueError("there is no site, and that build fails")
        found.append(whole(out) if out.exists() else "none")
        assert found[-1] in (["none", "new"] if way == "first" else ["old", "new"])
        assert sorted(path.name for path in out.parent.iterdir()) == ["mine.txt", "site"][: 1 + out.exists()], doom
        assert (out.parent / "mine.txt").read_text() == "mine"
    tell(f"{way}: {len(found)} kills, then {', '.join(f'{found.count(one)} {one}' for one in sorted({*found}))}")
    assert len({*found}) == 2


@pytest.mark.parametrize("what", ["state", "kept"])
def test_a_killed_write_leaves_the_old_file_or_the_new_one(what: str, tmp_path: Path, tell: Told) -> None:
    """The state of a training, and what is kept of a build."""
    file, found = tmp_path / "file", []

    def write(n: int) -> None:
        if what == "kept":
            cache.keep(file, bytes([n]) * 9999)
        else:
            model = nn.Linear(9, 9)
            course = training_state.Course(step=n)
            training_state.keep_state(file, course, model, AdamW(model, Settings()))

    def read() -> int:
        data = file.read_bytes()
        if what == "kept":
            return (cache.opened(data) or b"?")[0]
        return training_state.unpack(data)["course"]["step"]

    write(1)
    for doom in dooms(lambda: write(1), KILLS // 10, 9999 if what == "kept" else file.stat().st_size):
        write(1)
        assert in_a_child(lambda: write(2), **doom) in (-signal.SIGKILL, -signal.SIGXFSZ), doom
        found.append(read())
    tell(f"{what}: {len(found)} kills, then {found.count(1)} old, {found.count(2)} new")
    assert {*found} == {1, 2}
