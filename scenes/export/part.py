"""Surfaces, lines and points of any mesh as parts that glTF can draw: vertices, corners, and what colours them."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

Kind = Literal["points", "lines", "triangles"]
SIDES = 4  # of a tube
FEW = 2000  # points that are drawn round, even where no light shows it


@dataclass(frozen=True)
class Bar:
    """A colour table (n, 4), sRGB bytes, from one limit to another; what lies beyond, and what is no number."""

    title: str
    table: NDArray[np.uint8]
    limits: tuple[float, float]
    log: bool
    below: NDArray[np.uint8]
    above: NDArray[np.uint8]
    nan: NDArray[np.uint8]
    marks: dict[float, str] = field(default_factory=dict)  # numbers with a name, such as categories

    def place(self, values: NDArray) -> NDArray[np.float64]:
        """Where values are between the limits: 0 to 1, or beyond; not a number where they are none."""
        low, high = np.log10(self.limits) if self.log else self.limits
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.asarray(values, float)
            values = np.log10(np.maximum(values, 0)) if self.log else values
            values = np.where(np.isneginf(values) & self.log, low - (high - low), values)  # zero or less is below
            return np.where(np.isfinite(values), (values - low) / ((high - low) or 1.0), np.nan)

    def coordinates(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """The texture coordinates (n, 2) of places: the table has a pixel for what is below and above, a row for NaN.

        The upper limit has the last colour, and is moved into its pixel by less than a step of 16 bits.
        """
        n = len(self.table)
        inside = np.where((place > 0) & (place <= 1), np.minimum(place, 1 - 2 * (n + 2) / n / 65535), place)
        u = np.where(np.isnan(place), 0.5, (1 + n * inside) / (n + 2))
        return np.column_stack([u, np.where(np.isnan(place), 0.75, 0.25)])

    def picture(self) -> NDArray[np.uint8]:
        """The pixels (2, n + 2, 4) that `coordinates` points into."""
        row = np.vstack([self.below, self.table, self.above])
        return np.stack([row, np.broadcast_to(self.nan, row.shape)]).astype(np.uint8)


@dataclass(frozen=True)
class Part:
    """What one glTF primitive is made from, in the frame of the caller; colours are sRGB."""

    kind: Kind
    points: NDArray[np.float64]  # (n, 3)
    corners: NDArray[np.int64]  # (m, 1), (m, 2) or (m, 3)
    normals: NDArray[np.float64] | None = None  # (n, 3)
    coordinates: NDArray[np.float64] | None = None  # (n, 2), v downwards
    colors: NDArray[np.uint8] | None = None  # (n, 4)
    picture: NDArray[np.uint8] | None = None  # (h, w, 4)
    sharp: bool = True  # its pixels are seen, and its rim goes on; else they are blended
    repeats: bool = False
    color: tuple[float, float, float, float] = (1, 1, 1, 1)  # multiplies the others
    lit: bool = True
    culled: bool = False
    metallic: float = 0.0
    roughness: float = 1.0
    width: float = 0  # of its lines, or the size of its points, in pixels, if they are to be solid
    detail: float = np.inf  # a length that must be seen
    ink: bool = False  # it is letters
    place: NDArray[np.float64] | None = None  # (n,) on the bar, 0 to 1, of what its coordinates say
    scalars: dict[str, Any] = field(default_factory=dict)  # how they say it

    @property
    def translucent(self) -> bool:
        pixels = (rows[..., 3].min() < 255 for rows in (self.picture, self.colors) if rows is not None)
        return self.color[3] < 1 or any(pixels)


def surface_of(data: pv.DataSet) -> tuple[pv.PolyData, dict[str, Any]]:
    """The faces, lines and points that are drawn of a dataset, with its arrays, and what is to be said about it."""
    said = {"kind": type(data).__name__, "points": data.n_points, "cells": data.n_cells}
    if isinstance(data, pv.PolyData):
        return data, said
    surface = data.cast_to_polydata() if isinstance(data, pv.PointSet) else data.extract_surface(algorithm=None)
    return surface, said | {"surface": f"the {surface.n_cells} outer faces, lines and points of {data.n_cells} cells"}


def decimated(surface: pv.PolyData, share: float, cells: bool) -> tuple[pv.PolyData, dict[str, Any]]:
    """A surface without a share of its triangles, and how far what is left is from the points that it had.

    The points that stay are points of the surface. Raises ValueError for what has more than faces, or scalars on cells.
    """
    if surface.n_lines or surface.n_verts or cells:
        raise ValueError(f"decimate leaves out faces, and it has {'scalars on them' if cells else 'lines or points'}")
    whole = surface.triangulate()
    fewer = whole.decimate_pro(share, preserve_topology=True)
    nearest = cast(tuple, fewer.find_closest_cell(surface.points, return_closest_point=True))[1]
    off = float(np.linalg.norm(np.asarray(nearest) - surface.points, axis=1).max(initial=0))
    return fewer, {"decimated": {"from": whole.n_cells, "to": fewer.n_cells, "off": off}}


def corners_of(surface: pv.PolyData) -> dict[Kind, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The corners (m, k) of a surface's points, lines and triangles, and the cell (m,) that each is from."""
    found: dict[Kind, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    sizes, ids = _cells(surface.GetVerts())
    found["points"] = ids[:, None], np.repeat(np.arange(len(sizes)), sizes)
    first = len(sizes)
    sizes, ids = _cells(surface.GetLines())
    owner = np.repeat(np.arange(len(sizes)), sizes)
    goes_on = owner[1:] == owner[:-1]
    found["lines"] = np.column_stack([ids[:-1], ids[1:]])[goes_on], first + owner[1:][goes_on]
    first += len(sizes)
    faces = pv.PolyData()
    faces.SetPoints(surface.GetPoints())
    faces.SetPolys(surface.GetPolys())
    faces.SetStrips(surface.GetStrips())
    faces.cell_data["cell"] = np.arange(first, first + faces.n_cells)
    faces = faces.triangulate() if faces.n_cells else faces
    found["triangles"] = faces.regular_faces.reshape(-1, 3), np.asarray(faces.cell_data["cell"])
    return {kind: both for kind, both in found.items() if len(both[0])}


def edges_of(surface: pv.PolyData) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The edges (m, 2) of a surface's polygons, each once, and the cell (m,) that each is from."""
    sizes, ids = _cells(surface.GetPolys())
    last = np.cumsum(sizes) - 1
    after = np.arange(1, len(ids) + 1)
    after[last] = last - sizes + 1
    low, high = np.minimum(ids, ids[after]), np.maximum(ids, ids[after])
    _, first = np.unique(low * (surface.n_points + 1) + high, return_index=True)
    owner = np.repeat(np.arange(len(sizes)), sizes) + surface.n_verts + surface.n_lines
    return np.column_stack([low, high])[first], owner[first]


def normals_of(points: NDArray[np.float64], corners: NDArray[np.int64]) -> NDArray[np.float64]:
    """The normals (n, 3) of points in the middle of those of their triangles (m, 3)."""
    a, b, c = points[corners].swapaxes(0, 1)
    found = np.zeros_like(points)
    np.add.at(found, corners, np.cross(b - a, c - a)[:, None])
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)


def _cells(cells: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sizes (n,) of VTK's cells, and the numbers of their points, one after the other."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    if not cells.GetNumberOfCells():
        return np.zeros(0, int), np.zeros(0, int)
    offsets, ids = vtk_to_numpy(cells.GetOffsetsArray()), vtk_to_numpy(cells.GetConnectivityArray())
    return np.diff(offsets).astype(int), ids.astype(int)


def split(corners: NDArray[np.int64], key: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices in place of points (m, k): one for each pair of a point and a key (m, k), which tells colours apart.

    Of each vertex (v,) the place of a corner that it is, among all; and the vertices (m, k) of the corners.
    """
    pairs = corners.ravel() * (key.max(initial=0) + 1) + key.ravel()
    _, first, vertices = np.unique(pairs, return_index=True, return_inverse=True)
    return first, vertices.reshape(corners.shape)


def raised(part: Part, length: float) -> Part:
    """Edges on both sides of their faces, at a distance: a viewer cannot tell which is nearer where they are both."""
    out = length * cast(NDArray, part.normals)
    points = np.concatenate([part.points + out, part.points - out])
    corners = np.vstack([part.corners, part.corners + len(part.points)])
    return replace(part, points=points, corners=corners, normals=None)


def solid(part: Part, radius: float) -> Part:
    """Lines as tubes, points as balls, of a radius: triangles with the colours that those have."""
    if part.kind == "lines":
        start, end = part.points[part.corners].swapaxes(0, 1)
        along = (end - start) / np.maximum(np.linalg.norm(end - start, axis=1, keepdims=True), 1e-300)
        across = np.cross(along, np.eye(3)[np.abs(along).argmin(axis=1)])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-300)
        turn = np.arange(SIDES) * 2 * np.pi / SIDES
        out = across[:, None] * np.cos(turn)[:, None] + np.cross(along, across)[:, None] * np.sin(turn)[:, None]
        out = np.concatenate([out, out], axis=1)
        i, j = np.arange(SIDES), (np.arange(SIDES) + 1) % SIDES
        faces = np.vstack([np.column_stack([i, j, j + SIDES]), np.column_stack([i, j + SIDES, i + SIDES])])
        owner = np.repeat(part.corners, SIDES, axis=1)
    else:
        ball = pv.Icosahedron() if part.lit or len(part.corners) <= FEW else pv.PlatonicSolid("octahedron")
        directions = np.asarray(ball.points, float) / np.linalg.norm(ball.points, axis=1, keepdims=True)
        out = np.broadcast_to(directions, (len(part.corners), *directions.shape))
        faces, owner = ball.regular_faces, np.repeat(part.corners, len(directions), axis=1)
    corners = (faces + np.arange(len(owner))[:, None, None] * owner.shape[1]).reshape(-1, 3)
    rows = {name: getattr(part, name) for name in ("coordinates", "colors", "place")}
    rows = {name: None if values is None else values[owner.ravel()] for name, values in rows.items()}
    out = out.reshape(-1, 3)
    points, normals = part.points[owner.ravel()] + radius * out, out if part.lit else None
    scalars = part.scalars and part.scalars | {"radius": radius}
    rows |= {"points": points, "normals": normals, "corners": corners}
    return replace(part, kind="triangles", width=0, detail=radius, scalars=scalars, **rows)
