"""The winning logit, taken apart: the last vector times the unembedding of the winner, and of the runner-up."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"
CANDIDATES = 10


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """In front the last vector, and for the two best tokens the unembedding and its product with the vector.

    Behind them stand the unembeddings of the ten best candidates, each with its logit, the sum of its product.
    """
    L, t = len(decomposition.mixed), len(decomposition.tokens) - 1
    logits = decomposition.lens[-1, -1]
    best = decomposition.ranking[: min(CANDIDATES, len(decomposition.vocab))]
    array, front = glyphs.unembedding(decomposition), [("normed", (L, t), "last vector")]
    for n, id in enumerate(best[:2]):
        front += [(array, (id,), decomposition.vocab[id]), ("agreement", (n,), "product")]
    drawn = [getattr(decomposition, array)[index] for array, index, _ in front]
    scene = glyphs.start(
        "logit", decomposition, Scale.of(*drawn, decomposition.candidate[: len(best)]), style.VIEW_OF_GRID
    )
    glyphs.line(scene, decomposition, front)
    texts = [f"{decomposition.vocab[id]} {glyphs.number(logits[id])}" for id in best]
    glyphs.row(scene, decomposition, "candidate", [(n,) for n in range(len(best))], texts, 1)
    glyphs.side(scene, "the best, with their logits", 1)
    glyphs.legend(scene, right=len(best) - 1)
    return scene
