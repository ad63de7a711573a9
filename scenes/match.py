"""How a score comes about: the query of the last position, the keys, and their product component by component."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.style import Scale

if TYPE_CHECKING:
    from article.anatomy import Anatomy

SHOWS = "anatomy"


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """The keys in front, their products with the query behind them, and at the back the scores, the products' sums.

    Of the head that looks most; the query stands at the right of the keys.
    """
    (l, h), q = anatomy.head, len(anatomy.tokens) - 1
    T = q + 1
    rows = [
        ("key", [(l, h, k) for k in range(T)], "key"),
        ("product", [(l, h, q, k) for k in range(T)], "query × key"),
        ("score", [(l, h, q, k) for k in range(T)], "score: their sum"),
    ]
    drawn = [getattr(anatomy, array)[index] for array, indices, _ in rows for index in indices]
    scene = glyphs.start("match", anatomy, Scale.of(*drawn, anatomy.query[l, h, q]), style.VIEW_OF_GRID)
    for y, (array, indices, text) in enumerate(rows):
        glyphs.row(scene, anatomy, array, indices, () if y else anatomy.tokens, y)
        glyphs.side(scene, text, y)
    glyphs.row(scene, anatomy, "query", [(l, h, q)], [f"query of {anatomy.tokens[q]}"], 0, T + 0.6)
    glyphs.legend(scene, right=T - 1)
    return scene
