"""The prompt as it enters the first block: each token's embedding with its position added."""

import pyvista as pv

from gpt import Trace
from scenes import glyphs


def build(trace: Trace) -> pv.MultiBlock:
    """A column for each token of the prompt."""
    return glyphs.side_by_side("prompt", trace, [("residual", (0, t), token) for t, token in enumerate(trace.tokens)])
