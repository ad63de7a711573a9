#!/usr/bin/env bash
# trimesh 5.2.0: a .glb with normalized integers opens 32,767 times too large, and its 16-bit grey is white.
#
# Expected: glTF 2.0 lets an accessor of integers say "normalized": stored 32767 means 1.0. With KHR_mesh_quantization
# positions may be such integers (gltf-transform's quantize writes them by default), and COLOR_0 may be 16-bit integers
# in plain glTF.
# Seen: the flag is not read. A unit square comes out 32,767 wide, without a warning, though the file lists the
# extension as required. Of 16-bit colours only 0 and white remain: 0.5 is read as 255. 8-bit colours are right, as they
# need no division. three, Babylon.js and gltf-transform read the same file as a square of 1. The file has no errors and
# no warnings in Khronos' validator.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet trimesh==5.2.0 numpy==2.4.6
"$work/venv/bin/python" - "$work/square.glb" <<'PY'
import json
import struct
import sys

import numpy as np
import trimesh

corners = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]])  # the fourth column fills up to 8 bytes
grey = np.full((4, 4), 32767, np.uint16)  # 0.5
data = (corners * 32767).astype(np.int16).tobytes() + grey.tobytes() + np.array([0, 1, 2, 0, 2, 3], np.uint16).tobytes()
document = {
    "asset": {"version": "2.0"},
    "extensionsUsed": ["KHR_mesh_quantization"],
    "extensionsRequired": ["KHR_mesh_quantization"],
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "indices": 2}]}],
    "accessors": [
        {"bufferView": 0, "componentType": 5122, "normalized": True, "count": 4, "type": "VEC3", "min": [0, 0, 0], "max": [32767, 32767, 0]},
        {"bufferView": 1, "componentType": 5123, "normalized": True, "count": 4, "type": "VEC4"},
        {"bufferView": 2, "componentType": 5123, "count": 6, "type": "SCALAR"},
    ],
    "bufferViews": [
        {"buffer": 0, "byteOffset": 0, "byteLength": 32, "byteStride": 8, "target": 34962},
        {"buffer": 0, "byteOffset": 32, "byteLength": 32, "target": 34962},
        {"buffer": 0, "byteOffset": 64, "byteLength": 12, "target": 34963},
    ],
    "buffers": [{"byteLength": len(data)}],
}
text = json.dumps(document).encode()
text += b" " * (-len(text) % 4)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<III", 0x46546C67, 2, 28 + len(text) + len(data)))
    file.write(struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data)
mesh = trimesh.load_scene(sys.argv[1]).to_geometry()
print("a square of 1 with colours of 0.5 has size", mesh.extents.tolist(), "and colour", mesh.visual.vertex_colors[0].tolist())
assert mesh.extents[0] == 32767 and mesh.visual.vertex_colors[0].tolist() == [255, 255, 255, 255], "the behaviour has changed"
PY
