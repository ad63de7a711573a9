"""The hidden units of each MLP at the last position, before and after ReLU."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"
ROWS = 5  # of a field of units
PITCH, DEEP = 1.5, 2.4  # from unit to unit, to the right and into the depth


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """Two fields of bars for each block, one bar a unit: on the left before ReLU, on the right after it.

    Units are read from the left to the right, those at the back first.
    """
    L, T, n = decomposition.hidden.shape
    scene = glyphs.start("mlp", decomposition, Scale.of(decomposition.up[:, -1]), style.VIEW_OF_BARS)
    wide = -(-n // ROWS)
    for l in range(L):
        back = (l * (ROWS + 2) + ROWS - 1) * DEEP
        for array, left in (("up", 0.0), ("hidden", (wide + 2) * PITCH)):
            corners = glyphs.foot((left, back - (ROWS - 1) * DEEP), (left + (wide - 1) * PITCH, back))
            glyphs.ground(scene, glyphs.box(*corners, glyphs.to_bytes(style.STONE)))
            for u in range(n):
                at = left + u % wide * PITCH, back - u // wide * DEEP
                glyphs.stand(scene, decomposition, array, (l, T - 1, u), at)
        glyphs.label(scene, f"row/{l}", f"block {l + 1}", (-style.PLINTH - 0.4, back - DEEP), align=1)
    for text, left in (("before ReLU", 0.0), ("after ReLU", (wide + 2) * PITCH)):
        glyphs.label(scene, text, text, (left + (wide - 1) / 2 * PITCH, -style.PLINTH - 2 * style.LINE))
    glyphs.bar_legend(scene, (2 * wide + 1) * PITCH, style.LEGEND_PARTS, "hidden unit")
    return scene
