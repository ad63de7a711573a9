"""What a plotter writes beside its meshes: labels, titles, scalar bars, axes, legends; as shapes, and as words."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes.export.part import Bar, Part
from scenes.export.plotter import Block, bar_of, is_annotation, named
from scenes.export.view import View, upright
from scenes.glyphs.text import letters, width_of

# Where VTK writes the texts of a corner annotation, in windows from the lower left; also how much is left, and below.
PLACES = [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0), (1, 0.5), (0, 0.5), (0.5, 1)]
LETTER, LINE, TOLERANCE = 0.73, 1.2, 0.05  # of the font size: height of a capital, of a line, and off its curve
PIECES = 64  # of a bar, each of which has one colour in a still
INK, SWATCH = (0.0, 0.0, 0.0), "■"


class Text(NamedTuple):
    """A text at a point (3,), its size in pixels, and how much of it is to the left, and below, of that point."""

    text: str
    at: NDArray[np.float64]
    size: float
    color: tuple[float, float, float] = INK
    left: float = 0.5
    below: float = 0.5


def annotations(renderer: Any, view: View, near: View) -> tuple[list[Block], dict[str, Any]]:
    """The annotations of a renderer as blocks that face the view, and what they say, for a page.

    What has its place in the window stands in a nearer view. "written" are the texts as `article.web.marks.labels_of`
    has them; "to" is the side of its place that a text is on, to the right and down.
    """
    blocks, said = [], {"legend": [], "labels": [], "texts": [], "axes": [], "written": []}
    for name, actor in named(renderer):
        texts, parts = [], []
        if not actor.GetVisibility():
            continue
        if actor.IsA("vtkScalarBarActor"):
            bar, ticks = _bar(actor, renderer)
            parts, texts = _strip(actor, bar, ticks, near)
            said["legend"].append(_told(bar, ticks))
            name = f"scalar bar/{bar.title}"
        elif actor.IsA("vtkLegendBoxActor"):
            texts = list(_legend(actor, near))
            entries = [{"text": text.text, "color": _hex(text.color)} for text in texts if text.text != SWATCH]
            said["legend"].append({"entries": entries})
        elif actor.IsA("vtkCubeAxesActor"):
            parts, texts = _bounds(actor, view)
            said["axes"].append({"bounds": list(actor.bounds), "titles": _titles(actor)})
        elif actor.IsA("vtkCornerAnnotation") or actor.IsA("vtkTextActor"):
            texts = list(_written(actor, near))
            said["texts"] += [{"name": name, "text": text.text.strip()} for text in texts]
        elif is_annotation(actor):
            texts = list(_labels(actor))
            said["labels"] += [{"text": text.text, "at": np.round(text.at, 9).tolist()} for text in texts]
        for text in texts:
            label: dict[str, Any] = {"name": name, "text": text.text, "to": [1 - 2 * text.left, 2 * text.below - 1]}
            label |= {"size": text.size * view.pixel, "at": np.round(upright(view.up) @ text.at, 9).tolist()}
            said["written"] += [label] if text.text != SWATCH else []
        parts = parts + shapes(texts, view if actor.IsA("vtkCubeAxesActor") or name.endswith("-labels") else near)
        blocks += [Block(name, parts)] if parts else []
    if getattr(renderer, "axes_enabled", False):
        blocks.append(_marker(near))
        said["axes"].append({"titles": ["X", "Y", "Z"]})
    return blocks, {key: words for key, words in said.items() if words}


def shapes(texts: list[Text], view: View, ink: bool = True) -> list[Part]:
    """The letters of texts, facing a view: a part for each colour, as `ink` if a page may write them instead."""
    right, up, _ = view.axes()
    found: dict[tuple, tuple[list, list]] = {}
    detail = min((text.size for text in texts), default=1) * view.pixel / 8
    for text in texts:
        rows, size = text.text.split("\n"), text.size * view.pixel
        points, faces = found.setdefault((tuple(text.color), ink and text.text != SWATCH), ([], []))
        for n, row in enumerate(rows):
            high = (len(rows) - 1) * LINE + LETTER
            y = (len(rows) - 1 - n) * LINE - text.below * high
            for (outline, triangles), x in letters(row, TOLERANCE):
                flat = outline + np.array([x - text.left * width_of(row), y])
                faces.append(triangles + sum(map(len, points)))
                points.append(text.at + size * flat @ [right, up])
    return [
        Part("triangles", np.vstack(points), np.vstack(faces), color=(*color, 1), lit=False, detail=detail, ink=is_ink)
        for (color, is_ink), (points, faces) in found.items()
        if points
    ]


def _hex(color: ArrayLike) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in np.asarray(color, float)[:3])


def _labels(actor: Any) -> Iterator[Text]:
    """The labels of `add_point_labels`, from the mesh that its pipeline begins with."""
    source, size, color = actor.GetMapper(), 18, INK
    while source.GetNumberOfInputPorts() and source.GetNumberOfInputConnections(0):
        source = source.GetInputAlgorithm(0, 0)
        if source.IsA("vtkPointSetToLabelHierarchy"):
            size, color = source.GetTextProperty().GetFontSize(), source.GetTextProperty().GetColor()
    data = pv.wrap(source.GetOutputDataObject(0))
    for text, at in zip(data["labels"], np.asarray(data.points, float), strict=True):
        yield Text(str(text), at, size, color, 0, 0)


def _written(actor: Any, view: View) -> Iterator[Text]:
    """The texts of titles and of `add_text`, where they are in the window."""
    look, window = actor.GetTextProperty(), np.array(view.window)
    size, color = look.GetFontSize(), look.GetColor()
    if actor.IsA("vtkTextActor"):
        yield Text(actor.GetInput(), view.at([actor.GetPosition()])[0], size, color, 0, 0)
        return
    size = 2 * size * window[1] / 768  # what VTK makes of the size that it is given
    for n, (x, y) in enumerate(PLACES):
        if text := actor.GetText(n):
            inside = [(0.5 + (x - 0.5) * 0.98), 0.5 + (y - 0.5) * 0.98] * window
            yield Text(text, view.at([inside])[0], size, color, x, y)


def _legend(actor: Any, view: View) -> Iterator[Text]:
    """The entries of a legend, each a square of its colour and its text."""
    left, low = actor.GetPosition() * np.array(view.window)
    n, high = actor.GetNumberOfEntries(), actor.GetHeight() * view.window[1]
    size = min(20.0, high / max(n, 1) / LINE)
    for k in range(n):
        y = low + high - (k + 0.5) * high / n
        at = view.at([[left, y], [left + 1.5 * size, y]])
        yield Text(SWATCH, at[0], size, actor.GetEntryColor(k), 0)
        yield Text(actor.GetEntryString(k), at[1], size, actor.GetEntryColor(k), 0)


def _bar(actor: Any, renderer: Any) -> tuple[Bar, list[tuple[float, str]]]:
    """The bar of a scalar bar actor, between the limits of the meshes that it is of, and its labels: place and text."""
    table = actor.GetLookupTable()
    limits = table.GetRange()
    for other in renderer.actors.values():
        mapper = other.GetMapper() if other.IsA("vtkActor") and other.GetMapper() else None
        if mapper and mapper.GetScalarVisibility() and mapper.GetLookupTable() is table:
            limits = table.GetRange() if mapper.GetUseLookupTableScalarRange() else mapper.GetScalarRange()
    bar, form = bar_of(table, limits, actor.GetTitle() or ""), actor.GetLabelFormat()
    n = actor.GetNumberOfLabels() * actor.GetDrawTickLabels()
    values = (np.geomspace if bar.log else np.linspace)(*bar.limits, n) if n else []
    said = [(form.format(value) if "{" in form else form % value).strip() for value in values]
    places = bar.place(np.array([*values, *bar.marks])).tolist()
    return bar, list(zip(places, [*said, *bar.marks.values()], strict=True))


def _told(bar: Bar, ticks: list[tuple[float, str]]) -> dict[str, Any]:
    """A bar as a page can draw it; `colors` has six digits for each."""
    tint = lambda rows: np.asarray(rows)[..., :3].tobytes().hex()  # noqa: E731
    return {
        "title": bar.title,
        "limits": list(bar.limits),
        "log": bar.log,
        "colors": tint(np.ascontiguousarray(bar.table[:, :3])),
        **{key: tint(getattr(bar, key)) for key in ("below", "above", "nan")},
        "labels": [{"place": round(place, 6), "text": text} for place, text in ticks],
    }


def _strip(actor: Any, bar: Bar, ticks: list[tuple[float, str]], view: View) -> tuple[list[Part], list[Text]]:
    """The strip of a bar where VTK has it in the window, its title above and its labels below or to the right."""
    low = actor.GetPosition() * np.array(view.window)
    size = np.array([actor.GetWidth(), actor.GetHeight()]) * view.window
    across, color = actor.GetOrientation() == 0, actor.GetTitleTextProperty().GetColor()
    low, size = (low + size * [0, 0.4], size * [1, 0.35]) if across else (low, size * [0.35, 0.85])
    font = min(actor.GetTitleTextProperty().GetFontSize(), 0.03 * view.window[1])
    along = np.repeat(np.linspace(0, 1, PIECES + 1), 2)
    ends = np.column_stack([along, np.arange(len(along)) % 2])[:, :: 1 if across else -1]
    corners = (2 * np.arange(PIECES)[:, None, None] + [[0, 2, 3], [0, 3, 1]]).reshape(-1, 3)
    look = {"coordinates": bar.coordinates(along), "picture": bar.picture(), "lit": False}
    strip = Part("triangles", view.at(low + ends * size), corners, **look)
    texts = [Text(bar.title, view.at([low + size * [0.5, 1] + [0, font / 2]])[0], font, color, 0.5, 0)]
    for place, text in ticks:
        at = low + size * ([place, 0] if across else [1, place]) + np.array([0, -font / 3] if across else [font / 3, 0])
        texts.append(Text(text, view.at([at])[0], font, color, *((0.5, 1) if across else (0, 0.5))))
    return [strip], texts


def _titles(actor: Any) -> list[str]:
    return [actor.GetXTitle(), actor.GetYTitle(), actor.GetZTitle()]


def _bounds(actor: Any, view: View) -> tuple[list[Part], list[Text]]:
    """The box of `show_bounds`, and the numbers and titles of its axes, each along an edge near to the eye."""
    ends, color = np.reshape(actor.bounds, (3, 2)).astype(float), actor.GetXAxesLinesProperty().GetColor()
    box = pv.Box(actor.bounds).extract_all_edges()
    lines = Part("lines", np.asarray(box.points, float), box.lines.reshape(-1, 3)[:, 1:], color=(*color, 1), lit=False)
    middle, toward, texts = ends.mean(axis=1), (view.eye - view.target) > 0, []
    near = ends[np.arange(3), toward.astype(int)]
    near[2] = ends[2, 0]
    rows = zip(_titles(actor), (actor.x_labels, actor.y_labels, actor.z_labels), strict=True)
    for axis, (title, labels) in enumerate(rows):
        edge = near.copy()
        if axis == 2:  # the one farthest to the left
            sides = np.array([[x, y, middle[2]] for x in ends[0] for y in ends[1]])
            edge[:2] = sides[((sides - view.target) @ view.axes()[0]).argmin(), :2]
        out = (edge - middle) * (np.arange(3) != axis)
        out /= np.linalg.norm(out) or 1.0
        for place, text in [*zip(np.linspace(0, 1, len(labels)), labels, strict=True), (None, title)]:
            at = edge + out * view.pixel * (25 if place is not None else 70)
            at[axis] = ends[axis] @ [1 - place, place] if place is not None else middle[axis]
            texts.append(Text(str(text), at, 16, color))
    return [lines], texts


def _marker(view: View) -> Block:
    """The three axes of `add_axes`, in the lower left of the window."""
    (origin,), length = view.at([0.1 * np.array(view.window)]), 0.07 * view.window[1] * view.pixel
    parts = []
    for axis, (letter, color) in enumerate(zip("XYZ", np.eye(3) * 0.8, strict=True)):
        end = origin + length * np.eye(3)[axis]
        tint = (float(color[0]), float(color[1]), float(color[2]))
        parts.append(Part("lines", np.array([origin, end]), np.array([[0, 1]]), color=(*tint, 1), lit=False, width=3))
        parts += shapes([Text(letter, origin + 1.25 * (end - origin), 18, tint)], view, ink=False)
    return Block("axes", parts)
