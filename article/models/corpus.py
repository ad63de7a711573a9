"""The texts of a run: a folder's `train.txt` and `held_out.txt`."""

import re
from dataclasses import dataclass
from pathlib import Path

from article.errors import RefusalError

LIMIT = 20_000_000  # bytes of a file; BPE takes half a minute to cut as many, and counting n-grams a gigabyte
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but the tab and the line end


@dataclass(frozen=True)
class Texts:
    """What a folder holds for a model to learn, and what it is tested on. Lines end with one line feed."""

    name: str  # the folder's
    train: str
    held_out: str


def read_texts(folder: Path, share: float = 0.1) -> Texts:
    """The texts of a folder: train.txt, and held_out.txt or, where there is none, a share of train.txt's end.

    Raises RefusalError for what is no text or too little of it.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        raise RefusalError(f"{folder} {what}; name a folder that holds a train.txt.")
    text = file_text(folder / "train.txt", 100)
    words = dict.fromkeys(text.split())
    if len(words) == 1 and text.strip() != (word := next(iter(words))):
        raise RefusalError(f"{folder / 'train.txt'} says {word[:20]!r} again and again; a model needs more to learn.")
    if (folder / "held_out.txt").exists():
        return Texts(folder.resolve().name, text, file_text(folder / "held_out.txt", 10))
    at = end_of_training(text, share)
    return Texts(folder.resolve().name, text[:at], text[at:])


def file_text(path: Path, least: int, name: Path | None = None) -> str:
    """The text of a file, which errors call by a name, of so many characters at least; lines and pages end as lines do.

    Raises RefusalError.
    """
    name = name or path
    try:
        if path.exists() and not path.is_file():  # a pipe or a device would never end
            raise RefusalError(f"{name} is no file; save the text there as one.")
        size = path.stat().st_size
        if size > LIMIT:
            raise RefusalError(f"{name} has {size} bytes; a tiny model can use {LIMIT}, so keep a part of that size.")
        data = path.read_bytes()
    except OSError as error:
        raise RefusalError(f"{name} cannot be read: {error.strerror}; save the text there, in UTF-8.") from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        at, line = error.start, data.count(b"\n", 0, error.start) + 1
        raise RefusalError(
            f"{name}, line {line}: byte 0x{data[at]:02X} at {at} is not UTF-8; save the text as UTF-8."
        ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if found := CONTROL.search(text):
        line, code = text.count("\n", 0, found.start()) + 1, ord(found[0])
        raise RefusalError(
            f"{name}, line {line}: control character U+{code:04X}, as binary files have; save plain text."
        )
    n = len(text.strip())
    if n < least:
        what = f"has {n} characters" if n else "is empty"
        raise RefusalError(f"{name} {what}; write at least {least}.")
    return text


def end_of_training(text: str, share: float) -> int:
    """Where to cut: at the line end, or else at the space, that is nearest to the share, if one is near. Raises
    RefusalError for a share that leaves nothing to one of both.
    """
    if not 0.01 <= share <= 0.5:
        raise RefusalError(f"a share of {share} cannot be held out; name one from 0.01 to 0.5.")
    goal = round(len(text) * (1 - share))
    for mark in "\n", " ":
        ends = [at + 1 for at in (text.rfind(mark, 0, goal), text.find(mark, goal)) if at >= 0]
        near = [at for at in ends if abs(at - goal) <= share / 2 * len(text) and text[at:].strip()]
        if near:
            return min(near, key=lambda at: abs(at - goal))
    return goal
