"""A map of the embeddings: the three directions in which they differ most; linked words are joined."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.pairs import ANIMALS, HOMES
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A point for each token; where the vocabulary has the article's words, each animal is joined to its home."""
    scene = glyphs.start("map", decomposition, Scale.of(decomposition.map), style.VIEW_OF_MAP)
    colors: dict[str, style.Color] = dict.fromkeys(ANIMALS, style.HEADS[0])
    colors |= dict.fromkeys(HOMES, style.HEADS[1])
    if not colors.keys() <= {*decomposition.vocab}:
        colors = {}
    pairs = zip(ANIMALS, HOMES, strict=True) if colors else ()
    links = [(decomposition.id(animal), decomposition.id(home)) for animal, home in pairs]
    shares = decomposition.map_shares.tolist()
    glyphs.atlas(scene, decomposition, "map", shares, decomposition.vocab, colors, links)
    return scene
