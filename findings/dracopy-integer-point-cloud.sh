#!/usr/bin/env bash
# DracoPy 2.2.0: an integer point cloud comes back as the bit patterns of floats: (1, 2, 3) is (1065353216, 1073741824,
# 1077936128).
#
# Expected: encode() takes numpy arrays of points; integers (voxels, scanner counts) are either kept, which Draco can,
# or turned into floats. With `faces` it does so: the same array comes back as it was.
# Seen: without `faces`, points of any integer type are turned into float32 and their bytes are then stored as if they
# were the integers: 1065353216 is 1.0f read as an integer. Signed types come back as float32 holding these numbers,
# unsigned ones as uint32. No warning, and zeros survive, so a corner at the origin looks right.
# points.astype(np.float32) first is the way round. The docstring of encode() speaks of "points/vertices (float)" and
# converts whatever it is given.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet DracoPy==2.2.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import DracoPy
import numpy as np

triangle = np.array([[0, 0, 0], [1, 2, 3], [100, 100, 100]])
face = np.array([[0, 1, 2]])
results = {}
for kind in (np.int32, np.uint8, np.float32):
    for name, faces in (("cloud", None), ("mesh", face)):
        data = DracoPy.encode(triangle.astype(kind), faces, preserve_order=True, quantization_bits=20)
        points = DracoPy.decode(data).points
        results[kind, name] = points
        print(f"{np.dtype(kind).name:7} {name:5}: (1, 2, 3) is {points[1].round(3).tolist()} as {points.dtype}")
bits = np.array([1, 2, 3], np.float32).view(np.uint32)
for kind in (np.int32, np.uint8):
    assert (results[kind, "mesh"] == triangle).all()
    assert (results[kind, "cloud"][1] == bits).all(), "the behaviour has changed"
assert np.allclose(results[np.float32, "cloud"], triangle, atol=1e-3)
PY
