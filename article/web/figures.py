"""From a scene to a figure: built, verified and drawn."""

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from article import paths
from article.errors import FalsehoodError, RefusalError
from article.web.site import Site

PREVIEW = "forward"  # the scene in link previews; the first one if the article does not show it
PAPER = "#fbfaf8"  # behind the picture in link previews; the page's own is in page.css


@contextlib.contextmanager
def exhibits(
    site: Site, places: Mapping[str, str], view: Callable[[str], Any], preview: str
) -> Iterator[Callable[[], dict[str, dict]]]:
    """Has scenes made, of which it is known where they stand, by two processes: one of them at once.

    Gives what makes the rest of them, adds them to the site, and returns what the page must know of each figure.
    Raises RefusalError and FalsehoodError.
    """
    from article.parallel import beside, shared

    def make(number: int, fresh: bool) -> dict:
        name = names[number]
        return made_for(site, name, places[name], view, name == preview, fresh)

    names = list(places)
    take = shared(len(names))
    with beside(lambda: [make(number, site.fresh) for number in take()]) as wait:

        def all_of_them() -> dict[str, dict]:
            ours: dict[int, dict] = {}
            with contextlib.suppress(RefusalError, FalsehoodError):  # of all that is wrong, the first is said below
                for number in take():
                    ours[number] = make(number, site.fresh)
            with site.stage("scenes"):
                wait()
            found = [ours[number] if number in ours else make(number, False) for number in range(len(names))]
            return {f"{name}.glb": add(site, made) for name, made in zip(names, found, strict=True)}

        yield all_of_them


def exhibit(site: Site, name: str, where: str, view: Callable[[str], Any], preview: bool) -> dict:
    """Makes a scene, and adds it to the site; returns what the page must know of the figure. Raises like `made_for`."""
    return add(site, made_for(site, name, where, view, preview, site.fresh))


def add(site: Site, made: dict) -> dict:
    """Adds what is made of a scene to the site; returns what the page must know of the figure."""
    site.files |= made["files"]
    site.scenes.append(made["entry"])
    return made["figure"]


def made_for(site: Site, name: str, where: str, view: Callable[[str], Any], preview: bool, fresh: bool) -> dict:
    """Builds a scene, verifies it and draws its still, or takes what is kept of it unless it is to be fresh.

    `view` gives what a scene is built from, by its SHOWS. Raises RefusalError and FalsehoodError.
    """
    from article.cache import kept_scene

    with site.stage("scenes"):
        module = scene_module(name)
        if not hasattr(module, "build"):
            raise RefusalError(f"{where}: there is no scene {name!r}; write scenes/{name}.py.")
    try:
        with site.stage("scenes"):
            shown = view(getattr(module, "SHOWS", "trace"))
        return kept_scene(name, shown, preview, lambda: made_of(site, name, module, shown, preview), fresh)
    except ValueError as error:
        raise RefusalError(f"scenes/{name}.py: {error}; change the scene or data/train.txt.") from None


def made_of(site: Site, name: str, module: Any, shown: Any, preview: bool) -> dict:
    """A scene's files, its entry in `scenes.json`, and its figure. Raises FalsehoodError if it shows other numbers."""
    from article.web.marks import marks
    from article.web.tables import tables, written
    from scenes import style
    from scenes.export import readback
    from scenes.export.camera import frame
    from scenes.export.glb import to_glb
    from scenes.export.raster import to_png, to_webp
    from scenes.export.svg import stills

    with site.stage("scenes"):
        scene = module.build(shown)
    with site.stage("glb"):
        glb = to_glb(scene)
    with site.stage("verify"):
        for problem in readback.disagreements(glb, shown):
            raise FalsehoodError(f"{name}.glb does not show the model: {problem}.")
    with site.stage("stills"):
        camera = frame(scene)
        crowded = "crowded" in scene.user_dict  # too much for an SVG, and for tables
        still, strip = f"{name}.{'webp' if crowded else 'svg'}", getattr(shown, "strip", [])
        if crowded:
            files, pictures = {f"{name}.glb": glb, still: to_webp(scene, camera)}, []
        else:
            svg, *pictures = stills(scene, camera, [-1, *strip])
            files = {f"{name}.glb": glb, still: svg.encode()}
        if preview:
            files[f"{name}.png"] = to_png(scene, camera, PAPER)
    with site.stage("marks"):
        known = marks(scene, glb, shown)
        files[f"{name}.marks.json"] = json.dumps(
            known, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
    drawn = known["marks"]
    entry = {
        "name": name,
        "file": f"{name}.glb",
        "still": still,
        "sentence": shown.sentence,
        "bytes": len(glb),
        "marks": sum(quantities(mark) for mark in drawn),
        "values": sum(len(mark["values"]) for mark in drawn),
    }
    x, y, z = (style.METER * length for length in camera.target)
    figure = {
        "still": still,
        "marks": f"{name}.marks.json",
        "nodes": {mark["node"]: len(mark["values"]) for mark in drawn},
        "size": camera.pixels,
        "orbit": f"{camera.azimuth:g}deg {camera.zenith:g}deg {camera.distance * style.METER:.5f}m",
        "target": f"{x:.5f}m {z:.5f}m {-y:.5f}m",
        "field-of-view": f"{camera.field_of_view:g}deg",
        "bytes": f"{len(glb) / 1000:.0f} KB",
        "tables": [] if crowded else written(shown.tables()) if hasattr(shown, "tables") else tables(scene, shown),
        **({"shadow": "0"} if crowded else {}),  # which would hide what lies on the floor
    }
    if strip:
        entry["strip"] = [f"{name}-{shown.steps[k]}.svg" for k in shown.strip]
        files |= {file: svg.encode() for file, svg in zip(entry["strip"], pictures, strict=True)}
        steps = range(len(shown.steps))
        figure["film"] = {
            "times": scene.user_dict["times"][:-1],
            "steps": shown.steps,
            "loss": [round(float(loss), 4) for loss in shown.loss],
            "found": shown.found,
            "words": [shown.words(k) for k in steps],
            "strip": list(zip(entry["strip"], shown.strip, strict=True)),
        }
    return {"files": files, "entry": entry, "figure": figure}


def quantities(mark: dict) -> int:
    """How many quantities a mark of a scene draws. A difference is told by the quantity that it is of."""
    array = mark["node"].split("/")[0]
    if array.removesuffix("_apart") == "attention":
        return 1
    return len(mark["values"]) // (2 if array.endswith("_apart") else 1)


def scene_module(name: str) -> Any:
    """The module of a scene, or nothing if there is none of that name; "-a" and "-b" tell two of one module apart."""
    name = name.removesuffix("-a").removesuffix("-b")
    scenes = {path.stem for path in (paths.ROOT / "scenes").glob("*.py")}
    return importlib.import_module(f"scenes.{name}") if name in scenes else None
