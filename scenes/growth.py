"""The embeddings of the linked words in the course of the training, as a film of columns."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.training_history import TrainingHistory
from scenes.pairs import places
from scenes.style import Scale

SHOWS = "training_history"


def build(history: TrainingHistory) -> pv.MultiBlock:
    """Each animal beside its home, as in `pairs`; at rest they stand as at the last step.

    Raises ValueError if the corpus lacks one of the words.
    """
    scene = glyphs.start("growth", history, Scale.of(history.course), style.VIEW_OF_ROW)
    glyphs.roll(scene, len(history.steps))
    for word, place in places().items():
        at = (place * style.SPACING, 0.0)
        glyphs.ground(scene, glyphs.box(*glyphs.foot(at), glyphs.to_bytes(style.STONE)))
        for d in range(history.course.shape[1]):
            glyphs.growing(scene, history, (history.id(word), d), at)
        glyphs.names(scene, [word], style.SPACING, place=place)
    glyphs.legend(scene, right=max(places().values()))
    for shape, part in zip(scene["legend/value"], style.LEGEND_PARTS, strict=True):  # in the film's colours
        shape.point_data["color"][:] = glyphs.to_bytes((style.POSITIVE if part >= 0 else style.NEGATIVE)[1])
    return scene
