"""A bar for each day: from low to high water."""

from types import SimpleNamespace

import pyvista as pv
from content.values import DATA, DAYS

from scenes import glyphs, style
from scenes.style import Scale


def build() -> tuple[pv.MultiBlock, SimpleNamespace]:
    """The scene, and the data that it is held against."""
    scene = glyphs.start("ranges", DATA, Scale.of(DATA.spread), style.VIEW_OF_BARS)
    names = [str(day + 1) for day in range(DAYS)]
    glyphs.row(scene, DATA, "spread", [(day,) for day in range(DAYS)], names, glyph=glyphs.bar)
    glyphs.legend(scene, right=DAYS - 1, glyph=glyphs.bar, of_limit=(0.0, 0.5), quantity="metres")
    return scene, DATA
