"""Whatever PyVista or trimesh users have, as a `.glb` that looks as PyVista shows it, without a window or GL."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyvista as pv

from scenes.export.annotations import annotations
from scenes.export.part import Part, raised, solid
from scenes.export.parts_glb import pack
from scenes.export.plotter import How, blocks_of, leaves
from scenes.export.trimesh_scene import meshes_of
from scenes.export.view import view_of

ERROR = 1 / 2000  # of the scene's diagonal


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
    how = How(lit, strokes, decimate, words)
    if isinstance(thing, pv.BasePlotter):
        if look:
            raise ValueError(f"a plotter has a look of its own; {next(iter(look))} belongs to its add_mesh")
        window = thing.window_size if thing.render_window else pv.global_theme.window_size
        return _written(thing, window, {}, name, how, up, error, plain)
    stage, without = _Stage(), {}
    try:
        if isinstance(thing, (pv.DataSet, pv.MultiBlock)):
            without = _staged(stage, thing, name, look)
        else:
            up = (0, 1, 0) if up is None else up
            for key, mesh, own in meshes_of(thing, name):
                stage.add_mesh(mesh, name=key, **own | look)
        return _written(stage, pv.global_theme.window_size, without, name, how, up, error, plain)
    finally:
        stage.close()


class _Stage(pv.BasePlotter):
    """A plotter without a window: PyVista's own way from meshes to actors."""


def _staged(stage: Any, thing: Any, name: str, look: dict[str, Any]) -> dict[str, list[str]]:
    """Adds the meshes of a dataset to a plotter, all on one scale; and says which are empty, or lack the scalars."""
    blocks = list(leaves("" if isinstance(thing, pv.MultiBlock) else name, thing))
    wanted, without = look.get("scalars"), {"empty": [], "without scalars": []}
    if isinstance(thing, pv.MultiBlock):
        if wanted is not None and not isinstance(wanted, str):
            raise ValueError("the scalars of a MultiBlock are the name of an array")
        look = look | _shared([block[wanted] for _, block in blocks if wanted and wanted in block.array_names], look)
    for key, block in blocks:
        if not isinstance(block, pv.DataSet):
            raise ValueError(f"the block {key!r} cannot be drawn: it is a {type(block).__name__}")
        if not block.n_points or not (block.n_cells or isinstance(block, pv.PointSet)):
            without["empty"].append(key)
            continue
        block, own = block.copy(deep=False), look  # add_mesh writes derived arrays into what it is given
        if isinstance(thing, pv.MultiBlock) and (not wanted or wanted not in block.array_names):
            block.set_active_scalars(None)
            own = {key: value for key, value in look.items() if key != "scalars"}
            without["without scalars"] += [key] if wanted else []
        try:
            stage.add_mesh(block, name=key, **own)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"the block {key!r} cannot be drawn: {error.args[0]}") from None
    return {key: names for key, names in without.items() if names}


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


def _written(
    plotter: Any, window: Any, without: dict, name: str, how: How, up: Any, error: float, plain: bool
) -> bytes:
    """The file of a plotter's one subplot that has actors."""
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
    extras = {"scene": name, "up": view.up.tolist(), "view": view.said(), "lights": "left out"} | said | without | more
    return pack(blocks, extras, view, size, error, plain)
