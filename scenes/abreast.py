"""The residual stream of one of two that are compared; to be set beside that of the other."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.comparison import Comparison
from scenes.glyphs import differences
from scenes.style import Scale

SHOWS = "comparison"


def build(comparison: Comparison) -> pv.MultiBlock:
    """A row of columns for each level, as in `stream`; the scales are those of both streams."""
    L, T = len(comparison.residual) - 1, len(comparison.tokens)
    both = [values for one in (comparison, comparison.other) for values in (one.residual, one.normed[-1])]
    drawn = [comparison.residual_apart, comparison.normed_apart[-1]]
    scene = differences.start("abreast", comparison, Scale.of(*both), drawn, style.VIEW_OF_GRID)
    rows = [("residual", l) for l in range(L + 1)] + [("normed", L)]
    texts = ["embedding + position", *(f"block {l + 1}" for l in range(L)), "final LayerNorm"]
    for y, ((array, l), text) in enumerate(zip(rows, texts, strict=True)):
        for t in range(T):
            differences.column(scene, comparison, array, (l, t), (t * style.SPACING, y * style.DEPTH))
        glyphs.side(scene, text, y)
    glyphs.names(scene, comparison.tokens, style.SPACING)
    differences.legend(scene, T - 1)
    return scene
