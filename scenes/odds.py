"""How probable one of two that are compared finds the best candidates of both, after each block."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.comparison import Comparison
from scenes.glyphs import differences
from scenes.style import Scale
from scenes.words import level_name

SHOWS = "comparison"


def build(comparison: Comparison) -> pv.MultiBlock:
    """A row of bars for each level, a bar for each candidate that is in the vocabulary, on a scale from 0 to 1."""
    L, tokens = len(comparison.chance) - 1, comparison.candidates
    ids = [comparison.id(token) if token in comparison.vocab else -1 for token in tokens]
    there = [id for id in ids if id >= 0]
    drawn = [comparison.chance_apart[:, there]]
    scene = differences.start("odds", comparison, Scale(1.0), drawn, style.VIEW_OF_BARS)
    for level in range(L + 1):
        y = glyphs.level_row(scene, level, level_name(level), (len(ids) - 1) * style.SPACING)
        for n, id in enumerate(ids):
            if id >= 0:
                differences.bar(scene, comparison, "chance", (level, id), (n * style.SPACING, y))
    glyphs.names(scene, tokens, style.SPACING)
    differences.legend(scene, len(ids) - 1, "bar")
    return scene
