"""Addresses of what a page loads change with its content, or a browser's cache sets the old beside the new."""

import re
from pathlib import Path

from article.web.html import version

LOADED = re.compile(r'(?:\bsrc|data-src|data-marks|environment-image|rel="stylesheet" href)="([^":#]+)(?:#\.hdr)?"')
IMPORTED = re.compile(r'(?:from |import |import\()"\./([^"]+)"')


def test_all_that_a_page_loads_has_its_version(small_site: Path):
    """Stills, scenes, marks, light, style and scripts, of every page, those in folders included."""
    seen = set()
    for page in small_site.rglob("*.html"):
        for address in LOADED.findall(page.read_text("utf-8")):
            name, _, stated = address.partition("?")
            file = (page.parent / name).resolve()
            assert stated == version(file.read_bytes()), (page.name, address)
            seen.add(file.suffix)
    assert seen == {".glb", ".svg", ".json", ".hdr", ".css", ".js"}


def test_scripts_name_each_other_by_one_version(small_site: Path):
    """That of all of them and of the viewer: a change of one is a change of all that may import it."""
    stated = set()
    for script in small_site.glob("*.js"):
        for address in IMPORTED.findall(script.read_text("utf-8")):
            name, _, of_all = address.partition("?")
            assert name.startswith("vendor/") or (small_site / name).is_file()
            stated.add(of_all)
    assert len(stated) == 1
    assert re.fullmatch(r"[0-9a-f]{10}", stated.pop())
