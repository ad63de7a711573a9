"""The embeddings of the linked words, as the model learned them: each animal beside its home."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs, style
from scenes.analysis.linked import ANIMALS, HOMES
from scenes.style import Scale

APART = 2.25  # from one pair to the next, in steps of the grid


def places() -> dict[str, float]:
    """Where each of the words stands, in steps of the grid: a home at the right of its animal."""
    pairs = enumerate(zip(ANIMALS, HOMES, strict=True))
    return {word: APART * n + beside for n, pair in pairs for beside, word in enumerate(pair)}


def build(trace: Trace) -> pv.MultiBlock:
    """A column for each of the words, in pairs. Raises ValueError if the corpus lacks one."""
    scene = glyphs.start("pairs", trace, Scale.of(trace.embedding), style.VIEW_OF_ROW)
    for word, place in places().items():
        glyphs.row(scene, trace, "embedding", [(trace.id(word),)], [word], place=place)
    glyphs.legend(scene, right=max(places().values()))
    return scene
