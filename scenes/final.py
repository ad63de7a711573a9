"""The last position's final vector; to be set beside `predicted`."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs


def build(trace: Trace) -> pv.MultiBlock:
    """The vector that is compared with every embedding, on a scale that fits that of the prediction, too."""
    return glyphs.alone("final", trace, "normed", (len(trace.normed) - 1, len(trace.tokens) - 1), "last vector")
