"""Files and folders that several processes use: locks, and what is replaced in one step."""

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Holds the lock of a folder. If another process does, it waits, or raises BlockingIOError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def plain(path: Path) -> Path:
    """The path of a file to be read. Raises OSError for a pipe or a device, which may never begin or never end."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is a pipe or a device")
    return path


def umask() -> int:
    """What this process takes away from the rights of its files."""
    now = os.umask(0)
    os.umask(now)
    return now


def replace_file(path: Path, data: bytes) -> None:
    """Writes a file in one step: it is the old one or the new one at every moment."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(data)
            file.close()
            os.chmod(file.name, 0o666 & ~umask())  # as any file that is made here; tempfile's are private
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
