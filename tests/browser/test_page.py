"""The pages in a browser: figures that come to life and stills where they cannot, claims and what they came to.

By mouse, by keyboard and by phone.
"""

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Error, ViewportSize, expect

from tests.browser import (
    ALONE,
    AROUND,
    ARTICLE,
    AWAY_FROM,
    AXE,
    BENCH,
    BY_ITSELF,
    DESKTOP,
    EVIDENCE,
    EYE_AT,
    FLOW,
    GALLERY,
    LOSE_CONTEXT,
    MORE,
    NO_SCENE,
    NO_VIEWER,
    NO_WEBGL,
    NOTES,
    OF_PLOTS,
    OF_TEXT,
    ONE_OF_A_KIND,
    ORBIT,
    PHONE,
    SECTIONS,
    SIZES,
    STEPS,
    STICKING_OUT,
    TABLET,
    TARGET,
    TOOLS,
    VIEWER,
    VISIBLE,
    WHOLE,
    Serve,
    Visit,
    Visitor,
    claims_of,
    comes_to_life,
    lies_on,
    more_tools,
    note_of,
    numbers_in,
    numbers_of,
    sees_all,
    shows_its_still,
    stays_flat,
    stops_before,
    wait_for_orbit,
    wheel_scrolls,
)
from tests.browser.test_reader import TAP, Solid, marks_say_their_numbers
from tests.conftest import BUILDERS, FILMS, SCENES, Elements

# --- Life ---------------------------------------------------------------------------------------------------------


LAST_OF_BENCH = "#bench :is(a, button, input, summary):visible"
PAGES = {  # and the figures of each that come to life
    ARTICLE: (BENCH, *SCENES),
    EVIDENCE: (),
    FLOW: ("entrance", "scores", "mlp"),  # those of the article, and all of these on one page, below
    GALLERY: (),
    ALONE: ("forward",),
}


@pytest.mark.npm
@pytest.mark.parametrize("path", PAGES)
def test_figures_come_to_life_and_nothing_is_wrong(visit: Visitor, url: str, site: Path, path: str) -> None:
    """Nor does anything else happen. The first frame of each figure of the article lies on its still.

    On a phone, nothing sticks out, what is tapped is large, axe finds nothing, not in a figure that answers either, and
    marks say their numbers.
    """
    lives, is_compared = PAGES[path], path == ARTICLE
    viewport = TABLET if is_compared else PHONE
    seen = visit(url + path, exact=is_compared, viewport=viewport, has_touch=True).open_details(AROUND)
    if is_compared:
        assert [figure.get_attribute("id") for figure in seen.figures] == list(lives)
        flat = visit(url, viewport=TABLET, java_script_enabled=False)
        for name in lives:
            comes_to_life(seen.figure(name))
            lies_on(seen.figure(name), flat.figure(name))
            wheel_scrolls(seen.figure(name))
    else:
        for name in lives:
            comes_to_life(seen.figure(name))
            expect(seen.figure(name).locator(".readout")).to_have_text(TAP)
            wheel_scrolls(seen.figure(name))
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []
    assert [request for request in seen.requests if not request.startswith((url, "data:", f"blob:{url}"))] == []
    assert any(request.startswith(url + VIEWER) for request in seen.requests) == bool(lives)
    seen.page.set_viewport_size(PHONE)
    marks_say_their_numbers(seen, site, [name for name in lives if name not in (BENCH, *FILMS)])

    for name in lives:
        more_tools(seen.figure(name))
    seen.open_details()
    for width in (320, 360):
        seen.page.set_viewport_size({"width": width, "height": 740})
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        with suppress(Error):  # a viewer takes its new size a little later; then it fails with words
            seen.page.wait_for_function(f"!({STICKING_OUT})().length", timeout=10_000)
        assert seen.page.evaluate(STICKING_OUT) == []
        assert seen.page.evaluate(OF_PLOTS) == []
    buttons = seen.page.get_by_role("button").evaluate_all(SIZES)
    counts = [seen.figure(name).get_by_role("button").count() for name in lives]
    assert counts == [
        TOOLS
        + STEPS
        + (path in (ARTICLE, FLOW) and name != BENCH)
        + 4 * (name in FILMS)
        + 2 * (path == ARTICLE and name == "forward")  # of the walk
        for name in lives
    ]
    others = seen.page.locator("#bench").get_by_role("button").count() - counts[0] if path == ARTICLE else 0
    assert path == FLOW or len(buttons) == sum(counts) + others  # where other figures begin to live, too
    assert all(min(width, height) >= 44 for width, height in buttons)

    if path == ARTICLE:
        seen.page.locator("a.view").first.click()
        expect(seen.figure("pairs").locator(".pointer")).to_be_visible()
    axe_finds_nothing(seen, path)
    seen.page.emulate_media(color_scheme="dark")
    axe_finds_nothing(seen, path, only=["color-contrast", "link-in-text-block"])  # it changes no more
    assert seen.errors == []


def axe_finds_nothing(seen: Visit, path: str, only: Sequence[str] = ()) -> None:
    """On a page as it is now, by all rules or by some."""
    assert AXE.is_file(), f"{AXE} is missing: run `npm ci --prefix tests`"
    if path == ARTICLE:
        seen.page.locator("a.claim").first.hover()
        expect(seen.note).to_be_visible()
    seen.page.evaluate(ONE_OF_A_KIND)
    seen.page.evaluate(AXE.read_text("utf-8"))
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    result = seen.page.evaluate(
        "(options) => axe.run(document, options)", options | ({"runOnly": only} if only else {})
    )
    assert len(result["passes"]) > (0 if only else 20)
    assert [
        (found["id"], node["target"], node["failureSummary"])
        for found in result["violations"]
        for node in found["nodes"]
        # Each viewer has a region for live announcements in its shadow tree, all of one name.
        if not (found["id"] == "landmark-unique" and isinstance(node["target"][0], list))
    ] == []


@pytest.mark.npm
def test_without_webgl_the_stills_stay(visit: Visitor, url: str, browser_without_webgl: Browser) -> None:
    seen = visit(url + ARTICLE, by=browser_without_webgl, viewport=WHOLE)
    stays_flat(seen.page.locator("figure.scene"), NO_WEBGL)
    assert seen.errors == []
    assert seen.page.evaluate("violations") == []
    assert not any(request.startswith(url + VIEWER) for request in seen.requests)  # a megabyte for nothing
    seen.page.set_viewport_size(PHONE)
    seen.open_details()
    axe_finds_nothing(seen, ARTICLE)


@pytest.mark.parametrize("path", [ARTICLE, EVIDENCE, FLOW, GALLERY, ALONE])
def test_the_policy_is_strict(site: Path, path: str) -> None:
    page = (site / path).read_text("utf-8")
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    assert found
    assert found.start() < page.index("<link")
    assert "default-src 'none'" in found[1]
    assert "unsafe" not in found[1]
    assert "http" not in found[1]


# --- Hands --------------------------------------------------------------------------------------------------------


def test_buttons_turn_the_camera(visit: Visitor, url: str, site: Path) -> None:
    """Nothing leaves the frame while nobody goes nearer, and all turns lead back."""
    seen = visit(url + BY_ITSELF).enliven("pairs")
    figure, hull = more_tools(seen.figure("pairs")), Solid(site / "pairs.glb").hull
    theta, phi, radius = start = numbers_in(figure, "data-orbit")

    def press(name: str, *goal: float, twice: bool = False) -> float:
        button = figure.get_by_role("button", name=name, exact=True)
        (button.dblclick if twice else button.click)()
        wait_for_orbit(figure, list(goal))
        return figure.locator("model-viewer").evaluate(ORBIT)[2]

    wait_for_orbit(figure, start)
    press("Look from farther left", theta - 20, phi)
    sees_all(figure, hull)
    press("Look from farther right", theta + 20, phi, twice=True)  # while it glides, no press is lost
    sees_all(figure, hull)
    seen.page.emulate_media(reduced_motion="reduce")
    press("Look from higher up", theta + 20, phi - 12)
    sees_all(figure, hull)
    press("Look from lower down", theta + 20, phi)
    all_of_it = press("Look from lower down", theta + 20, 89, twice=True)  # not from below the floor
    sees_all(figure, hull)
    press("Nearer", theta + 20, 89, all_of_it * 0.8)
    press("Look from farther left", theta, 89)
    press("Look from farther right", theta + 20, 89, all_of_it * 0.8)
    press("Farther", theta + 20, 89, all_of_it)
    press("From the front", 0, 80)
    sees_all(figure, hull)
    press("From the top", 0, 2)
    sees_all(figure, hull)
    for _ in range(20):
        press("Nearer", 0, 2)
    for _ in range(24):
        press("Farther", 0, 2)
    press("Farther", 0, 2, 4 * radius)  # and no farther
    press("Reset the view", *start)
    assert figure.locator(".tools").get_by_role("button").count() == TOOLS + STEPS

    seen.page.keyboard.press("Escape")
    expect(figure.locator(".tools").get_by_role("button")).to_have_count(5)
    whole = "([figure, is_whole]) => (document.fullscreenElement === figure) === is_whole"
    for is_whole in (True, False):  # where the shape of the frame is another one
        figure.get_by_role("button", name="Full screen").click()
        seen.page.wait_for_function(whole, arg=[figure.element_handle(), is_whole])
        sees_all(figure, hull)
        seen.page.wait_for_function(
            "([viewer, is_whole]) => (viewer.clientWidth / viewer.clientHeight < 1.1) === is_whole",
            arg=[figure.locator("model-viewer").element_handle(), is_whole],
        )
        sees_all(figure, hull)
    wait_for_orbit(figure, start)
    assert seen.errors == []


def test_the_wheel_belongs_to_the_page(visit: Visitor, url: str, site: Path) -> None:
    """It zooms with Ctrl, or after a click into a figure until that is left, by the pointer or by Esc.

    It leads into no shape, and back.
    """
    seen = visit(url, viewport=DESKTOP).enliven("pairs")
    figure, mouse, keyboard = seen.figure("pairs"), seen.page.mouse, seen.page.keyboard
    viewer, hull = figure.locator("model-viewer"), Solid(site / "pairs.glb").hull
    size = "(viewer) => viewer.getCameraOrbit().radius * Math.tan((viewer.getFieldOfView() * Math.PI) / 360)"
    nearer = f"([viewer, before]) => ({size})(viewer) < 0.99 * before"

    def wheel_zooms(by: int = -100) -> None:
        before, place = viewer.evaluate(size), seen.page.evaluate("scrollY")
        mouse.wheel(0, by)
        seen.page.wait_for_function(nearer, arg=[viewer.element_handle(), before])
        assert seen.page.evaluate("scrollY") == place

    wheel_scrolls(figure, 12)
    for leave in (lambda: keyboard.press("Escape"), lambda: (mouse.move(1, 1), keyboard.press("Shift"))):
        wheel_scrolls(figure, 1)  # puts the pointer into the middle
        mouse.down()
        mouse.up()
        wheel_zooms()
        leave()
    wheel_scrolls(figure)
    figure.locator(".stage").evaluate("(stage) => stage.scrollIntoView({ block: 'center' })")
    seen.page.emulate_media(reduced_motion="reduce")
    keyboard.down("Control")
    wheel_zooms()
    for _ in range(3):
        mouse.wheel(0, -5000)
    keyboard.up("Control")
    seen.page.wait_for_function("(viewer) => viewer.getFieldOfView() < 2.01", arg=viewer.element_handle())
    eye = np.array(viewer.evaluate(EYE_AT))
    assert (eye > hull.max(axis=0)).any()  # above all, or before all
    for _ in range(9):
        figure.get_by_role("button", name="Farther", exact=True).click()
    assert viewer.evaluate(size) > 7 * float(np.tan(np.radians(1))) * np.linalg.norm(np.ptp(hull, axis=0)) / 2
    assert seen.errors == []


def test_the_keyboard_alone_will_do(visit: Visitor, url: str, site: Path) -> None:
    seen = visit(url).enliven("pairs")
    figure, keyboard = seen.figure("pairs"), seen.page.keyboard
    viewer, buttons = figure.locator("model-viewer"), figure.locator(".tools").get_by_role("button")
    target, hull = numbers_in(figure, "data-target"), Solid(site / "pairs.glb").hull
    theta, phi, radius = start = numbers_in(figure, "data-orbit")
    skip = figure.get_by_role("link", name="Skip this figure")
    for n, link in enumerate([*stops_before(figure), skip]):
        if n == 1:
            seen.page.locator(LAST_OF_BENCH).last.focus()
        keyboard.press("Tab")
        expect(link).to_be_focused()
        expect(link).to_be_in_viewport(ratio=0.99)  # a page scrolls by whole pixels
    keyboard.press("Tab")
    expect(viewer).to_be_focused()
    keyboard.press("ArrowLeft")
    wait_for_orbit(figure, [theta + 22.5, phi])
    sees_all(figure, hull)
    seen.page.emulate_media(reduced_motion="reduce")
    for key, *goal in (("t", 0, 2), ("Control+f", 0, 2), ("f", 0, 80), ("h", *start), ("+", theta, phi, 0.8 * radius)):
        keyboard.press(key)
        wait_for_orbit(figure, goal)
    keyboard.press("-")
    wait_for_orbit(figure, start)
    keys = figure.locator("[data-key]").evaluate_all("(all) => all.flatMap(({ dataset }) => [...dataset.key])")
    assert len({*keys}) == len(keys) == 6
    keyboard.press("PageDown")
    seen.page.wait_for_function("() => scrollY > 200")
    wait_for_orbit(figure, start)
    keyboard.press("PageUp")
    seen.page.emulate_media(reduced_motion="no-preference")
    keyboard.press("Shift+ArrowLeft")  # pans
    seen.page.wait_for_function(AWAY_FROM, arg=[viewer.element_handle(), target])
    for n in range(buttons.count()):
        keyboard.press("Tab")
        expect(buttons.nth(n)).to_be_focused()
    keyboard.press("Enter")  # the last one has more
    expect(figure.locator(".menu dl")).to_contain_text("from the top")
    seen.page.emulate_media(reduced_motion="reduce")
    keyboard.press("Tab")
    keyboard.press("Enter")
    wait_for_orbit(figure, [theta - 20, phi, radius])  # what looks at a part goes on looking at it
    keyboard.press("t")
    wait_for_orbit(figure, [0, 2])
    keyboard.press("Escape")
    expect(figure.locator(".menu")).to_be_hidden()
    expect(buttons.last).to_be_focused()
    for _ in range(buttons.count() - 1):
        keyboard.press("Shift+Tab")
    keyboard.press("Enter")
    wait_for_orbit(figure, start)
    assert viewer.evaluate(TARGET) == pytest.approx(target, abs=1e-3)
    skip.focus()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(seen.page.locator("#pairs ~ p a").first).to_be_focused()


def test_who_wants_no_motion_gets_none(visit: Visitor, url: str) -> None:
    """Neither by a button nor by a link of the text."""
    seen = visit(url, reduced_motion="reduce").enliven("pairs")
    figure = seen.figure("pairs")
    theta, phi, radius = numbers_in(figure, "data-orbit")
    orbit = (
        more_tools(figure)
        .get_by_role("button", name="Look from farther left")
        .evaluate(
            f"""async (button) => {{
          const viewer = button.closest("figure").querySelector("model-viewer");
          const frame = () => new Promise(requestAnimationFrame);
          await frame();
          await frame();  // a short one: after a long one a glide would be over as well
          button.click();
          await frame();
          return ({ORBIT.strip()})(viewer);
        }}"""
        )
    )
    assert orbit[:2] == pytest.approx([theta - 20, phi])
    assert orbit[2] > radius  # which shows the whole from there
    seen.page.locator("a.view").first.click()
    expect(figure.locator(".pointer")).to_be_visible()
    assert figure.locator("model-viewer").evaluate(ORBIT)[2] < 0.9 * radius


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP])
def test_nothing_moves_when_a_figure_comes_to_life(visit: Visitor, url: str, viewport: ViewportSize) -> None:
    seen = visit(url, viewport=viewport, has_touch=viewport == PHONE)
    for figure in map(seen.figure, ("pairs", "growth")):
        ((_, before),) = figure.evaluate_all(SIZES)
        comes_to_life(figure)
        expect(figure.locator(".tools").get_by_role("button").last).to_be_visible()
        ((_, after),) = figure.evaluate_all(SIZES)
        assert after == pytest.approx(before, abs=0.5)


# --- Without ------------------------------------------------------------------------------------------------------


TITLES = "(claims) => claims.map((claim) => [claim.getAttribute('title'), claim.dataset.note])"
CELLS = f"""
(figures) => figures.map((figure) => {{
  const cells = [...figure.querySelectorAll("td")];
  const seen = [false, true].map((open) => {{
    figure.querySelector("details").open = open;
    return cells.some((cell) => cell.{VISIBLE});
  }});
  return [figure.id, seen, cells.filter((cell) => cell.textContent.trim()).length];
}})
"""


def test_without_scripts_there_are_stills_and_numbers(visit: Visitor, url: str, site: Path) -> None:
    """What goes together stands side by side where there is room, and claims have their notes as titles."""
    seen = visit(url, java_script_enabled=False)
    figures = seen.page.locator("figure.scene")
    shows_its_still(figures)
    found = seen.page.locator(OF_TEXT).evaluate_all(CELLS)
    assert [name for name, *_ in found] == list(SCENES)
    for name, visible, filled in found:
        assert visible == [False, True], name  # folded, and unfolded
        if name not in FILMS:  # whose tables have the steps; the numbers of all of them lie beside the file
            assert filled == numbers_of(site)[name] + MORE.get(name, 0) > 0
    expect(seen.page.locator("model-viewer, button:visible, .flat")).to_have_count(0)
    expect(seen.note).to_be_hidden()
    titles = seen.page.locator("a.claim").evaluate_all(TITLES)
    assert titles == [[note_of(claim), None] for claim in claims_of(site)]

    def places() -> NDArray[np.float64]:
        boxes = [seen.figure(name).bounding_box() or {} for name in ("final", "predicted")]
        return np.array([[box["x"], box["y"], box["width"]] for box in boxes])

    one, other = places()
    assert one[1] < other[1]
    assert one[::2] == pytest.approx(other[::2])
    assert one[::2] == pytest.approx([0, PHONE["width"]])
    seen.page.set_viewport_size(DESKTOP)
    one, other = places()
    assert one[0] + one[2] < other[0]
    assert one[1:] == pytest.approx(other[1:])
    assert seen.errors == []


def test_without_the_viewer_the_stills_stay(visit: Visitor, serve: Serve, copy: Path) -> None:
    shutil.rmtree(copy / "vendor")
    seen = visit(serve(copy), viewport=WHOLE)
    stays_flat(seen.page.locator("figure.scene"), NO_VIEWER)
    for name, visible, _ in seen.page.locator(OF_TEXT).evaluate_all(CELLS):
        assert visible == [False, True], name
    assert all("404" in error for error in seen.errors)


def test_on_paper_and_without_webgl_again_there_are_stills(visit: Visitor, url: str) -> None:
    """Printed, a page has stills, captions and where its figures live.

    When the browser takes WebGL away, the stills come back: in figures that live, and in those that the reader has yet
    to reach, whose viewers would be empty.
    """
    seen = visit(url).enliven("pairs")
    figures, link = seen.page.locator("figure.scene"), seen.figure("forward").locator(".live-link")
    expect(link).to_be_hidden()
    assert seen.page.pdf().startswith(b"%PDF")  # also has the stills loaded that were never scrolled to
    assert seen.page.locator(".still").evaluate_all("(all) => all.every((image) => image.naturalWidth > 0)")
    seen.page.locator("a.claim").first.focus()
    expect(seen.note).to_be_visible()
    seen.page.emulate_media(media="print")
    expect(seen.figure("pairs")).to_have_class("scene live")
    shows_its_still(figures)
    hidden, shown = (
        seen.page.locator("model-viewer, .tools, .note, .contents, .anchor, .scripted"),
        figures.locator("figcaption"),
    )
    visible = f"(all) => all.map((one) => one.{VISIBLE})"
    assert {*hidden.evaluate_all(visible)} == {False}
    heights = seen.page.locator("figure.scene .still").evaluate_all(SIZES)
    assert max(height for _, height in heights) < 330  # CSS pixels, of the 1,000 or so of a page: a few fit on it
    assert shown.evaluate_all(visible) == [True] * (1 + len(SCENES))
    expect(link).to_have_text(f"In 3D: {url}#forward")
    expect(link).to_be_visible()

    seen.page.emulate_media(media="screen")
    seen.figure("pairs").locator("model-viewer").evaluate(LOSE_CONTEXT)
    stays_flat(seen.figure("pairs"), NO_SCENE)
    seen.page.set_viewport_size(WHOLE)
    stays_flat(figures, NO_SCENE, NO_WEBGL)


# --- Claims -------------------------------------------------------------------------------------------------------


def test_every_claim_has_its_evidence(visit: Visitor, url: str, site: Path) -> None:
    """Without scripts: what was asked, in words and in code, what came of it, and a plot with a mark a training."""
    claims, seen = claims_of(site, EVIDENCE), visit(url + EVIDENCE, java_script_enabled=False)
    sections = seen.page.locator("section").evaluate_all(SECTIONS)
    assert [section["id"] for section in sections] == [claim["id"] for claim in claims]
    for claim, section in zip(claims, sections, strict=True):
        for key in ("sentence", "value", "code", "held", "seeds"):
            assert section[key] == claim[key], claim["id"]
        assert f"whether {claim['predicate']}." in section["words"]
        assert f"true in {claim['held']} of {claim['seeds']} trainings" in section["words"]
        assert section["label"].startswith(f"Over {claim['seeds']} trainings: ")
        assert section["label"].endswith(f"In the article's: {claim['value']}.")
        assert section["width"] > 300
        assert section["own"] == 1
    code = seen.page.locator("section pre code").first
    expect(code).to_be_hidden()
    seen.page.locator("section summary").first.click()
    expect(code).to_be_visible()
    assert seen.errors == []


def test_every_link_leads_somewhere(site: Path) -> None:
    pages = {path: Elements((site / path).read_text("utf-8")) for path in (ARTICLE, EVIDENCE, FLOW, GALLERY)}
    ids = {path: [element["id"] for _, element in page.every if "id" in element] for path, page in pages.items()}
    for path, page in pages.items():
        assert len(set(ids[path])) == len(ids[path])
        for link in page.named("a"):
            file, _, id = link["href"].partition("#")
            assert (site / file).exists()
            assert not id or id in ids[file or path]
    for path in (ARTICLE, FLOW):
        there = [(link["id"], link["href"]) for link in pages[path].named("a") if link.get("class") == "claim"]
        assert there == [(f"claim-{claim['id']}", f"{EVIDENCE}#{claim['id']}") for claim in claims_of(site, path)] != []
    claims = claims_of(site, EVIDENCE)
    back = [f"{claim['page']}#claim-{claim['id']}" for claim in claims]
    assert [link["href"] for link in pages[EVIDENCE].named("a") if "#claim-" in link["href"]] == back
    assert [section["id"] for section in pages[EVIDENCE].named("section")] == [
        link.split("#claim-")[1] for link in back
    ]


@pytest.mark.parametrize("path", [ARTICLE, FLOW])
def test_a_claim_leads_to_its_evidence_and_back(visit: Visitor, url: str, site: Path, path: str) -> None:
    id = claims_of(site, path)[-1]["id"]
    seen = visit(f"{url}{EVIDENCE}#{id}")
    section = seen.page.locator(f"section#{id}")
    expect(section.get_by_role("heading")).to_be_in_viewport()
    section.get_by_role("link", name="The sentence in the article").click()
    seen.page.wait_for_url(f"{url}{path}#claim-{id}")
    expect(seen.claim(id)).to_be_in_viewport()
    seen.claim(id).click()
    seen.page.wait_for_url(f"{url}{EVIDENCE}#{id}")
    expect(section.get_by_role("heading")).to_be_in_viewport()


def test_pointing_at_a_claim_shows_its_note(visit: Visitor, url: str, site: Path) -> None:
    """It can be pointed at, too, and does not stay."""
    seen = visit(url, viewport=DESKTOP)
    claims, mouse = claims_of(site), seen.page.mouse
    titles = seen.page.locator("a.claim").evaluate_all(TITLES)
    assert titles == [[None, note_of(claim)] for claim in claims]  # or browsers would show them, too
    expect(seen.note).to_be_hidden()

    def leave() -> None:
        mouse.move(1, 1)
        expect(seen.note).to_be_hidden()

    for claim in claims[:3]:  # above all figures: no button that comes to life moves them
        for ending in (leave, lambda: seen.page.keyboard.press("Escape")):
            seen.claim(claim["id"]).hover()
            expect(seen.note).to_be_visible()
            expect(seen.note).to_have_text(note_of(claim))
            expect(seen.note).to_be_in_viewport(ratio=1)
            expect(seen.claim(claim["id"])).to_have_accessible_description(note_of(claim))
            ending()
            expect(seen.note).to_be_hidden()
    assert seen.page.url == url

    link = seen.claim(claims[0]["id"])
    seen.page.clock.install()
    link.hover()
    box = seen.note.bounding_box()
    assert box
    mouse.move(box["x"] + 9, box["y"] + box["height"] / 2, steps=9)  # over the gap between them
    seen.page.clock.run_for(5_000)
    expect(seen.note).to_be_visible()
    leave()
    link.click(modifiers=["Control"])  # opens the evidence elsewhere
    expect(seen.note).to_be_visible()
    leave()


def test_the_focus_on_a_claim_shows_its_note(visit: Visitor, url: str, site: Path) -> None:
    seen = visit(url)
    first, second = claims_of(site)[:2]
    keyboard, link, next_link = seen.page.keyboard, seen.claim(first["id"]), seen.claim(second["id"])
    seen.page.locator(LAST_OF_BENCH).last.focus()  # between the skip link and the others
    for _ in stops_before(link):
        keyboard.press("Tab")
    expect(link).to_be_focused()
    expect(link).to_have_attribute("aria-describedby", "note")
    expect(seen.note).to_have_text(note_of(first))
    expect(seen.note).to_be_in_viewport(ratio=1)
    keyboard.press("Tab")
    expect(link).not_to_have_attribute("aria-describedby", "note")
    expect(next_link).to_have_attribute("aria-describedby", "note")
    expect(seen.note).to_have_text(note_of(second))
    keyboard.press("Escape")
    expect(seen.note).to_be_hidden()
    expect(next_link).to_be_focused()
    expect(next_link).not_to_have_attribute("aria-describedby", "note")
    keyboard.press("Shift+Tab")
    expect(seen.note).to_have_text(note_of(first))
    keyboard.press("Shift+Tab")  # to what is no claim
    expect(seen.note).to_be_hidden()
    keyboard.press("Tab")
    keyboard.press("Enter")  # follows at once
    seen.page.wait_for_url(f"{url}{EVIDENCE}#{first['id']}")


def test_the_first_tap_shows_the_note_and_the_second_follows(visit: Visitor, url: str, site: Path) -> None:
    seen = visit(url, has_touch=True)
    one, other = claims_of(site)[:2]
    seen.claim(one["id"]).tap()
    expect(seen.note).to_have_text(note_of(one))
    expect(seen.note).to_be_in_viewport(ratio=1)
    seen.claim(other["id"]).tap()
    expect(seen.note).to_have_text(note_of(other))
    expect(seen.note).to_be_visible()
    seen.note.tap()
    expect(seen.note).to_be_visible()
    seen.page.evaluate("() => addEventListener('mousedown', (event) => event.preventDefault())")
    seen.page.locator("h1").tap()  # which moves no focus, as in some browsers
    expect(seen.note).to_be_hidden()
    seen.claim(other["id"]).tap()
    expect(seen.note).to_be_visible()
    assert seen.page.url == url
    assert url + EVIDENCE not in seen.requests
    seen.claim(other["id"]).tap()
    seen.page.wait_for_url(f"{url}{EVIDENCE}#{other['id']}")


def test_no_note_sticks_out_of_a_phone(visit: Visitor, url: str, site: Path) -> None:
    lying: ViewportSize = {"width": PHONE["height"], "height": PHONE["width"]}
    seen = visit(url, viewport=lying)
    for size in (lying, PHONE):  # turned upright, the notes still fit
        seen.page.set_viewport_size(size)
        notes = seen.page.locator("a.claim").evaluate_all(NOTES)
        assert [note["text"] for note in notes] == [note_of(claim) for claim in claims_of(site)]
        assert [note for note in notes if not note["fits"] or note["covers"] or note["width"] < 300] == []
    for link in seen.page.locator("a.claim").all()[:3]:  # and while they are shown
        seen.page.set_viewport_size(lying)
        link.focus()
        expect(seen.note).to_be_visible()
        seen.page.set_viewport_size(PHONE)
        seen.page.wait_for_function("() => document.documentElement.scrollWidth <= 360")


# --- Contents -----------------------------------------------------------------------------------------------------


def test_the_contents_say_where_one_is(visit: Visitor, url: str) -> None:
    """Beside the text where there is room, on top of no figure, and folded elsewhere. Each heading has its own link."""
    seen = visit(url, viewport={"width": 1440, "height": 900})
    contents = seen.page.get_by_role("navigation", name="Contents")
    links, here = contents.get_by_role("link"), contents.locator("[aria-current]")
    ids = [f"#{id}" for id in seen.page.locator("main > :is(h2, h3)").evaluate_all("(all) => all.map(({ id }) => id)")]
    assert links.evaluate_all("(all) => all.map(({ hash }) => hash)") == ids
    expect(here).to_have_count(0)
    for n in (6, 2, len(ids) - 1):
        links.nth(n).click()
        expect(here).to_have_text(links.nth(n).inner_text())
        heading = seen.page.locator(ids[n])
        expect(heading).to_be_in_viewport()
        link = heading.get_by_role("link", name="Permanent link to")
        expect(link).to_have_attribute("href", ids[n])
        expect(link).to_have_css("opacity", "0")
        heading.hover()
        expect(link).to_have_css("opacity", "1")
    right = (contents.bounding_box() or {})["x"] + (contents.bounding_box() or {})["width"]
    assert all(figure.evaluate("(one) => one.getBoundingClientRect().x") >= right for figure in seen.figures[1:])
    seen.page.set_viewport_size(DESKTOP)
    expect(links.first).to_be_hidden()
    contents.locator("summary").click()
    expect(links.first).to_be_visible()
    assert seen.errors == []


# --- Flow ---------------------------------------------------------------------------------------------------------


def test_a_permanent_link_opens_what_it_points_into(visit: Visitor, url: str) -> None:
    seen = visit(f"{url}{FLOW}#block-2-score")
    stage, blocks = seen.page.locator("section#block-2-score"), seen.page.locator("details.block")
    link = stage.get_by_role("link", name="Permanent link to Block 2: Scores", exact=True)
    expect(stage.get_by_role("heading")).to_be_in_viewport()
    expect(link).to_have_attribute("href", "#block-2-score")
    assert blocks.evaluate_all("(all) => all.map(({ open }) => open)") == [False, False, True, False, False]
    seen.page.get_by_role("link", name="Queries").first.click()
    expect(seen.page.locator("section#block-1-query").get_by_role("heading")).to_be_in_viewport()
    # Where the browser does not open it by itself: here an address that it is not sent to.
    seen.page.evaluate("history.replaceState(null, '', '#exit'); dispatchEvent(new HashChangeEvent('hashchange'))")
    expect(seen.page.locator("section#probabilities")).to_be_visible()
    expect(seen.page.locator("details#exit > summary")).to_be_in_viewport()
    assert seen.errors == []


def test_the_flow_opens_by_keyboard_and_without_scripts(visit: Visitor, url: str) -> None:
    seen = visit(url + FLOW, java_script_enabled=False)
    keyboard, block = seen.page.keyboard, seen.page.locator("details#block-1")
    stage = block.locator("section#block-1-attention")
    table, numbers = stage.get_by_role("region").first, stage.locator("textarea")
    block.locator("> summary").focus()
    expect(table).to_be_hidden()
    keyboard.press("Enter")
    expect(table).to_be_visible()
    stage.get_by_role("link", name="Permanent link").focus()
    for target in (table, stage.get_by_role("region").last, stage.locator("summary")):
        keyboard.press("Tab")
        expect(target).to_be_focused()
    keyboard.press("Enter")
    for target in (stage.locator("details a"), numbers):
        keyboard.press("Tab")
        expect(target).to_be_focused()
    expect(numbers).to_have_accessible_name("Block 1: Attention pattern, as CSV")
    with seen.page.expect_download() as file:
        stage.locator("details a").click()
    assert Path(file.value.path()).read_text("utf-8") == numbers.input_value()


# --- Everywhere ---------------------------------------------------------------------------------------------------


def test_more_than_twenty_figures_live_on_one_page_of_a_phone(visit: Visitor, copy: Path, serve: Serve) -> None:
    """The figures of the article and those of the flow, on one page: all come to life, and those say their numbers.

    But for two whose scenes are damaged and missing, which say so, and leave the others alone.
    """
    article, flow = ((copy / path).read_text("utf-8") for path in (ARTICLE, FLOW))
    more = re.findall(r'<figure class="scene".*?</figure>', flow, re.DOTALL)
    (copy / ARTICLE).write_text(article.replace('<div class="note"', "".join(more) + '<div class="note"'), "utf-8")
    (copy / "stream.glb").write_bytes((copy / "stream.glb").read_bytes()[:5000])
    (copy / "map.glb").unlink()
    seen = visit(serve(copy), reduced_motion="reduce")
    assert len(seen.figures) == len(BUILDERS) + 1 > 22  # the bench shows one of them once more
    for name in BUILDERS:
        if name in ("stream", "map"):
            seen.figure(name).locator(".stage").scroll_into_view_if_needed()
            stays_flat(seen.figure(name), NO_SCENE)
        else:
            comes_to_life(seen.figure(name))
    assert seen.page.evaluate("contexts.size") == 2  # one asks whether there are any; of many, browsers take the oldest
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    marks_say_their_numbers(seen, copy, ["pairs", *(name for name in BUILDERS if name not in SCENES)])
    assert [error for error in seen.errors if "404" not in error and not error.startswith("RangeError")] == []


@pytest.mark.parametrize("path", [ARTICLE, EVIDENCE, FLOW])
def test_a_link_to_the_page_has_a_preview(site: Path, path: str) -> None:
    page = (site / path).read_text("utf-8")
    found = dict(re.findall(r'<meta property="og:(title|description|image)" content="([^"]+)">', page))
    assert found.keys() == {"title", "description", "image"}
    assert f"<title>{found['title']}</title>" in page
    with Image.open(site / found["image"]) as picture:
        assert picture.format == "PNG"
        assert picture.width >= 1200
