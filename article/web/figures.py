"""From a scene to a figure: built, verified by reading it back, and drawn."""

import importlib.util
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pyvista as pv

from article import cache
from article.errors import FalsehoodError, RefusalError
from article.web.html import version
from article.web.marks import marks
from article.web.site import Site
from article.web.tables import tables, written
from scenes import style
from scenes.export import readback
from scenes.export.camera import Camera, frame
from scenes.export.figure import drawn
from scenes.export.glb import to_glb
from scenes.export.painter import to_png, to_webp
from scenes.export.svg import stills
from scenes.words import Data

PAPER = "#fbfaf8"  # behind the picture in link previews; the page's own is in page.css


def make(
    site: Site,
    name: str,
    where: str,
    view: Callable[[str], Any] | None,
    preview: bool,
    fresh: bool,
    kept: bool = True,
    package: str = "scenes",
) -> dict:
    """Builds a scene, verifies it and draws its still, or takes what is kept of it unless it is to be fresh.

    `where` says where the figure stands, `package` where the scene does; one without a view knows its data itself. Not
    kept is what is larger than what it takes to make it anew. Returns what `publish.add` takes. Raises RefusalError
    and FalsehoodError.
    """
    with site.stage("scenes"):
        module = scene_module(name, package)
        if not hasattr(module, "build"):
            raise RefusalError(f"{where}: there is no scene {name!r}; write scenes/{name}.py.")
    try:
        if view is None:
            with site.stage("scenes"):
                built = module.build()
                scene, arrays = built if isinstance(built, tuple) else (built, None)
            if not (isinstance(scene, pv.MultiBlock) and "glyphs" in scene.user_dict):
                return made_of_anything(site, name, scene, arrays or {})
            shown = Data(arrays, scene.user_dict["sentence"])
            return made_of(site, name, lambda _: scene, shown, preview, arrays is not None)
        with site.stage("scenes"):
            shown = view(getattr(module, "SHOWS", "trace"))
        anew = partial(made_of, site, name, module.build, shown, preview)
        return cache.kept_scene(cache.scene_key(name, shown, preview), anew, fresh) if kept else anew()
    except ValueError as error:
        raise RefusalError(f"scenes/{name}.py: {error}; change the scene, or the data that it shows.") from None


def made_of(site: Site, name: str, build: Callable[[Any], Any], shown: Any, preview: bool, known: bool = True) -> dict:
    """A scene's files, its entry in `scenes.json`, and its figure. Raises FalsehoodError if it shows other numbers.

    It is held against what is shown, if that is `known`, and in any case against what it states itself.
    """
    with site.stage("scenes"):
        scene = build(shown)
    with site.stage("glb"):
        glb = to_glb(scene)
    with site.stage("verify"):
        for problem in readback.disagreements(glb, shown if known else None):
            raise FalsehoodError(f"{name}.glb does not show the model: {problem}.")
    with site.stage("stills"):
        camera, chosen = frame(scene), getattr(shown, "strip", [])
        strip = [f"{name}-{shown.steps[k]}.svg" for k in chosen]  # the stills of a film
        crowded = "crowded" in scene.user_dict  # too much for an SVG, and for tables
        if crowded:
            files, strip = {f"{name}.webp": to_webp(scene, camera)}, []
        else:
            drawings = zip([f"{name}.svg", *strip], stills(scene, camera, [-1, *chosen]), strict=True)
            files = {file: svg.encode() for file, svg in drawings}
        if preview:
            files[f"{name}.png"] = to_png(scene, camera, PAPER)
    with site.stage("marks"):
        stated = marks(scene, glb, shown)
        text = json.dumps(stated, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        files |= {f"{name}.glb": glb, f"{name}.marks.json": text.encode()}
        of_its_own = written(shown.tables()) if hasattr(shown, "tables") else None
    still, drawn = next(iter(files)), stated["marks"]
    entry = {
        "name": name,
        "file": f"{name}.glb",
        "still": still,
        "sentence": shown.sentence,
        "bytes": len(glb),
        "marks": sum(quantities(mark) for mark in drawn),
        "values": sum(len(mark["values"]) for mark in drawn),
    } | ({"strip": strip} if strip else {})
    figure = {
        "still": still,
        "marks": f"{name}.marks.json",
        "nodes": {mark["node"]: len(mark["values"]) for mark in drawn},
        "size": camera.pixels,
        **placed(camera),
        "bytes": f"{len(glb) / 1000:.0f} KB",
        "tables": [] if crowded else tables(scene, shown) if of_its_own is None else of_its_own,
        **({"shadow": "0"} if crowded else {}),  # which would hide what lies on the floor
        **({"film": film(scene, shown, strip)} if strip else {}),
    }
    return {"files": files, "entry": entry, "figure": figure, "notes": unnamed(name, drawn, shown)}


def made_of_anything(site: Site, name: str, thing: Any, look: dict[str, Any]) -> dict:
    """The same of what PyVista or trimesh has, a mesh or a plotter, in the look that `add_mesh` would give it.

    It has no marks; its labels, titles and bars stand in the scene. Raises ValueError for what cannot be drawn.
    """
    with site.stage("glb"):
        glb, png, extras, seen = drawn(thing, name, look)
    marks = {"of": version(glb), "how": [], "parts": [], "marks": [], "labels": extras.get("written", [])}
    files = {f"{name}.png": png, f"{name}.glb": glb, f"{name}.marks.json": json.dumps(marks).encode()}
    said, (width, height) = seen.said(), seen.window
    texts = [text["text"] for text in extras.get("texts", [])]
    entry = {
        **{"name": name, "file": f"{name}.glb", "still": f"{name}.png", "sentence": ", ".join(texts) or name},
        **{"bytes": len(glb), "marks": 0, "values": 0},
    }
    figure = {
        **{"still": f"{name}.png", "marks": f"{name}.marks.json", "nodes": {}, "tables": []},
        **{"shadow": "0", "paper": "white"},  # which PyVista takes for granted
        "size": (style.STILL_WIDTH, round(style.STILL_WIDTH * height / width)),
        **{"orbit": said["camera-orbit"], "target": said["camera-target"], "field-of-view": said["field-of-view"]},
        "bytes": f"{len(glb) / 1000:.0f} KB",
    }
    return {"files": files, "entry": entry, "figure": figure, "notes": []}


def placed(camera: Camera) -> dict[str, str]:
    """A camera as model-viewer takes it: metres, y up."""
    x, y, z = (style.METER * length for length in camera.target)
    return {
        "orbit": f"{camera.azimuth:g}deg {camera.zenith:g}deg {camera.distance * style.METER:.5f}m",
        "target": f"{x:.5f}m {z:.5f}m {-y:.5f}m",
        "field-of-view": f"{camera.field_of_view:g}deg",
    }


def film(scene: Any, shown: Any, strip: list[str]) -> dict:
    """What the page must know of a film, besides what it knows of any figure."""
    return {
        "times": scene.user_dict["times"][:-1],
        "steps": shown.steps,
        "loss": [round(float(loss), 4) for loss in shown.loss],
        "found": shown.found,
        "answer": shown.answer,
        "words": [shown.caption(k) for k in range(len(shown.steps))],
        "strip": list(zip(strip, shown.strip, strict=True)),
    }


def unnamed(name: str, drawn: list[dict], shown: Any) -> list[str]:
    """A note of what a scene draws and its view has no words for, if there is such a thing."""
    arrays = dict.fromkeys(mark["node"].split("/")[0].removesuffix(readback.APART) for mark in drawn)
    lacking = ", ".join(array for array in arrays if array not in shown.words)
    where = type(shown).__module__.replace(".", "/")
    said = f"scenes/{name}.py draws {lacking}, for which {where}.py has no words"
    return [f"{said}; its marks are called by name and index."] if lacking else []


def quantities(mark: dict) -> int:
    """How many quantities a mark of a scene draws. A difference is told by the quantity that it is of."""
    array = mark["node"].split("/")[0]
    if array.removesuffix("_apart") == "attention":
        return 1
    return len(mark["values"]) // (2 if array.endswith("_apart") else 1)


def scene_module(name: str, package: str = "scenes") -> Any:
    """The module of a scene, or nothing if there is none of that name."""
    module = f"{package}.{cache.module_of(name)}"
    known = re.fullmatch(r"[\w-]+", name) and importlib.util.find_spec(module)
    return importlib.import_module(module) if known else None
