"""The map of the embeddings in the course of the training, as a film; its axes are those of the last step."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.training_history import TrainingHistory
from scenes.animals import ANIMALS
from scenes.homes import HOMES
from scenes.style import Scale

SHOWS = "training_history"


def build(history: TrainingHistory) -> pv.MultiBlock:
    """A point for each token, with each animal joined to its home; at rest as at the last step.

    Raises ValueError if the corpus lacks one of the linked words.
    """
    scene = glyphs.start("drift", history, Scale.of(history.way), style.VIEW_OF_MAP)
    glyphs.roll(scene, len(history.steps))
    colors: dict[str, style.Color] = dict.fromkeys(ANIMALS, style.HEADS[0])
    colors |= dict.fromkeys(HOMES, style.HEADS[1])
    glyphs.chart(scene)
    ends = [glyphs.places_of(scene, history, v)[-1] for v in range(len(history.vocab))]
    named = glyphs.spread(history.vocab, ends, style.VIEW_OF_MAP)
    for v, token in enumerate(history.vocab):
        glyphs.moving(scene, history, v, token, colors.get(token, style.STONE), named[v])
    for animal, home in zip(ANIMALS, HOMES, strict=True):
        glyphs.tie(scene, history, history.id(animal), history.id(home))
    return scene
