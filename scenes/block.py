"""One block of a large model: what enters, the pattern of every head, what attention and MLP write, and what leaves."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.aggregation import BlockAggregation
from scenes.style import Scale

SHOWS = "block"
ROWS = ("enters", "attention writes", "after attention", "MLP writes", "leaves")  # of `inside`


def build(aggregation: BlockAggregation) -> pv.MultiBlock:
    """What enters in front; behind it the heads' patterns, one after the other; then the other rows of columns."""
    H, G = len(aggregation.heads), aggregation.inside.shape[-1]
    scene = glyphs.start("block", aggregation, Scale.of(aggregation.inside), style.VIEW_OF_CROWD)
    scene.user_dict |= {"block": aggregation.block, "crowded": True}
    written = []
    for h in range(H):
        y = h * style.CROWD_DEPTH
        glyphs.carpets(scene, aggregation, "heads", h, y)
        written.append((f"head {h + 1}", y + style.CROWD_DEPTH / 2))
    step = style.CROWD_STEP * G * glyphs.crowd_pitch(G)
    for n, text in enumerate(ROWS):
        y = H * style.CROWD_DEPTH + (n - 1) * step if n else 0.0
        glyphs.crowds(scene, aggregation, "inside", n, y)
        written.append((text, y))
    glyphs.crowd_signs(scene, aggregation, written, [f"block {aggregation.block + 1}"])
    return scene
