"""A cantilever of steel under its own weight, by Euler and Bernoulli: what it is, and the mesh that is coloured."""

import numpy as np
import pyvista as pv

LENGTH, WIDTH = 4.0, 0.1  # metres
MODULUS, WEIGHT = 210e9, 77e3 * WIDTH**2  # pascals, newtons a metre
INERTIA = WIDTH**4 / 12
EXAGGERATED = 50


def sag(x: np.ndarray) -> np.ndarray:
    """How far the beam goes down at x (n,), in metres."""
    return WEIGHT * x**2 * (6 * LENGTH**2 - 4 * LENGTH * x + x**2) / (24 * MODULUS * INERTIA)


def beam() -> pv.StructuredGrid:
    """The bent beam, with what its points say."""
    along, across = np.linspace(0, LENGTH, 81), np.linspace(-WIDTH / 2, WIDTH / 2, 5)
    x, y, z = np.meshgrid(along, across, across, indexing="ij")
    grid = pv.StructuredGrid(x, y, z)
    where = np.asarray(grid.points)[:, 0]
    grid["sag"] = 1000 * sag(where)
    grid["stress"] = np.maximum(WEIGHT * (LENGTH - where) ** 2 / 2 * (WIDTH / 2) / INERTIA / 1e6, 0.01)
    grid.points[:, 2] -= EXAGGERATED * sag(where)
    return grid


def values(_: object) -> dict[str, str]:
    tip = 1000 * sag(np.array([LENGTH]))[0]
    shown = {"length": f"{LENGTH:g}", "tip": f"{tip:.1f}", "exaggerated": str(EXAGGERATED)}
    return shown | {"none": "0", "most": f"{tip:.1f} millimetres"}
