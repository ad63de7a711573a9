#!/usr/bin/env bash
# pyvista 0.49.1: reading Plotter.camera before the first mesh, and nothing else, can leave the picture empty.
#
# Expected: a property without a setter's arguments is looked at, not set: `plotter.camera.position` in a log line or a
# debugger changes nothing, and the first show() or screenshot() fits the camera to the meshes.
# Seen: the first read sets the camera: isometric, from (1, 1, 1) to the origin of the still empty scene. From then on
# it counts as set by the caller, so meshes that are added later are not fitted. A red sphere of radius 0.5 at (5, 0, 0)
# is in the middle of a screenshot otherwise; after the read it is behind the camera, and the screenshot has 0 red
# pixels in place of 6,453 (200 x 200, software rendering). renderer.camera gives the same object and sets nothing.
# The documentation tells that a camera that was set is kept, not that reading it sets it.
#
# The script needs no screen and draws nothing: it asks where the sphere is as the camera sees it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyvista==0.49.1 vtk==9.7.2 numpy==2.4.6
VTK_DEFAULT_OPENGL_WINDOW=vtkOSOpenGLRenderWindow "$work/venv/bin/python" - 2>/dev/null <<'PY'
import numpy as np
import pyvista


def look(read):
    plotter = pyvista.Plotter(off_screen=True)
    if read:
        plotter.camera.position  # noqa: B018
    plotter.add_mesh(pyvista.Sphere(center=(5, 0, 0)))
    camera = plotter.renderer.camera
    ahead = np.dot(np.subtract((5, 0, 0), camera.position), camera.direction)
    print(f"read before: {read}; the camera counts as set: {plotter.camera_set}; it stands at {camera.position}, looks {camera.direction}")
    return plotter.camera_set, ahead


assert look(False)[0] is False
was_set, ahead = look(True)
print(f"the sphere is {-ahead:.2f} behind it")
assert was_set and ahead < -0.5, "the behaviour has changed: reading the camera sets nothing"
PY
