"""What the commands print: lines for a terminal, with colours, and the same ones as plain text for a pipe.

Tables take 80 columns at most. A string is prose and is wrapped; a Text is a line of its own and is not.
"""

import os
import sys
import termios
import tty
from collections.abc import Iterable, Sequence

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from article.escaping import harmless

WIDTH = 80
LABEL, CELL, SHARE = 15, 8, 7  # columns on the screen: eight cells fit, or nine shares
WARM, COOL, QUIET, STRONG = "dark_orange3", "dodger_blue2", "dim", "bold"

Line = str | Text


class Terminal(Console):
    """A console that leaves it to the command line to end quietly when nobody reads on."""

    def __init__(self) -> None:
        super().__init__(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self.width = min(self.width, WIDTH)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError

    def say(self, lines: Iterable[Line]) -> None:
        """Prints lines and hands them over at once."""
        for line in lines:
            for part in [line] if isinstance(line, Text) else Text(harmless(line)).wrap(self, self.width):
                part.rstrip()
                self.print(part, soft_wrap=True)  # as it is, on any terminal
        self.file.flush()


def visible(text: str) -> str:
    r"""A text on one line, without anything that a terminal would act on.

    >>> visible("a\x1b[2J\n")
    'a<U+001B>[2J⏎'
    """
    return harmless(text.replace("\n", "⏎").replace("\t", "⇥"))


def fit(text: str, width: int) -> str:
    """A text in just so many columns of the screen; of a longer one, an ellipsis says that it goes on."""
    shown = Text(visible(text))
    shown.truncate(width, overflow="ellipsis")
    return shown.plain + " " * (width - cell_len(shown.plain))


def right(text: str, width: int) -> str:
    """The same, at the right, with a space before it."""
    name = fit(text, width - 1).rstrip()
    return " " * (width - cell_len(name)) + name


def number(value: float, width: int = CELL) -> Text:
    """A number in a cell, at the right: three decimals, fewer for a large one; warm or cool by its sign."""
    size = abs(value)
    plain = f"{value:z.3f}" if size < 99.9995 else f"{value:.1f}" if size < 9999.95 else f"{value:.0e}"
    return Text(f"{plain:>{width}}", WARM if value > 0 else COOL if value < 0 else "")


def heading(title: str) -> Text:
    return Text(f"\n{f'── {title} ':─<{WIDTH}}", STRONG)


def head(label: str, columns: Sequence[str], width: int = CELL) -> Text:
    """The first row of a table."""
    return Text(fit(label, LABEL) + "".join(right(column, width) for column in columns), QUIET)


def row(label: str, cells: Iterable[float | str], width: int = CELL) -> Text:
    """A row of a table: its label, and numbers or what stands in their place."""
    parts = (Text(right(cell, width), QUIET) if isinstance(cell, str) else number(float(cell), width) for cell in cells)
    return Text(fit(label, LABEL)).append_text(Text().join(parts))


def table(corner: str, columns: Sequence[str], rows: Sequence[str], values: np.ndarray) -> list[Text]:
    """The table of a matrix (rows, columns)."""
    return [head(corner, columns), *(row(label, line) for label, line in zip(rows, values, strict=True))]


def go_on() -> bool:
    """Waits for a key; whether it was another one than q, or the end of the input."""
    keyboard = sys.stdin.fileno()
    as_before = termios.tcgetattr(keyboard)
    hint = "any key goes on, q quits"
    print(hint, end="", file=sys.stderr, flush=True)  # the output may go elsewhere
    try:
        tty.setcbreak(keyboard)
        key = os.read(keyboard, 16)  # some keys send several bytes
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, as_before)
        print(f"\r{'':{len(hint)}}\r", end="", file=sys.stderr, flush=True)
    return key not in (b"", b"\x04", b"q", b"Q")  # \x04 is Ctrl-D
