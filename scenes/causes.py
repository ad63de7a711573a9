"""Looking and causing: every attention weight into the last position, and what the answer loses without it.

Behind each token stands a row of pairs of bars, one for each block and head: the weight, in the colour of its head, and
the effect of cutting it. On the right are the effects of cutting a whole head, all heads of a block, and an MLP, each
at every position.
"""

from functools import partial

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.ablation import Ablation
from scenes.style import Scale

SHOWS = "ablation"
PARTS = ("head", "all heads", "MLP")  # what is cut, on the right
VALUES = (0.0, 0.5)  # of the legend


def build(ablation: Ablation) -> pv.MultiBlock:
    """The weights and effects of all heads, row behind row, on a scale from 0 to 1."""
    L, H, T, _ = ablation.attention.shape
    side = style.BAR_SPACING / 2
    scene = glyphs.start("causes", ablation, Scale(1.0), style.VIEW_OF_BARS)
    place = partial(glyphs.stand, scene, ablation)

    def plinth(x: float, y: float) -> glyphs.Point:
        glyphs.ground(scene, glyphs.box(*glyphs.foot((x, y)), glyphs.to_bytes(style.STONE)))
        return x, y

    parts = [(T + 0.3 + n) * style.SPACING for n in range(len(PARTS))]
    for l in range(L):
        depths = [(l * (H + 0.2) + h) * style.BAR_APART for h in range(H)]
        for h, y in enumerate(depths):
            for k in range(T):
                x, _ = plinth(k * style.SPACING, y)
                place("attention", (l, h, T - 1, k), (x - side, y), h)
                place("weight_effect", (l, h, k), (x + side, y))
            place("head_effect", (l, h), plinth(parts[0], y))
            front = y - style.TEXT_SIZE * style.LINE / 2
            left = -style.PLINTH - style.PLATE_GAP - style.TEXT_MARGIN - side  # clear of the bar
            glyphs.label(scene, f"row/{l}/{h}", f"block {l + 1}, head {h + 1}", (left, front), align=1)
        middle = sum(depths) / H
        place("heads_effect", (l,), plinth(parts[1], middle))
        place("mlp_effect", (l,), plinth(parts[2], middle))
    glyphs.names(scene, ablation.tokens, style.SPACING)
    glyphs.names(scene, PARTS, style.SPACING, place=T + 0.3)
    front = -style.PLINTH - style.GROUP_BELOW
    glyphs.label(scene, "group/weights", "looks, cut one by one", ((T - 1) / 2 * style.SPACING, front))
    glyphs.label(scene, "group/parts", "cut at every position", (parts[1], front))
    glyphs.bar_legend(scene, parts[-1], VALUES, "probability lost", range(H))
    return scene
