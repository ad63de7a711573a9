"""A scene as the bytes of a `.glb`: named nodes with their meaning, colours as light, y up, positions on a fine grid.

One grid of 2**16 steps spans the scene; the root node scales it back (`KHR_mesh_quantization`). Shapes of one topology
share their indices, shapes of one colour a material, and normals are left out, which makes viewers shade flat.
Format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

import copy
from collections.abc import Iterable
from contextlib import suppress

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.export.binary import INDICES, TIMED, VERTICES, Binary, Table, index_rows

STEPS = 2**16 - 1
SHARP = {"magFilter": 9728, "minFilter": 9985, "wrapS": 33071, "wrapT": 33071}  # pixels from near, blended from afar
UNLIT = {"pbrMetallicRoughness": {}, "extensions": {"KHR_materials_unlit": {}}}
MATT = {"metallicFactor": 0, "roughnessFactor": 1}
MATERIALS = {
    "solid": {"pbrMetallicRoughness": MATT},
    "sheet": {"pbrMetallicRoughness": MATT, "doubleSided": True},
    "land": {"pbrMetallicRoughness": MATT, "doubleSided": True},
    "plates": {"name": "plates", "pbrMetallicRoughness": MATT},  # named, for pages that leave out what they write
    "ink": {"name": "ink", **UNLIT, "doubleSided": True},
    "tiles": {**UNLIT, "alphaMode": "MASK"},
}


def to_linear(color: ArrayLike) -> NDArray[np.float64]:
    """Colours (sRGB, 0 to 1) as light 0 to 1 (IEC 61966-2-1)."""
    color = np.asarray(color, float)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def turn(points: ArrayLike) -> NDArray[np.float64]:
    """Points (..., 3) with z up as points with y up."""
    return np.asarray(points, float)[..., [0, 2, 1]] * [1, 1, -1]


def leaves(scene: Iterable) -> list[pv.PolyData]:
    """All shapes of a scene, or of some blocks, those inside its groups included, in order."""
    return [leaf for block in scene for leaf in (leaves(block) if isinstance(block, pv.MultiBlock) else [block])]


def polygons(shape: pv.PolyData) -> NDArray[np.int64]:
    """The faces (n, k) of a shape, as they are if all have k corners and none is in a strip, else as triangles."""
    with suppress(ValueError):
        if not shape.n_strips:
            return shape.regular_faces
    return shape.triangulate().regular_faces


def triangles(shape: pv.PolyData) -> NDArray[np.int64]:
    """The triangles (m, 3) of a shape. Faces of one size are cut the same way, so that shapes alike stay alike."""
    faces = polygons(shape)
    fan = [corner for i in range(1, faces.shape[1] - 1) for corner in (0, i, i + 1)]
    return faces[:, fan].reshape(-1, 3)


def painted(shape: pv.PolyData) -> tuple[NDArray, NDArray[np.int64]]:
    """The colours (n, 3) of a shape's points, and its triangles (m, 3)."""
    return np.asarray(shape.point_data["color"]), triangles(shape)


def to_glb(scene: pv.MultiBlock) -> bytes:
    """The scene (z up, sRGB) as glTF (y up, linear); the same bytes for the same scene.

    A block becomes a node of its name, with the trace, index and values of its `user_dict` as extras; the scene's
    `user_dict` becomes the asset's extras. The shapes of a group become children without a name that share a mesh where
    they differ only in place, as do the letters of a text. Raises ValueError for an empty scene, and for a block that
    cannot be drawn, with its name.
    """
    if not leaves(scene):
        raise ValueError("the scene is empty")
    blocks = list(zip(scene.keys(), scene, strict=True))
    for name, block in blocks:
        for shape in leaves([block]):
            if reason := undrawable(shape):
                raise ValueError(f"the block {name!r} cannot be drawn: {reason}")
    writer = _Writer(scene)
    top = [writer.node(block, name) for name, block in blocks if not isinstance(block, pv.MultiBlock) or leaves(block)]
    return writer.file(top, scene.user_dict.data)


def undrawable(shape: object) -> str:
    """Why a shape cannot be drawn: it is no faces of finite points, each with a colour; nothing if it can."""
    if not isinstance(shape, pv.PolyData):
        return f"it is a {type(shape).__name__}; a shape is a PolyData"
    if shape.n_lines or shape.n_verts:
        return "it has lines or single points; a tube or a sphere has faces"
    if not shape.n_points or not shape.n_cells:
        return "it has no points, or no faces"
    if not np.isfinite(shape.points).all():
        return "a point of it is not finite"
    if "color" not in shape.point_data:
        return 'it has no colours; point_data["color"] has red, green and blue for each point'
    color = np.asarray(shape.point_data["color"])
    if color.shape != (shape.n_points, 3):
        return f"its colours are {color.shape}; each point has red, green and blue"
    if color.dtype != np.uint8 and color.dtype.kind != "f":
        return f"its colours are {color.dtype}; they are bytes (uint8), or floats from 0 to 1"
    if color.dtype.kind == "f" and not ((color >= 0) & (color <= 1)).all():
        return "a colour of it is not from 0 to 1"
    return ""


class _Writer(Binary):
    """The tables of a glTF document, filled node by node, and its data."""

    def __init__(self, scene: pv.MultiBlock) -> None:
        super().__init__()
        self.nodes, self.channels, self.samplers = [], [], []
        self.meshes, self.materials = Table(), Table()
        self.known: dict[tuple, int] = {}  # meshes, by all that they are made from
        self.times = scene.user_dict.get("times", [])
        points = np.concatenate([turn(shape.points) for shape in leaves(scene)])
        self.low = points.min(axis=0)
        self.step = float((points.max(axis=0) - self.low).max() / STEPS) or 1.0

    def node(self, block: pv.PolyData | pv.MultiBlock, name: str) -> int:
        """The node of a named block. A group's shapes are moved to their places by nodes of their own."""
        known = block.user_dict.data
        if isinstance(block, pv.MultiBlock):
            entry = {"name": name, "children": [self.part(shape) for shape in leaves(block)]}
        elif "letters" in known:
            entry = {"name": name, "children": self.letters(block, known)}
        else:
            entry = {"name": name} | self.whole(block, known, name)
        extras = {key: known[key] for key in ("trace", "index", "values") if key in known}
        return self.add(entry | ({"extras": extras} if extras else {}))

    def add(self, entry: dict) -> int:
        """Adds a node; returns its number."""
        self.nodes.append(entry)
        return len(self.nodes) - 1

    def whole(self, shape: pv.PolyData, known: dict, name: str) -> dict:
        """A shape as part of its node: its mesh and, if it has a grid of its own, where that is."""
        points = turn(shape.points)
        if known.get("material") == "tiles":
            return {"mesh": self.tiled(shape)}
        if "grid" not in known:
            return {"mesh": self.mesh(*painted(shape), known, self.steps(points - self.low))}
        origin, step = (turn(known["grid"][key]) for key in ("origin", "step"))
        kind = np.uint8 if known["grid"]["bits"] == 8 else np.uint16
        grid = np.round((points - origin) / np.abs(step))
        if grid.min() < 0 or grid.max() > np.iinfo(kind).max:
            raise ValueError(f"the block {name!r} cannot be drawn: it reaches beyond the grid that it names")
        mesh = self.mesh(*painted(shape), known, grid.astype(kind))
        place, scale = np.round((origin - self.low) / self.step, 2), np.round(np.abs(step) / self.step, 5)
        return {"mesh": mesh, "translation": place.tolist(), "scale": scale.tolist()}

    def part(self, shape: pv.PolyData) -> int:
        """The node of a shape of a group."""
        known = shape.user_dict.data
        if "film" in known:
            return self.moved(shape, known)
        if known.get("material") == "tiles":
            return self.add({"mesh": self.tiled(shape)})
        points = turn(shape.points)
        corner = points.min(axis=0)
        mesh = self.mesh(*painted(shape), known, self.steps(points - corner))
        return self.placed(mesh, self.steps(corner - self.low))

    def letters(self, shape: pv.PolyData, known: dict) -> list[int]:
        """The nodes of the letters of a text, like the parts of a group."""
        (colors, corners), points = painted(shape), turn(shape.points)
        sizes, faces = np.array(known["letters"]).T
        first = np.cumsum(sizes) - sizes
        low = np.minimum.reduceat(points, first)
        places, grid = self.steps(low - self.low), self.steps(points - np.repeat(low, sizes, axis=0))
        letters = zip(places, first, np.split(grid, first[1:]), np.split(corners, np.cumsum(faces)[:-1]), strict=True)
        return [
            self.placed(self.mesh(colors[n : n + len(rows)], outline - n, known, rows), place)
            for place, n, rows, outline in letters
        ]

    def placed(self, mesh: int, steps: NDArray[np.number]) -> int:
        """The node of a mesh that stands so many steps from the scene's origin."""
        return self.add({"mesh": mesh, "translation": steps.astype(int).tolist()})

    def moved(self, shape: pv.PolyData, known: dict) -> int:
        """The node of a shape that is moved: its unit and its place, and its size at rest and at each step."""
        mesh, film = self.mesh(*painted(shape), known, turn(known["unit"]).astype(np.int8)), known["film"]
        place = np.round((turn(film["pivot"]) - self.low) / self.step, 2)
        node = self.add({"mesh": mesh, "translation": place.tolist()})
        self.animate(node, np.abs(turn(film["scale"])) / self.step)
        return node

    def animate(self, node: int, sizes: NDArray[np.float64]) -> None:
        """Gives a node its size (K, 3) at each recorded step. The last one is held; it is at rest there."""
        rows = np.round(np.vstack([sizes, sizes[-1:]]), 2) + 0.0
        self.nodes[node]["scale"] = rows[-1].tolist()
        times = np.array(self.times, np.float32)[:, None]
        limits = {"min": times[0].tolist(), "max": times[-1].tolist()}
        sampler = {"input": self.accessor(times, TIMED, **limits), "output": self.accessor(rows.astype("f4"), TIMED)}
        self.channels.append({"sampler": len(self.samplers), "target": {"node": node, "path": "scale"}})
        self.samplers.append(sampler)

    def steps(self, lengths: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Lengths (..., 3) from a corner in steps of the scene's grid."""
        return np.round(lengths / self.step).astype(np.uint16)

    def mesh(self, color: NDArray, corners: NDArray[np.int64], known: dict, grid: NDArray[np.integer]) -> int:
        """The mesh of colours (n, 3), triangles (m, 3), what is known of the shape, and its points (n, 3) on a grid."""
        name = known.get("material", "solid")
        # The colours of a column or a stack are numbers and stay with the boxes, even if they are all the same.
        plain = bool((color == color[0]).all()) and "grid" not in known and color.dtype == np.uint8
        key = name, plain, *((part.dtype.char, part.tobytes()) for part in (color, corners, grid))
        if key not in self.known:
            attributes = {"POSITION": self.positions(grid)}
            material = copy.deepcopy(MATERIALS[name])
            kind = np.uint8 if color.dtype == np.uint8 else np.uint16
            light = to_linear(color / 255 if kind is np.uint8 else color)
            if plain:
                material["pbrMetallicRoughness"]["baseColorFactor"] = [*light[0].round(4).tolist(), 1]
            else:
                rgba = np.round(np.insert(light, 3, 1, axis=1) * np.iinfo(kind).max).astype(kind)
                attributes["COLOR_0"] = self.accessor(rgba, VERTICES, normalized=True)
            indices = self.accessor(index_rows(corners, len(grid)), INDICES)
            primitive = {"attributes": attributes, "indices": indices, "material": self.materials.place(material)}
            self.known[key] = self.meshes.place({"primitives": [primitive]})
        return self.known[key]

    def tiled(self, shape: pv.PolyData) -> int:
        """The mesh of tiles: one sheet, whose picture has a pixel for a tile, else a hole; viewers draw it quickly."""
        points = turn(shape.points)
        low, high = points.min(axis=0), points.max(axis=0)
        ring = np.array([[0, 0, 1], [1, 0, 1], [1, 0, 0], [0, 0, 0]])  # z runs towards the eye
        grid = self.steps(low + ring * (high - low) - self.low)
        corners = points.reshape(-1, 4, 3)[:, :, [2, 0]]  # of each tile: its row, and its column
        size, start = np.ptp(corners[0], axis=0), low[[2, 0]]
        row, column = np.round((corners.min(axis=1) - start) / size).astype(int).T
        pixels = np.zeros((row.max() + 1, column.max() + 1, 4), np.uint8)
        pixels[row, column] = np.insert(np.asarray(shape.point_data["color"])[::4], 3, 255, axis=1)
        material = copy.deepcopy(MATERIALS["tiles"])
        material["pbrMetallicRoughness"]["baseColorTexture"] = {"index": self.image(pixels)}
        places = ring[:, [0, 2]].astype(np.float32)
        attributes = {"POSITION": self.positions(grid), "TEXCOORD_0": self.accessor(places, VERTICES)}
        indices = self.accessor(np.array([[0], [1], [2], [0], [2], [3]], np.uint8), INDICES)
        primitive = {"attributes": attributes, "indices": indices, "material": self.materials.place(material)}
        return self.meshes.place({"primitives": [primitive]})

    def file(self, top: list[int], extras: dict) -> bytes:
        # Rounded, because processors differ in the last digits of what scenes are computed from.
        scale, place = [float(f"{self.step * style.METER:.9g}")] * 3, np.round(self.low * style.METER, 9).tolist()
        # What many programs that save a file again drop of the asset, they keep of a node.
        root = {"name": "scene", "children": top, "scale": scale, "translation": place, "extras": extras}
        document = {
            "asset": {"version": "2.0", "generator": "Vitrine", "extras": extras},
            "extensionsUsed": ["KHR_materials_unlit", "KHR_mesh_quantization"],
            "extensionsRequired": ["KHR_mesh_quantization"],
            "scene": 0,
            "scenes": [{"nodes": [len(self.nodes)]}],
            "nodes": [*self.nodes, root],
            "meshes": self.meshes,
            "materials": self.materials,
        }
        more: dict[str, list] = {}
        if self.images:
            textures = [{"sampler": 0, "source": n} for n in range(len(self.images))]
            more |= {"samplers": [SHARP], "textures": textures}
        if self.channels:
            more["animations"] = [{"name": "training", "channels": self.channels, "samplers": self.samplers}]
        return self.pack(document, **more)
