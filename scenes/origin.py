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
    scale = Scale.of(decomposition.share[:, best])
    scene = glyphs.start("origin", decomposition, scale, style.VIEW_OF_BARS)
    scene.user_dict |= {"glyphs": {"share": "bar"}}
    for row, id in enumerate(best):
        y = row * style.BAR_DEPTH
        for p in range(len(decomposition.origins)):
            x = p * style.SPACING
            glyphs.ground(scene, glyphs.box(*glyphs.foot((x, y)), glyphs.to_bytes(style.STONE)))
            bar = glyphs.bar(decomposition.share[p, id], scale, (x, y))
            glyphs.mark(scene, f"share/{p}/{id}", bar, decomposition, "share", (p, id))
        front = y - style.TEXT_SIZE * style.LINE / 2
        glyphs.label(
            scene, f"row/{row}", f"for {decomposition.vocab[id]}", (-style.PLINTH - style.BAR_SPACING, front), align=1
        )
    short = [re.sub(r"block (\d+), (\w+) ?(\d*)", r"\2 \1.\3", name).rstrip(".") for name in decomposition.origins]
    glyphs.names(scene, short, style.SPACING)
    glyphs.bar_legend(scene, (len(short) - 1) * style.SPACING, style.LEGEND_PARTS, "share of the logit")
    return scene
