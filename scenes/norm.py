"""The final LayerNorm of the last position, step by step: what it removes, rescales, multiplies and adds."""

from typing import TYPE_CHECKING

import pyvista as pv

from scenes import glyphs
from scenes.style import Scale

if TYPE_CHECKING:
    from scenes.analysis.decomposition import Anatomy

SHOWS = "anatomy"


def build(anatomy: "Anatomy") -> pv.MultiBlock:
    """A column for what comes in, and one for what is left after each step."""
    L, t = len(anatomy.mixed), len(anatomy.tokens) - 1
    steps = [
        ("residual", (L, t), "stream"),
        ("centred", (t,), "less its mean"),
        ("standard", (t,), "to one size"),
        ("scaled", (t,), "times gain"),
        ("normed", (L, t), "plus bias"),
    ]
    scene = glyphs.start("norm", anatomy, Scale.of(*(getattr(anatomy, array)[index] for array, index, _ in steps)))
    glyphs.line(scene, anatomy, steps)
    glyphs.legend(scene, right=len(steps) - 1)
    return scene
