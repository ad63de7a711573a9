"""Who said it: how much each head, each MLP, the embedding and the position added to the logit of the answer."""

import re

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """Two rows of bars, one bar for each origin: in front for the most probable token, behind it for the second."""
    best = decomposition.ranking[:2]
    scene = glyphs.start("origin", decomposition, Scale.of(decomposition.share[:, best]), style.VIEW_OF_BARS)
    for row, id in enumerate(best):
        y = row * style.BAR_DEPTH
        for p in range(len(decomposition.origins)):
            x = p * style.SPACING
            glyphs.ground(scene, glyphs.box(*glyphs.foot((x, y)), glyphs.to_bytes(style.STONE)))
            glyphs.stand(scene, decomposition, "share", (p, id), (x, y))
        front = y - style.TEXT_SIZE * style.LINE / 2
        glyphs.label(
            scene, f"row/{row}", f"for {decomposition.vocab[id]}", (-style.PLINTH - style.BAR_SPACING, front), align=1
        )
    short = [re.sub(r"block (\d+), (\w+) ?(\d*)", r"\2 \1.\3", name).rstrip(".") for name in decomposition.origins]
    glyphs.names(scene, short, style.SPACING)
    glyphs.bar_legend(scene, (len(short) - 1) * style.SPACING, style.LEGEND_PARTS, "share of the logit")
    return scene
