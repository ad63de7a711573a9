"""What one of two that are compared ends with: its last vector, and the embeddings of what the two may say."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.glyphs import comparison
from scenes.style import Scale

if TYPE_CHECKING:
    from scenes.analysis.comparison import Contrast

SHOWS = "contrast"
TOKENS = 5  # at most


def build(contrast: "Contrast") -> pv.MultiBlock:
    """The last vector and the embeddings of both answers and of further candidates; on the scales of both.

    The logit of a token is the product of its embedding and the last vector. What the vocabulary lacks has no column.
    """
    said = list(dict.fromkeys([*contrast.answers, *contrast.candidates]))[:TOKENS]
    both = [contrast.last, contrast.other.normed[-1, -1]]
    both += [one.embedding[one.id(token)] for one in (contrast, contrast.other) for token in said if token in one.vocab]
    ids = [contrast.id(token) if token in contrast.vocab else -1 for token in said]
    there = [id for id in ids if id >= 0]
    drawn = [contrast.last_apart, contrast.embedding_apart[there]]
    scene = comparison.start("ends", contrast, Scale.of(*both), drawn, style.VIEW_OF_ROW)
    comparison.column(scene, contrast, "last", (0,), (0, 0))
    for n, id in enumerate(ids, 1):
        if id >= 0:
            comparison.column(scene, contrast, "embedding", (id,), (n * style.SPACING, 0))
    texts = ["last vector", *(token if id >= 0 else "" for token, id in zip(said, ids, strict=True))]
    glyphs.names(scene, texts, style.SPACING)
    comparison.legend(scene, len(said), rows=2)
    return scene
