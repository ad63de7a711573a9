"""The page of all scenes, and a page for each of them by itself, to be shown on other pages."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from article.web.html import add
from article.web.render import fill_in, scene

if TYPE_CHECKING:
    from article.evidence.claim import Facts


TITLE = "All figures"
DESCRIPTION = "Every figure of the article: to turn, to show on another page, and to keep."


def pages(
    shown: Mapping[str, tuple[str, str, str]], known: "Facts", template: str, frame: str, title: str
) -> dict[str, str]:
    """The gallery and, in the folder `embed`, each scene by itself in a frame; by the name of the file.

    `shown` has for each scene its page, its alternative text and its caption; `title` is that of the article.
    """
    result = {"gallery.html": fill_in(template, body(shown, known.figures), TITLE, DESCRIPTION, known.values)}
    for name, (path, alt, caption) in shown.items():
        inside = alone(name, known.figures[f"{name}.glb"], path, alt, caption, title)
        result[f"embed/{name}.html"] = fill_in(frame, inside, caption, alt, known.values, "../")
    return result


def body(shown: Mapping[str, tuple[str, str, str]], figures: Mapping[str, Mapping]) -> str:
    """The inside of the gallery."""
    page = Element("div", {"class": "gallery"})
    add(page, "h1", TITLE)
    add(page, "p", DESCRIPTION)
    add(add(page, "p", ""), "a", "Back to the article", href="index.html")
    every = SubElement(page, "ul")
    for name, (path, alt, caption) in shown.items():
        data = figures[f"{name}.glb"]
        item = SubElement(every, "li", {"id": name})
        width, height = map(str, data["size"])
        link = SubElement(item, "a", {"href": f"{path}#{name}"})
        SubElement(link, "img", {"src": data["still"], "alt": alt, "width": width, "height": height, "loading": "lazy"})
        add(item, "p", caption)
        files = add(item, "p", "")
        files.set("class", "files")
        for text, href in (("by itself", f"embed/{name}.html"), (f"{name}.glb, {data['bytes']}", f"{name}.glb")):
            add(files, "a", text, href=href).tail = " · "
        add(files, "a", data["still"], href=data["still"], download="")
    return tostring(page, "unicode", "html")


def alone(name: str, data: Mapping, path: str, alt: str, caption: str, title: str) -> str:
    """The inside of a scene's own page, in the folder `embed`; `title` is that of the article."""
    figure = scene(name, data, alt, caption, root="../")
    source = Element("p", {"class": "files"})
    source.text = "From "
    add(source, "a", title, href=f"../{path}#{name}", target="_top")
    figure.insert(len(figure) - 1, source)  # above what unfolds
    heading = Element("h1", {"class": "unseen"})
    heading.text = caption
    return tostring(heading, "unicode", "html") + tostring(figure, "unicode", "html")
