"""The stress on a log scale, from a plotter with a title and bounds."""

import pyvista as pv
from content.values import beam


def build() -> pv.Plotter:
    plotter = pv.Plotter()
    plotter.add_mesh(
        beam(), scalars="stress", cmap="inferno", log_scale=True, scalar_bar_args={"title": "stress (MPa)"}
    )
    plotter.add_title("Bending stress")
    plotter.show_bounds()
    return plotter
