#!/usr/bin/env bash
# @gltf-transform/functions 4.5.1: quantize() flattens a mesh whose positions are whole numbers already.
#
# Expected: KHR_mesh_quantization allows positions in plain (not normalized) 16-bit integers with a scale on the node;
# gltfpack writes such files by default. quantize() on such a document changes nothing, or at worst rounds to its 14
# bits.
# Seen: both corners of an edge fall together. The rectangle of 1 x 2 becomes a line of 0 x 2, without a warning. It
# seems that each coordinate is moved into -1 to 1 and stored in the integers that were there: of 0.5 and -0.5 nothing
# is left. The same positions as float32, or as normalized integers, are kept. dequantize() first is the way round; the
# command line's quantize calls this function.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @gltf-transform/core@4.5.1 @gltf-transform/extensions@4.5.1 \
    @gltf-transform/functions@4.5.1
cat >see.mjs <<'JS'
import assert from "node:assert";
import { Accessor, Document, Logger } from "@gltf-transform/core";
import { KHRMeshQuantization } from "@gltf-transform/extensions";
import { dequantize, quantize } from "@gltf-transform/functions";

const hundredths = [0, 0, 0, 100, 0, 0, 100, 200, 0, 0, 200, 0];

function rectangle(array, normalized, scale) {
    const document = new Document().setLogger(new Logger(Logger.Verbosity.SILENT));
    document.createExtension(KHRMeshQuantization).setRequired(true);
    const position = document
        .createAccessor()
        .setType(Accessor.Type.VEC3)
        .setArray(array)
        .setNormalized(normalized)
        .setBuffer(document.createBuffer());
    const mesh = document.createMesh().addPrimitive(document.createPrimitive().setMode(6).setAttribute("POSITION", position));
    document.createScene().addChild(document.createNode().setMesh(mesh).setScale([scale, scale, scale]));
    return document;
}

function size(document) {
    const [node] = document.getRoot().listNodes();
    const position = node.getMesh().listPrimitives()[0].getAttribute("POSITION");
    const [low, high] = [position.getMinNormalized([]), position.getMaxNormalized([])];
    return [0, 1].map((axis) => Number(((high[axis] - low[axis]) * node.getScale()[axis]).toFixed(3)));
}

for (const [name, array, normalized, scale, before, after] of [
    ["whole numbers", new Int16Array(hundredths), false, 0.01, [], [0, 2]],
    ["whole numbers, dequantized first", new Int16Array(hundredths), false, 0.01, [dequantize()], [1, 2]],
    ["float32", new Float32Array(hundredths), false, 0.01, [], [1, 2]],
    ["normalized", new Int16Array(hundredths.map((x) => (x * 32767) / 200)), true, 2, [], [1, 2]],
]) {
    const document = rectangle(array, normalized, scale);
    const was = size(document);
    await document.transform(...before, quantize());
    console.log(`${name}: ${was} before, ${size(document)} after`);
    assert.deepEqual(size(document), after, "the behaviour has changed");
}
JS
node see.mjs
