"""The components of the positions, read by place: a column for each component, a box for each place."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.decomposition import Decomposition

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """The positions of the prompt, read across."""
    return glyphs.by_component("places", decomposition, "place", [str(t + 1) for t in range(len(decomposition.tokens))])
