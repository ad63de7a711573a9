"""What enters block 1, and the two vectors that it is the sum of: the embedding of the token and its position."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """Three rows of columns: the sums in front, then the positions, then the embeddings."""
    arrays = decomposition.residual[0], decomposition.position, decomposition.token
    scene = glyphs.start("entrance", decomposition, Scale.of(*arrays), style.VIEW_OF_GRID)
    T = len(decomposition.tokens)
    rows = [("residual", (0,), "embedding + position"), ("position", (), "position"), ("token", (), "embedding")]
    for y, (array, first, text) in enumerate(rows):
        glyphs.row(scene, decomposition, array, [(*first, t) for t in range(T)], () if y else decomposition.tokens, y)
        glyphs.side(scene, text, y)
    glyphs.legend(scene, right=T - 1)
    return scene
