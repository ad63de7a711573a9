"""What a reader takes along: a figure on another page, its picture, and its address on paper."""

import gzip
import json
import re
import shutil
from html import escape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from scenes.style import STILL_WIDTH
from tests.browser import (
    DESKTOP,
    GALLERY,
    PHONE,
    TABLET,
    Serve,
    Visitor,
    comes_to_life,
    more_tools,
    numbers_in,
    wait_for_orbit,
)
from tests.conftest import BUILDERS, SCENES


def test_a_figure_lives_on_a_page_of_another_origin(visit: Visitor, url: str, serve: Serve, tmp_path: Path) -> None:
    """By the line that the article gives for it, copied as it stands."""
    seen = visit(url).open_details("#pairs details")
    line = seen.figure("pairs").locator("input.embed").input_value()
    assert f'src="{url}embed/pairs.html"' in line
    film = seen.figure("growth").locator("input.embed").input_value()
    (tmp_path / "index.html").write_text(
        f"<!doctype html><title>x</title><link rel=icon href=data:,><body>{line}<p style='height: 200vh'>{film}"
    )
    other = visit(serve(tmp_path), viewport=DESKTOP)
    assert not other.page.url.startswith(url)
    inside = other.page.frame_locator("iframe >> nth=0")
    figure = inside.locator("figure#pairs")
    comes_to_life(figure)
    other.page.locator("iframe").first.evaluate("(frame) => frame.scrollIntoView()")
    other.page.mouse.move(DESKTOP["width"] / 2, DESKTOP["height"] / 2)
    for _ in range(12):
        other.page.mouse.wheel(0, 100)
    other.page.wait_for_function("() => scrollY >= 1200")  # the page around scrolls, by the wheel over the frame
    for size in (DESKTOP, TABLET, PHONE):
        other.page.set_viewport_size(size)
        for each in other.page.frames[1:]:
            fits = "() => { const { scrollWidth: x, scrollHeight: y } = document.documentElement;"
            each.wait_for_function(fits + " return x <= innerWidth && y <= innerHeight && innerHeight > 500; }")
    more_tools(figure).get_by_role("button", name="The next mark").click()
    expect(figure.locator(".readout")).to_contain_text("bird: component 1 ")
    source = figure.get_by_role("link", name="A Transformer in a glass case")
    assert source.get_attribute("target") == "_top"  # not inside the frame
    assert source.evaluate("(link) => link.href") == f"{url}index.html#pairs"
    assert other.errors == []


ITEMS = """
(items) => items.map((item) => ({
  id: item.id,
  links: [...item.querySelectorAll("a")].map((link) => link.getAttribute("href")),
  src: item.querySelector("img").getAttribute("src"),
  alt: item.querySelector("img").alt,
  title: item.querySelector("p").innerText,
}))
"""


def test_the_gallery_has_every_scene(visit: Visitor, url: str, site: Path) -> None:
    seen = visit(url + GALLERY, viewport=DESKTOP, java_script_enabled=False)
    shown = seen.page.locator(".gallery li").evaluate_all(ITEMS)
    assert [item["id"] for item in shown] == list(BUILDERS)
    names = {scene["name"] for scene in json.loads((site / "scenes.json").read_text("utf-8"))}
    assert {path.stem for path in (site / "embed").iterdir()} == names == set(BUILDERS)
    for name, item in zip(BUILDERS, shown, strict=True):
        there, *files = item["links"]
        assert files == [f"embed/{name}.html", f"{name}.glb", f"{name}.svg"]
        assert all((site / file).is_file() for file in files)
        page, _, id = there.partition("#")
        text = (site / page).read_text("utf-8")
        assert (id, text.count(f' id="{name}"')) == (name, 1)
        assert item["src"].partition("?")[0] == f"{name}.svg"
        assert f'alt="{escape(item["alt"] or "-", quote=False)}"' in text
        alone = (site / "embed" / f"{name}.html").read_text("utf-8")
        assert f">{escape(item['title'], quote=False)}</h1>" in alone


def test_the_picture_is_what_is_seen(visit: Visitor, url: str, tmp_path: Path) -> None:
    seen = visit(url).open_details("#pairs details").enliven("pairs")
    figure = seen.figure("pairs")
    figure.get_by_role("button", name="Nearer").click()
    theta, phi, radius = numbers_in(figure, "data-orbit")
    wait_for_orbit(figure, [theta, phi, 0.8 * radius])
    with seen.page.expect_download() as download:
        figure.get_by_role("button", name="pairs.png").click()
    assert download.value.suggested_filename == "pairs.png"
    download.value.save_as(tmp_path / "pairs.png")
    still = seen.figure("pairs").locator(".still").evaluate("(still) => still.naturalWidth")
    picture = np.asarray(Image.open(tmp_path / "pairs.png").convert("RGB")).astype(int)
    assert picture.shape[1] != 2 * still  # which is the still's own picture
    warmth = picture[..., 0] - picture[..., 2]
    assert (warmth > 40).mean() > 0.01
    assert (warmth < -30).mean() > 0.01
    assert seen.errors == []


def test_a_flat_figure_has_a_picture_too(
    visit: Visitor, url: str, site: Path, tmp_path: Path, browser_without_webgl: Browser
) -> None:
    """Of its still, twice as fine: made in the page, of what is there, and of every figure."""
    seen = visit(url, by=browser_without_webgl, viewport=DESKTOP).open_details()
    buttons = seen.page.get_by_role("button", name=".png, as it is seen now")
    expect(buttons).to_have_count(len(SCENES))
    asked = set(seen.requests)
    with seen.page.expect_download() as download:  # far from what is seen, so that the still is not there yet
        seen.figure("growth").get_by_role("button", name="growth.png").click()
    assert download.value.suggested_filename == "growth.png"
    download.value.save_as(tmp_path / "growth.png")
    picture = Image.open(tmp_path / "growth.png")
    width, height = seen.figure("growth").locator(".still").evaluate("(still) => [still.width, still.height]")
    assert picture.width / picture.height == pytest.approx(width / height, abs=0.01)
    assert picture.width == 2 * STILL_WIDTH
    pixels = np.asarray(picture.convert("RGBA"))
    svg = (site / "growth.svg").read_text("utf-8")
    colors = [bytes.fromhex(color) for color in re.findall(r'fill="#(\w{6})" d', svg)]
    found = {bytes(pixel) for pixel in pixels[pixels[..., 3] == 255][:, :3]}
    assert len({*colors} & found) > 0.9 * len({*colors})
    assert pixels[0, 0, 3] == 0  # no background
    outside = {request for request in {*seen.requests} - asked if not request.startswith((url, "blob:", "data:"))}
    assert outside == set()
    assert seen.errors == []


def test_the_scripts_are_small(site: Path) -> None:
    """Those of every page; one more is asked for where there are numbers to be looked up."""
    scripts = sorted({*site.glob("*.js")} - {site / "numbers.js"})
    assert len(scripts) >= 5
    assert not [path for path in scripts if re.search(r"^ *(//|/\*)", path.read_text("utf-8"), re.MULTILINE)]
    assert sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in scripts) <= 20_000


def test_a_link_from_a_view_survives_a_copy(visit: Visitor, site: Path, tmp_path: Path, serve: Serve) -> None:
    """A site that lives in a folder of its own works there: all addresses are relative."""
    shutil.copytree(site, tmp_path / "deep" / "er")
    seen = visit(f"{serve(tmp_path)}deep/er/embed/pairs.html?x#pairs?mark=embedding/web&part=2", viewport=DESKTOP)
    expect(seen.figure("pairs").locator(".readout")).to_contain_text("web: component 2 ")
    assert seen.errors == []
