"""The page that shows the evidence for every claim of the article."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from article.web.html import add
from article.web.plots import distribution

if TYPE_CHECKING:
    from article.evidence.claim import Facts


TITLE = "The evidence"
DESCRIPTION = "What was asked of the model, and of its other trainings, to find out whether the article is true."


def body(claims: Sequence[Mapping], facts: "Facts") -> str:
    """The inside of the page: a section for each claim, as `render.claims` has them, in the order of the article."""
    page = Element("div", {"class": "evidence"})
    add(page, "h1", TITLE)
    seeds = facts.values["seeds"]
    add(
        page,
        "p",
        f"Every underlined sentence of the article stands here with what was asked of the model to find out whether it "
        f"is true. It was asked of the article's own model, and of {seeds} trainings that differ in nothing but their "
        f"random numbers. A full dot is a training of which it is true, a hollow one a training of which it is not; "
        f"the ring is the article's own. The interval (Wilson's, for 95 %) says which shares one has to reckon with, "
        f"could one train without end.",
    )
    back = add(page, "p", "")
    add(back, "a", "Back to the article", href="index.html").tail = " "
    add(back, "a", "The same for machines: claims.json", href="claims.json").set("class", "second")
    for claim in claims:
        found = facts.claims[claim["id"].rsplit("-", 1)[0]]
        section = SubElement(page, "section", {"id": claim["id"]})
        add(section, "h2", claim["sentence"])
        add(section, "p", f"Asked: whether {claim['predicate']}.")
        low, high = (f"{end:.0%}" for end in claim["interval"])
        share = f"true in {claim['held']} of {claim['seeds']} trainings (interval {low} to {high})"
        if "share" in claim:
            bound, part = claim["share"].split()
            share += f"; the article says: in {bound.replace('-', ' ')} {100 * float(part):g}% of them"
        verdict = add(section, "p", "In this article's model: ")
        add(verdict, "strong", claim["value"]).tail = f"; {share}."
        section.append(distribution(found))
        details = SubElement(section, "details")
        add(details, "summary", "The predicate")
        add(add(details, "pre", "", tabindex="0"), "code", claim["code"])
        add(add(section, "p", ""), "a", "The sentence in the article", href=f"{claim['page']}#claim-{claim['id']}")
    return tostring(page, "unicode", "html")
