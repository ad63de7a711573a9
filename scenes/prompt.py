"""The prompt as it enters the first block: each token's embedding with its position added."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs
from scenes.style import Scale


def build(trace: Trace) -> pv.MultiBlock:
    """A column for each token of the prompt."""
    T = len(trace.tokens)
    scene = glyphs.start("prompt", trace, Scale.of(trace.residual[0]))
    glyphs.row(scene, trace, "residual", [(0, t) for t in range(T)], trace.tokens)
    glyphs.legend(scene, right=T - 1)
    return scene
