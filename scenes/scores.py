"""The scores of one head: how well every query fits every key, the future, which the mask will hide, included."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A row of bars for each query of the head that looks most, a bar for each key; the future stands on slate."""
    l, h = decomposition.head
    scene = glyphs.start("scores", decomposition, Scale.of(decomposition.score[l, h]), style.VIEW_OF_MATRIX)
    right = glyphs.matrix(scene, decomposition, "score", l, h)
    glyphs.bar_legend(scene, right, style.LEGEND_PARTS, "score")
    return scene
