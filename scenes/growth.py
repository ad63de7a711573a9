"""The embeddings of the linked words in the course of the training, as a film of columns."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.training_history import TrainingHistory
from scenes.animals import ANIMALS
from scenes.homes import HOMES
from scenes.style import Scale

SHOWS = "training_history"
APART = 0.5  # between the animals and the homes, in steps of the grid


def build(history: TrainingHistory) -> pv.MultiBlock:
    """The animals, and beside them their homes; at rest they stand as at the last step.

    Raises ValueError if the corpus lacks one of the words.
    """
    scene = glyphs.start("growth", history, Scale.of(history.course), style.VIEW_OF_ROW)
    glyphs.roll(scene, len(history.steps))
    for first, words in ((0, ANIMALS), (len(ANIMALS) + APART, HOMES)):
        for n, word in enumerate(words):
            at = ((first + n) * style.SPACING, 0.0)
            glyphs.ground(scene, glyphs.box(*glyphs.foot(at), glyphs.to_bytes(style.STONE)))
            for d in range(history.course.shape[1]):
                glyphs.growing(scene, history, (history.id(word), d), at)
        glyphs.names(scene, words, style.SPACING, place=first)
    glyphs.legend(scene, right=len(ANIMALS) + APART + len(HOMES) - 1)
    return scene
