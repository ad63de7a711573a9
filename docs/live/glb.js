

const MATT = { metallicFactor: 0, roughnessFactor: 1 };
const FAINT = { ...MATT, baseColorFactor: [1, 1, 1, 0.12] };
const MATERIALS = {
  solid: { pbrMetallicRoughness: MATT },
  sheet: { pbrMetallicRoughness: MATT, doubleSided: true },
  faint: { pbrMetallicRoughness: FAINT, doubleSided: true, alphaMode: "BLEND" },
  plates: { name: "plates", pbrMetallicRoughness: MATT },
  ink: { name: "ink", pbrMetallicRoughness: {}, doubleSided: true, extensions: { KHR_materials_unlit: {} } },
};

function byte(color) {
  const srgb = Math.round(255 * color) / 255;
  return Math.round(255 * (srgb <= 0.04045 ? srgb / 12.92 : ((srgb + 0.055) / 1.055) ** 2.4));
}

export class Glb {
  nodes = /** @type {object[]} */ ([]);
  meshes = /** @type {object[]} */ ([]);
  accessors = /** @type {object[]} */ ([]);
  bufferViews = /** @type {Record<string, number>[]} */ ([]);
  chunks = /** @type {Uint8Array[]} */ ([]);
  size = 0;

  #add(data, target, accessor) {
    const bytes = new Uint8Array(data.buffer), buffer = 0;
    this.bufferViews.push({ buffer, byteOffset: this.size, byteLength: bytes.length, target });
    this.chunks.push(bytes);
    this.size += bytes.length + (-bytes.length & 3);
    return this.accessors.push({ bufferView: this.bufferViews.length - 1, ...accessor }) - 1;
  }

  add(name, { points, faces, colors }, material, extras) {
    const count = points.length / 3, upright = new Float32Array(points.length), light = new Uint8Array(4 * count);
    const known = new Map([...new Set(colors)].map((color) => [color, [...color.map(byte), 255]]));
    for (let n = 0; n < count; n++) {
      const [x, y, z] = points.slice(3 * n, 3 * n + 3);
      upright.set([x, z, -y], 3 * n);
      light.set(known.get(colors[colors.length > 1 ? n : 0]) ?? [], 4 * n);
    }
    const axes = [0, 1, 2].map((axis) => upright.filter((_, i) => i % 3 === axis));
    const [min, max] = [Math.min, Math.max].map((most) => axes.map((along) => most(...along)));
    const attributes = {
      POSITION: this.#add(upright, 34962, { componentType: 5126, count, type: "VEC3", min, max }),
      COLOR_0: this.#add(light, 34962, { componentType: 5121, normalized: true, count, type: "VEC4" }),
    };
    const indices = this.#add(Uint16Array.from(faces), 34963, { componentType: 5123, count: faces.length, type: "SCALAR" });
    this.meshes.push({ primitives: [{ attributes, indices, material: Object.keys(MATERIALS).indexOf(material) }] });
    this.nodes.push({ name, mesh: this.meshes.length - 1, ...(extras && { extras }) });
    return this.meshes.length - 1;
  }

  file(extras) {
    const { nodes, meshes, accessors, bufferViews } = this, { meter: m } = extras;
    const root = { name: "scene", children: [...nodes.keys()], scale: [m, m, m] };
    const text = JSON.stringify({
      asset: { version: "2.0", generator: "Vitrine", extras },
      extensionsUsed: ["KHR_materials_unlit"],
      scene: 0,
      scenes: [{ nodes: [nodes.length] }],
      nodes: [...nodes, root],
      meshes,
      materials: Object.values(MATERIALS),
      accessors,
      bufferViews,
      buffers: [{ byteLength: this.size }],
    });
    const json = new TextEncoder().encode(text), padded = json.length + (-json.length & 3);
    const whole = new Uint8Array(28 + padded + this.size), head = new DataView(whole.buffer);
    [0x46546c67, 2, whole.length, padded, 0x4e4f534a].forEach((word, n) => head.setUint32(4 * n, word, true));
    whole.fill(32, 20, 20 + padded);
    whole.set(json, 20);
    [this.size, 0x004e4942].forEach((word, n) => head.setUint32(20 + padded + 4 * n, word, true));
    this.chunks.forEach((chunk, n) => whole.set(chunk, 28 + padded + bufferViews[n].byteOffset));
    return whole;
  }
}
