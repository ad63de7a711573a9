"""Whether a `.glb` draws what another one draws, which has just been made of the same numbers by the scene's own code.

Whatever is drawn counts, and what the file says of it: every triangle with its place, its colours and its material, the
name of its node, how it moves, and the extras. How the file is laid out does not.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from scenes.export.glb import STEPS
from scenes.export.gltf import TOLD, Drawing, Part
from scenes.export.readback import readable

MOMENTS = 256  # of a film that are compared; ours have a tenth of it
NEAR = 1.01  # steps of a grid by which places and colours may differ: a number on its edge is rounded to either side
Triangles = NDArray[np.float64]  # (m, 3, n): of each corner some numbers, in steps


@readable()
def differences(glb: bytes, drawn: bytes) -> tuple[list[str], list[str]]:
    """What a file draws, or says, otherwise than the one drawn anew, a sentence for each node; and what it has lost.

    What is lost is not drawn: extras, and the names of nodes whose triangles are all there. Raises ValueError for a
    file that cannot be read.
    """
    return ([], []) if glb == drawn else compare(Drawing(glb), Drawing(drawn))


def compare(one: Drawing, other: Drawing) -> tuple[list[str], list[str]]:
    """The same of two files that are opened."""
    names = {other.name(n) for n in other.reached if len(other.name(n))} - {other.name(other.reached[0])}
    there = {one.name(n) for n in one.reached}
    ours, theirs = grouped(one, names), grouped(other, names)
    step = extent(other) / STEPS
    nameless = [name for name in theirs if name not in there]
    reasons = {name: unlike(one, ours.get(name, []), other, theirs[name], step) for name in theirs if name in there}
    found = [f"{name}: {reason}" for name, reason in reasons.items() if reason]
    strange = ours.get("", [])
    above = [[one.name(node) for node in reversed(part.path[1:])] for part in strange]
    labels = dict.fromkeys(next(filter(None, names), "") for names in above)
    found += [f"{name}: it is drawn, and the scene has nothing of that name" for name in labels if name]
    lost = nameless
    if not found and unlike(one, strange, other, [part for name in nameless for part in theirs[name]], step):
        lost, found = [], [f"{name}: it is missing" for name in nameless] or ["the scene: it draws what has no name"]
    elif found:
        found += [f"{name}: it is missing" for name in nameless]
    found += beside_triangles(one, other)
    said, unsaid = extras(one, other)
    return found + said, ([f"the names of {len(lost)} nodes"] if lost else []) + unsaid


def grouped(drawing: Drawing, names: set[str]) -> dict[str, list[Part]]:
    """What is drawn, by the nearest of some names above it; "" if it has none of them."""
    found: dict[str, list[Part]] = {}
    for part in drawing.parts:
        above = (drawing.name(node) for node in reversed(part.path))
        found.setdefault(next((name for name in above if name in names), ""), []).append(part)
    return found


def extent(drawing: Drawing) -> float:
    """The longest side of what is drawn, at rest."""
    ends = [placed(drawing, part, None).reshape(-1, 3) for part in drawing.parts]
    points = np.concatenate([[places.min(axis=0), places.max(axis=0)] for places in ends if len(places)])
    return float(np.ptp(points.reshape(-1, 3), axis=0).max())


def placed(drawing: Drawing, part: Part, times: NDArray[np.float64] | None) -> Triangles:
    """The corners (m, 3, 3T) of triangles in the scene, at some times, or at rest; their fronts are on the outside."""
    frames = drawing.frames(part.path, times)
    corners = np.einsum("tij,mcj->mcti", frames[:, :3, :3], part.corners) + frames[:, :3, 3]
    corners = corners.reshape(len(corners), 3, -1)
    return corners[:, ::-1] if np.linalg.det(frames[0, :3, :3]) < 0 else corners


def unlike(one: Drawing, ours: list[Part], other: Drawing, theirs: list[Part], step: float) -> str:
    """Why some parts of a file do not draw what those of another one draw; nothing if they do."""
    if not ours and theirs:
        return "it is missing"
    looks = {part.look for part in theirs}
    if {part.look for part in ours} != looks:
        return "its material is another"
    for look in sorted(looks):
        mine, true = ([part for part in parts if part.look == look] for parts in (ours, theirs))
        if reason := of_one_look(one, mine, other, true, step):
            return reason
    return ""


def of_one_look(one: Drawing, ours: list[Part], other: Drawing, theirs: list[Part], step: float) -> str:
    """The same of parts of one material."""
    moments = sorted(set().union(*(one.times(p.path) for p in ours), *(other.times(p.path) for p in theirs)))
    if sum(len(part.corners) for part in ours) != sum(len(part.corners) for part in theirs):
        return "its shape, its size or its place is another"
    if len(moments) > MOMENTS:
        return "it moves otherwise"
    times = np.array(sorted([*moments, *((a + b) / 2 for a, b in itertools.pairwise(moments))]))
    grids = [np.linalg.norm(other.frames(p.path, None)[0, :3, :3], axis=0).max() for p in theirs if p.on_grid]
    near = NEAR * float(max([step, *grids]))
    light = NEAR * max(part.light_step for part in theirs)
    mine, true = (
        np.concatenate([numbers(drawing, part, times, near, light) for part in parts])
        for drawing, parts in ((one, ours), (other, theirs))
    )
    if alike(mine, true):
        return ""
    still, moving = 3, 3 + 3 * len(times)
    if not alike(mine[..., :still], true[..., :still]):
        return "its shape, its size or its place is another"
    return "its colours are others" if alike(mine[..., :moving], true[..., :moving]) else "it moves otherwise"


def numbers(drawing: Drawing, part: Part, times: NDArray[np.float64], near: float, light: float) -> Triangles:
    """Of each corner, in steps: where it is at rest, and at each time; its colour; its place on a picture."""
    moving = placed(drawing, part, times) if len(times) else np.zeros((len(part.corners), 3, 0))
    if 0 < moving.shape[2] < 3 * len(times):  # it stands still
        moving = np.tile(moving, (1, 1, len(times)))
    places = [placed(drawing, part, None) / near, moving / near]
    return np.concatenate([*places, part.light / light, part.picture * STEPS], axis=2)


def alike(one: Triangles, other: Triangles) -> bool:
    """Whether there are the same triangles, as often, within one step, in whatever order and from whichever corner."""
    if len(one) != len(other):
        return False
    if (np.abs(one - other) <= 1).all():
        return True
    every = [np.concatenate([rows[:, [k, (k + 1) % 3, (k + 2) % 3]] for k in range(3)]) for rows in (one, other)]
    trees = [KDTree(rows.reshape(len(rows), -1)) for rows in every]
    return all(
        np.array_equal(*(tree.query_ball_point(rows, 1, p=np.inf, return_length=True) for tree in trees))
        for rows in (one.reshape(len(one), -1), other.reshape(len(other), -1))
    )


def beside_triangles(one: Drawing, other: Drawing) -> Iterator[str]:
    """What else a viewer shows, or does: cameras, lights and skins of nodes, and animations."""

    def things(drawing: Drawing) -> set[str]:
        nodes = [drawing.document["nodes"][n] for n in drawing.reached]
        return {f"{node.get('name')}: its {key}" for node in nodes for key in node if key not in TOLD}

    def films(drawing: Drawing) -> list[tuple]:
        every = []
        for animation in drawing.document.get("animations", []):
            times = [drawing.rows(sampler["input"])[:, 0] for sampler in animation["samplers"]]
            ways = {sampler.get("interpolation", "LINEAR") for sampler in animation["samplers"]}
            ends = {(round(float(t.min()), 4), round(float(t.max()), 4)) for t in times}
            every.append((animation.get("name"), sorted(ends), sorted(ways)))
        return every

    yield from (f"{what} is none of the scene" for what in sorted(things(one) - things(other)))
    needs = [{*drawing.document.get("extensionsRequired", ())} for drawing in (one, other)]
    yield from (f"the file: it needs a viewer with {name}" for name in sorted(needs[0] - needs[1]))
    if films(one) != films(other):
        yield "the animation: its name, its length or what is between its steps is another"


def extras(one: Drawing, other: Drawing) -> tuple[list[str], list[str]]:
    """What a file says otherwise of its nodes and of itself, and what it does not say any more."""
    found, lost, nodes = [], [], 0
    said: dict[str, list[dict]] = {}
    for n in one.reached:
        if told := stated(one, n):
            said.setdefault(one.name(n), []).append(told)
    for n in other.reached:
        true, name = stated(other, n), other.name(n)
        told = said.pop(name, [])
        if true and not told:
            nodes += 1
        elif (true and not same(told[0], true)) or len(told) > bool(true):
            found.append(f"{name}: its extras say something else")
    found += [f"{name}: it says that it stands for numbers, and the scene has none of that name" for name in said]
    mine, true = (drawing.document["asset"]["extras"] for drawing in (one, other))
    for key, value in true.items():
        if key not in mine:
            lost.append(f"what it says of itself as {key}")
        elif key == "glyphs":
            differ = [array for array in {**value, **mine[key]} if value.get(array) != mine[key].get(array)]
            found += [f"{a}: it is read as {mine[key].get(a)} and drawn as {value.get(a)}" for a in differ]
        elif not same(mine[key], value):
            found.append(f"the scene: what it says of itself as {key} is something else")
    found += [f"the scene: it says of itself {key}" for key in mine if key not in true]
    return found, ([f"the extras of {nodes} nodes"] if nodes else []) + lost


def stated(drawing: Drawing, node: int) -> dict:
    """The numbers that a node says it stands for."""
    known = drawing.document["nodes"][node].get("extras", {})
    return {key: known[key] for key in ("trace", "index", "values") if key in known}


def same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same; numbers, as processors round them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-5, abs_tol=1.01e-4)
    return type(one) is type(other) and one == other
