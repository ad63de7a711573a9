"""The MLP of each block at the last position: what it reads, its hidden units before and after ReLU, what it writes."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """Four columns for each block. Those of the hidden units are tall; the first unit is at the bottom."""
    L, t = len(decomposition.mixed), len(decomposition.tokens) - 1
    parts = [("normed_2", ""), ("up", "hidden"), ("hidden", "after ReLU"), ("mlp_write", "write")]
    scale = Scale.of(*(getattr(decomposition, array)[:, t] for array, _ in parts))
    scene = glyphs.start("mlp", decomposition, scale, style.VIEW_OF_TALL)
    for l in range(L):
        terms = [(array, (l, t), text if n else f"block {l + 1}") for n, (array, text) in enumerate(parts)]
        glyphs.line(scene, decomposition, terms, place=l * (len(parts) + 0.5))
    glyphs.legend(scene, right=(L - 1) * (len(parts) + 0.5) + len(parts) - 1)
    return scene
