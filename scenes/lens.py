"""The logit lens as a landscape: the probability of every token after each block, at the last position."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale
from scenes.words import level_name

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A row of bars for each level of the residual stream, a bar for each token of the vocabulary."""
    levels, T, V = decomposition.probabilities.shape
    scene = glyphs.start("lens", decomposition, Scale(1.0), style.VIEW_OF_BARS)
    for level in range(levels):
        y = glyphs.level_row(scene, level, level_name(level), (V - 1) * style.BAR_PITCH)
        for v in range(V):
            glyphs.stand(scene, decomposition, "probabilities", (level, T - 1, v), (v * style.BAR_PITCH, y))
    glyphs.names(scene, decomposition.vocab, style.BAR_PITCH)
    glyphs.bar_legend(scene, (V - 1) * style.BAR_PITCH, (0.0, 0.5, 1.0), "probability")
    return scene
