"""What every site has to pass, whatever it is about."""

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser import AROUND, AXE, ONE_OF_A_KIND, PHONE, STICKING_OUT, Visit, Visitor, comes_to_life, wheel_scrolls

TARGETS = "(links) => links.map((link) => link.getAttribute('href'))"


def faultless(
    site: Path,
    url: str,
    visit: Visitor,
    pages: Iterable[str],
    figures: Callable[[Visit], Iterable[Locator]],
    asked: Collection[str] | None = None,
    details: str = "details",
) -> Visit:
    """No fault for axe in light and dark, a phone, the wheel, the console; nothing from elsewhere; links lead on.

    `figures` chooses those of a page that are to come to life, `asked` the pages that axe is asked about, or all,
    `details` what is to be opened. Gives the last page.
    """
    seen = visit("about:blank", viewport=PHONE)  # a page for all of them, which keeps the compiled viewer
    for path in pages:
        seen.page.emulate_media(color_scheme="light")
        seen.page.goto(url + path)
        seen.open_details(AROUND)
        for figure in figures(seen):
            comes_to_life(figure)
            wheel_scrolls(figure)
        seen.open_details(details)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert seen.page.evaluate(STICKING_OUT) == []
        links = seen.page.locator("main a[href], footer a[href]").evaluate_all(TARGETS)
        seen.page.evaluate(ONE_OF_A_KIND)
        seen.page.evaluate(AXE.read_text("utf-8"))
        both = ("", "runOnly: ['color-contrast']")  # all rules in light, and what dark changes
        for rules in both if asked is None or path in asked else ():
            found = seen.page.evaluate(f"() => axe.run(document, {{ resultTypes: ['violations'], {rules} }})")
            seen.page.emulate_media(color_scheme="dark")
            assert [
                (path, rule["id"], node["target"])
                for rule in found["violations"]
                for node in rule["nodes"]
                if not (rule["id"] == "landmark-unique" and isinstance(node["target"][0], list))  # model-viewer's own
            ] == []
        assert seen.errors == []
        assert [request for request in seen.requests if not request.startswith((url, "data:", "blob:"))] == []
        for target in {re.split("[#?]", link)[0] for link in links}:
            assert target in ("", "javascript:void(0);") or (site / target).exists(), target  # the viewer has the other
        expect(seen.page.locator("h1")).to_have_count(1)
    return seen
