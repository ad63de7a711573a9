"""Whatever PyVista or trimesh users have, as a `.glb` that looks as PyVista shows it, without a window or GL."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyvista as pv
import trimesh

from scenes.export.annotations import annotations
from scenes.export.part import Part, raised, solid
from scenes.export.parts_glb import pack
from scenes.export.plotter import Block, How, blocks_of, leaves
from scenes.export.view import View, view_of

ERROR = 1 / 2000  # of the scene's diagonal
Scene = tuple[list[Block], dict[str, Any], View, float]


def to_glb(
    thing: Any,
    *,
    name: str = "scene",
    lit: bool | None = None,
    strokes: Literal["solids", "lines"] = "solids",
    words: bool = True,
    error: float = ERROR,
    plain: bool = False,
    decimate: float = 0,
    up: Any = None,
    **look: Any,
) -> bytes:
    """A `pv.DataSet`, a `MultiBlock`, a `pv.Plotter`, or a mesh or scene of trimesh, as the bytes of a `.glb`.

    `look` is what PyVista's `add_mesh` takes: `scalars`, `cmap`, `clim`, `opacity`, `texture`, `show_edges` … A plotter
    has that already. Scalars are shown in the exact colours of their bar, without light, unless `lit`. `strokes` makes
    wide lines and large points `solids`, or leaves them the `lines` and points of a pixel that viewers draw. `words`
    puts labels, titles, bars and axes into the scene; the extras have them in any case. No point is further off than
    `error`, a share of the scene's diagonal. A `plain` file has float32 throughout and needs no extension. `decimate`
    leaves out a share of the triangles. `up` is (0, 0, 1), for trimesh (0, 1, 0), and what a plotter's camera says.

    Raises ValueError for what cannot be drawn, with the name of the block.
    """
    scene = scene_of(thing, How(lit, strokes, decimate, words), name, up, look)
    return pack(*scene, error, plain)


def scene_of(thing: Any, how: How, name: str, up: Any, look: dict[str, Any]) -> Scene:
    """What `to_glb` writes: the blocks, what is said about them, the view, and the scene's size."""
    if isinstance(thing, pv.BasePlotter):
        if look:
            raise ValueError(f"a plotter has a look of its own; {next(iter(look))} belongs to its add_mesh")
        window = thing.window_size if thing.render_window else pv.global_theme.window_size
        return _seen(thing, window, {}, name, how, up)

    class Stage(pv.BasePlotter):
        """A plotter without a window: PyVista's way from meshes to actors. Here, as its import takes half a second."""

    stage = Stage()
    try:
        without = _staged(stage, thing, name, look)
        if up is None and not isinstance(thing, (pv.DataSet, pv.MultiBlock)):
            up = (0, 1, 0)
        return _seen(stage, pv.global_theme.window_size, without, name, how, up)
    finally:
        stage.close()


def _staged(stage: Any, thing: Any, name: str, look: dict[str, Any]) -> dict[str, list[str]]:
    """Adds the meshes of a dataset to a plotter, all on one scale; and says which are empty, or lack the scalars."""
    many, wanted, without = isinstance(thing, pv.MultiBlock), look.get("scalars"), {"empty": [], "without scalars": []}
    if isinstance(thing, (pv.DataSet, pv.MultiBlock)):
        blocks = [(key, block, {}) for key, block in leaves("" if many else name, thing)]
    else:
        blocks = list(_meshes_of(thing, name))
    if many:
        if wanted is not None and not isinstance(wanted, str):
            raise ValueError("the scalars of a MultiBlock are the name of an array")
        look = look | _shared([block[wanted] for _, block, _ in blocks if wanted and wanted in block.array_names], look)
    for key, block, own in blocks:
        if not isinstance(block, pv.DataSet):
            raise ValueError(f"the block {key!r} cannot be drawn: it is a {type(block).__name__}")
        if not block.n_points or not (block.n_cells or isinstance(block, pv.PointSet)):
            without["empty"].append(key)
            continue
        block, own = block.copy(deep=False), own | look  # add_mesh writes derived arrays into what it is given
        if many and (not wanted or wanted not in block.array_names):
            block.set_active_scalars(None)
            own.pop("scalars", None)
            without["without scalars"] += [key] if wanted else []
        try:
            stage.add_mesh(block, name=key, **own)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"the block {key!r} cannot be drawn: {error.args[0]}") from None
    return without


def _meshes_of(thing: Any, name: str) -> Iterator[tuple[str, pv.PolyData, dict[str, Any]]]:
    """The meshes, paths and point clouds of a trimesh object where they stand, and how `add_mesh` is to show each.

    Raises ValueError for another object, with its name.
    """
    if isinstance(thing, trimesh.Scene):
        for node in thing.graph.nodes_geometry:
            matrix, geometry = thing.graph[node]
            yield from _meshes_of(thing.geometry[geometry].copy().apply_transform(matrix), str(node))
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


def _shared(arrays: list[Any], look: dict[str, Any]) -> dict[str, Any]:
    """The limits that some arrays have together, and how many categories."""
    if not arrays:
        if look.get("scalars"):
            raise ValueError(f"no block has the scalars {look['scalars']!r}")
        return {}
    if any(array.dtype.kind not in "biuf" for array in arrays):
        raise ValueError(f"the scalars {look['scalars']!r} are words; those of a MultiBlock are numbers")
    every = np.concatenate([np.ravel(array) if array.ndim == 1 else np.linalg.norm(array, axis=1) for array in arrays])
    every = every[np.isfinite(every)]
    more = {"n_colors": len(np.unique(every))} if look.get("categories") else {}
    return {"clim": [float(every.min(initial=np.inf)), float(every.max(initial=-np.inf))]} | look | more


def _finished(part: Part, pixel: float) -> Part:
    """A part with its width, where a pixel measures so much."""
    if part.width > 1:
        return solid(part, part.width / 2 * pixel)
    return raised(part, pixel) if part.kind == "lines" and part.normals is not None else part


def _seen(plotter: Any, window: Any, without: dict[str, list[str]], name: str, how: How, up: Any) -> Scene:
    """What a plotter's one subplot that has actors shows."""
    renderers = [renderer for renderer in plotter.renderers if renderer.actors]
    if len(renderers) > 1:
        raise ValueError(f"the plotter has {len(renderers)} subplots; a file shows one")
    blocks, more = blocks_of(renderers[0], how) if renderers else ([], {})
    if not blocks:
        raise ValueError("the scene is empty")
    points = np.concatenate([part.points for block in blocks for part in block.parts])
    ends = np.array([points.min(axis=0), points.max(axis=0)])
    view, size = view_of(renderers[0], tuple(window), ends, up), float(np.linalg.norm(ends[1] - ends[0])) or 1.0
    shown, said = annotations(renderers[0], view, view.nearer(points))
    blocks += shown if how.words else []
    blocks = [replace(block, parts=[_finished(part, view.pixel) for part in block.parts]) for block in blocks]
    extras = {"scene": name, "up": view.up.tolist(), "view": view.said(), "lights": "left out"} | said
    for key in [*without, *more]:
        extras |= {key: names} if (names := without.get(key, []) + more.get(key, [])) else {}
    return blocks, extras, view, size
