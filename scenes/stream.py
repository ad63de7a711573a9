"""The residual stream of the prompt: what enters block 1, what leaves each block, and what ln_f makes of it."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs, style
from scenes.style import Scale


def build(trace: Trace) -> pv.MultiBlock:
    """A row of columns for each level of the residual stream, one behind the other."""
    scene = glyphs.start("stream", trace, Scale.of(trace.residual, trace.normed[-1]), style.VIEW_OF_GRID)
    glyphs.stream(scene, trace)
    glyphs.legend(scene, right=len(trace.tokens) - 1)
    return scene
