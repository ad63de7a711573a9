"""Blocks of parts as the bytes of a `.glb`: y up, colours as light, positions on a grid of their block."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenes.export.binary import INDICES, VERTICES, Binary, Table, index_rows
from scenes.export.glb import to_linear
from scenes.export.part import Part
from scenes.export.plotter import Block
from scenes.export.view import View, upright

NEEDED = ("scene", "up", "error", "decode")  # to read scalars, where a program has dropped the asset's extras
MODES = {"points": 0, "lines": 1, "triangles": 4}
NEAREST, LINEAR, MIPMAPS, CLAMP, REPEAT = 9728, 9729, 9987, 33071, 10497
DECODE = "t = (u (colors + 2) - 1) / colors of TEXCOORD_0 (u, v); the value is low + t (high - low), on a log scale of"
DECODE += " logarithms; where v is above 1/2 it is none"


def pack(blocks: list[Block], extras: dict[str, Any], view: View, size: float, error: float, plain: bool) -> bytes:
    """The file of blocks, each a node of its name, seen by a view; no point is further off than an error allows.

    The error is a share of the scene's size, its diagonal. A plain file has float32 throughout and needs no extension.
    Raises ValueError for an error that float32 cannot keep, with the name of the block.
    """
    writer = _Writer(view, error * size, plain)
    for block in blocks:
        writer.node(block)
    errors = {"allowed": error, "size": size, "points": writer.off / size, "scalars": writer.place_off}
    extras = extras | {"error": errors, "decode": DECODE}
    camera, place = view.node()
    nodes = [*writer.nodes, place | {"name": "camera", "camera": 0}]
    known = extras if plain else {key: extras[key] for key in NEEDED}
    nodes.append({"name": "root", "children": list(range(len(nodes))), "extras": known})
    used = ["KHR_materials_unlit"] if any("extensions" in one for one in writer.materials) else []
    needed = [] if plain else ["KHR_mesh_quantization"]
    document: dict[str, Any] = {"asset": {"version": "2.0", "generator": "Vitrine", "extras": extras}}
    document |= {"extensionsUsed": used + needed} if used + needed else {}
    document |= {"extensionsRequired": needed} if needed else {}
    document |= {"scene": 0, "scenes": [{"nodes": [len(nodes) - 1]}], "nodes": nodes, "cameras": [camera]}
    document |= {"meshes": writer.meshes, "materials": writer.materials}
    textures = {"samplers": writer.samplers, "textures": writer.textures} if writer.images else {}
    return writer.pack(document, **textures)


class _Writer(Binary):
    """The tables of a glTF document, filled block by block."""

    def __init__(self, view: View, allowed: float, plain: bool) -> None:
        super().__init__()
        self.turn, self.allowed, self.plain = upright(view.up), allowed, plain
        self.nodes, self.meshes, self.off, self.place_off = [], [], 0.0, 0.0
        self.materials, self.samplers, self.textures = Table(), Table(), Table()

    def node(self, block: Block) -> None:
        """Adds the node of a block: its mesh, and where the grid of its points is."""
        points = np.concatenate([part.points for part in block.parts]) @ self.turn.T
        rows, origin, step = self.grid(points, block)
        first = np.cumsum([len(part.points) for part in block.parts])[:-1]
        primitives = [self.primitive(part, own) for part, own in zip(block.parts, np.split(rows, first), strict=True)]
        scalars = [{"primitive": n} | part.scalars for n, part in enumerate(block.parts) if part.scalars]
        self.meshes.append({"name": block.name, "primitives": primitives})
        entry = {"name": block.name, "mesh": len(self.meshes) - 1}
        entry |= {"translation": origin.tolist()} if origin.any() else {}
        entry |= {"scale": [step] * 3} if step != 1 else {}
        said = block.said | ({"scalars": scalars} if scalars else {})
        self.nodes.append(entry | ({"extras": said} if said else {}))

    def grid(self, points: NDArray, block: Block) -> tuple[NDArray, NDArray[np.float64], float]:
        """Points (n, 3) as the smallest numbers that are near enough, where these begin, and what they count in."""
        allowed = min([self.allowed, *(part.detail / 20 for part in block.parts)])
        low, size = points.min(axis=0), float(np.ptp(points, axis=0).max())
        # Bytes would show as facets where a viewer makes the normals itself.
        facets = any(part.lit and part.normals is None and part.kind == "triangles" for part in block.parts)
        kinds = (np.uint8, np.uint16)[facets:]
        grids = [(kind, low, float(f"{size / np.iinfo(kind).max * (1 + 1e-8):.9g}") or 1.0) for kind in kinds]
        tried = [*([(np.float32, np.zeros(3), 1.0)] if self.plain else grids), (np.float32, low, 1.0)]
        off = np.inf
        for kind, origin, step in tried:
            rows = (points - origin) / step
            rows = (np.round(rows) if kind != np.float32 else rows).astype(kind)
            off = float(np.linalg.norm(rows.astype(float) * step + origin - points, axis=1).max())
            if off <= allowed:
                self.off = max(self.off, off)
                return rows, origin, step
        raise ValueError(
            f"the block {block.name!r} cannot be drawn: float32 is off by {off:.2g}, {allowed:.2g} is allowed"
        )

    def primitive(self, part: Part, rows: NDArray) -> dict[str, Any]:
        """A part as a primitive whose points are rows (n, 3)."""
        attributes = {"POSITION": self.positions(rows)}
        if part.normals is not None:
            normals = part.normals @ self.turn.T
            length = np.linalg.norm(normals, axis=1, keepdims=True)
            normals = np.where(length > 0, normals / np.maximum(length, 1e-300), [0, 1, 0])
            if self.plain:
                attributes["NORMAL"] = self.accessor(normals.astype(np.float32), VERTICES)
            else:
                attributes["NORMAL"] = self.accessor(np.round(normals * 127).astype(np.int8), VERTICES, normalized=True)
        if part.coordinates is not None:
            attributes["TEXCOORD_0"] = self.coordinates(part)
        if part.colors is not None:
            light = np.hstack([to_linear(part.colors[:, :3] / 255), part.colors[:, 3:] / 255])
            rgba = np.round(light * 65535).astype(np.uint16)
            attributes["COLOR_0"] = self.accessor(rgba, VERTICES, normalized=True)
        primitive = {"attributes": attributes, "mode": MODES[part.kind], "material": self.material(part)}
        return primitive | {"indices": self.accessor(index_rows(part.corners, len(rows)), INDICES)}

    def coordinates(self, part: Part) -> int:
        """The accessor of texture coordinates, no less than they are, so that none leaves the pixel that it begins."""
        exact = np.asarray(part.coordinates, float)
        coarse = not self.plain and exact.min() >= 0 and exact.max() <= 1 and part.scalars.get("colors", 0) <= 1024
        if coarse:
            written = np.ceil(exact * 65535 - 1e-6).astype(np.uint16)
        else:
            written = np.nextafter(exact.astype(np.float32), np.float32(np.inf))
        if part.place is not None:
            n, u = part.scalars["colors"], written[:, 0] / (65535 if coarse else 1.0)
            off = np.abs((u.astype(float) * (n + 2) - 1) / n - part.place)
            self.place_off = max(self.place_off, float(np.nan_to_num(off).max()))
        return self.accessor(written, VERTICES, **({"normalized": True} if coarse else {}))

    def material(self, part: Part) -> int:
        """The material of a part: matt, or without light."""
        surface: dict[str, Any] = {"metallicFactor": part.metallic, "roughnessFactor": part.roughness}
        surface["baseColorFactor"] = [*to_linear(part.color[:3]).round(6).tolist(), round(float(part.color[3]), 6)]
        if part.picture is not None:
            surface["baseColorTexture"] = {"index": self.texture(part)}
        entry: dict[str, Any] = {"pbrMetallicRoughness": surface, "doubleSided": not part.culled}
        entry |= {"name": "ink"} if part.ink else {}
        entry |= {} if part.lit else {"extensions": {"KHR_materials_unlit": {}}}
        return self.materials.place(entry | ({"alphaMode": "BLEND"} if part.translucent else {}))

    def texture(self, part: Part) -> int:
        """The texture of a part's picture."""
        near = {"magFilter": NEAREST if part.sharp else LINEAR}
        near |= {"minFilter": NEAREST if part.sharp and not part.repeats else MIPMAPS}
        wrap = REPEAT if part.repeats else CLAMP
        sampler = self.samplers.place(near | {"wrapS": wrap, "wrapT": wrap})
        return self.textures.place({"sampler": sampler, "source": self.image(np.ascontiguousarray(part.picture))})
