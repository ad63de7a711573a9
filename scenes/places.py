"""The components of the positions, read by place: a column for each component, a box for each place."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.style import Scale

if TYPE_CHECKING:
    from article.anatomy import Anatomy

SHOWS = "anatomy"
ROWS = 2


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """The columns in two rows, numbered from 1; at their left the places of the prompt, the first one at the bottom."""
    D, T = anatomy.place.shape
    wide = -(-D // ROWS)
    scene = glyphs.start("places", anatomy, Scale.of(anatomy.place), style.VIEW_OF_GRID)
    for row in range(ROWS):
        place = range(row * wide, min((row + 1) * wide, D))
        glyphs.line(scene, anatomy, [("place", (d,), str(d + 1)) for d in place], row)
        glyphs.levels(scene, [str(t + 1) for t in range(T)], row)
    glyphs.legend(scene, right=wide - 1)
    return scene
