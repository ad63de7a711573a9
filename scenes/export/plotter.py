"""What a PyVista plotter shows, as parts: the meshes of its actors in their colours. Needs no window and no GL."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyvista as pv
from numpy.typing import NDArray

from scenes.export.part import Bar, Part, corners_of, decimated, edges_of, normals_of, split, surface_of

POINTS, WIREFRAME = 0, 1  # VTK's representations
DIRECT, COMPONENT, LOG, PBR = 2, 1, 1, 3  # its colour mode, its vector mode, its scale, its interpolation


@dataclass(frozen=True)
class How:
    """How a scene is written; see `anything.to_glb`."""

    lit: bool | None = None
    strokes: Literal["solids", "lines"] = "solids"
    decimate: float = 0
    words: bool = True


@dataclass(frozen=True)
class Block:
    """A named node of a file: its parts, and what is said about it."""

    name: str
    parts: list[Part]
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Paint:
    """How the cells of a surface are coloured: by values on a bar, or by colours; each of a point or of a cell."""

    rows: NDArray  # (n,) values or (n, 4) bytes
    on_cells: bool
    bar: Bar | None = None

    def on(self, corners: NDArray[np.int64], cells: NDArray[np.int64], points: NDArray) -> dict[str, Any]:
        """The points, corners and colours of a part with these corners (m, k) of cells (m,)."""
        at = np.repeat(cells[:, None], corners.shape[1], axis=1) if self.on_cells else corners
        rows = self.rows[at]
        if self.bar:
            rows = self.bar.place(rows)
            rows[np.isnan(rows).any(axis=1)] = np.nan  # VTK draws all of a face so if one of its corners is
        key = np.isnan(rows).astype(int) if self.bar and not self.on_cells else at * self.on_cells
        if self.on_cells:  # alike, where they look alike
            alike = self.bar.place(self.rows) if self.bar else np.ascontiguousarray(self.rows).view(np.uint32)[:, 0]
            key = np.unique(alike, return_inverse=True)[1].ravel()[at]
        first, vertices = split(corners, key)
        found = {"points": points[corners.ravel()[first]], "corners": vertices, "first": corners.ravel()[first]}
        if not self.bar:
            return found | {"colors": rows.reshape(-1, 4)[first]}
        place = rows.ravel()[first]
        where = {"of": "cells" if self.on_cells else "points"}
        scalars = {"name": self.bar.title, **where, "limits": list(self.bar.limits), "log": self.bar.log}
        found |= {"place": place, "scalars": scalars | {"colors": len(self.bar.table)}}
        return found | {"coordinates": self.bar.coordinates(place), "picture": self.bar.picture()}


def blocks_of(renderer: Any, how: How) -> tuple[list[Block], dict[str, list[str]]]:
    """The blocks of a renderer's actors, and the names of those that are hidden, empty, or no part of a file.

    Raises ValueError for an actor that cannot be drawn, with its name.
    """
    blocks, without = [], {"hidden": [], "empty": [], "left out": []}
    for name, actor in named(renderer):
        mapper = actor.GetMapper() if hasattr(actor, "GetMapper") else None
        if not actor.GetVisibility():
            without["hidden"] += [] if actor.IsA("vtkActor2D") else [name]
        elif actor.IsA("vtkVolume"):
            raise ValueError(f"the block {name!r} cannot be drawn: it is a volume; its contours or slices have faces")
        elif actor.IsA("vtkActor") and not actor.IsA("vtkCubeAxesActor") and mapper is not None:
            model, own = renderer.GetActiveCamera().GetModelTransformMatrix(), actor.GetMatrix()
            matrix = pv.array_from_vtkmatrix(model) @ pv.array_from_vtkmatrix(own)
            mapper.Update()
            single = _attributes(mapper)
            for path, data in leaves(name, pv.wrap(mapper.GetInputDataObject(0, 0))):
                if single and single.HasBlockVisibility(data) and not single.GetBlockVisibility(data):
                    without["hidden"].append(path)
                    continue
                try:
                    block = _block(path, data, actor, how, matrix)
                except ValueError as error:
                    raise ValueError(f"the block {path!r} cannot be drawn: {error}") from None
                blocks.append(block) if block.parts else without["empty"].append(path)
        elif not is_annotation(actor):
            without["left out"].append(name)
    return blocks, without


def named(renderer: Any) -> Iterator[tuple[str, Any]]:
    """The actors of a renderer with a name of each: PyVista's, without addresses, which no two runs have in common."""
    known: dict[str, int] = {}
    for name, actor in renderer.actors.items():
        short = re.sub(r"\((Addr=)?0x[0-9a-fA-F]+\)", "", name)
        known[short] = known.get(short, 0) + 1
        yield (f"{short} {known[short]}" if known[short] > 1 else short), actor


def leaves(name: str, data: Any) -> Iterator[tuple[str, Any]]:
    """The datasets in a dataset, by their paths."""
    if not isinstance(data, pv.MultiBlock):
        yield name, data
        return
    for key, block in zip(data.keys(), data, strict=True):
        if block is not None:
            yield from leaves(f"{name}/{key}" if name else str(key), block)


def is_annotation(actor: Any) -> bool:
    """Whether an actor is drawn by `annotations`."""
    kinds = ("vtkScalarBarActor", "vtkLegendBoxActor", "vtkCubeAxesActor", "vtkCornerAnnotation", "vtkTextActor")
    mapper = actor.GetMapper() if actor.IsA("vtkActor2D") else None
    return any(map(actor.IsA, kinds)) or bool(mapper and mapper.IsA("vtkLabelPlacementMapper"))


def _attributes(mapper: Any) -> Any:
    """What a mapper of several blocks has for single ones; nothing if it is of one."""
    return mapper.IsA("vtkCompositePolyDataMapper") and mapper.GetCompositeDataDisplayAttributes()


def _block(name: str, data: Any, actor: Any, how: How, matrix: NDArray[np.float64]) -> Block:
    """The block of a dataset as an actor shows it."""
    if not isinstance(data, pv.DataSet):
        raise ValueError(f"it is a {type(data).__name__}; a mesh has points and cells")
    mapper, prop = actor.GetMapper(), actor.GetProperty()
    color, opacity = prop.GetColor(), prop.GetOpacity()
    if attributes := _attributes(mapper):
        opacity = attributes.GetBlockOpacity(data) if attributes.HasBlockOpacity(data) else opacity
        if attributes.HasBlockColor(data):
            color = attributes.GetBlockColor(data)
    surface, said = surface_of(data)
    if not surface.n_points or not surface.n_cells:
        return Block(name, [])
    if not np.isfinite(surface.points).all():
        raise ValueError("a point of it is not finite")
    paint = None if attributes and attributes.HasBlockColor(data) else paint_of(surface, mapper)
    if how.decimate:
        surface, more = decimated(surface, how.decimate, bool(paint and paint.on_cells))
        said, paint = said | more, paint_of(surface, mapper) if paint else None
    look = {"color": (*color, opacity), "culled": bool(prop.GetBackfaceCulling())}
    parts = [_moved(part, matrix) for part in _parts(surface, paint, actor, how, look)]
    return Block(name, parts, said)


def _parts(surface: pv.PolyData, paint: Paint | None, actor: Any, how: How, look: dict) -> Iterator[Part]:
    """The parts of a surface: its points, lines and triangles, and the edges of its polygons."""
    prop, points = actor.GetProperty(), np.asarray(surface.points, float)
    corners, style = corners_of(surface), prop.GetRepresentation()
    if style != POINTS and "triangles" in corners and (style == WIREFRAME or prop.GetEdgeVisibility()):
        edges = edges_of(surface)
        if style == WIREFRAME:
            lines = corners.get("lines", (np.zeros((0, 2), int), np.zeros(0, int)))
            corners["lines"] = np.vstack([lines[0], edges[0]]), np.concatenate([lines[1], edges[1]])
            del corners["triangles"]
        else:
            ids, ends = np.unique(edges[0], return_inverse=True)
            tint = (*prop.GetEdgeColor(), prop.GetEdgeOpacity() * look["color"][3])
            width = prop.GetLineWidth() if how.strokes == "solids" else 0
            out = normals_of(points, corners["triangles"][0])[ids]
            yield Part("lines", points[ids], ends.reshape(-1, 2), out, color=tint, lit=False, width=width)
    if style == POINTS:
        ids = np.concatenate([ids.ravel() for ids, _ in corners.values()])
        owner = np.concatenate([np.repeat(cells, ids.shape[1]) for ids, cells in corners.values()])
        ids, first = np.unique(ids, return_index=True)
        corners = {"points": (ids[:, None], owner[first])}
    for kind, (ids, cells) in corners.items():
        yield _part(kind, ids, cells, surface, paint, actor, how, look)


def _part(kind: Any, ids: NDArray, cells: NDArray, surface: Any, paint: Any, actor: Any, how: How, look: dict) -> Part:
    """The part of corners (m, k) of cells (m,) of a surface."""
    prop, points = actor.GetProperty(), np.asarray(surface.points, float)
    as_solid = {"lines": prop.GetRenderLinesAsTubes(), "points": prop.GetRenderPointsAsSpheres(), "triangles": True}
    lit = bool(prop.GetLighting() and as_solid[kind])
    lit = lit and not (paint and paint.bar) if how.lit is None else lit and how.lit
    found = (paint or Paint(np.zeros((surface.n_points, 4), np.uint8), False)).on(ids, cells, points)
    first = found.pop("first")
    if paint:
        look = look | {"color": (1, 1, 1, look["color"][3])}
    else:
        found.pop("colors")
    normals, texture = surface.GetPointData().GetNormals(), actor.GetTexture()
    mapped = surface.active_texture_coordinates
    if kind == "triangles" and lit and normals is not None and prop.GetInterpolation():
        found["normals"] = np.asarray(pv.convert_array(normals), float)[first]
    if kind == "triangles" and texture is not None and mapped is not None and not paint:
        found["coordinates"] = np.asarray(mapped, float)[first, :2] * [1, -1] + [0, 1]
        pixels = np.atleast_3d(pv.Texture(texture).to_array())
        found["picture"] = rgba(pixels.reshape(-1, pixels.shape[2])).reshape(*pixels.shape[:2], 4)
        found |= {"sharp": not texture.GetInterpolate(), "repeats": bool(texture.GetRepeat())}
    if prop.GetInterpolation() == PBR:
        found |= {"metallic": prop.GetMetallic(), "roughness": prop.GetRoughness()}
    if how.strokes == "solids" and kind != "triangles":
        found["width"] = prop.GetLineWidth() if kind == "lines" else prop.GetPointSize()
    return Part(kind, lit=lit, **found, **look)


def _moved(part: Part, matrix: NDArray[np.float64]) -> Part:
    """A part where its actor has it."""
    if (matrix == np.eye(4)).all():
        return part
    normals = part.normals
    if normals is not None:
        normals = normals @ np.linalg.inv(matrix[:3, :3])
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    corners = part.corners[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else part.corners
    return replace(part, points=part.points @ matrix[:3, :3].T + matrix[:3, 3], normals=normals, corners=corners)


def paint_of(surface: pv.PolyData, mapper: Any) -> Paint | None:
    """How a mapper colours a surface; None if it does not."""
    from vtkmodules.vtkCommonCore import reference

    if not mapper.GetScalarVisibility():
        return None
    flag, how = reference(0), (mapper.GetScalarMode(), mapper.GetArrayAccessMode(), mapper.GetArrayId())
    array = mapper.GetAbstractScalars(surface, *how, mapper.GetArrayName() or "", flag)
    if array is None:
        return None
    rows, on_cells = np.asarray(pv.convert_array(array)), bool(flag)
    mode = mapper.GetColorMode()
    if mode == DIRECT or (mode == 0 and rows.dtype == np.uint8):
        return Paint(rgba(rows.reshape(len(rows), -1)), on_cells)
    table = mapper.GetLookupTable()
    if rows.ndim == 2:
        one = table.GetVectorMode() == COMPONENT
        rows = rows[:, table.GetVectorComponent()] if one else np.linalg.norm(rows, axis=1)
    limits = table.GetRange() if mapper.GetUseLookupTableScalarRange() else mapper.GetScalarRange()
    return Paint(rows, on_cells, bar_of(table, limits, array.GetName() or ""))


def rgba(rows: NDArray) -> NDArray[np.uint8]:
    """Colours (n, 1 to 4), grey or of red, green and blue, with alpha or without, as bytes (n, 4)."""
    if rows.dtype.kind == "f":
        if not ((rows >= 0) & (rows <= 1)).all():
            raise ValueError("a colour of it is not from 0 to 1; colours are bytes (uint8), or floats from 0 to 1")
        rows = np.floor(255 * rows + 0.5).astype(np.uint8)
    if rows.dtype != np.uint8 or not 1 <= rows.shape[1] <= 4:
        raise ValueError(f"its colours are {rows.dtype}; colours are bytes (uint8), or floats from 0 to 1")
    color = rows[:, :3] if rows.shape[1] > 2 else np.repeat(rows[:, :1], 3, axis=1)
    alpha = rows[:, -1:] if rows.shape[1] in (2, 4) else np.full((len(rows), 1), 255, np.uint8)
    return np.hstack([color, alpha])


def bar_of(table: Any, limits: tuple[float, float], title: str) -> Bar:
    """The bar of a VTK lookup table between limits. Raises ValueError for a table, or limits, that it cannot have."""
    if not table.IsA("vtkLookupTable") or table.GetIndexedLookup():
        raise ValueError(f"its colours come from a {table.GetClassName()} without limits; a lookup table has them")
    log = table.GetScale() == LOG
    if not np.isfinite(limits).all():
        raise ValueError("the limits of its colours are not finite; clim sets them")
    if log and not 0 < limits[0] < limits[1]:
        raise ValueError(f"its log scale is from {limits[0]:g} to {limits[1]:g}; clim sets limits above zero")
    colors = np.asarray(pv.convert_array(table.GetTable()))
    if len(colors) > 4094:
        raise ValueError(f"its table has {len(colors)} colours; a picture has room for 4094")
    ends = [table.GetBelowRangeColor(), table.GetAboveRangeColor(), table.GetNanColor()]
    below, above, nan = np.round(np.array(ends) * 255).astype(np.uint8)
    below = below if table.GetUseBelowRangeColor() else colors[0]
    above = above if table.GetUseAboveRangeColor() else colors[-1]
    marks = {}
    for n in range(table.GetNumberOfAnnotatedValues()):
        value = table.GetAnnotatedValue(n)
        marks[float(value if isinstance(value, (int, float)) else value.ToDouble())] = table.GetAnnotation(n)
    return Bar(title, colors, (float(limits[0]), float(limits[1])), log, below, above, nan, marks)
