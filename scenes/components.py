"""The components of the embeddings, read as words: a column for each component, a box for each token."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.style import Scale

if TYPE_CHECKING:
    from article.anatomy import Anatomy

SHOWS = "anatomy"
ROWS = 2


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """The columns in two rows, numbered from 1; at their left the tokens, from the first one at the bottom."""
    D = len(anatomy.component)
    wide = -(-D // ROWS)
    scene = glyphs.start("components", anatomy, Scale.of(anatomy.component), style.VIEW_OF_GRID)
    for row in range(ROWS):
        place = range(row * wide, min((row + 1) * wide, D))
        glyphs.line(scene, anatomy, [("component", (d,), str(d + 1)) for d in place], row)
        glyphs.levels(scene, anatomy.vocab, row)
    glyphs.legend(scene, right=wide - 1)
    return scene
