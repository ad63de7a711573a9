"""The embeddings of the four animals, as the model learned them."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs
from scenes.style import Scale

if TYPE_CHECKING:
    from gpt import Trace

ANIMALS = ("bird", "bee", "fox", "spider")


def build(trace: "Trace") -> pv.MultiBlock:
    """A column for each of the animals; raises ValueError if the corpus lacks one."""
    ids = [trace.id(token) for token in ANIMALS]
    scene = glyphs.start("animals", trace, Scale.of(trace.embedding))
    glyphs.row(scene, trace, "embedding", [(id,) for id in ids], ANIMALS)
    glyphs.legend(scene, right=len(ids) - 1)
    return scene
