"""What a head carries: the values of all tokens, mixed by attention into one, and what the heads write of it."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.decomposition import Decomposition
from scenes.style import Scale

SHOWS = "decomposition"


def build(decomposition: Decomposition) -> pv.MultiBlock:
    """The values in front; behind them what the last position receives, and what each head and all of attention write.

    Of the head that looks most, with the ribbons of its pattern into the last position.
    """
    (l, h), q = decomposition.head, len(decomposition.tokens) - 1
    T, H = q + 1, decomposition.mixed.shape[1]
    behind = [
        ("mixed", (l, h, q), "mixed"),
        *(("head_write", (l, n, q), f"head {n + 1}") for n in range(H)),
        ("attention_write", (l, q), "all write"),
    ]
    drawn = [getattr(decomposition, array)[index] for array, index, _ in behind]
    scene = glyphs.start("carry", decomposition, Scale.of(decomposition.value[l, h], *drawn), style.VIEW_OF_GRID)
    glyphs.row(scene, decomposition, "value", [(l, h, k) for k in range(T)], decomposition.tokens)
    glyphs.side(scene, f"values, block {l + 1}, head {h + 1}", 0)
    glyphs.pattern(scene, decomposition, l, h, first=q, row=0)
    glyphs.line(scene, decomposition, behind, 1, place=q)
    glyphs.legend(scene, right=q + 3, heads=[h])
    return scene
