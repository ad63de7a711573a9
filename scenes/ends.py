"""What one of two that are compared ends with: its last vector, and the unembeddings of what the two may say."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.comparison import Comparison
from scenes.glyphs import differences
from scenes.style import Scale

SHOWS = "comparison"
TOKENS = 5  # at most


def build(comparison: Comparison) -> pv.MultiBlock:
    """The last vector and the unembeddings of both answers and of further candidates; on the scales of both.

    The logit of a token is the product of its unembedding and the last vector. What the vocabulary lacks has no column.
    """
    said = list(dict.fromkeys([*comparison.answers, *comparison.candidates]))[:TOKENS]
    both = [comparison.last, comparison.other.normed[-1, -1]]
    both += [
        one.unembedding[one.id(token)] for one in (comparison, comparison.other) for token in said if token in one.vocab
    ]
    ids = [comparison.id(token) if token in comparison.vocab else -1 for token in said]
    there = [id for id in ids if id >= 0]
    drawn = [comparison.last_apart, comparison.unembedding_apart[there]]
    scene = differences.start("ends", comparison, Scale.of(*both), drawn, style.VIEW_OF_ROW)
    differences.column(scene, comparison, "last", (0,), (0, 0))
    array = glyphs.unembedding(comparison, comparison.other)
    for n, id in enumerate(ids, 1):
        if id >= 0:
            differences.column(scene, comparison, array, (id,), (n * style.SPACING, 0))
    texts = ["last vector", *(token if id >= 0 else "" for token, id in zip(said, ids, strict=True))]
    glyphs.names(scene, texts, style.SPACING)
    differences.legend(scene, len(said), rows=2)
    return scene
