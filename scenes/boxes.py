"""Every embedding as a stack of five boxes: four components give a box its width, depth, height and colour."""

import math

import pyvista as pv

from gpt import Trace
from scenes import glyphs, style
from scenes.style import Scale


def build(trace: Trace) -> pv.MultiBlock:
    """The whole vocabulary in two rows, in the order of the ids, the first row in front, clear of the second."""
    V = len(trace.vocab)
    scene = glyphs.start("boxes", trace, Scale.of(trace.embedding), style.VIEW_OF_GRID)
    length = math.ceil(V / 2)
    for row, first in enumerate(range(0, V, length)):
        ids = range(first, min(first + length, V))
        words = [trace.vocab[id] for id in ids]
        glyphs.row(scene, trace, "embedding", [(id,) for id in ids], words, 1.3 * row, 0.6 * row, glyph=glyphs.stack)
    glyphs.legend(scene, right=length - 1, glyph=glyphs.stack, copies=4)
    return scene
