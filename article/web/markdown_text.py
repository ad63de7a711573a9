"""Markdown that the program writes: what comes from elsewhere is text in it, and none of its letters means anything."""

import re
from collections.abc import Iterable, Sequence

from jinja2 import Environment, StrictUndefined

from article.escaping import harmless
from article.evidence import words as words_

PUNCTUATION = re.compile(r"[\\`*_{}\[\]<>()|~@:$&\"=.#+!-]")


def visible(words: str) -> str:
    r"""Words with signs for the letters that cannot be seen, or that would act on others; lines stay lines.

    >>> visible("a\tb\x1b \u202e")
    'a⇥b<U+001B> <U+202E>'
    """
    return harmless(words.replace("\t", "⇥"))


def to_markdown(words: str) -> str:
    """Words in a line of Markdown that mean nothing to it, nor to HTML.

    >>> to_markdown("a|b <b> [x](y)")
    'a&#124;b &#60;b&#62; &#91;x&#93;&#40;y&#41;'
    """
    return PUNCTUATION.sub(lambda letter: f"&#{ord(letter[0])};", visible(words).replace("\n", "⏎"))


def token_to_markdown(name: str) -> str:
    """A token of the vocabulary in a line of Markdown; its spaces can be seen."""
    return to_markdown(name.replace(" ", "␣"))


def code_block(words: str) -> str:
    """Words as a block of code, in their lines."""
    if not words.strip():
        return "*(nothing but white space)*" if words else "*(nothing)*"
    return "\n".join(f"    {line}" for line in visible(words).split("\n"))


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column whose name begins with a `<` is one of words."""
    lines = ["| " + " | ".join(name.removeprefix("<") for name in columns) + " |"]
    lines.append("|" + "|".join(":---" if name.startswith("<") else "---:" for name in columns) + "|")
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


TEMPLATES = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)  # noqa: S701 - no HTML
FILTERS = (to_markdown, token_to_markdown, code_block, repr, words_.count, words_.decimals, words_.percent)
FILTERS += (words_.exact_percent, words_.compared, words_.duration)
TEMPLATES.filters |= {one.__name__: one for one in FILTERS}


def fill(text: str, **values: object) -> str:
    """A template of Markdown, or of lines for the terminal, with its values. Raises jinja2.UndefinedError."""
    return TEMPLATES.from_string(text).render(values)
