"""The page while its text is written: it follows what is saved, stays where it is, and says what is wrong."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import DESKTOP, Visitor

pytestmark = pytest.mark.npm
FIRST = 240_000  # milliseconds, in which nothing may be kept yet


@pytest.fixture
def served(project: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a copy of the project's article."""
    command = [sys.executable, "-u", "-m", "article.serve", "--port", "0", "--seeds", "1", "--out", tmp_path / "served"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def test_the_page_follows_what_is_saved(served: str, project: Path, tmp_path: Path, visit: Visitor) -> None:
    seen = visit(served, viewport=DESKTOP)
    page, text = seen.page, project / "article" / "index.md"
    as_it_was = text.read_text("utf-8")
    expect(page.locator("h1")).to_be_visible(timeout=FIRST)
    assert (tmp_path / "served" / "index.html").is_file()

    def save(more: str) -> None:
        text.write_text(f"{as_it_was}\n{more}\n", "utf-8")

    page.wait_for_load_state("load")
    page.evaluate("scrollTo(0, 3000)")
    save("What was saved stands here.")
    expect(page.get_by_text("What was saved stands here.")).to_be_attached()
    page.wait_for_function("() => Math.abs(scrollY - 3000) < 2")

    save("[A <i>claim</i> that fails](claim:generalises?at-most=0).")
    line = as_it_was.count("\n") + 2
    said = page.get_by_role("alert").filter(has_text=f"article/index.md, line {line}: ")
    expect(said).to_contain_text("is false: the text says at-most 0 of the trainings")
    expect(page.get_by_text("What was saved stands here.")).to_be_attached()

    save("A value {of_<b>none</b>} and {no_such_value}.")
    problem = f"article/index.md, line {line}: there is no value 'no_such_value'; values.py names them."
    expect(page.get_by_role("alert")).to_have_text(problem)
    save("[&lt;b>bold](claim:<b>bold</b>)")
    expect(page.get_by_role("alert")).to_contain_text("<b>bold</b>")
    assert page.get_by_role("alert").locator("b").count() == 0

    save("All is well again.")
    expect(page.get_by_text("All is well again.")).to_be_attached()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.evaluate("violations") == []
    assert seen.errors == []
    pages = list((tmp_path / "served").rglob("*.html"))
    assert len(pages) > 10
    assert not any("reload.js" in one.read_text("utf-8") for one in pages)
    assert {re.sub(r"[^/]*$", "", url) for url in seen.requests if url.startswith("http")} >= {served}
    assert all(url.startswith((served, "blob:", "data:")) for url in seen.requests)
