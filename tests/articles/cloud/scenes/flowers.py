"""The points as balls in the colours of their species, with words for categories, and a legend."""

import numpy as np
import pyvista as pv
from content.values import SPECIES, kinds, points


def build() -> pv.Plotter:
    cloud = pv.PolyData(points)
    cloud["species"] = np.array(SPECIES)[kinds]
    plotter = pv.Plotter()
    plotter.add_mesh(
        cloud, scalars="species", categories=True, cmap="Set2", point_size=14, render_points_as_spheres=True
    )
    return plotter
