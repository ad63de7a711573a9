"""The embedding of the predicted token; to be set beside `final`."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs


def build(trace: Trace) -> pv.MultiBlock:
    """The embedding that the last vector comes nearest to, on a scale that fits both."""
    return glyphs.alone("predicted", trace, "embedding", (trace.id(trace.prediction),), trace.prediction)
