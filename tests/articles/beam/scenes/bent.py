"""The sag, with its bar and the edges of its cells."""

from typing import Any

import pyvista as pv
from content.values import beam


def build() -> tuple[pv.StructuredGrid, dict[str, Any]]:
    bar = {"title": "sag (mm)"}
    return beam(), {"scalars": "sag", "cmap": "viridis", "show_edges": True, "scalar_bar_args": bar}
