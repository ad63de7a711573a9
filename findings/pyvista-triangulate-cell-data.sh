#!/usr/bin/env bash
# pyvista 0.49.1 (VTK 9.7.2): triangulate(pass_lines=True) gives lines a value that nobody wrote.
#
# Expected: cells that are passed on keep their data: a line whose `id` is 10 has `id` 10 afterwards, as triangles have
# the id of the polygon that they are from.
# Seen: the triangles are right. The line's `id` is another number in each process, such as 94322305443074: the array
# has a place for it, and nothing is stored there. pass_verts does the same to vertices. Neither the documentation nor a
# warning tells so, and a colour map over `id` is stretched to fit. Without the option, lines are dropped.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyvista==0.49.1 vtk==9.7.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import pyvista

squares = pyvista.Plane(i_resolution=2, j_resolution=1)
line = pyvista.PolyData(np.array([[0.0, 0, 1], [1, 0, 1]]), lines=[2, 0, 1])
mesh = line.append_polydata(squares)
mesh.cell_data["id"] = np.array([10, 11, 12])  # the line, a square, a square
result = mesh.triangulate(pass_lines=True)
ids = result.cell_data["id"].tolist()
print(f"id of a line and two squares: {mesh.cell_data['id'].tolist()}; triangulated, with the line: {ids}")
assert result.n_cells == 5 and ids[1:] == [11, 11, 12, 12]
assert ids[0] != 10, "the behaviour has changed: the line has kept its id"
PY
