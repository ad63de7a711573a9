"""The training of the article, at its last position: what it looks at, and what it says."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.comparison import Outcome

SHOWS = "success"


def build(outcome: Outcome) -> pv.MultiBlock:
    """The last position's way through the model, with the embeddings of what it says and of the answer."""
    return glyphs.verdict("succeeds", outcome)
