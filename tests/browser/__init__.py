"""A real browser for the tests: what opens the pages, and what is asked of them."""

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page, ViewportSize, expect, sync_playwright

AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
# The first has no window to draw, which saves a twentieth of the work. Without any, Playwright takes its own.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
SWITCHES = (
    *("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
    "--disable-gpu-rasterization",  # which some systems switch on; without a GPU, it makes every page twice the work
    "--disable-gpu-compositing",  # the same: only what is 3D is drawn as by a GPU
    "--disable-angle-features=supportsGraphicsPipelineLibrary",  # shaders are compiled once, not also in parts
    # The first two: two pages of a process of their own, for the address bar of each context, which nobody sees. The
    # third: a process for the next page, kept ready. The others: what Playwright switches off by a list that gives way
    # to this one.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,"
    "ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,NetworkTimeServiceQuerying,"
    "AimEnabled,PreconnectToSearch",
)
PHONE: ViewportSize = {"width": 360, "height": 740}
TABLET: ViewportSize = {"width": 560, "height": 900}  # a figure is fine enough to be compared with its still
PAIRS: ViewportSize = {"width": 860, "height": 600}  # no wider than it takes for figures to stand side by side
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
WHOLE: ViewportSize = {"width": 360, "height": 30_000}  # all figures of the article are seen at once
VIEWER = "vendor/model-viewer.min.js"
ARTICLE, EVIDENCE, FLOW = "index.html", "evidence.html", "flow.html"
GALLERY, ALONE = "gallery.html", "embed/forward.html"
BENCH = "bench-forward"  # the figure of the bench
OF_TEXT = f"figure.scene:not(#{BENCH})"
BY_ITSELF = "embed/pairs.html"  # for what a figure does wherever it stands
MORE = {"causes": 48}  # numbers that tables hold beyond the scene's: what is lost with a part at its mean, or cut last
AROUND = "details:has(figure.scene)"  # what is folded with a figure inside
COLUMNS = {
    BENCH,
    "pairs",
    "prompt",
    "stream",
    "sum",
    "forward",
}  # warm and cool

TOOLS, STEPS = 11, 5  # buttons of a figure, when all are shown: to turn it, and to read its numbers

NO_WEBGL = "This browser shows no 3D here, so the figure is a still."
NO_VIEWER = "The 3D viewer is not part of this copy of the page, so the figure is a still."
NO_SCENE = "The 3D figure could not be shown, so it is a still."

LISTEN = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));
window.contexts = new Set();
for (const kind of [HTMLCanvasElement, window.OffscreenCanvas].filter(Boolean)) {
  const { getContext } = kind.prototype;
  kind.prototype.getContext = function (name, ...options) {
    const context = getContext.call(this, name, ...options);
    if (context && name.startsWith("webgl")) contexts.add(context);
    return context;
  };
}
"""
# Without a GPU, two things take a third of the time until a figure lives: the viewer blurs the light of the scene by
# 256 samples a pixel, and edges are smoothed.
ROUGHLY = """
const { shaderSource } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.shaderSource = function (shader, text) {
  shaderSource.call(this, shader, text.replace("#define GGX_SAMPLES 256", "#define GGX_SAMPLES 16"));
};
const { getContext } = HTMLCanvasElement.prototype;
HTMLCanvasElement.prototype.getContext = function (name, options) {
  return getContext.call(this, name, name.startsWith("webgl") ? { ...options, antialias: false } : options);
};
"""
ORBIT = """
(viewer) => {
  const { theta, phi, radius } = viewer.getCameraOrbit();
  return [(theta * 180) / Math.PI, (phi * 180) / Math.PI, radius];
}
"""
AT_GOAL = f"([viewer, goal]) => goal.every((x, i) => Math.abs(x - ({ORBIT.strip()})(viewer)[i]) < 1e-3)"
PLACES = """
([viewer, points]) => {
  const { theta, phi, radius } = viewer.getCameraOrbit();
  const { x, y, z } = viewer.getCameraTarget();
  const [sinT, cosT, sinP, cosP] = [Math.sin(theta), Math.cos(theta), Math.sin(phi), Math.cos(phi)];
  const axes = [[cosT, 0, -sinT], [-cosP * sinT, sinP, -cosP * cosT], [sinP * sinT, cosP, sinP * cosT]];
  const slope = Math.tan((viewer.getFieldOfView() * Math.PI) / 360);
  return points.map((point) => {
    const [right, up, near] = axes.map((axis) =>
      axis[0] * (point[0] - x) + axis[1] * (point[1] - y) + axis[2] * (point[2] - z));
    const high = slope * (radius - near);
    return [(right * viewer.clientHeight) / (high * viewer.clientWidth), up / high, radius - near];
  });
}
"""
INSIDE = f"""
(all) => ({PLACES.strip()})(all).every(([x, y, away]) => Math.abs(x) <= 1 && Math.abs(y) <= 1 && away > 0)
"""
EYE_AT = """
(viewer) => {
  const { theta, phi, radius } = viewer.getCameraOrbit();
  const { x, y, z } = viewer.getCameraTarget();
  const flat = radius * Math.sin(phi);
  return [x + flat * Math.sin(theta), y + radius * Math.cos(phi), z + flat * Math.cos(theta)];
}
"""
TARGET = "(viewer) => { const { x, y, z } = viewer.getCameraTarget(); return [x, y, z]; }"
AWAY_FROM = f"([viewer, target]) => ({TARGET})(viewer).some((x, i) => Math.abs(x - target[i]) > 1e-3)"
LOSE_CONTEXT = """
(viewer) => {
  const keys = [];
  for (let object = viewer; object; object = Object.getPrototypeOf(object)) {
    keys.push(...Object.getOwnPropertySymbols(object));
  }
  const renderer = viewer[keys.find((key) => key.description === "renderer")];
  renderer.canvas3D.getContext("webgl2").getExtension("WEBGL_lose_context").loseContext();
}
"""
STICKING_OUT = """
() => [...document.querySelectorAll("body *")]
  .filter((element) => !element.closest(".numbers > *, pre > *"))  // these scroll sideways
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
  .map((element) => element.outerHTML.slice(0, 80))
"""
# Axe takes a thousandth of a second a cell. Of each table stay two rows, and those with a cell whose like, in all but
# what it says, is in no row yet, of no table in such a place: in the others axe would find the same once more. Where it
# is so of all rows, none stays.
ONE_OF_A_KIND = """
() => {
  const attributes = (element) => [...element.attributes].map(({ name, value }) => name + value);
  const kind = (element) => {
    const { color, backgroundColor, fontSize, fontWeight, opacity } = getComputedStyle(element);
    const says = Boolean(element.textContent.trim());
    return [element.tagName, ...attributes(element), says, color, backgroundColor, fontSize, fontWeight, opacity];
  };
  const known = new Set();
  for (const table of document.querySelectorAll("table")) {
    const place = [];
    for (let around = table; around; around = around.parentElement) place.push(around.tagName, around.className);
    const some = [table.caption, ...table.rows].filter((row, n) => {
      const parts = row ? [row.parentElement, row, ...row.querySelectorAll("*")] : [];
      const kinds = parts.map((one) => `${place} ${kind(one)}`);
      const isKnown = kinds.every((one) => known.has(one));
      kinds.forEach((one) => known.add(one));
      if (n > 2 && isKnown) row.remove();
      return !isKnown;
    });
    if (!some.length) table.remove();
  }
}
"""
VISIBLE = "checkVisibility({ visibilityProperty: true, opacityProperty: true })"
STILLS = f"""
(stills) => Promise.all(stills.map(async (still) => {{
  still.loading = "eager";
  await still.decode();
  return still.naturalWidth > 0 && still.{VISIBLE} && still.getBoundingClientRect().height > 90;
}}))
"""
SIZES = "(all) => all.map((one) => { const { width, height } = one.getBoundingClientRect(); return [width, height]; })"

OF_PLOTS = """
() => {
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return [...document.querySelectorAll("svg")].flatMap((plot) => {
    const edge = plot.getBoundingClientRect();
    const texts = [...plot.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    const inside = (box) => box.left >= edge.left && box.right <= edge.right && box.bottom <= edge.bottom + 1;
    const cut = texts.filter(([, box]) => !inside(box));
    const hit = texts.filter(([, a], i) => texts.some(([, b], j) => i < j && !apart(a, b)));
    return [...cut, ...hit].map(([text]) => `${plot.ariaLabel}: ${text}`);
  });
}
"""
SECTIONS = """
(sections) => sections.map((section) => {
  const text = (selector) => section.querySelector(selector).textContent;
  const plot = section.querySelector("svg[role=img]");
  const bars = [...plot.querySelectorAll("rect")].map((bar) => [bar, bar.nextSibling.nextSibling.textContent]);
  const marks = [...[...plot.querySelectorAll("circle")].map((dot) => [dot, 1]), ...bars];
  const count = (kind) => marks.reduce((sum, [mark, n]) => sum + mark.matches(kind) * n, 0);
  return {
    id: section.id, sentence: text("h2"), value: text("strong"), code: text("details code"),
    words: section.innerText, label: plot.ariaLabel, width: plot.getBoundingClientRect().width,
    held: count(".held"), seeds: count("*"), own: plot.querySelectorAll(".own").length,
  };
})
"""
NOTES = """
(claims) => claims.map((claim) => {
  claim.focus();
  const note = document.getElementById(claim.getAttribute("aria-describedby"));
  const box = note.getBoundingClientRect();
  const covers = [...claim.getClientRects()].some((line) => line.bottom > box.top && line.top < box.bottom);
  const inside = box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
  const fits = inside && document.documentElement.scrollWidth <= innerWidth;
  return { text: note.innerText, fits, covers, width: box.width };
})
"""

expect.set_options(timeout=30_000)


@dataclass
class Visit:
    """A page that was opened, and what it did."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def figures(self) -> list[Locator]:
        ids = self.page.locator("figure.scene").evaluate_all("(figures) => figures.map(({ id }) => id)")
        return [self.figure(id) for id in ids]

    def figure(self, name: str) -> Locator:
        """One of a name. It is looked for outside shadow trees, which takes no walk through all cells of all tables."""
        return self.page.locator(f"css:light=figure#{name}")

    @property
    def note(self) -> Locator:
        return self.page.locator("#note")

    def claim(self, id: str) -> Locator:
        return self.page.locator(f"a#claim-{id}")

    def enliven(self, *names: str) -> "Visit":
        """Scrolls to figures, or to all, and waits until each is live."""
        for figure in map(self.figure, names) if names else self.figures:
            comes_to_life(figure)
        return self

    def open_details(self, which: str = "details") -> "Visit":
        """Opens what is folded. Tables take long to lay out: where they are not what is tried, they may stay closed."""
        self.page.locator(which).evaluate_all("(every) => every.forEach((one) => (one.open = true))")
        return self


Visitor = Callable[..., Visit]
Serve = Callable[[Path], str]
Launch = Callable[..., Browser]


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser may leave before all is sent."""


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Not needed."""


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Serves a folder; gives its address."""
    with ExitStack() as stack:

        def serve(folder: Path) -> str:
            server = stack.enter_context(Server(("127.0.0.1", 0), partial(Handler, directory=str(folder))))
            thread = Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/"

        yield serve


@pytest.fixture(scope="session")
def url(site: Path, serve: Serve) -> str:
    return serve(site)


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Starts a browser with the tests' switches and more."""
    with sync_playwright() as playwright, ExitStack() as stack:

        def launch(*more: str) -> Browser:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, *more])
            stack.callback(browser.close)
            return browser

        yield launch


@pytest.fixture(scope="session")
def browser(launch: Launch) -> Browser:
    return launch()


@pytest.fixture(scope="session")
def browser_without_webgl(launch: Launch) -> Browser:
    return launch("--disable-3d-apis")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visitor]:
    """Opens a page in a context of its own; takes another browser and Playwright's options of a context.

    Where it does not matter how a figure is drawn exactly, it is drawn `ROUGHLY`.
    """
    with ExitStack() as stack:

        def visit(url: str, by: Browser = browser, exact: bool = False, **options: object) -> Visit:
            context = by.new_context(**{"viewport": PHONE} | options)  # type: ignore[arg-type]
            stack.callback(context.close)
            context.add_init_script(LISTEN if exact else LISTEN + ROUGHLY)
            result = Visit(context.new_page())
            result.page.on("request", lambda request: result.requests.append(request.url))
            result.page.on("pageerror", lambda error: result.errors.append(error.message))
            result.page.on("console", lambda said: result.errors.extend([said.text] * (said.type == "error")))
            result.page.goto(url)
            return result

        yield visit


@pytest.fixture
def copy(site: Path, tmp_path: Path) -> Path:
    """A copy of the site that a test may damage."""
    return Path(shutil.copytree(site, tmp_path / "site"))


def numbers_of(site: Path) -> dict[str, int]:
    """How many numbers each scene shows, by name."""
    return {scene["name"]: scene["values"] for scene in json.loads((site / "scenes.json").read_text("utf-8"))}


def claims_of(site: Path, path: str = ARTICLE) -> list[dict]:
    """The claims of a page; the evidence has them all."""
    said = json.loads((site / "claims.json").read_text("utf-8"))
    return [claim for claim in said if path in (EVIDENCE, claim["page"])]


def note_of(claim: dict) -> str:
    """What the note of a claim should say."""
    words = claim["predicate"][0].upper() + claim["predicate"][1:]
    return f"{words}: {claim['value']}. True in {claim['held']} of {claim['seeds']} trainings."


def comes_to_life(figure: Locator) -> None:
    figure.locator(".stage").scroll_into_view_if_needed()
    expect(figure).to_have_class("scene live")
    expect(figure.locator("model-viewer")).to_be_visible()
    expect(figure.locator(".still")).to_be_hidden()
    expect(figure.locator(".flat")).to_have_count(0)


def more_tools(figure: Locator) -> Locator:
    """Shows the buttons of a figure that lives which are not always shown; gives the figure."""
    button = figure.get_by_role("button", name="More tools")
    if button.get_attribute("aria-expanded") == "false":
        button.dispatch_event("click")
    expect(figure.locator(".menu")).to_be_visible()
    return figure


def stops_before(element: Locator) -> list[Locator]:
    """What the keyboard meets before an element of the prose, without the bench, which has a test of its own."""
    stops = "xpath=preceding::*[self::a or self::summary][not(ancestor::*[@id='bench'])]"
    return [stop for stop in element.locator(stops).all() if stop.is_visible()]


def shows_its_still(figure: Locator) -> None:
    """Or each of several figures its own."""
    stills = figure.locator(".still")
    assert stills.evaluate_all(STILLS) == [True] * figure.count()


def stays_flat(figure: Locator, *reasons: str) -> None:
    """Shows the still and one sentence that says why, and nothing that would not work; or each of several figures.

    They are in view.
    """
    why = re.compile(f"^({'|'.join(map(re.escape, reasons))})$")
    says = figure.get_by_role("status")
    expect(says).to_have_text([why] * figure.count())
    shows_its_still(figure)
    assert all(says.evaluate_all(f"(all) => all.map((said) => said.{VISIBLE})"))
    expect(figure.locator("model-viewer, button:not(.files button)")).to_have_count(0)
    assert {*figure.evaluate_all("(figures) => figures.map((figure) => figure.className)")} == {"scene"}


def wait_for_orbit(figure: Locator, goal: list[float]) -> None:
    """Waits until the camera is where it should be: degrees around, degrees down, and metres away, if that is asked."""
    viewer = figure.locator("model-viewer")
    with suppress(Error):  # to fail with numbers
        figure.page.wait_for_function(AT_GOAL, arg=[viewer.element_handle(), goal], timeout=15_000)
    assert viewer.evaluate(ORBIT)[: len(goal)] == pytest.approx(goal, abs=1e-3)


def sees_all(figure: Locator, points: NDArray[np.float64]) -> None:
    """Waits until no point of a figure (n, 3) is outside of its frame; and that it is filled."""
    viewer, all_of_it = figure.locator("model-viewer"), points.tolist()
    with suppress(Error):  # to fail with numbers
        figure.page.wait_for_function(INSIDE, arg=[viewer.element_handle(), all_of_it], timeout=15_000)
    places = np.array(figure.page.evaluate(PLACES, [viewer.element_handle(), all_of_it]))
    assert places[:, 2].min() > 0
    assert 0.6 < np.abs(places[:, :2]).max() <= 1


def wheel_scrolls(figure: Locator, flicks: int = 3) -> None:
    """The wheel moves the page that a figure stands on, however often it is turned over the figure, or to its end."""
    page, stage = figure.page, figure.locator(".stage")
    stage.evaluate("(stage) => stage.scrollIntoView({ block: 'center' })")
    box = stage.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    start, left = page.evaluate("[scrollY, document.documentElement.scrollHeight - innerHeight - scrollY]")
    way = min(100 * flicks, left)
    for _ in range(flicks):
        page.mouse.wheel(0, 100)
    with suppress(Error):  # to fail with numbers
        page.wait_for_function("(end) => scrollY >= end - 1", arg=start + way, timeout=15_000)
    assert page.evaluate("scrollY") - start == pytest.approx(way, abs=1)


def numbers_in(figure: Locator, attribute: str) -> list[float]:
    """An attribute such as "-20deg 70deg 0.5m"."""
    return [float(part.rstrip("deg").rstrip("m")) for part in (figure.get_attribute(attribute) or "").split()]


def pixels(figure: Locator) -> NDArray[np.int16]:
    """The picture that a figure shows now (height, width, 3)."""
    shot = figure.locator(".stage").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int16)


def overlap(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """How well the coloured parts of two pictures lie on each other: their intersection over their union."""
    height, width = np.minimum(one.shape, other.shape)[:2]  # a stage that starts at half a pixel may cover one more
    a, b = (np.ptp(picture[:height, :width], axis=-1) > 30 for picture in (one, other))
    shifted = [np.roll(a, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]  # and lie one off
    return max(float((a & b).sum() / (a | b).sum()) for a in shifted)


# Marks that have faded are as they are in a still; then a frame is drawn.
UNFADED = """async (viewer) => {
    const key = Object.getOwnPropertySymbols(viewer).find(({ description }) => description === "scene");
    viewer[key].traverse((one) => { if (one.isMesh) one.material = one.material.userData.whole ?? one.material; });
    viewer[key].queueRender();
    for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
}"""


def lies_on(figure: Locator, still: Locator) -> None:
    """A figure is drawn, and by the camera of its still: a turn by one degree costs seven of them 0.17 of overlap."""
    figure.locator("model-viewer").evaluate(UNFADED)
    drawn, name = pixels(figure), figure.get_attribute("id")
    if name in COLUMNS:
        warmth = drawn[..., 0] - drawn[..., 2]
        assert (warmth > 40).mean() > 0.01
        assert (warmth < -30).mean() > 0.01
    least = 0.7 if name == "map" else 0.8  # thin sticks meet in fewer pixels
    assert overlap(drawn, pixels(still)) >= least, name
