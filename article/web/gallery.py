"""The page of all scenes, and a page for each of them by itself, to be shown on other pages."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from article.web import html
from article.web.html import Addresses, Body

TITLE = "All figures"
DESCRIPTION = "Every figure of the article: to turn, to show on another page, and to keep."


def pages(
    shown: Mapping[str, tuple[str, str, str]],
    figures: Mapping[str, Mapping],
    title: str,
    parts: Collection[str] = (),
    preview: str = "",
    at: Addresses | None = None,
) -> dict[str, str]:
    """The gallery and, in the folder `embed`, each scene by itself in a frame; by the name of the file.

    `shown` has for each scene its page, its alternative text and its caption; `title` is that of the article, `parts`
    and `preview` are those of its pages.
    """
    at = at or Addresses()
    every = [(name, *words, figures[f"{name}.glb"]) for name, words in shown.items()]
    gallery = html.render("gallery.html", title=TITLE, description=DESCRIPTION, shown=every, at=at)
    result = {"gallery.html": html.page(Body(gallery, TITLE, DESCRIPTION), parts, preview, at)}
    at = replace(at, root="../")
    for name, page, alt, caption, data in every:
        values = {"name": name, "data": data, "alt": alt, "caption": caption, "page": page, "title": title, "at": at}
        inside = Body(html.render("frame.html", **values), caption, alt)
        result[f"embed/{name}.html"] = html.page(inside, ("embed",), at=at)
    return result
