"""The scalars of a `.glb` of `anything.to_glb`, read from its texture coordinates, pictures and geometry alone."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scenes.export.part import surface_of
from scenes.export.plotter import leaves
from scenes.export.readback import DAMAGED, binary, check_pictures, document_of, pixels_of, readable, rows
from scenes.export.view import upright

ERRORS = ("allowed", "size", "scalars")


@dataclass(frozen=True)
class Scalars:
    """What a block's vertices say, in the frame of its mesh."""

    name: str
    of: str  # points or cells
    points: NDArray[np.float64]  # (n, 3)
    corners: NDArray[np.int64]  # (m, k)
    values: NDArray[np.float64]  # (n,), NaN where the bar says that it is none
    colors: NDArray[np.uint8]  # (n, 4), sRGB, of the pixel that each points to
    place: NDArray[np.float64]  # (n,) of each on the bar, 0 to 1
    limits: tuple[float, float]
    log: bool
    radius: float  # how far the points of a tube, or a ball, are from the mesh's


def read_scalars(glb: bytes) -> dict[str, list[Scalars]]:
    """The scalars of each block, by its name: those of its points, its lines and its faces.

    They are within `asset.extras.error.scalars` of their bar's length, and points within `error.points` of the scene's
    diagonal. Raises ValueError for a file that says none.
    """
    try:
        document, data = document_of(glb), binary(glb)
        check_pictures(document, data)
        said = document["asset"]["extras"]
        turn, _ = upright(said["up"]), (said["scene"], [float(said["error"][key]) for key in ERRORS])
        found = {
            node["name"]: [_scalars(document, data, node, told, turn) for told in node["extras"]["scalars"]]
            for node in document["nodes"]
            if "scalars" in node.get("extras", {})
        }
    except (ValueError, *DAMAGED) as error:
        raise ValueError(f"it is no .glb with scalars that can be read ({error})") from None
    return found


def _scalars(document: dict, data: bytes, node: dict, told: dict, turn: NDArray) -> Scalars:
    """The scalars of one primitive of a node."""
    primitive = document["meshes"][node["mesh"]]["primitives"][told["primitive"]]
    known = {key: rows(document, data, place) for key, place in primitive["attributes"].items()}
    corners = rows(document, data, primitive["indices"]).astype(int)
    points = known["POSITION"] * node.get("scale", [1])[0] + node.get("translation", [0, 0, 0])
    surface = document["materials"][primitive["material"]]["pbrMetallicRoughness"]
    texture = document["textures"][surface["baseColorTexture"]["index"]]
    pixels = pixels_of(document, data, texture["source"])
    u, v = known["TEXCOORD_0"].T
    high, wide = pixels.shape[:2]
    colors = pixels[np.clip((v * high).astype(int), 0, high - 1), np.clip(np.floor(u * wide), 0, wide - 1).astype(int)]
    place = np.where(v > 0.5, np.nan, (u * wide - 1) / (wide - 2))
    low, up = np.log10(told["limits"]) if told["log"] else told["limits"]
    values = low + place * (up - low)
    corners = corners.reshape(-1, primitive["mode"] - (primitive["mode"] == 4) or 1)
    values = 10**values if told["log"] else values
    limits = (told["limits"][0], told["limits"][1])
    said = (place, limits, told["log"], told.get("radius", 0.0))
    return Scalars(told["name"], told["of"], points @ turn, corners, values, colors, *said)


@readable()
def differences(glb: bytes, thing: Any) -> list[str]:
    """A sentence for each way in which the scalars of a file, and their places, are not those of a mesh or MultiBlock.

    Raises ValueError like `read_scalars`.
    """
    read, said = read_scalars(glb), document_of(glb)["asset"]["extras"]
    known = dict(leaves("" if isinstance(thing, pv.MultiBlock) else said["scene"], thing))
    found, error = [], said["error"]
    for name, each in read.items():
        if name not in known:
            found.append(f"{name}: the mesh has no such block")
            continue
        surface, _ = surface_of(known[name])
        for one in each:
            values = _values(surface.cell_data if one.of == "cells" else surface.point_data, one.name)
            if values is None:
                found.append(f"{name}: the mesh has no {one.name!r} on its {one.of}")
            else:
                reasons = _apart(one, surface, values, error["allowed"] * error["size"], error["scalars"])
                found += [f"{name}: {reason}" for reason in reasons]
    return found


def _values(data: Any, name: str) -> NDArray[np.float64] | None:
    """The numbers (n,) that PyVista shows of an array: those of words, and the lengths of vectors, have other names."""
    if name in data:
        return np.asarray(data[name], float)
    if (words := name.removesuffix("-digitized")) in data:
        return np.unique(data[words], return_inverse=True)[1].astype(float)
    vectors = name.removesuffix("-normed")
    return np.linalg.norm(data[vectors], axis=1) if vectors in data else None


def _apart(one: Scalars, surface: pv.PolyData, values: NDArray, near: float, error: float) -> list[str]:
    """What is not the same in scalars that were read and in a surface with values of its points or cells."""
    low, high = np.log10(one.limits) if one.log else one.limits
    with np.errstate(divide="ignore", invalid="ignore"):
        place = ((np.log10(values) if one.log else values) - low) / ((high - low) or 1.0)
    tree, points = KDTree(surface.points), one.points
    far, ids = tree.query(points, k=min(16, surface.n_points))
    far, ids = far.reshape(len(points), -1), ids.reshape(len(points), -1)
    there = np.abs(far - one.radius) <= near
    lost = int((~there.any(axis=1)).sum())
    found = [f"{lost} of its {len(points)} points are not where the mesh has one"] if lost else []
    if one.of == "cells":
        middles, read = points[one.corners].mean(axis=1), one.place[one.corners[:, 0]]
        expected = place[np.atleast_1d(cast(Any, surface.find_closest_cell(middles)))][:, None]
    else:
        expected, read = np.where(there, place[ids], np.inf), one.place
    # A number that is none is so for all of a face.
    none = np.isnan(read) & ~np.isfinite(values).all()
    off = np.nan_to_num(np.abs(expected - read[:, None]), nan=np.inf).min(axis=1)
    wrong = (off > error * 1.001 + 1e-9) & ~none
    return found + ([f"{wrong.sum()} of its {len(read)} values are others in the mesh"] if wrong.any() else [])
