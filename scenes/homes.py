"""The embeddings of the four homes, as the model learned them."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs

if TYPE_CHECKING:
    from gpt import Trace

HOMES = ("nest", "hive", "den", "web")


def build(trace: "Trace") -> pv.MultiBlock:
    """A column for each of the homes. Raises ValueError if the corpus lacks one."""
    return glyphs.gallery("homes", trace, HOMES)
