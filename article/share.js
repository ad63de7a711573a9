// What a reader takes along: a line that shows a figure on another page, its picture, and its address on paper.

import { whenAlive } from "./figure.js";

for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input.embed"))) {
  input.value = input.value.replace(/src="([^"]*)"/, (_, path) => `src="${new URL(path, location.href)}"`);
  input.addEventListener("focus", () => input.select());
}
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".live-link a"))) {
  link.textContent = link.href; // for print
}

/** The picture of a figure as the reader sees it now, to be kept as a file. */
whenAlive(({ figure, viewer }) => {
  const files = figure.querySelector(".files a[download]")?.parentElement;
  if (!files) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `${figure.id}.png, as it is seen now`;
  button.addEventListener("click", async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await viewer.toBlob({ mimeType: "image/png" }));
    link.download = `${figure.id}.png`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  const picture = document.createElement("span");
  picture.className = "picture";
  picture.append(" · ", button);
  files.append(picture);
});
