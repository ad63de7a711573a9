"""The embedding of the predicted token; to be set beside `final`."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs

if TYPE_CHECKING:
    from gpt import Trace


def build(trace: "Trace") -> pv.MultiBlock:
    """The embedding that the last vector comes nearest to, on a scale that fits both."""
    return glyphs.alone("predicted", trace, "embedding", (trace.id(trace.prediction),), trace.prediction)
