"""A training that looks at the right word and says the wrong one; to be set beside `succeeds`."""

import pyvista as pv

from scenes import glyphs
from scenes.analysis.comparison import Outcome

SHOWS = "failure"


def build(outcome: Outcome) -> pv.MultiBlock:
    """The last position's way through the model, with the embeddings of what it says and of the answer."""
    return glyphs.verdict("fails", outcome)
