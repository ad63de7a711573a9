"""The residual stream of one of two that are compared; to be set beside that of the other."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.glyphs import comparison
from scenes.style import Scale

if TYPE_CHECKING:
    from scenes.analysis.comparison import Contrast

SHOWS = "contrast"


def build(contrast: "Contrast") -> pv.MultiBlock:
    """A row of columns for each level, as in `stream`; the scales are those of both streams."""
    L, T = len(contrast.residual) - 1, len(contrast.tokens)
    both = [values for one in (contrast, contrast.other) for values in (one.residual, one.normed[-1])]
    drawn = [contrast.residual_apart, contrast.normed_apart[-1]]
    scene = comparison.start("abreast", contrast, Scale.of(*both), drawn, style.VIEW_OF_GRID)
    rows = [("residual", l) for l in range(L + 1)] + [("normed", L)]
    texts = ["embedding + position", *(f"block {l + 1}" for l in range(L)), "final LayerNorm"]
    for y, ((array, l), text) in enumerate(zip(rows, texts, strict=True)):
        for t in range(T):
            comparison.column(scene, contrast, array, (l, t), (t * style.SPACING, y * style.DEPTH))
        glyphs.side(scene, text, y)
    glyphs.names(scene, contrast.tokens, style.SPACING)
    comparison.legend(scene, T - 1)
    return scene
