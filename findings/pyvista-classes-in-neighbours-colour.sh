#!/usr/bin/env bash
# pyvista 0.49.1 with matplotlib 3.11.2: with cmap="tab10" and clim=(0, 10), class 1 has the colour of class 0.
#
# Expected: a qualitative map of n colours over the range 0 to n gives class k the k-th colour; matplotlib's own tab10(k
# / 10) does.
# Seen: PyVista samples any named map at 256 places first and looks values up in that table. 256 is no multiple of 10,
# and the class stands on the edge of its band, so some fall into the band below: 1 and 3 of tab10, 1, 2, 3, 6, 7 and 11
# of tab20, 1, 2 and 4 of Set1, 1, 2 and 5 of Paired; none of Dark2, which has 8. Two classes look alike, one colour is
# not there, and nothing is said. With the range of the data, 0 to n - 1, or with n_colors=n, all are right. For a
# smooth map such as twilight (510 colours) the table is off by up to 4 of 255. The documentation gives 256 as the
# default of n_colors, not what follows for maps that have fewer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyvista==0.49.1 vtk==9.7.2 matplotlib==3.11.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import matplotlib
import numpy as np
import pyvista


def misplaced(name, count, **options):
    """The classes whose colour is not matplotlib's."""
    mesh = pyvista.Plane(i_resolution=count, j_resolution=1)
    mesh.cell_data["class"] = np.arange(count)
    mapper = pyvista.DataSetMapper(mesh)
    mapper.set_scalars(mesh.cell_data["class"], "class", cmap=name, clim=(0, count), preference="cell", **options)
    table = mapper.lookup_table
    shown = [table.map_value(float(k), opacity=False) for k in range(count)]
    meant = [matplotlib.colormaps[name](k / count)[:3] for k in range(count)]
    return [k for k in range(count) if np.abs(np.subtract(shown[k], meant[k])).max() > 0.02]


seen = {name: misplaced(name, count) for name, count in (("tab10", 10), ("tab20", 20), ("Set1", 9), ("Paired", 12), ("Dark2", 8))}
for name, classes in seen.items():
    print(f"{name}: in another's colour: {classes}")
assert seen["tab10"] == [1, 3] and seen["Dark2"] == [], "the behaviour has changed"
assert misplaced("tab10", 10, n_colors=10) == []
PY
