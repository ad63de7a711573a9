"""Whole scenes that several have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyvista as pv

from scenes import style
from scenes.glyphs.legends import legend
from scenes.glyphs.scene import levels, line, pattern, row, start, stream
from scenes.style import Scale


def gallery(name: str, trace: Any, tokens: Sequence[str]) -> pv.MultiBlock:
    """A whole scene: the embeddings of some tokens, on the scale of all. Raises ValueError if the corpus lacks one."""
    scene = start(name, trace, Scale.of(trace.embedding))
    row(scene, trace, "embedding", [(trace.id(token),) for token in tokens], tokens)
    legend(scene, right=len(tokens) - 1)
    return scene


def alone(name: str, trace: Any, array: str, index: Sequence[int], text: str) -> pv.MultiBlock:
    """A whole scene: one vector alone, on the scale of the last vector and the embedding of the prediction."""
    scale = Scale.of(trace.normed[-1, -1], trace.embedding[trace.id(trace.prediction)])
    scene = start(name, trace, scale)
    line(scene, trace, [(array, index, text)])
    # Its middle lies before the column, and it is no wider than it must.
    legend(scene, right=style.LEGEND_SPACING / style.SPACING, of_limit=style.LEGEND_PARTS[::2])
    return scene


def by_component(name: str, trace: Any, array: str, texts: Sequence[str]) -> pv.MultiBlock:
    """A whole scene: `getattr(trace, array)` (D, n), a column for each component, in two rows, numbered from 1.

    At the left of each row are the names of the boxes, the first one at the bottom.
    """
    values = getattr(trace, array)
    wide = -(-len(values) // 2)
    scene = start(name, trace, Scale.of(values), style.VIEW_OF_GRID)
    for y in range(2):
        place = range(y * wide, min((y + 1) * wide, len(values)))
        line(scene, trace, [(array, (d,), str(d + 1)) for d in place], y)
        levels(scene, texts, y)
    legend(scene, right=wide - 1)
    return scene


def verdict(name: str, outcome: Any) -> pv.MultiBlock:
    """A whole scene: the way of the last position through one of two models, on the scale of both.

    Every attention weight into it is drawn; beside its last vector stand the embeddings of the answer and of what the
    model says instead, if it does.
    """
    L, H, T, _ = outcome.attention.shape
    tokens = list(dict.fromkeys([outcome.answer, outcome.prediction]))
    both = [(one.residual, one.normed[-1, -1], one.embedding) for one in (outcome, outcome.other)]
    scene = start(name, outcome, Scale.of(*(values for one in both for values in one)), style.VIEW_OF_GRID)
    stream(scene, outcome, whole=L)
    for l, h in np.ndindex(L, H):
        pattern(scene, outcome, l, h, first=T - 1)
    ids = [(outcome.id(token),) for token in tokens]
    row(scene, outcome, "embedding", ids, tokens, row=L + 1, place=T + 0.6)
    legend(scene, right=T - 1, heads=H)
    return scene
