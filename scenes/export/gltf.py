"""What a `.glb` draws: every triangle where it stands in the scene, with its colours, its material and how it moves.

However a file says it: the order of its nodes, meshes and triangles, the types of its numbers, and by which nodes a
place is told do not count. Colours are light (linear).
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from scenes.export.readback import Track, binary, count, header, pixels_of, readable, rows, tracks

REST = {"translation": [0.0, 0.0, 0.0], "rotation": [0.0, 0.0, 0.0, 1.0], "scale": [1.0, 1.0, 1.0]}
TOLD = {"name", "children", "mesh", "matrix", "extras", *REST}  # of a node, what is read here
DRAWN = {"POSITION", "NORMAL", "COLOR_0", "TEXCOORD_0"}  # attributes
LIGHT, FINE_LIGHT = 1 / 255, 1e-4  # how finely a file tells colours, in bytes and otherwise
FLAT = 0.02  # how far a normal may be from the one of its triangle, which is what there is without normals


@dataclass
class Part:
    """Triangles of one material at one node."""

    path: tuple[int, ...]  # the nodes from the root to it
    corners: NDArray[np.float64]  # (m, 3, 3), in the node's own frame
    light: NDArray[np.float64]  # (m, 3, 4)
    picture: NDArray[np.float64]  # (m, 3, 2), places on it
    look: str  # the material, and what else decides how it is drawn
    on_grid: bool
    light_step: float


class Drawing:
    """A `.glb`, opened. Raises ValueError if it is none of ours, or cannot be read."""

    def __init__(self, glb: bytes) -> None:
        self.document = header(glb)
        self.data = binary(glb)
        self.parts: list[Part] = []
        self.reached: list[int] = []  # nodes, in the order of the tree
        self.seen: set[int] = set()
        self.still: dict[tuple[int, ...], NDArray[np.float64]] = {}  # frames at rest that have been asked for
        with readable():
            self.tracks = tracks(self.document, self.data)
            for root in self.document["scenes"][self.document.get("scene", 0)]["nodes"]:
                self.visit(root, ())

    def name(self, node: int) -> str:
        return self.document["nodes"][node].get("name", "")

    def visit(self, number: int, above: tuple[int, ...]) -> None:
        """Reads a node and those under it."""
        node, path = self.document["nodes"][number], (*above, number)
        if number in self.seen:
            raise TypeError(f"the node {self.name(number)!r} stands at two places")
        self.seen.add(number)
        self.reached.append(number)
        for primitive in self.document["meshes"][node["mesh"]]["primitives"] if "mesh" in node else ():
            self.parts.append(self.part(primitive, path))
        for child in node.get("children", ()):
            self.visit(child, path)

    def part(self, primitive: dict, path: tuple[int, ...]) -> Part:
        """The triangles of a primitive."""
        attributes, mode = primitive["attributes"], primitive.get("mode", 4)
        position = self.document["accessors"][attributes["POSITION"]]
        points = self.rows(attributes["POSITION"])
        order = self.rows(primitive["indices"])[:, 0].astype(int) if "indices" in primitive else np.arange(len(points))
        faces = triangles(order, mode)
        count(self.document, 27 * len(faces))
        look, factor = self.look(primitive.get("material"))
        others = primitive.keys() - {"attributes", "indices", "material", "mode", "extras"}
        look |= {key: primitive[key] for key in others}
        look |= {name: "" for name in attributes if name not in DRAWN and not name.startswith(("_", "TEXCOORD"))}
        look |= {} if mode in (4, 5, 6) else {"mode": mode}
        ends = points.min(axis=0), points.max(axis=0)
        limits = np.array([position.get("min", ends[0]), position.get("max", ends[1])])
        if not position.get("normalized") and not np.allclose(limits, ends, rtol=1e-5):
            look["bounds"] = "wrong"  # by which viewers leave out what they take for out of sight
        if "NORMAL" in attributes and not are_flat(points[faces], self.rows(attributes["NORMAL"])[faces]):
            look["normals"] = "smooth"
        light, step = np.ones((len(points), 4)), FINE_LIGHT
        if "COLOR_0" in attributes:
            colors = self.rows(attributes["COLOR_0"])
            light[:, : colors.shape[1]] = colors
            step = LIGHT if self.document["accessors"][attributes["COLOR_0"]]["componentType"] == 5121 else step
        pictured = "picture" in look and "TEXCOORD_0" in attributes
        places = self.rows(attributes["TEXCOORD_0"]) if pictured else np.zeros((len(points), 2))
        text = json.dumps(look, sort_keys=True)
        grid = position["componentType"] in (5121, 5123)
        return Part(path, points[faces], light[faces] * factor, places[faces], text, grid, step)

    def look(self, number: int | None) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """What a material says, and the light (4,) that it multiplies all colours with."""
        material = dict(self.document["materials"][number]) if number is not None else {}
        told = dict(material.pop("pbrMetallicRoughness", {}))
        factor = np.array(told.pop("baseColorFactor", [1, 1, 1, 1]), float)
        picture = told.pop("baseColorTexture", None)
        mode = material.pop("alphaMode", "OPAQUE")
        look: dict[str, Any] = {
            "metallic": round(float(told.pop("metallicFactor", 1)), 4),
            "rough": round(float(told.pop("roughnessFactor", 1)), 4),
            "shines": [round(float(part), 4) for part in material.pop("emissiveFactor", [0, 0, 0])],
            "double": bool(material.pop("doubleSided", False)),
            "alpha": [mode, float(material.pop("alphaCutoff", 0.5)) if mode == "MASK" else 0.0],
        }
        if picture is not None:
            look["picture"] = self.picture(picture)
        rest = material | told
        return look | {key: rest[key] for key in rest if key not in ("name", "extras")}, factor

    def picture(self, texture: dict) -> list:
        """What a picture shows, and how it is laid on."""
        known = self.document["textures"][texture["index"]]
        pixels = pixels_of(self.document, self.data, known["source"])
        sampler = self.document["samplers"][known["sampler"]] if "sampler" in known else {}
        laid = {key: value for key, value in (texture | sampler).items() if key not in ("index", "name", "extras")}
        return [list(pixels.shape), hashlib.sha256(pixels.tobytes()).hexdigest(), laid]

    def rows(self, number: int) -> NDArray[np.float64]:
        """The numbers of an accessor (n, k)."""
        return rows(self.document, self.data, number)

    def times(self, path: tuple[int, ...]) -> set[float]:
        """The moments that the motion of a node has rows for."""
        return {float(t) for node in path for track in self.tracks.get(node, {}).values() for t in track[0]}

    def frames(self, path: tuple[int, ...], times: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """The frames (T, 4, 4) of a node at some times; at rest, or if nothing of it moves, (1, 4, 4)."""
        if times is None and path in self.still:
            return self.still[path]
        found = np.eye(4)[None]
        for number in path:
            node, tracks = self.document["nodes"][number], self.tracks.get(number, {}) if times is not None else {}
            if "matrix" in node and not tracks:
                own = np.reshape(node["matrix"], (1, 4, 4)).swapaxes(1, 2).astype(float)
            else:
                parts = {
                    path: sampled(tracks[path], times, path)
                    if times is not None and path in tracks
                    else np.array([node.get(path, rest)], float)
                    for path, rest in REST.items()
                }
                own = np.tile(np.eye(4), (max(map(len, parts.values())), 1, 1))
                own[:, :3, :3] = Rotation.from_quat(parts["rotation"]).as_matrix() * parts["scale"][:, None]
                own[:, :3, 3] = parts["translation"]
            found = found @ own
        if times is None:
            self.still[path] = found
        return found


def triangles(order: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    """The corners (m, 3) of a list, a strip or a fan of triangles; a point is one whose corners are the same."""
    if mode == 5:
        faces = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
        faces[1::2] = faces[1::2, [1, 0, 2]]
        return faces
    if mode == 6:
        return np.stack([np.full(len(order) - 2, order[0]), order[1:-1], order[2:]], axis=1)
    return order[: len(order) // 3 * 3].reshape(-1, 3) if mode == 4 else np.repeat(order[:, None], 3, axis=1)


def are_flat(corners: NDArray[np.float64], normals: NDArray[np.float64]) -> bool:
    """Whether the normals (m, 3, 3) of triangles are those that they have without."""
    true = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(true, axis=1)
    there = length > 0
    return bool((np.abs(normals[there] - (true[there] / length[there, None])[:, None]) <= FLAT).all())


def sampled(track: Track, times: NDArray[np.float64], path: str) -> NDArray[np.float64]:
    """The rows (T, n) of a track at some times, as a viewer finds them."""
    known, rows, way = track
    if way == "STEP":
        return rows[np.maximum(np.searchsorted(known, times, side="right") - 1, 0)]
    if path == "rotation" and len(known) > 1:  # the shorter way
        return Slerp(known, Rotation.from_quat(rows))(np.clip(times, known[0], known[-1])).as_quat()
    return np.stack([np.interp(times, known, row) for row in rows.T], axis=1)
