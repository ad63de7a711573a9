"""A process beside this one: it helps, or it is as if it were not there."""

import os
import signal
from pathlib import Path

import pytest

from article import parallel
from article.parallel import beside, shared


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 2)


def test_each_number_is_taken_once(tmp_path: Path):
    take = shared(200)

    def note(name: str) -> None:
        for number in take():
            with open(tmp_path / name, "a") as file:
                file.write(f"{number}\n")

    with beside(lambda: note("theirs")) as wait:
        note("ours")
        wait()
    taken = [int(line) for path in tmp_path.iterdir() for line in path.read_text().split()]
    assert sorted(taken) == list(range(200))


def test_what_fails_there_is_silent(capfd: pytest.CaptureFixture[str]):
    with beside(lambda: 1 / 0) as wait:
        wait()
    assert capfd.readouterr() == ("", "")


def test_who_fails_here_ends_it(tmp_path: Path):
    file = tmp_path / "process"

    def linger() -> None:
        file.write_text(str(os.getpid()))
        signal.pause()

    def fail() -> None:
        while not (file.exists() and file.read_text()):
            pass
        raise ValueError

    with pytest.raises(ValueError), beside(linger):  # noqa: PT011 - any
        fail()
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


def test_with_one_processor_there_is_none(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(parallel, "processors", lambda: 1)
    with beside((tmp_path / "file").touch) as wait:
        wait()
    assert not (tmp_path / "file").exists()


def test_what_is_confined_gives_its_value_or_its_error():
    assert parallel.confined(lambda: {"a": [1, "é"]}, 5) == {"a": [1, "é"]}
    with pytest.raises(ValueError, match=r"^no number$"):
        parallel.confined(lambda: raising(ValueError("no number")), 5)


def raising(error: BaseException) -> None:
    raise error


def forever() -> None:
    while True:
        pass


@pytest.mark.skipif("sys.platform != 'linux'", reason="only Linux holds a process to its limits")
@pytest.mark.parametrize(
    "act", [forever, lambda: len(bytes(1 << 30)), lambda: raising(KeyError()), lambda: os._exit(1)], ids=range(4)
)
def test_what_is_confined_cannot_take_more(act, capfd):
    with pytest.raises(parallel.ExceededError):
        parallel.confined(act, 1, 1 << 28)
    assert capfd.readouterr() == ("", "")
