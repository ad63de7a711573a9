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
    D, V = anatomy.component.shape
    wide, size = -(-D // ROWS), style.PITCH * style.ROW_NAME
    scene = glyphs.start("components", anatomy, Scale.of(anatomy.component), style.VIEW_OF_GRID)
    for row in range(ROWS):
        place = range(row * wide, min((row + 1) * wide, D))
        glyphs.line(scene, anatomy, [("component", (d,), str(d + 1)) for d in place], row)
        for v in range(V):
            x = -style.PLINTH - style.TEXT_MARGIN - size * glyphs.width_of(anatomy.vocab[v]) / 2
            at = (x - v % 2 * style.ROW_SHIFT, row * style.DEPTH, style.PLINTH_HEIGHT + style.PITCH * v)
            glyphs.tag(scene, f"component/{row}/{v}", anatomy.vocab[v], at, size)
    glyphs.legend(scene, right=wide - 1)
    return scene
