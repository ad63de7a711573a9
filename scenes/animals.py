"""The embeddings of the four animals, as the model learned them."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs

if TYPE_CHECKING:
    from gpt import Trace

ANIMALS = ("bird", "bee", "fox", "spider")


def build(trace: "Trace") -> pv.MultiBlock:
    """A column for each of the animals. Raises ValueError if the corpus lacks one."""
    return glyphs.gallery("animals", trace, ANIMALS)
