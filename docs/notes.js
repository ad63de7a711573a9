
const note = /** @type {HTMLElement} */ (document.getElementById("note"));

let leaving = 0;

let noted = null;

function show(claim) {
  clearTimeout(leaving);
  noted?.removeAttribute("aria-describedby");
  noted = claim;
  note.hidden = claim === null;
  if (!claim) return;
  claim.setAttribute("aria-describedby", "note");
  note.textContent = claim.dataset.note ?? "";
  const line = claim.getClientRects()[0];
  const left = Math.min(line.left, document.documentElement.clientWidth - note.offsetWidth - 16);
  const below = claim.getBoundingClientRect().bottom + 6;
  const fits = below + note.offsetHeight < innerHeight;
  note.style.left = `${Math.max(left, 16) + scrollX}px`;
  note.style.top = `${(fits ? below : line.top - note.offsetHeight - 6) + scrollY}px`;
}

function leave(event) {
  clearTimeout(leaving);
  if (event.pointerType === "touch" || noted?.matches(":focus-visible")) return;
  leaving = setTimeout(() => show(null), 300);
}

note.addEventListener("pointerenter", () => clearTimeout(leaving));
note.addEventListener("pointerleave", leave);
note.addEventListener("mousedown", (event) => event.preventDefault()); // the claim keeps the focus, and its note
for (const claim of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("a.claim"))) {
  claim.dataset.note = claim.title;
  claim.removeAttribute("title"); // the browser would show it as well
  claim.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "touch") show(claim);
  });
  claim.addEventListener("pointerleave", leave);
  claim.addEventListener("focus", () => claim.matches(":focus-visible") && show(claim));
  claim.addEventListener("blur", () => noted === claim && show(null));
  claim.addEventListener("click", (event) => {
    if (/** @type {PointerEvent} */ (event).pointerType !== "touch" || noted === claim) return;
    event.preventDefault();
    show(claim);
  });
}
addEventListener("keydown", (event) => {
  if (event.key === "Escape") show(null);
});
addEventListener("pointerdown", (event) => {
  if (!(/** @type {HTMLElement} */ (event.target).closest("a.claim, .note"))) show(null);
});
addEventListener("resize", () => show(noted)); // a phone was turned
