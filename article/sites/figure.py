"""A figure of a mesh, in a folder of its own: its file, a still, a page, and the lines that show it on other pages."""

import argparse
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import pyvista as pv
import trimesh

from article.errors import RefusalError
from article.escaping import say
from article.sites.publication import module, opened
from article.web import html
from article.web.site import Site
from scenes.export import figure

BY_PYVISTA = (".vtp", ".vtu", ".vtk", ".ply", ".stl")
BY_TRIMESH = (".obj", ".glb")  # which reads their colours and textures
LOOK = ("scalars", "cmap", "clim")
VIEWER = f"vendor/{figure.VIEWER}"


def publish(options: argparse.Namespace) -> None:
    """Writes the folder; prints the lines. Raises RefusalError."""
    site, name = Site("figure"), re.sub(r"[^\w-]+", "-", options.thing.stem)
    thing, look = read(options.thing)
    look = look | {key: given for key in LOOK if (given := getattr(options, key)) is not None}
    if options.clim and not options.clim[0] < options.clim[1]:
        raise RefusalError("--clim takes the lower value first; exchange the two.")
    with site.published(options.out):
        try:
            with site.stage("figure"):
                files, said = figure.made(thing, name, options.alt, look)
        except (ValueError, KeyError) as error:
            raise RefusalError(f"{options.thing}: {error.args[0]}; change it, or the options.") from None
        size = {"still": f"{name}.png", "bytes": len(files[f"{name}.glb"]), "marks": 0, "values": 0}
        site.scenes.append({"name": name, "file": f"{name}.glb", "sentence": said["alt"]} | size)
        known = {"name": name, "folder": options.out.resolve().name, "alt": said["alt"]}
        known["lines"] = lambda base: html.safe(figure.lines(said, VIEWER, base).strip())
        told = html.render("figure_lines.md", **known)
        site.files |= files | {
            "index.html": html.render("figure_page.html", **known).encode(),
            "lines.md": f"{told}\n".encode(),
        }
    say("\n".join([told, "", *(f"note        {note}" for note in site.notes), *site.told(options.out / "index.html")]))


def read(path: Path) -> tuple[Any, dict[str, Any]]:
    """What a file of a mesh holds, or `build()` of a script gives, and the look that it has. Raises RefusalError."""
    if not path.is_file():
        raise RefusalError(f"{path} is no file; name a mesh, or a script with build().")
    if path.suffix == ".py":
        with opened(path.resolve().parent):
            built = getattr(module(path.stem), "build", lambda: None)()
        if built is None:
            raise RefusalError(f"{path} has no build() that gives a mesh or a plotter; write one.")
        return built if isinstance(built, tuple) else (built, {})
    ending = path.suffix.lower()
    if ending not in (*BY_PYVISTA, *BY_TRIMESH):
        raise RefusalError(
            f"{path} is none of {', '.join((*BY_PYVISTA, *BY_TRIMESH))} and .py; save it as one of them."
        )
    logging.disable()  # what VTK has to say is said in the error
    try:
        if ending in BY_TRIMESH:
            return trimesh.load_scene(path), {}
        with pv.vtk_verbosity("off"), warnings.catch_warnings(action="error", category=UserWarning):
            mesh: Any = pv.read(path)
        colors = getattr(mesh, "active_scalars_name", None) in ("RGB", "RGBA")
        return mesh, {"rgb": True} if colors else {}
    except Exception:  # whatever a damaged file leads to
        raise RefusalError(f"{path} cannot be read as a {ending} file; save it again.") from None
    finally:
        logging.disable(logging.NOTSET)
