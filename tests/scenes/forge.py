"""A `.glb` taken apart, so that tests can make another one of it: the same drawing saved otherwise, or a forgery."""

import copy
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenes.export.readback import KINDS, WIDTHS

Rows = NDArray[Any]


class File:
    """The JSON of a `.glb`, and its numbers by accessor, both to be changed; `bytes()` puts it together again."""

    def __init__(self, glb: bytes) -> None:
        size = struct.unpack("<I", glb[12:16])[0]
        self.doc: dict[str, Any] = json.loads(glb[20 : 20 + size])
        self.data = glb[28 + size :]
        self.nodes, self.meshes = self.doc["nodes"], self.doc["meshes"]
        self.named = {node["name"]: n for n, node in enumerate(self.nodes) if "name" in node}
        self.root: dict[str, Any] = self.nodes[self.doc["scenes"][0]["nodes"][0]]
        self.lies: dict[int, dict[str, Any]] = {}  # what accessors say of themselves instead
        self.rows = [self.read(accessor) for accessor in self.doc["accessors"]]

    def read(self, accessor: dict) -> Rows:
        view = self.doc["bufferViews"][accessor["bufferView"]]
        kind, width = np.dtype(f"<{KINDS[accessor['componentType']]}"), WIDTHS[accessor["type"]]
        start, stride = view["byteOffset"] + accessor["byteOffset"], view.get("byteStride", kind.itemsize * width)
        strides = (stride, kind.itemsize)
        return np.ndarray((accessor["count"], width), kind, self.data, start, strides).copy()

    def __bytes__(self) -> bytes:
        """Every accessor in a view of its own, its vertices filled up to four bytes; pictures stay where they are."""
        doc, data = copy.deepcopy(self.doc), bytearray(self.data)
        for accessor, rows in zip(doc["accessors"], self.rows, strict=True):
            width = rows.itemsize * rows.shape[1]
            stride = -(-width // 4) * 4
            padded = np.zeros((len(rows), stride), np.uint8)
            padded[:, :width] = np.ascontiguousarray(rows).view(np.uint8)
            whole = padded if width % 4 and rows.shape[1] > 1 else np.ascontiguousarray(rows).view(np.uint8)
            data += bytes(-len(data) % 4)
            view = {"buffer": 0, "byteOffset": len(data), "byteLength": whole.nbytes}
            view |= {"byteStride": stride} if whole is padded else {}
            (name,) = [kind for kind, text in KINDS.items() if text == rows.dtype.str[1:]]
            accessor |= {"bufferView": len(doc["bufferViews"]), "byteOffset": 0, "componentType": name}
            accessor["count"] = len(rows)
            accessor["type"] = next(kind for kind, n in WIDTHS.items() if n == rows.shape[1])
            if "min" in accessor:
                accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
            doc["bufferViews"].append(view)
            data += whole.tobytes()
        for number, said in self.lies.items():
            doc["accessors"][number] |= said
        doc["buffers"] = [{"byteLength": len(data)}]
        text = json.dumps(doc).encode()
        chunks = b"".join(
            struct.pack("<I4s", len(part) + -len(part) % 4, kind) + part + fill * (-len(part) % 4)
            for kind, part, fill in ((b"JSON", text, b" "), (b"BIN\0", bytes(data), b"\0"))
        )
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def add(self, rows: Rows, **more: Any) -> int:
        """A further accessor."""
        self.doc["accessors"].append(more)
        self.rows.append(rows)
        return len(self.rows) - 1

    def leaf(self, name: str) -> dict[str, Any]:
        """The node that draws what a node of a name stands for, or the first one of several."""
        node = self.nodes[self.named[name]]
        while "mesh" not in node:
            node = self.nodes[node["children"][0]]
        return node

    def own(self, name: str) -> dict[str, Any]:
        """The primitive of a node of a name, with its mesh, its numbers and its material for itself alone."""
        node = self.leaf(name)
        self.meshes.append(copy.deepcopy(self.meshes[node["mesh"]]))
        node["mesh"] = len(self.meshes) - 1
        primitive = self.meshes[-1]["primitives"][0]
        accessors = self.doc["accessors"]
        for place in (primitive["attributes"], primitive):
            for key, n in list(place.items()):
                if key == "indices" or key.isupper():
                    place[key] = self.add(self.rows[n].copy(), **copy.deepcopy(accessors[n]))
        self.doc["materials"].append(copy.deepcopy(self.doc["materials"][primitive["material"]]))
        primitive["material"] = len(self.doc["materials"]) - 1
        return primitive

    def material(self, name: str) -> dict[str, Any]:
        return self.doc["materials"][self.own(name)["material"]]

    def place(self, name: str) -> Rows:
        """Where the triangles of a node's first shape are, in the frame of the scene's grid (n, 3)."""
        node = self.leaf(name)
        points = self.rows[self.meshes[node["mesh"]]["primitives"][0]["attributes"]["POSITION"]]
        return points * np.array(node.get("scale", [1, 1, 1])) + node.get("translation", [0, 0, 0])

    def move(self, name: str, along: Any) -> None:
        node = self.nodes[self.named[name]]
        node["translation"] = (np.array(node.get("translation", [0, 0, 0])) + along).tolist()

    def drop(self, names: list[str]) -> None:
        """Takes nodes out of the scene."""
        gone = {self.named[name] for name in names}
        self.root["children"] = [child for child in self.root["children"] if child not in gone]

    def starting(self, *begins: str) -> list[str]:
        """The names of the nodes in the scene that begin so."""
        return [name for name in self.named if name.startswith(begins) and self.named[name] in self.root["children"]]

    def primitives(self) -> Iterator[dict[str, Any]]:
        for mesh in self.meshes:
            yield from mesh["primitives"]
