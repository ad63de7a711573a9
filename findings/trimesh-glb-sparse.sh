#!/usr/bin/env bash
# trimesh 5.2.0: what a sparse accessor of a .glb changes is left out, so a square can collapse to a point, without a
# word.
#
# Expected: a sparse accessor is plain glTF 2.0, no extension: the values of a buffer view, or zeros where none is
# named, and a short list of elements that replace some of them. A reader that does not know it raises, or says so.
# Seen: trimesh reads what the buffer view holds and stops there. The moved corner of the first square stays where it
# was; the second one, whose base is zeros, is four times the origin, with two faces of area 0. three, Babylon.js,
# loaders.gl, gltf-transform and Assimp read both as they are meant; PyVista 0.49.1 (VTK 9.7.2) returns an empty
# MultiBlock. Khronos' validator has no complaint.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet trimesh==5.2.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import struct

import numpy as np
import trimesh

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)


def write(name, base, replaced, values):
    """A square of two triangles; `base` is None for zeros; vertices `replaced` become `values`."""
    parts = [np.array([0, 1, 2, 0, 2, 3], np.uint16), np.array(replaced, np.uint16), np.array(values, np.float32), base]
    data, views = b"", []
    for part in parts:
        if part is not None:
            data += b"\0" * (-len(data) % 4)
            views.append({"buffer": 0, "byteOffset": len(data), "byteLength": part.nbytes})
            data += part.tobytes()
    data += b"\0" * (-len(data) % 4)
    views[0]["target"] = 34963
    full = (np.zeros_like(SQUARE) if base is None else base).copy()
    full[replaced] = values
    position = {"componentType": 5126, "count": 4, "type": "VEC3", "min": full.min(0).tolist(), "max": full.max(0).tolist()}
    position["sparse"] = {"count": len(replaced), "indices": {"bufferView": 1, "componentType": 5123}, "values": {"bufferView": 2}}
    if base is not None:
        position["bufferView"] = 3
        views[3]["target"] = 34962
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 1}, "indices": 0}]}],
        "accessors": [{"bufferView": 0, "componentType": 5123, "count": 6, "type": "SCALAR"}, position],
        "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    with open(name, "wb") as file:
        file.write(struct.pack("<III", 0x46546C67, 2, 28 + len(text) + len(data)))
        file.write(struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data)
    mesh = trimesh.load_scene(name).to_geometry()
    print(f"{name}: area {mesh.area}, height {mesh.extents[1]}")
    return mesh


moved = write("moved.glb", SQUARE, [2, 3], [[1, 5, 0], [0, 5, 0]])  # five high
zeros = write("zeros.glb", None, [1, 2, 3], SQUARE[1:])  # one high
assert moved.extents[1] == 1 and zeros.area == 0, "the behaviour has changed: sparse accessors are read"
PY
