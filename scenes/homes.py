"""The embeddings of the four homes, as the model learned them."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs

HOMES = ("nest", "hive", "den", "web")


def build(trace: Trace) -> pv.MultiBlock:
    """A column for each of the homes. Raises ValueError if the corpus lacks one."""
    return glyphs.gallery("homes", trace, HOMES)
