"""Where the heads of one of two that are compared look: every weight of those in which the two differ most."""

import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.comparison import Comparison
from scenes.glyphs import differences
from scenes.style import Scale

SHOWS = "comparison"
HEADS = 6  # at most
QUERIES = 16  # if there are more, the last one that both have stands for all


def build(comparison: Comparison) -> pv.MultiBlock:
    """A strip for each head: in front the tokens as keys, behind them as queries, and a ribbon for each weight.

    At its query the ribbons of a head lie side by side, in the order of the keys, and the wider, the lower.
    """
    T, heads = len(comparison.tokens), comparison.heads(HEADS)
    most = max(T, len(comparison.other.tokens))
    queries = range(T) if most <= QUERIES else range(comparison.shared - 1, comparison.shared)
    ls, hs = (list(part) for part in zip(*heads, strict=True))
    drawn = [comparison.attention_apart[ls, hs][:, list(queries)]]
    scene = differences.start("looks", comparison, Scale(1.0), drawn, style.VIEW_OF_GRID)
    share = min(style.STRIP_WIDER, style.RIBBON_ROOM / (style.RIBBON + most * style.HAIR))
    scene.user_dict |= {"ribbon": {"hair": share * style.HAIR, "span": share * style.RIBBON}}
    for n, (l, h) in enumerate(heads):
        strip(scene, comparison, (l, h), queries, n * style.STRIP_PITCH, share)
    glyphs.names(scene, comparison.tokens, style.SPACING)
    differences.legend(scene, T - 1, "ribbon")
    return scene


def strip(
    scene: pv.MultiBlock, comparison: Comparison, head: tuple[int, int], queries: range, front: float, share: float
) -> None:
    """Adds the weights of a head, from the keys at a `front` to the queries behind them."""
    T, (l, h) = len(comparison.tokens), head
    weights = comparison.attention[l, h]
    for y in (front, front + style.STRIP):
        low = (-style.PLINTH, y - style.STRIP_EDGE, 0)
        high = ((T - 1) * style.SPACING + style.PLINTH, y + style.STRIP_EDGE, style.PLINTH_HEIGHT)
        glyphs.ground(scene, glyphs.box(low, high, glyphs.to_bytes(style.STONE)))
    heights = glyphs.heights_of(weights, [(q, k) for q in queries for k in range(q + 1)])
    start, end = front + style.STRIP_EDGE, front + style.STRIP - style.STRIP_EDGE
    for q in queries:
        arrive = glyphs.arrivals(weights[q, : q + 1], q * style.SPACING, share)
        for k in range(q + 1):
            ends = (k * style.SPACING, start), (float(arrive[k]), end)
            band = glyphs.ribbon(weights[q, k], *ends, heights[q, k], style.SLATE, share)
            differences.place(scene, comparison, "attention", (l, h, q, k), "ribbon", lambda _, band=band: band)
    left = -style.PLINTH - style.PLATE_GAP - style.TEXT_MARGIN
    glyphs.label(scene, f"row/{l}/{h}", f"block {l + 1}, head {h + 1}", (left, front + style.STRIP / 2), align=1)
