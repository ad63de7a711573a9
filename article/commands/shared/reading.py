"""A file is held against what it states, or against a mesh: what needs no model."""

from pathlib import Path
from typing import Any

from article.errors import RefusalError
from article.files import plain
from article.sites import figure
from scenes.export import readback
from scenes.export.scalars import differences, read_scalars

LARGEST = 2**26  # bytes of a file with a scene


def read(path: Path) -> bytes:
    """A file. Raises RefusalError."""
    try:
        with plain(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise RefusalError(f"{path} cannot be read: {error.strerror}; name a .glb that gpt.py has made.") from None
    if len(data) > LARGEST:
        raise RefusalError(f"{path} has more than {LARGEST:,} bytes; name a .glb that gpt.py has made.")
    return data


def mesh_of(path: Path) -> Any:
    """The mesh of a file, which a figure is held against. Raises RefusalError."""
    thing, _ = figure.read(path)
    if not isinstance(thing, figure.pv.DataSet | figure.pv.MultiBlock):
        raise RefusalError(f"{path} is no mesh of PyVista; name a .vtp, .vtu, .vtk, .ply or .stl, or a script.")
    return thing


def judge(path: Path, glb: bytes, mesh: Any = None) -> tuple[list[str], str] | None:
    """What is wrong with a file, a sentence for each node, and the verdict; nothing where that takes a model.

    Raises RefusalError for a file that says nothing which could be held against anything.
    """
    try:
        how, problem = readback.header(glb)["asset"]["extras"], None
    except ValueError as error:
        how, problem = {}, error
    if how and mesh is None:
        return None if how.get("weights") else alone(glb)
    try:
        found = read_scalars(glb)
        problems = [] if mesh is None else differences(glb, mesh)
    except ValueError as error:
        why = problem if mesh is None else error
        raise RefusalError(f"{path} cannot be used: {why}; name a .glb that gpt.py has made.") from None
    numbers = f"{sum(len(one.values) for some in found.values() for one in some)} values"
    what = "can be read; --against MESH compares them" if mesh is None else "agree with the mesh"
    return problems, f"{numbers} {what}, in {len(found)} nodes"


def alone(glb: bytes) -> tuple[list[str], str]:
    """The same of a scene behind which there is no model: it is held against what it states."""
    try:
        marks = readback.marks(glb).values()
        agree = f"{sum(mark.stated.size for mark in marks)} numbers agree with what it states, in {len(marks)} nodes"
        return readback.disagreements(glb), agree
    except ValueError as error:
        return [str(error)], ""
