"""The embeddings of the four homes, as the model learned them."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs
from scenes.style import Scale

if TYPE_CHECKING:
    from gpt import Trace

HOMES = ("nest", "hive", "den", "web")


def build(trace: "Trace") -> pv.MultiBlock:
    """A column for each of the homes; raises ValueError if the corpus lacks one."""
    ids = [trace.id(token) for token in HOMES]
    scene = glyphs.start("homes", trace, Scale.of(trace.embedding))
    glyphs.row(scene, trace, "embedding", [(id,) for id in ids], HOMES)
    glyphs.legend(scene, right=len(ids) - 1)
    return scene
