
const beside = matchMedia("(min-width: 1400px)");
const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".contents a")]);
const headings = links.map((link) => /** @type {HTMLElement} */ (document.getElementById(link.hash.slice(1))));

const mark = () => {
  const here = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3).length - 1;
  for (const link of links) link.removeAttribute("aria-current");
  links[here]?.setAttribute("aria-current", "true");
};
const passed = new IntersectionObserver(mark, { rootMargin: "9999999px 0px -66.6% 0px" });
for (const heading of headings) passed.observe(heading);
const unfold = () => {
  for (const details of document.querySelectorAll(".contents details")) details.toggleAttribute("open", beside.matches);
};
beside.addEventListener("change", unfold);
unfold();
