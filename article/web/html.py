"""HTML elements."""

from xml.etree.ElementTree import Element, SubElement


def add(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    """An element of a text."""
    element = SubElement(parent, tag, attributes)
    element.text = text
    return element
