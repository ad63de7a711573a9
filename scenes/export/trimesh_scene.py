"""What trimesh holds as PyVista's meshes, each with its name and its look."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyvista as pv


def meshes_of(thing: Any, name: str) -> Iterator[tuple[str, pv.PolyData, dict[str, Any]]]:
    """The meshes, paths and point clouds of a trimesh object where they stand, and how `add_mesh` is to show each.

    Raises ValueError for another object, with its name.
    """
    import trimesh

    if isinstance(thing, trimesh.Scene):
        for node in thing.graph.nodes_geometry:
            matrix, geometry = thing.graph[node]
            yield from meshes_of(thing.geometry[geometry].copy().apply_transform(matrix), str(node))
    elif isinstance(thing, trimesh.Trimesh):
        faces = np.column_stack([np.full(len(thing.faces), 3), thing.faces])
        mesh = pv.PolyData(np.asarray(thing.vertices, float), faces=faces.ravel())
        visual: Any = thing.visual
        if visual.kind == "texture":
            yield name, mesh, _textured(mesh, visual)
        else:
            on_faces = visual.kind == "face"
            where, rows = (mesh.cell_data, "face_colors") if on_faces else (mesh.point_data, "vertex_colors")
            yield name, mesh, _colored(where, getattr(visual, rows) if visual.defined else None)
    elif isinstance(thing, trimesh.PointCloud):
        cloud = pv.PolyData(np.asarray(thing.vertices, float))
        yield name, cloud, _colored(cloud.point_data, thing.colors if len(thing.colors) else None)
    elif isinstance(thing, trimesh.path.Path3D):
        lines = [entity.discrete(thing.vertices) for entity in thing.entities]
        first = np.cumsum([0, *map(len, lines)])
        cells = [np.insert(np.arange(a, b), 0, b - a) for a, b in zip(first, first[1:], strict=False)]
        path = pv.PolyData(np.concatenate(lines), lines=np.concatenate(cells))
        yield name, path, _colored(path.cell_data, thing.colors)
    else:
        raise ValueError(f"the block {name!r} cannot be drawn: it is a {type(thing).__name__}")


def _colored(where: Any, rows: Any) -> dict[str, Any]:
    """The look of colours (n, 4), which the data of points or cells is given; of none if there are none."""
    if rows is None or any(row is None for row in rows):
        return {}
    where["rgba"] = np.asarray(rows, np.uint8)
    return {"scalars": "rgba", "rgb": True}


def _textured(mesh: pv.PolyData, visual: Any) -> dict[str, Any]:
    """The look of a texture: its picture, whose coordinates the mesh is given, and the colour that multiplies it."""
    material = visual.material
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    factor = getattr(material, "baseColorFactor", None) if hasattr(material, "baseColorFactor") else material.diffuse
    factor = np.array([255, 255, 255, 255] if factor is None else factor, float)
    factor = factor / 255 if factor.max() > 1 else factor
    look: dict[str, Any] = {"color": factor[:3].tolist(), "opacity": float(factor[3])}
    if image is None or visual.uv is None:
        return look
    mesh.active_texture_coordinates = np.asarray(visual.uv, float)
    return look | {"texture": pv.Texture(np.asarray(image.convert("RGBA")))}
