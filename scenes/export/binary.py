"""The bytes of a `.glb`: rows of numbers as accessors, one buffer view per layout of rows, and pictures.

Format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

import io
import json
import struct
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COMPONENTS = {"int8": 5120, "uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}  # componentType
TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
VERTICES, INDICES, TIMED = 34962, 34963, 0  # bufferView.target; none for what is animated


class Table(list):
    """Entries of a glTF table, in the order of first use, each once."""

    def __init__(self) -> None:
        self.places: dict[Hashable, int] = {}

    def place(self, entry: dict, key: Hashable = None) -> int:
        key = json.dumps(entry) if key is None else key
        if key not in self.places:
            self.places[key] = len(self)
            self.append(entry)
        return self.places[key]


class Binary:
    """The data of a glTF document: its accessors and its images, each once."""

    def __init__(self) -> None:
        self.accessors = Table()
        self.views: dict[tuple[str, int, int], bytearray] = {}
        self.images: list[bytes] = []
        self.known_images: dict[tuple, int] = {}

    def accessor(self, rows: NDArray, target: int, **more: object) -> int:
        """The accessor of rows (n, k) of one of COMPONENTS; the rows of vertices are filled up to four bytes."""
        width = rows.shape[1] * rows.itemsize
        stride = -(-width // 4) * 4 if target == VERTICES else width
        padded = np.zeros((len(rows), stride), np.uint8)
        padded[:, :width] = np.ascontiguousarray(rows).view(np.uint8)
        layout, data = (rows.dtype.name, target, stride), padded.tobytes()
        view = self.views.setdefault(layout, bytearray())
        key, known = (layout, data), len(self.accessors)
        component, type_ = COMPONENTS[rows.dtype.name], TYPES[rows.shape[1]]
        entry = {"bufferView": list(self.views).index(layout), "byteOffset": len(view), "componentType": component}
        place = self.accessors.place(entry | {"count": len(rows), "type": type_} | more, key)
        if place == known:
            view += data
        return place

    def positions(self, rows: NDArray) -> int:
        """The accessor of places (n, 3), with the limits that viewers need."""
        return self.accessor(rows, VERTICES, min=rows.min(axis=0).tolist(), max=rows.max(axis=0).tolist())

    def image(self, pixels: NDArray[np.uint8]) -> int:
        """The number of a picture, of pixels (h, w, 4) from the top."""
        key = pixels.shape, pixels.tobytes()
        if key not in self.known_images:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG", optimize=True)
            self.known_images[key] = len(self.images)
            self.images.append(file.getvalue())
        return self.known_images[key]

    def pack(self, document: dict, **more: object) -> bytes:
        """The file of a document: after its entries come the accessors, the buffer, the images, and more of its own."""
        data, views = bytearray(), []
        for (_, target, stride), view in self.views.items():
            entry = {"buffer": 0, "byteOffset": len(data), "byteLength": len(view)}
            entry |= {"target": target} if target else {}
            views.append(entry | ({"byteStride": stride} if target == VERTICES else {}))
            data += view + bytes(-len(view) % 4)
        images = []
        for image in self.images:
            images.append({"bufferView": len(views), "mimeType": "image/png"})
            views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(image)})
            data += image + bytes(-len(image) % 4)
        document |= {"accessors": self.accessors, "bufferViews": views, "buffers": [{"byteLength": len(data)}]}
        document |= ({"images": images} if images else {}) | more
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        body = _chunk(b"JSON", text, b" ") + _chunk(b"BIN\0", bytes(data), b"\0")
        return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def index_rows(corners: NDArray[np.int64], n: int) -> NDArray[np.unsignedinteger]:
    """Numbers of some of n vertices as rows (m, 1) of the smallest type; its largest number is none of an index."""
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32) if n <= np.iinfo(kind).max)
    return corners.reshape(-1, 1).astype(kind)


def _chunk(kind: bytes, data: bytes, fill: bytes) -> bytes:
    data += fill * (-len(data) % 4)
    return struct.pack("<I4s", len(data), kind) + data
