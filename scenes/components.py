"""The components of the embeddings, read as words: a column for each component, a box for each token."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.decomposition import Decomposition

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """The whole table of embeddings, read across."""
    return glyphs.by_component("components", decomposition, "component", decomposition.vocab)
