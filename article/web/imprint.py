"""What an article says of itself, from `article.toml` beside its text; what is not given there is not shown."""

import datetime
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from article.errors import RefusalError

ADDRESS = re.compile(r"https?://\S+")
PATTERNS = {
    "repository": ADDRESS,
    "licence": re.compile(r"\S.*"),
    "licence_url": ADDRESS,
    "lang": re.compile(r"[A-Za-z]{2,8}(-[A-Za-z\d]{1,8})*"),
    "dir": re.compile("ltr|rtl"),
}


@dataclass(frozen=True)
class Imprint:
    """By whom an article is, of when, and so on."""

    authors: Sequence[str] = ()
    date: datetime.date | None = None
    repository: str = ""  # an address
    licence: str = ""  # its name
    licence_url: str = ""
    lang: str = "en"  # of the text, as HTML has it
    dir: str = ""  # of the text: ltr or rtl


def read(path: Path) -> Imprint:
    """What such a file says. Raises RefusalError for what cannot be shown."""
    try:
        said = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise RefusalError(f"{path}: {error}; mend it.") from None
    for name, value in said.items():
        if name == "authors":
            fits = isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value)
        elif name == "date":
            fits = type(value) is datetime.date
        else:
            fits = name in PATTERNS and isinstance(value, str) and PATTERNS[name].fullmatch(value)
        if not fits:
            known = ", ".join(field.name for field in fields(Imprint))
            raise RefusalError(f"{path}: {name} = {value!r} cannot be shown; it may say {known}.")
    return Imprint(**said)
