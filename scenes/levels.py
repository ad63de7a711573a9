"""The way of one position through one of two that are compared, where the whole stream would be too much."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.glyphs import comparison
from scenes.style import Scale

if TYPE_CHECKING:
    from scenes.analysis.comparison import Contrast

SHOWS = "contrast"
WIDE = 7  # columns that a legend of one row stands before


def build(contrast: "Contrast") -> pv.MultiBlock:
    """A column for each level at the last position that both have, side by side; on the scales of both."""
    L, t = len(contrast.residual) - 1, contrast.shared - 1
    both = [values for one in (contrast, contrast.other) for values in (one.residual[:, t], one.normed[-1, t])]
    drawn = [contrast.residual_apart[:, t], contrast.normed_apart[-1, t]]
    scene = comparison.start("levels", contrast, Scale.of(*both), drawn, style.VIEW_OF_ROW)
    scene.user_dict |= {"position": t}
    terms = [("residual", l) for l in range(L + 1)] + [("normed", L)]
    texts = [contrast.tokens[t], *(f"block {l + 1}" for l in range(L)), "LayerNorm"]
    for x, (array, l) in enumerate(terms):
        comparison.column(scene, contrast, array, (l, t), (x * style.SPACING, 0))
    glyphs.names(scene, texts, style.SPACING)
    comparison.legend(scene, len(terms) - 1, rows=2 if len(terms) < WIDE else 1)
    return scene
