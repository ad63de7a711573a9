// What a claim came to, shown beside it while it is pointed at or has the focus; a tap shows it before it follows.

const note = /** @type {HTMLElement} */ (document.getElementById("note"));

/** Hides the note a little later, unless the pointer comes back or reaches it: there is a gap on the way. */
let leaving = 0;

/** The claim whose note is shown. @type {HTMLAnchorElement | null} */
let noted = null;

/** @param {HTMLAnchorElement | null} claim */
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

/** @param {PointerEvent} event */
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
