"""The last position of the residual stream as a sum: what entered, and what each part of each block wrote."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.decomposition import Decomposition

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A column for each summand, and one for their sum, which leaves the last block."""
    L, t = len(decomposition.mixed), len(decomposition.tokens) - 1
    terms = [("token", (t,), "embedding"), ("position", (t,), "position")]
    for l in range(L):
        terms += [("attention_write", (l, t), f"attention {l + 1}"), ("mlp_write", (l, t), f"MLP {l + 1}")]
    terms += [("residual", (L, t), "= stream")]
    return glyphs.side_by_side("sum", decomposition, terms)
