#!/usr/bin/env bash
# three 0.187.0: a mirrored mesh is right on screen, and inside out in the STL and OBJ that three's exporters write.
#
# Expected: an object with a negative scale (every CAD mirror, every left shoe) draws right: the renderer turns the
# winding round where the matrix has a negative determinant, as glTF asks for. The exporters of the same package, which
# bake the matrix into the points of STL and OBJ, turn it round as well.
# Seen: STLExporter and OBJExporter write each triangle in its old order. The box of volume 1 has volume -1 in both
# files: slicers see a hole, viewers that cull see its far side. Nothing is logged. (The maintainers advise against
# negative scales in issues.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts three@0.187.0
cat >see.mjs <<'JS'
import assert from "node:assert";
import { BoxGeometry, Matrix4, Mesh, MeshBasicMaterial, Scene } from "three";
import { OBJExporter } from "three/addons/exporters/OBJExporter.js";
import { STLExporter } from "three/addons/exporters/STLExporter.js";

function volume(triangles) {
    // the sum of the signed tetrahedra from the origin
    const det = ([a, b, c]) => new Matrix4().set(...a, 0, ...b, 0, ...c, 0, 0, 0, 0, 1).determinant();
    return Number(triangles.reduce((sum, triangle) => sum + det(triangle) / 6, 0).toFixed(6));
}

function stl(scene) {
    const points = [...new STLExporter().parse(scene).matchAll(/vertex (\S+) (\S+) (\S+)/g)].map((m) => m.slice(1).map(Number));
    return volume(points.filter((_, i) => i % 3 === 0).map((_, i) => points.slice(3 * i, 3 * i + 3)));
}

function obj(scene) {
    const lines = new OBJExporter().parse(scene).split("\n");
    const points = lines.filter((line) => line.startsWith("v ")).map((line) => line.split(" ").slice(1, 4).map(Number));
    const faces = lines.filter((line) => line.startsWith("f ")).map((line) => line.split(" ").slice(1));
    return volume(faces.map((face) => face.map((corner) => points[parseInt(corner) - 1])));
}

for (const scale of [1, -1]) {
    const scene = new Scene();
    const box = new Mesh(new BoxGeometry(1, 1, 1), new MeshBasicMaterial());
    box.scale.x = scale;
    scene.add(box);
    scene.updateMatrixWorld(true);
    console.log(`scale.x = ${scale}: volume in the STL ${stl(scene)}, in the OBJ ${obj(scene)}`);
    assert.deepEqual([stl(scene), obj(scene)], [scale, scale], "the behaviour has changed");
}
JS
node see.mjs
