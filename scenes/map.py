"""A map of the embeddings: the three directions in which they differ most, with each animal joined to its home."""

from typing import TYPE_CHECKING

import numpy as np
import pyvista as pv

from scenes import glyphs, style
from scenes.animals import ANIMALS
from scenes.homes import HOMES
from scenes.style import Scale

if TYPE_CHECKING:
    from article.anatomy import Anatomy

SHOWS = "anatomy"


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """A point for each token. Raises ValueError if the corpus lacks one of the linked words."""
    scene = glyphs.start("map", anatomy, Scale.of(anatomy.map), style.VIEW_OF_MAP)
    colors = dict.fromkeys(ANIMALS, style.HEADS[0]) | dict.fromkeys(HOMES, style.HEADS[1])
    glyphs.atlas(scene, anatomy, "map", anatomy.vocab, [colors.get(token, style.STONE) for token in anatomy.vocab])
    for pair in zip(ANIMALS, HOMES, strict=True):
        ends = [np.asarray(scene[f"map/{anatomy.id(token)}"].points).mean(axis=0) for token in pair]
        scene.append(glyphs.stick(*ends, style.INK), f"link/{'/'.join(pair)}")
    return scene
