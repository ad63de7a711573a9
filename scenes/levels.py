"""The way of one position through one of two that are compared, where the whole stream would be too much."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.comparison import Comparison
from scenes.glyphs import differences
from scenes.style import Scale

SHOWS = "comparison"
WIDE = 7  # columns that a legend of one row stands before


def build(comparison: Comparison) -> pv.MultiBlock:
    """A column for each level at the last position that both have, side by side; on the scales of both."""
    L, t = len(comparison.residual) - 1, comparison.shared - 1
    both = [values for one in (comparison, comparison.other) for values in (one.residual[:, t], one.normed[-1, t])]
    drawn = [comparison.residual_apart[:, t], comparison.normed_apart[-1, t]]
    scene = differences.start("levels", comparison, Scale.of(*both), drawn, style.VIEW_OF_ROW)
    scene.user_dict |= {"position": t}
    terms = [("residual", l) for l in range(L + 1)] + [("normed", L)]
    texts = [comparison.tokens[t], *(f"block {l + 1}" for l in range(L)), "LayerNorm"]
    for x, (array, l) in enumerate(terms):
        differences.column(scene, comparison, array, (l, t), (x * style.SPACING, 0))
    glyphs.names(scene, texts, style.SPACING)
    differences.legend(scene, len(terms) - 1, rows=2 if len(terms) < WIDE else 1)
    return scene
