"""The map of the embeddings in the course of the training, as a film; its axes are those of the last step."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs, style
from scenes.animals import ANIMALS
from scenes.homes import HOMES
from scenes.style import Scale

if TYPE_CHECKING:
    from scenes.analysis.training_history import Film

SHOWS = "film"


def build(film: "Film") -> pv.MultiBlock:
    """A point for each token, with each animal joined to its home; at rest as at the last step.

    Raises ValueError if the corpus lacks one of the linked words.
    """
    scene = glyphs.start("drift", film, Scale.of(film.way), style.VIEW_OF_MAP)
    glyphs.roll(scene, len(film.steps))
    colors: dict[str, style.Color] = dict.fromkeys(ANIMALS, style.HEADS[0])
    colors |= dict.fromkeys(HOMES, style.HEADS[1])
    glyphs.chart(scene)
    ends = [glyphs.places_of(scene, film, v)[-1] for v in range(len(film.vocab))]
    named = glyphs.spread(film.vocab, ends, style.VIEW_OF_MAP)
    for v, token in enumerate(film.vocab):
        glyphs.moving(scene, film, v, token, colors.get(token, style.STONE), named[v])
    for animal, home in zip(ANIMALS, HOMES, strict=True):
        glyphs.tie(scene, film, film.id(animal), film.id(home))
    return scene
