"""Texts that come from elsewhere, where they leave the program: to a terminal, and to a spreadsheet.

HTML and SVG escape by themselves; JSON does, too.
"""

import sys
import unicodedata
from typing import TextIO

TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # the direction of writing

PICTURES = {code: 0x2400 + code for code in range(32) if code not in b"\t\n\r"}  # ␀ to ␟: what stands for a control
PICTURES |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)  # in pages and tables, by str.translate


def harmless(text: str) -> str:
    r"""A text whose letters act on nothing: controls, halves of letters and turns of the direction have their number.

    Ends of lines and tabs stay.

    >>> harmless("a\tb\x1b[2J\r \u202e")
    'a\tb<U+001B>[2J<U+000D> <U+202E>'
    """
    return "".join(letter if letter in "\n\t" or not acts(letter) else f"<U+{ord(letter):04X}>" for letter in text)


def acts(letter: str) -> bool:
    """Whether a letter is a control, half of one, ends a line or a paragraph, or turns the direction of writing."""
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(letter) in TURNS


def say(text: str, file: TextIO | None = None) -> None:
    """Prints a text of which parts may come from elsewhere."""
    print(harmless(text), file=file or sys.stdout)


def to_cell(text: str) -> str:
    """A text for a CSV file: behind an apostrophe where a spreadsheet would take it for a formula; quotes do not help.

    >>> to_cell("=1+1"), to_cell("- x"), to_cell("a=b")
    ("'=1+1", "'- x", 'a=b')
    """
    text = text.translate(PICTURES)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
