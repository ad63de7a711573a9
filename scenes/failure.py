"""Two trainings, one of which says the wrong word: how much each head looks at the right one, and what each says."""

import numpy as np
import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.comparison import Outcome
from scenes.style import Scale

SHOWS = "outcome"


def build(outcome: Outcome) -> pv.MultiBlock:
    """Two rows of bars, the trace in front: the last position's weights of one token, and what may come next."""
    _, L, H = outcome.looks.shape
    scene = glyphs.start("failure", outcome, Scale(1.0), style.VIEW_OF_BARS)
    heads, first = list(np.ndindex(L, H)), L * H + 0.6
    right = (first + len(outcome.candidates) - 1) * style.SPACING
    for n, text in enumerate(outcome.who):
        y = glyphs.level_row(scene, n, text, right, style.BAR_APART)
        for place, (l, h) in enumerate(heads):
            glyphs.stand(scene, outcome, "looks", (n, l, h), (place * style.SPACING, y), h)
        for place, id in enumerate(outcome.candidates, 1):
            glyphs.stand(scene, outcome, "says", (n, id), ((first + place - 1) * style.SPACING, y))
    glyphs.names(scene, [f"head {l + 1}.{h + 1}" for l, h in heads], style.SPACING)
    glyphs.names(scene, [outcome.vocab[id] for id in outcome.candidates], style.SPACING, place=first)
    front = -style.PLINTH - style.GROUP_BELOW
    glyphs.label(
        scene, "group/looks", f"looks at “{outcome.tokens[outcome.key]}”", ((L * H - 1) / 2 * style.SPACING, front)
    )
    glyphs.label(scene, "group/says", "says", ((first * style.SPACING + right) / 2, front))
    glyphs.bar_legend(scene, right, (0.0, 0.5), "probability", range(H))
    return scene
