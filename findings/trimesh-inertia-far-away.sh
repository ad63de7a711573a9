#!/usr/bin/env bash
# trimesh 5.2.0: a unit box has another moment of inertia far away, and a million away a negative one.
#
# Expected: moment_inertia is taken about the centre of mass, so moving a body does not change it: 1/6 about each axis
# for a cube of side and mass 1. volume and center_mass of the same mesh stay exact to nine digits, also a million away.
# Seen: 0.267 in place of 0.167 at 100,000; at 1,000,000 the diagonal is 0, the off-diagonal is 34 and
# principal_inertia_components has -48 and +48, although no body has a negative moment. No warning. All in float64,
# where the coordinates are exact.
# Why: the integrals are taken about the origin and the centre's share is subtracted afterwards:
# numbers of 1e12 that differ by 0.17. Maps and CAD files with such coordinates are common; subtract a corner first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet trimesh==5.2.0 numpy==2.4.6 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import numpy as np
import trimesh

moments = {}
for distance in (0.0, 1e4, 1e5, 1e6):
    box = trimesh.creation.box()
    box.apply_translation([distance] * 3)
    moments[distance] = box.principal_inertia_components
    print(f"{distance:9.0f}: volume {box.volume:.9f}, principal moments {np.round(box.principal_inertia_components, 4).tolist()}")
    assert abs(box.volume - 1) < 1e-9
assert np.allclose(moments[0.0], 1 / 6)
assert moments[1e6].min() < 0 and abs(moments[1e5][0] - 1 / 6) > 0.05, "the behaviour has changed"
PY
