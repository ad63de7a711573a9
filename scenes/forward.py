"""The whole forward pass: the residual stream, and every attention weight between its rows.

Beside the last vector stands the unembedding of the token that it predicts.
"""

import numpy as np
import pyvista as pv

from gpt import Trace
from scenes import glyphs, style
from scenes.style import Scale


def build(trace: Trace) -> pv.MultiBlock:
    """The rows of the residual stream, the ribbons of all heads between them, and the prediction."""
    L, H, T, _ = trace.attention.shape
    token, id = trace.prediction, trace.id(trace.prediction)
    scale = Scale.of(trace.residual, trace.normed[-1], trace.unembedding[id])
    scene = glyphs.start("forward", trace, scale, style.VIEW_OF_GRID)
    glyphs.stream(scene, trace)
    for l, h in np.ndindex(L, H):
        glyphs.pattern(scene, trace, l, h)
    glyphs.row(scene, trace, glyphs.unembedding(trace), [(id,)], [token], row=L + 1, place=T + 0.6)
    glyphs.legend(scene, right=T - 1, heads=range(H))
    return scene
