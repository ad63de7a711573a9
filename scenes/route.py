"""A map of the positions: the three directions in which they differ most, joined from the first to the last."""

from itertools import pairwise

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """A point for each position of the sentence, numbered from 1."""
    scene = glyphs.start("route", decomposition, Scale.of(decomposition.route), style.VIEW_OF_MAP)
    T = len(decomposition.tokens)
    names, links = [str(t + 1) for t in range(T)], list(pairwise(range(T)))
    glyphs.atlas(scene, decomposition, "route", names, [style.HEADS[0]] * T, links)
    return scene
