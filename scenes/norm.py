"""The final LayerNorm of the last position, step by step: what it removes, rescales, multiplies and adds."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.decomposition import Decomposition

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
    return glyphs.side_by_side("norm", decomposition, steps)
