"""The winning logit, taken apart: the last vector times the embedding of the winner, and of the runner-up."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.style import Scale

if TYPE_CHECKING:
    from scenes.analysis.decomposition import Anatomy

SHOWS = "anatomy"


CANDIDATES = 10


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """In front the last vector, and for the two best tokens the embedding and its product with the vector.

    Behind them stand the embeddings of the ten best candidates, each with its logit, the sum of its product.
    """
    L, t = len(anatomy.mixed), len(anatomy.tokens) - 1
    logits = anatomy.lens[-1, -1]
    best = anatomy.ranking[: min(CANDIDATES, len(anatomy.vocab))]
    front = [("normed", (L, t), "last vector")]
    for n, id in enumerate(best[:2]):
        front += [("embedding", (id,), anatomy.vocab[id]), ("agreement", (n,), "product")]
    drawn = [getattr(anatomy, array)[index] for array, index, _ in front]
    scene = glyphs.start("logit", anatomy, Scale.of(*drawn, anatomy.candidate[: len(best)]), style.VIEW_OF_GRID)
    glyphs.line(scene, anatomy, front)
    texts = [f"{anatomy.vocab[id]} {glyphs.number(logits[id])}" for id in best]
    glyphs.row(scene, anatomy, "candidate", [(n,) for n in range(len(best))], texts, 1)
    glyphs.side(scene, "the best, with their logits", 1)
    glyphs.legend(scene, right=len(best) - 1)
    return scene
