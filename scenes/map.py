"""A map of the embeddings: the three directions in which they differ most; linked words are joined."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.animals import ANIMALS
from scenes.homes import HOMES
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A point for each token; where the vocabulary has the article's words, each animal is joined to its home."""
    scene = glyphs.start("map", decomposition, Scale.of(decomposition.map), style.VIEW_OF_MAP)
    colors: dict[str, style.Color] = dict.fromkeys(ANIMALS, style.HEADS[0])
    colors |= dict.fromkeys(HOMES, style.HEADS[1])
    pairs = zip(ANIMALS, HOMES, strict=True) if colors.keys() <= {*decomposition.vocab} else ()
    links = [(decomposition.id(animal), decomposition.id(home)) for animal, home in pairs]
    shades = [colors.get(token, style.STONE) for token in decomposition.vocab]
    glyphs.atlas(scene, decomposition, "map", decomposition.vocab, shades, links)
    return scene
