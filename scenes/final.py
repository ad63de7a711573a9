"""The last position's final vector; to be set beside `predicted`."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs

if TYPE_CHECKING:
    from gpt import Trace


def build(trace: "Trace") -> pv.MultiBlock:
    """The vector that is compared with every embedding, on a scale that fits that of the prediction, too."""
    return glyphs.alone("final", trace, "normed", (len(trace.normed) - 1, len(trace.tokens) - 1), "last vector")
