"""Work for a second processor: a process beside this one, which writes what it finds where this one looks for it.

It only saves time. Where there is no second processor, or where it fails, nothing is found, and this process does all.
"""

import contextlib
import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def beside(act: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Does something in a process of its own. Gives what waits for its end; who leaves without waiting ends it.

    It is forked, as it shall know all that is known here, and only on Linux: the libraries that draw cannot bear it on
    macOS. Before, torch must not have shared its work among threads, which the process would wait for in vain.
    """
    if processors() == 1 or sys.platform != "linux":
        yield lambda: None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of any fork beside threads: those of numpy bear it
        child = os.fork()
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
