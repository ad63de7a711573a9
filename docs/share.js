
import { element } from "./figure.js?4f3e04e6b0";
import { draw } from "./labels.js?4f3e04e6b0";

for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input.embed"))) {
  input.value = input.value.replace(/src="([^"]*)"/, (_, path) => `src="${new URL(path, location.href)}"`);
  input.addEventListener("focus", () => input.select());
}
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".live-link a")))
  link.textContent = link.href; // for print

export function download(name, content) {
  const link = element("a", "", { href: URL.createObjectURL(content), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

async function still(figure) {
  const image = /** @type {HTMLImageElement} */ (figure.querySelector(".still"));
  image.loading = "eager"; // it may be too far from what is seen to be there yet
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * image.naturalWidth, 2 * image.naturalHeight];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

for (const figure of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("figure.scene"))) {
  const files = figure.querySelector(".files a[download]")?.parentElement;
  if (!files) continue;
  const button = element("button", `${figure.id}.png, as it is seen now`, { type: "button" });
  button.addEventListener("click", async () => {
    const viewer = /** @type {any} */ (figure.querySelector("model-viewer"));
    const live = figure.classList.contains("live");
    const isWritten = live && figure.querySelector(".labels span");
    if (isWritten) draw(viewer, true); // the picture has labels as shapes, which can be read on any background
    for (let n = 0; isWritten && n < 2; n++) await new Promise(requestAnimationFrame); // until they are drawn
    const picture = await (live ? viewer.toBlob({ mimeType: "image/png" }) : still(figure));
    if (isWritten) draw(viewer, false);
    if (picture) download(`${figure.id}.png`, picture);
  });
  files.append(" · ", button);
}
