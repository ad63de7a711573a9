"""The whole forward pass of a large model: the residual stream, and what each block looks at, in fewer numbers."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.aggregation import Aggregation
from scenes.style import Scale

SHOWS = "aggregation"


def build(aggregation: Aggregation) -> pv.MultiBlock:
    """A row of columns for each level of the residual stream and the final LayerNorm; between them, the attention."""
    L, H = aggregation.attention.shape[:2]
    scene = glyphs.start("overview", aggregation, Scale.of(aggregation.stream), style.VIEW_OF_CROWD)
    scene.user_dict |= {"crowded": True}
    texts = ["embedding + position", *(f"block {l + 1}" for l in range(L)), "final LayerNorm"]
    places = [style.CROWD_DEPTH * level for level in range(L + 2)]
    for level, y in enumerate(places):
        glyphs.crowds(scene, aggregation, "stream", level, y)
        if level < L:
            glyphs.carpets(scene, aggregation, "look", level, y)
    told = [f"on the floor: the largest weight of {H} heads"] if H > 1 else ["on the floor: attention"]
    glyphs.crowd_signs(scene, aggregation, zip(texts, places, strict=True), told)
    return scene
