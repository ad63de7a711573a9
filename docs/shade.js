
import { sceneOf, whenAlive } from "./figure.js?4f3e04e6b0";

const PLACE = "vPlace = (modelMatrix * vec4(transformed, 1.0)).xyz;";
const NORMAL = "normalize(cross(dFdx(vPlace), dFdy(vPlace)))"; // towards the eye
const BRIGHTNESS = `
float brightness(vec3 n) {
  float parts[9] = float[9](1.0, n.x, n.y, n.z, n.x * n.y, n.y * n.z, 3.0 * n.y * n.y - 1.0, n.x * n.z, n.x * n.x - n.z * n.z);
  float light[9] = float[9](LIGHT);
  float sum = 0.0;
  for (int i = 0; i < 9; i++) sum += light[i] * parts[i];
  return sum;
}
`;

const lit = (light) => (/** @type {{ vertexShader: string, fragmentShader: string }} */ shader) => {
  const place = "varying vec3 vPlace;\n", [drawn, seen] = ["#include <project_vertex>", "#include <opaque_fragment>"];
  shader.vertexShader = place + shader.vertexShader.replace(drawn, `${drawn}\n${PLACE}`);
  const before = place + BRIGHTNESS.replace("LIGHT", light);
  shader.fragmentShader = before + shader.fragmentShader.replace(seen, `outgoingLight *= brightness(${NORMAL});\n${seen}`);
};

const dark = matchMedia("(prefers-color-scheme: dark)"), DIM = 0.2;

function shade(viewer) {
  const meshes = /** @type {any[]} */ ([]), made = new Map();
  sceneOf(viewer)?.traverse((/** @type {any} */ one) => one.isMesh && meshes.push(one));
  const plain = meshes.find(({ material }) => material.isMeshBasicMaterial && !material.map)?.material; // a shadow has one
  for (const mesh of meshes.filter(({ material }) => plain && material.isMeshStandardMaterial && !material.map)) {
    const { uuid, name, color, vertexColors, side, transparent, opacity, depthWrite, userData } = mesh.material;
    const isPlinth = [mesh.name, mesh.parent.name].includes("plinths"), key = `${uuid} ${isPlinth}`;
    if (!made.has(key)) {
      const kept = { name, vertexColors, side, transparent, opacity, depthWrite, userData };
      const material = Object.assign(plain.clone(), kept, { onBeforeCompile: lit(viewer.dataset.light) });
      material.color.copy(color).multiplyScalar(isPlinth && dark.matches ? DIM : 1);
      made.set(key, material);
    }
    mesh.material = made.get(key);
  }
}

whenAlive.push(({ viewer }) => {
  viewer.addEventListener("load", () => shade(viewer));
  shade(viewer);
});
