"""The final LayerNorm of the last position, step by step: what it removes, rescales, multiplies and adds."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A column for what comes in, and one for what is left after each step."""
    L, t = len(decomposition.mixed), len(decomposition.tokens) - 1
    steps = [
        ("residual", (L, t), "stream"),
        ("centred", (t,), "less its mean"),
        ("standard", (t,), "to one size"),
        ("scaled", (t,), "times gain"),
        ("normed", (L, t), "plus bias"),
    ]
    drawn = [getattr(decomposition, array)[index] for array, index, _ in steps]
    scene = glyphs.start("norm", decomposition, Scale.of(*drawn))
    glyphs.line(scene, decomposition, steps)
    glyphs.legend(scene, right=len(steps) - 1)
    return scene
