"""The components of the embeddings, read as words: a column for each component, a box for each token."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs

if TYPE_CHECKING:
    from scenes.analysis.decomposition import Anatomy

SHOWS = "anatomy"


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """The whole table of embeddings, read across."""
    return glyphs.by_component("components", anatomy, "component", anatomy.vocab)
