
import { calm, copyOf, element, enliven } from "./figure.js?4f3e04e6b0";
import { frame, select } from "./reader.js?4f3e04e6b0";

function guide(list, figure, links) {
  const walk = element("section", "", { class: "walk", "aria-label": "A guided walk through the figure" });
  figure.querySelector(".tools")?.after(walk);
  walk.append(copyOf("walk"), list);
  list.tabIndex = 0;
  const [counter, back, on] = [".words", "[data-by='-1']", "[data-by='1']"].map(
    (name) => /** @type {HTMLButtonElement} */ (walk.querySelector(name)),
  );
  let now = 0;
  const arrive = async (n) => {
    now = n;
    counter.textContent = `${n + 1} of ${links.length}`;
    back.ariaDisabled = `${n === 0}`; // not disabled, which would lose the focus
    on.ariaDisabled = `${n === links.length - 1}`;
    const living = await enliven(figure), { mark = "", part = "1" } = links[n].dataset;
    if (living && now === n && (await select(living, mark, Number(part) - 1))) frame(living);
  };
  const stops = /** @type {HTMLElement[]} */ ([...list.children]);
  const lead = (/** @type {number} */ n) => {
    if (!stops[n]) return;
    const top = stops[n].offsetTop - stops[0].offsetTop;
    list.scrollTo({ top, behavior: calm.matches ? "instant" : "smooth" });
  };
  walk.addEventListener("click", ({ target }) => {
    const { by } = /** @type {HTMLElement} */ (target).dataset;
    if (by) lead(now + Number(by));
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by || event.target !== list) return;
    event.preventDefault();
    lead(now + by);
  });
  const come = (/** @type {IntersectionObserverEntry[]} */ entries) => {
    const seen = entries.filter((entry) => entry.isIntersecting).map(({ target }) => stops.indexOf(/** @type {HTMLElement} */ (target)));
    if (seen.length && seen[0] !== now) arrive(seen[0]);
  };
  const near = new IntersectionObserver(come, { root: list, threshold: 0.7 });
  for (const stop of stops) near.observe(stop);
  counter.textContent = `1 of ${links.length}`;
}

for (const list of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("figure.scene + ol"))) {
  const links = [...list.children].map((stop) => /** @type {HTMLAnchorElement | null} */ (stop.querySelector("a.view")));
  const figure = /** @type {HTMLElement} */ (list.previousElementSibling);
  if (links.every((link) => link?.hash === `#${figure.id}`)) guide(list, figure, /** @type {HTMLAnchorElement[]} */ (links));
}
