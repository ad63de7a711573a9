"""The numbers of a `.glb`, read from its geometry and colours alone.

Extras say how the scene's shapes are to be read (`asset.extras`) and which node stands for which numbers, never what
the numbers are. trimesh opens the file, so that nothing of our own writer is trusted.
"""

import contextlib
import io
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import KDTree

KINDS = {5120: "i1", 5121: "u1", 5122: "i2", 5123: "u2", 5125: "u4", 5126: "f4"}  # componentType
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
FORMATS = ("PNG", "JPEG", "WEBP")
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")  # how the first two begin
PIXELS = 2**24  # of all pictures
TEXT = 2**24  # bytes of its JSON
MOST = 2**25  # numbers that are read of a file, each as often as it is used
DAMAGED = (struct.error, LookupError, TypeError, AttributeError, OSError, RecursionError, ArithmeticError, MemoryError)
FINE = 1 / 500  # of the limit: how far numbers that agree may be apart
COLOR = 1 / 140  # the same, for a number told by a colour of bytes, once rounded as sRGB and once as light

Track = tuple[NDArray[np.float64], NDArray[np.float64], str]  # times (K,), rows (K, n), and what is between them


@dataclass(frozen=True)
class Mark:
    """A node that stands for numbers: what its extras say, and what its shape and colour say."""

    trace: str  # the array of the trace
    index: tuple[int, ...]
    stated: NDArray[np.float64]  # (n,)
    shape: NDArray[np.float64]  # (n,), from the geometry
    color: NDArray[np.float64]  # (n,), from the colours; NaN where the colour tells no number
    limit: float | NDArray[np.float64]  # of the scale that it is drawn on, or (n,) that each of its numbers is
    ends: NDArray[np.float64]  # (2, 2), where it begins and ends on the floor, to the right and into the depth
    fine: float = FINE  # of the limit: how far the numbers of the shape may be off
    unused: int = 0  # of its points, those that are in no triangle


def document_of(glb: bytes) -> dict:
    """The JSON part of a `.glb`; what it says of itself, a program that saved it again may have kept of the root alone.

    Raises LookupError, ValueError, TypeError, AttributeError and struct.error for what is none.
    """
    if (size := struct.unpack("<I", glb[12:16])[0]) > TEXT:
        raise ValueError(f"its JSON has more than {TEXT:,} bytes")
    document = json.loads(glb[20 : 20 + size])
    if "extras" not in document["asset"]:
        roots = (document["nodes"][n].get("extras", {}) for n in document["scenes"][document.get("scene", 0)]["nodes"])
        document["asset"]["extras"] = next((said for said in roots if "scene" in said), {})
    return document


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Raises ValueError for whatever a damaged file leads to; what it makes infinite agrees with nothing."""
    try:
        with np.errstate(all="ignore"):
            yield
    except DAMAGED as error:
        raise ValueError(f"it cannot be read ({str(error).partition(chr(10))[0][:200]})") from None


def header(glb: bytes) -> dict:
    """The JSON part of a `.glb`. Raises ValueError if the bytes are none, or none that says how to read it."""
    try:
        magic, version, length, _, kind = struct.unpack("<4sIII4s", glb[:20])
        if (magic, version, length, kind) != (b"glTF", 2, len(glb), b"JSON"):
            raise ValueError
        document = document_of(glb)
        shown = document["asset"]["extras"]
        whole = all(isinstance(node, dict) and isinstance(node.get("extras", {}), dict) for node in document["nodes"])
        said = isinstance(shown["sentence"], str) and isinstance(shown["tokens"], list) and "glyphs" in shown
        if not (whole and said):
            raise ValueError
    except (struct.error, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("it is no .glb with a scene of ours in it") from None
    check_pictures(document, binary(glb))
    return document


def binary(glb: bytes) -> bytes:
    """The other part of a `.glb`."""
    return glb[28 + struct.unpack("<I", glb[12:16])[0] :]


def content(document: dict, data: bytes, image: dict) -> bytes:
    """The bytes of a picture."""
    view = document["bufferViews"][image["bufferView"]]
    start = view.get("byteOffset", 0)
    return data[start : start + view["byteLength"]]


def count(document: dict, n: int) -> None:
    """Raises TypeError when a file, which may say the same again and again, has more numbers than any scene."""
    document[None] = document.get(None, 0) + n  # JSON has no such key
    if document[None] > MOST:
        raise TypeError(f"more than {MOST:,} numbers")


def pixels_of(document: dict, data: bytes, number: int) -> NDArray[np.uint8]:
    """The pixels (h, w, 4) of a picture that `check_pictures` has let pass."""
    file = Image.open(io.BytesIO(content(document, data, document["images"][number])), formats=FORMATS)
    count(document, file.width * file.height)
    return np.asarray(file.convert("RGBA"))


def rows(document: dict, data: bytes, number: int) -> NDArray[np.float64]:
    """The numbers of an accessor (n, k). Raises TypeError for those that are not there."""
    accessor = document["accessors"][number]
    if "sparse" in accessor or "bufferView" not in accessor:
        raise TypeError("numbers that are not in one place")
    view = document["bufferViews"][accessor["bufferView"]]
    kind, width = np.dtype(f"<{KINDS[accessor['componentType']]}"), WIDTHS[accessor["type"]]
    start, size = view.get("byteOffset", 0) + accessor.get("byteOffset", 0), kind.itemsize * width
    stride = view.get("byteStride", size)
    end = start + stride * (accessor["count"] - 1) + size
    if view.get("buffer", 0) or not 0 <= start <= end <= len(data) or stride < size or view.get("extensions"):
        raise TypeError("numbers that are not in the file")
    count(document, accessor["count"] * width)
    shape, strides = (accessor["count"], width), (stride, kind.itemsize)
    found = np.ndarray(shape, kind, data, start, strides).astype(float)
    if accessor.get("normalized") and kind.kind != "f":
        found = np.maximum(found / np.iinfo(kind).max, -1)
    if not np.isfinite(found).all():
        raise TypeError("a number that is not finite")
    return found


def check_pictures(document: dict, data: bytes) -> None:
    """Raises ValueError for a picture that is not inside the file, neither PNG nor JPEG nor WebP, or too large.

    Libraries guess a format by its content, and some formats start an interpreter.
    """
    pixels = 0
    try:
        for image in document.get("images", []):
            picture = content(document, data, image)
            if not picture.startswith(PICTURES) and not (picture[:4], picture[8:12]) == (b"RIFF", b"WEBP"):
                raise ValueError("a picture in it is neither PNG nor JPEG nor WebP")
            width, height = Image.open(io.BytesIO(picture), formats=FORMATS).size  # which decodes nothing yet
            pixels += width * height
            if pixels > PIXELS:
                raise ValueError(f"a picture in it has {width:,} × {height:,} pixels; all have more than {PIXELS:,}")
    except (KeyError, IndexError, TypeError, AttributeError, OSError, Image.DecompressionBombError):
        raise ValueError("a picture in it cannot be read") from None


def read_back(glb: bytes) -> dict[str, NDArray[np.float64]]:
    """The numbers (n,) of each mark by the name of its node, from the geometry. Raises ValueError like `marks`."""
    return {name: mark.shape for name, mark in marks(glb).items()}


@readable()
def marks(glb: bytes, document: dict | None = None) -> dict[str, Mark]:
    """Every mark by the name of its node; `document` is what `header` gives, where that is known.

    Raises ValueError for a file, or a shape in it, that cannot be read.
    """
    document = document or header(glb)
    how = document["asset"]["extras"]
    try:
        scene = trimesh.load_scene(io.BytesIO(glb), file_type="glb", process=False)
    except Exception as error:  # whatever trimesh stumbles over in a damaged file
        raise ValueError(f"trimesh cannot open it ({error})") from None
    found = {}
    moved = tracks(document, binary(glb))
    for node in document["nodes"]:
        if "trace" in node.get("extras", {}):
            if node.get("name") in found:
                raise ValueError(f"two nodes are named {node['name']!r}")
            try:
                film = FILMS.get(how["glyphs"][node["extras"]["trace"]])
                found[node["name"]] = _film(node, moved, film, document) if film else _mark(node, scene, how)
            except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
                raise ValueError(f"the node {node.get('name')!r} cannot be read ({error})") from None
    return found


def _mark(node: dict, scene: trimesh.Scene, how: dict) -> Mark:
    """The mark of a node, or whatever error its damage leads to."""
    extras = node["extras"]
    transform, geometry = scene.graph[node["name"]]
    mesh = scene.geometry[geometry]
    points = trimesh.transform_points(mesh.vertices, transform) / how["meter"]
    glyph = how["glyphs"][extras["trace"]]
    if glyph == "carpet":
        shape, color = carpet(mesh.visual, points, how)
    else:
        color = np.asarray(mesh.visual.vertex_attributes.get("color", np.zeros((0, 4), np.uint8)))
        shape, color = READERS[glyph](points, color / np.iinfo(color.dtype).max, how)
    limit = 1.0 if glyph in ("ribbon", "carpet") else float(how["limit"])
    if glyph in TINTED:  # every second number is a difference
        limit = np.resize([limit, how["beside"]["limit"]], shape.shape)
    stated, index = np.asarray(extras["values"], float), tuple(map(int, extras["index"]))
    floor = points[:, [0, 2]] * [1, -1]
    joins = glyph.endswith("ribbon")
    ends = np.stack([floor[:2].mean(axis=0), floor[-2:].mean(axis=0)] if joins else [floor.mean(axis=0)] * 2)
    unused = len(points) - len(np.unique(mesh.faces))
    return Mark(extras["trace"], index, stated, shape, color, limit, ends, COLOR if glyph == "carpet" else FINE, unused)


def tracks(document: dict, data: bytes) -> dict[int, dict[str, Track]]:
    """How nodes are moved, by their number and what is moved of them."""
    found: dict[int, dict[str, Track]] = {}
    for animation in document.get("animations", []):
        for channel in animation["channels"]:
            sampler, target = animation["samplers"][channel["sampler"]], channel["target"]
            times, moved = (rows(document, data, sampler[key]) for key in ("input", "output"))
            way = sampler.get("interpolation", "LINEAR")
            if way == "CUBICSPLINE":  # of which only the rows themselves are read, and that it is one
                moved = moved[1::3]
            found.setdefault(target["node"], {})[target["path"]] = times[:, 0], moved, way
    return found


def _film(node: dict, moved: dict[int, dict[str, Track]], read: Callable, document: dict) -> Mark:
    """The mark of a node whose children are moved, from how they are moved until the last row is held."""
    how, extras = document["asset"]["extras"], node["extras"]
    (root,) = (node for node in document["nodes"] if node.get("name") == "scene")
    still = [document["nodes"][child] for child in node["children"]]
    rest = [{path: np.array([part[path]]) for path in ("scale", "translation") if path in part} for part in still]
    films = [{path: moving[:-1] for path, (_, moving, _) in moved.get(n, {}).items()} for n in node["children"]]
    shape = read([one | film for one, film in zip(rest, films, strict=True)], root, how)
    stated = np.asarray(extras["values"], float)
    index, nothing = tuple(map(int, extras["index"])), np.zeros((2, 2))
    return Mark(extras["trace"], index, stated, shape, np.full_like(shape, np.nan), float(how["limit"]), nothing)


def growing(parts: list[dict], root: dict, how: dict) -> NDArray[np.float64]:
    """The numbers (K,) of a box that grows: half the width of the warm one, or of the cool one, which is turned."""
    warm, cool = (part["scale"][:, 0] * root["scale"][0] / how["meter"] for part in parts)
    half = np.maximum(warm, cool / np.sqrt(2))  # where the one is, the other is not
    values = (half - how["column"]["base"]) / how["column"]["span"] * how["limit"]
    return np.where(warm > cool, values, -values)


FILMS = {"growing": growing}


def column(points: NDArray, color: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The numbers (n,) of n boxes, from their widths and turns, and from their colours (linear, 0 to 1)."""
    x, _, z = np.moveaxis(corners(points) - corners(points).mean(axis=1, keepdims=True), -1, 0)
    # A square's corners lie on the diagonals, those of one turned by 45 degrees on the axes.
    turned = np.minimum(abs(x), abs(z)).mean(axis=1) < np.maximum(abs(x), abs(z)).mean(axis=1) / 2
    half = (np.ptp(x, axis=1) + np.ptp(z, axis=1)) / 4 / np.where(turned, np.sqrt(2), 1)
    values = (half - how["column"]["base"]) / how["column"]["span"] * how["limit"]
    return np.where(turned, -values, values), number_of(color[::8, :3], how)


def ribbon(points: NDArray, _: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The weight (1,) of a ribbon, from its width, the mean of the distances between its rims."""
    rims = points.reshape(-1, 2, 3)
    width = np.linalg.norm(rims[:, 1] - rims[:, 0], axis=1).mean()
    return np.array([(width - how["ribbon"]["hair"]) / how["ribbon"]["span"]]), np.array([np.nan])


def bar(points: NDArray, color: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The number (1,) of a bar, from its height and its turn, and from its colour."""
    sign = np.sign(column(points, color, how | {"column": {"base": 0, "span": 1}})[0])
    value = (np.ptp(points[:, 1]) - how["bar"]["base"]) / how["bar"]["span"] * how["limit"]
    return sign * value, number_of(color[::8, :3], how)


def post(points: NDArray, color: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The weight (1,) of a bar whose colour is that of a head."""
    return bar(points, color, how)[0], np.array([np.nan])


def point(points: NDArray, _: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The three numbers of a place on a map, from its distance to the map's middle."""
    x, height, z = points.mean(axis=0)
    place = np.array([x, -z, height - how["point"]["height"]])
    return place / how["point"]["span"] * how["limit"], np.full(3, np.nan)


def surface(points: NDArray, _: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The numbers (n,) of a landscape, from its heights."""
    values = (points[:, 1] - how["surface"]["base"]) / how["surface"]["height"] * how["limit"]
    return values, np.full_like(values, np.nan)


def bead(points: NDArray, _: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The two numbers of a place on a landscape."""
    x, _, z = points.mean(axis=0)
    return np.array([x, -z]) / how["surface"]["span"], np.full(2, np.nan)


def crowd(points: NDArray, color: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The numbers (n,) of a row of box columns, rightwards and upwards, from depths and turns, and from colours."""
    boxes = points.reshape(-1, 8, 3)
    z = (boxes - boxes.mean(axis=1, keepdims=True))[..., 2]
    turned = np.abs(z).min(axis=1) < np.abs(z).max(axis=1) / 2
    half = np.ptp(z, axis=1) / 2 / np.where(turned, np.sqrt(2), 1)
    values = (half - how["column"]["base"]) / how["column"]["span"] * how["limit"]
    places = boxes.mean(axis=1)
    order = np.lexsort((places[:, 1], np.round(places[:, 0], 1)))
    return np.where(turned, -values, values)[order], number_of(color[::8, :3], how)[order]


def carpet(visual: Any, points: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The numbers (n,) of a picture's tiles, by query, to the right, and key, into the depth, from colours alone."""
    pixels = np.asarray(visual.material.baseColorTexture.convert("RGBA"))
    u, v = np.asarray(visual.uv).T  # v upwards
    right, deep = points[:, 0] - points[:, 0].mean(), points[:, 2].mean() - points[:, 2]
    if (u - u.mean()) @ right < 0:
        pixels = pixels[:, ::-1]
    if (v - v.mean()) @ deep > 0:
        pixels = pixels[::-1]
    there = pixels[..., 3].T > 127  # by query and key
    srgb = pixels[..., :3].swapaxes(0, 1)[there] / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    parts, tree = palette(json.dumps([how["weight"]]))
    values = parts[tree.query(linear)[1]]
    return values, values


def silent(points: NDArray, color: NDArray, how: dict) -> tuple[NDArray, NDArray]:
    """The numbers (n,) of n boxes whose colour tells nothing."""
    values, _ = column(points, color, how)
    return values, np.full_like(values, np.nan)


def tinted(read: Callable) -> Callable:
    """A reader of shapes that say numbers (n,), and colours that say the difference of each: (2n,), one by one."""

    def both(points: NDArray, color: NDArray, how: dict) -> tuple[NDArray, NDArray]:
        values, _ = read(points, color, how)
        beside = how["beside"]
        scale = {"negative": beside["less"], "positive": beside["more"], "limit": beside["limit"]}
        differences = number_of(color[:: len(color) // len(values), :3], scale)
        nothing = np.full_like(values, np.nan)
        return np.stack([values, differences], 1).ravel(), np.stack([nothing, differences], 1).ravel()

    return both


TINTED = {"tinted": tinted(column), "tinted_ribbon": tinted(ribbon), "tinted_bar": tinted(bar)}
PLAIN = (crowd, column, silent, ribbon, bar, post, point, surface, bead)
READERS = {read.__name__: read for read in PLAIN} | TINTED
APART = "_apart"  # ends the name of an array that has of each number its difference, too


def corners(points: NDArray) -> NDArray[np.float64]:
    """The corners (n, 8, 3) of n boxes, from the lowest to the highest."""
    boxes = points.reshape(-1, 8, 3)
    return boxes[np.argsort(boxes[:, :, 1].mean(axis=1), kind="stable")]


def number_of(color: NDArray, how: dict) -> NDArray[np.float64]:
    """The numbers (n,) of colours (n, 3), linear 0 to 1: those whose colours on the scale come nearest."""
    parts, tree = palette(json.dumps([how["negative"], how["positive"]]))
    return parts[tree.query(np.nan_to_num(color))[1]] * how["limit"]


@lru_cache(maxsize=8)
def palette(stops: str) -> tuple[NDArray[np.float64], KDTree]:
    """Numbers (n,) from -1 to 1, and a tree of their linear colours.

    `stops` is JSON of the colours of the negative and the positive numbers, or of the positive ones alone.
    """
    parts = np.linspace(0, 1, 4001)
    scale = [
        np.stack([np.interp(parts, np.linspace(0, 1, len(rgb)), channel) for channel in zip(*rgb, strict=True)], axis=1)
        for rgb in json.loads(stops)
    ]
    srgb = np.concatenate(scale)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.concatenate([-parts, parts][-len(scale) :]), KDTree(linear)


def disorder(found: dict[str, Mark], how: dict) -> list[str]:
    """A sentence for each mark that has a wrong name, is missing, or does not stand where it belongs."""
    last = len(how["tokens"]) - 1
    problems = [] if found else ["no node stands for a number"]
    rows: dict[tuple[str, int], dict[int, float]] = {}
    for name, mark in found.items():
        path = "/".join(map(str, (mark.trace, *mark.index)))
        if min(mark.index, default=0) < 0 or (mark.trace != "embedding" and name != path):
            problems.append(f"{name}: it says that it is {path}")
        array = mark.trace.removesuffix(APART)
        if array in ("residual", "normed"):
            rows.setdefault((array, mark.index[0]), {})[mark.index[1]] = float(mark.ends[0, 0])
    for (array, level), places in rows.items():
        alone = [how.get("position", last)]  # where a row has one column only
        if sorted(places) != (alone if f"{array}/{level}" in how.get("last_only", ()) else list(range(last + 1))):
            problems.append(f"{array}/{level}: a token is missing")
        elif (np.diff([places[t] for t in sorted(places)]) <= 0).any():
            problems.append(f"{array}/{level}: the tokens stand in another order")
    joins = [mark for mark in found.values() if mark.trace.removesuffix(APART) == "attention"]
    ribbons = {mark.index: mark for mark in joins if min(mark.index) >= 0}
    for l, h, q in sorted({index[:3] for index in ribbons}):
        missing = [k for k in range(q + 1) if (l, h, q, k) not in ribbons]
        problems += [f"attention/{l}/{h}/{q}/{k}: it is missing" for k in missing]
    for (l, h, q, k), mark in ribbons.items():
        for token, level, x in zip((k, q), (l, l + 1), mark.ends[:, 0], strict=True):
            row = rows.get(("residual", level), {})
            if row and min(row, key=lambda t: abs(row[t] - x)) != token:
                problems.append(f"attention/{l}/{h}/{q}/{k}: it does not join the columns of {k} and {q}")
    return problems


@readable()
def disagreements(glb: bytes, fresh: object = None) -> list[str]:
    """A sentence for each mark whose numbers, name or place do not agree, and for other weights; none if all do.

    What the extras state, what the geometry says and, given a fresh `gpt.Trace`, what it holds must be the same within
    1/500 of the scale's limit. A colour of bytes tells a number less finely: within COLOR of the limit. Where a scene
    tells differences, `fresh` has the `other` trace that they are to.
    """
    document = header(glb)
    every, how = marks(glb, document), document["asset"]["extras"]
    found, weights = disorder(every, how), how.get("weights")
    if fresh is not None and weights != getattr(fresh, "weights", weights):
        found.append("the weights: the file was made from another model")
    others = how.get("beside", {}).get("weights")
    if fresh is not None and others and others != getattr(getattr(fresh, "other", None), "weights", others):
        found.append("the weights: the file was set beside another model")
    found += [f"{name}: {mark.unused} of its points are in no triangle" for name, mark in every.items() if mark.unused]
    for name, mark in every.items():
        silent = np.isnan(mark.color)
        color = np.where(silent, np.resize(mark.stated, silent.shape), mark.color)
        said = {"the geometry": (mark.shape, mark.fine), "the colour": (color, FINE if silent.any() else COLOR)}
        if fresh is not None:
            try:
                said["a fresh trace"] = (np.ravel(getattr(fresh, mark.trace)[mark.index]), FINE)
            except (AttributeError, IndexError, TypeError):
                found.append(f"{name}: a fresh trace has no {mark.trace}[{', '.join(map(str, mark.index))}]")
        for who, (values, tolerance) in said.items():
            if values.shape != mark.stated.shape:
                found.append(f"{name}: the extras hold {mark.stated.size} numbers and {who} {values.size}")
                continue
            off = np.nan_to_num(np.abs(values - mark.stated) / mark.limit, nan=np.inf)
            if not off.size:
                found.append(f"{name}, component 0: no numbers")
            elif not off[worst := int(off.argmax())] <= tolerance:
                says = f"the extras say {mark.stated[worst]:.4f} and {who} {values[worst]:.4f}"
                found.append(f"{name}, component {worst}: {says}")
    return found
