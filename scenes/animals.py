"""The embeddings of the four animals, as the model learned them."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs

ANIMALS = ("bird", "bee", "fox", "spider")


def build(trace: Trace) -> pv.MultiBlock:
    """A column for each of the animals. Raises ValueError if the corpus lacks one."""
    return glyphs.gallery("animals", trace, ANIMALS)
