"""The attention pattern of one head: what the softmax makes of the scores that the mask has left."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A row of bars for each query of the head that looks most, which add up to 1; a bar for each key that it sees."""
    l, h = decomposition.head
    scene = glyphs.start("softmax", decomposition, Scale(1.0), style.VIEW_OF_MATRIX)
    right = glyphs.matrix(scene, decomposition, "attention", l, h)
    glyphs.bar_legend(scene, right, (0.0, 0.5), heads=[h])
    return scene
