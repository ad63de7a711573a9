"""A column for each day, a box for each hour."""

from types import SimpleNamespace

import pyvista as pv
from content.values import DATA, DAYS

from scenes import glyphs
from scenes.style import Scale


def build() -> tuple[pv.MultiBlock, SimpleNamespace]:
    """The scene, and the data that it is held against."""
    scene = glyphs.start("fortnight", DATA, Scale.of(DATA.height))
    glyphs.row(scene, DATA, "height", [(day,) for day in range(DAYS)], [str(day + 1) for day in range(DAYS)])
    glyphs.legend(scene, right=DAYS - 1, quantity="metres")
    return scene, DATA
