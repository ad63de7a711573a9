"""How a score comes about: queries, keys, and the product of the last query with each key, component by component."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """In front the queries, then the keys, the products of the last query, and at the back the scores, their sums.

    Of the head that looks most.
    """
    (l, h), q = decomposition.head, len(decomposition.tokens) - 1
    T = q + 1
    rows = [
        ("query", [(l, h, k) for k in range(T)], "query"),
        ("key", [(l, h, k) for k in range(T)], "key"),
        ("product", [(l, h, q, k) for k in range(T)], "last query × key"),
        ("score", [(l, h, q, k) for k in range(T)], "score: their sum"),
    ]
    drawn = [getattr(decomposition, array)[index] for array, indices, _ in rows for index in indices]
    scene = glyphs.start("match", decomposition, Scale.of(*drawn), style.VIEW_OF_GRID)
    for y, (array, indices, text) in enumerate(rows):
        glyphs.row(scene, decomposition, array, indices, () if y else decomposition.tokens, y)
        glyphs.side(scene, text, y)
    glyphs.legend(scene, right=T - 1, quantity="component, or score")
    return scene
