"""Matplotlib figures as SVG that may stand in a page.

As matplotlib writes it, an SVG styles the whole page it is put into, its ids meet those of other pictures, its inline
styles need a lax content security policy, and it says nothing to those who cannot see it.
"""

import io
import re
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

_GEOMETRY = ("d", "x", "y", "transform")
_DROPPED = ("metadata", "style")


def as_svg(figure: Figure, name: str, title: str, says: str) -> str:
    """One ``svg`` element, whose colours and sizes are attributes that a page's styles may override.

    Parameters
    ----------
    name : str
        Begins every id, so that pictures of other names may stand beside it.
    title, says : str
        The text alternative: what is shown, and the main numbers.
    """
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    root = ET.fromstring(written.getvalue())
    for element in root.iter():
        _without_namespaces(element)
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    for element in root.iter():
        _style_as_attributes(element)
        _round(element)
    _own_ids(root, name)
    _describe(root, name, title, says)
    return ET.tostring(root, encoding="unicode")


def _without_namespaces(element: ET.Element) -> None:
    element.tag = _local(element.tag)
    element.attrib = {_local(key): value for key, value in element.attrib.items()}


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _style_as_attributes(element: ET.Element) -> None:
    for rule in filter(None, element.attrib.pop("style", "").split(";")):
        key, _, value = rule.partition(":")
        if key.strip() != "font-family":  # the page has one
            element.set(key.strip(), value.strip())


def _round(element: ET.Element) -> None:
    """Hundredths of a point: nobody sees more, and the page is half as large."""
    for key in _GEOMETRY:
        if key in element.attrib:
            element.set(key, re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}", element.attrib[key]))


def _own_ids(root: ET.Element, name: str) -> None:
    """Drop the ids that nothing refers to; the others begin with ``name``."""
    used = set(re.findall(r"#([\w-]+)", " ".join(value for element in root.iter() for value in _references(element))))
    for element in root.iter():
        if (known := element.attrib.pop("id", None)) in used:
            element.set("id", f"{name}-{known}")
        for key in ("href", "clip-path"):
            if key in element.attrib:
                element.set(key, element.attrib[key].replace("#", f"#{name}-"))


def _references(element: ET.Element) -> list[str]:
    return [element.get("href", ""), element.get("clip-path", "")]


def _describe(root: ET.Element, name: str, title: str, says: str) -> None:
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-says",
        "font-family": "system-ui, sans-serif",
        "stroke-linejoin": "round",
    }
    for position, (tag, text) in enumerate((("title", title), ("desc", says))):
        child = ET.Element(tag, {"id": f"{name}-{'says' if position else 'title'}"})
        child.text = text
        root.insert(position, child)
