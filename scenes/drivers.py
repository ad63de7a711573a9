"""The components of query, key and value, read as words: what each token, on average over the corpus, makes of them."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import TokenMeans
from scenes.style import Scale

SHOWS = "token_means"
APART = 1.5  # from row to row, in steps of the grid: the columns are tall


def build(means: TokenMeans) -> pv.MultiBlock:
    """A column for each component of the head that looks most, numbered from 1: its queries, keys and values.

    At their left are the tokens, from the first one at the bottom.
    """
    l, h = means.head
    arrays = {"query": "query_of_token", "key": "key_of_token", "value": "value_of_token"}
    drawn = [getattr(means, array)[l, h] for array in arrays.values()]
    scene = glyphs.start("drivers", means, Scale.of(*drawn), style.VIEW_OF_GRID)
    for n, (text, array) in enumerate(arrays.items()):
        row = APART * n
        terms = [(array, (l, h, d), f"{text} {d + 1}") for d in range(len(drawn[n]))]
        glyphs.line(scene, means, terms, row)
        glyphs.levels(scene, means.vocab, row)
    glyphs.legend(scene, right=len(drawn[0]) - 1)
    return scene
