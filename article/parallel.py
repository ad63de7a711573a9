"""Work for a process beside this one: to save time on a second processor, or to be held to a time and a memory.

Who saves time writes what it finds where this process looks for it. Where there is no second processor, or where it
fails, nothing is found, and this process does all.
"""

import contextlib
import gc
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

ROOM = 1 << 30  # bytes that a confined process may have beyond those of this one


class ExceededError(Exception):
    """A confined process took more time or memory than it may."""


@contextlib.contextmanager
def beside(act: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Does something in a process of its own. Gives what waits for its end; who leaves without waiting ends it.

    It is forked, as it shall know all that is known here, and only on Linux: the libraries that draw cannot bear it on
    macOS. Before, torch must not have shared its work among threads, which the process would wait for in vain.
    """
    if processors() == 1 or sys.platform != "linux":
        yield lambda: None
        return
    child = forked()
    if not child:
        with contextlib.suppress(BaseException):  # who waits finds out, and says what is wrong
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process ends this one
            gc.disable()  # it does not live for long
            act()
        os._exit(0)
    alive = True

    def wait() -> None:
        nonlocal alive
        os.waitpid(child, 0)
        alive = False

    try:
        yield wait
    finally:
        if alive:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def forked() -> int:
    """The id of a process that is a copy of this one; in that one, 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of any fork beside threads: those of numpy bear it
        return os.fork()


def confined(act: Callable[[], Any], seconds: int, room: int = ROOM) -> Any:
    """What a function gives, as plain values, if it takes no more seconds of a processor and bytes of memory.

    What it writes to the errors is dropped. Raises ValueError if it does, and ExceededError if it takes more. Only
    Linux holds it to that.
    """
    if sys.platform != "linux":
        return act()
    reads, writes = os.pipe()
    child = forked()
    if not child:
        with contextlib.suppress(BaseException):  # who waits finds nothing
            os.close(reads)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            limit(seconds, room)
            try:
                said = {"value": act()}
            except ValueError as error:
                said = {"error": str(error)}
            with open(writes, "wb") as pipe:
                pipe.write(json.dumps(said).encode())
        os._exit(0)
    try:
        os.close(writes)
        with open(reads, "rb") as pipe:
            data = pipe.read()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not data:
        raise ExceededError
    told = json.loads(data)
    if "error" in told:
        raise ValueError(told["error"])
    return told["value"]


def limit(seconds: int, room: int) -> None:
    """Has the system end this process when it takes more."""
    import faulthandler
    import resource

    faulthandler.disable()
    gc.disable()
    with open("/proc/self/statm", encoding="ascii") as sizes:
        there = int(sizes.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for kind, most in ((resource.RLIMIT_AS, there + room), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))


def shared(n: int) -> Callable[[], Iterator[int]]:
    """The numbers 0 to n - 1, each of which is taken once by this process or by one beside it."""
    takes, fills = os.pipe()
    os.write(fills, bytes(range(n)))
    os.close(fills)

    def take() -> Iterator[int]:
        with open(takes, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                yield number[0]

    return take


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
