"""Whole scenes that several have in common."""

from collections.abc import Sequence
from typing import Any

import pyvista as pv

from scenes import style
from scenes.glyphs.legends import legend
from scenes.glyphs.scene import line, start
from scenes.style import Scale


def alone(name: str, trace: Any, array: str, index: Sequence[int], text: str) -> pv.MultiBlock:
    """A whole scene: one vector alone, on the scale of the last vector and the embedding of the prediction."""
    scale = Scale.of(trace.normed[-1, -1], trace.embedding[trace.id(trace.prediction)])
    scene = start(name, trace, scale)
    line(scene, trace, [(array, index, text)])
    legend(scene, right=style.LEGEND_SPACING / style.SPACING)  # its middle lies before the column
    return scene


def side_by_side(name: str, trace: Any, terms: Sequence[tuple[str, Sequence[int], str]]) -> pv.MultiBlock:
    """A whole scene: the vectors of `line` in a row, on the scale that fits them all."""
    scene = start(name, trace, Scale.of(*(getattr(trace, array)[tuple(index)] for array, index, _ in terms)))
    line(scene, trace, terms)
    legend(scene, right=len(terms) - 1)
    return scene
