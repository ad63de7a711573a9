"""Figures that answer: every mark says its number, the text leads into the scenes, and the address keeps the view."""

import io
import json
import math
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect
from scipy.spatial import ConvexHull

from tests.browser import (
    ALONE,
    BY_ITSELF,
    EYE_AT,
    ORBIT,
    PAIRS,
    TARGET,
    Visit,
    Visitor,
    more_tools,
    numbers_in,
    sees_all,
    wait_for_orbit,
)
from tests.conftest import BUILDERS

HINT, TAP = (f"{act} a shape to read its number." for act in ("Point at", "Tap"))
UNKNOWN = "The address asks for a view that this figure does not have, so here is the whole of it."


class Solid:
    """The triangles of a `.glb`, each with its node, as trimesh opens it; what a ray meets first is arithmetic."""

    def __init__(self, path: Path) -> None:
        glb = path.read_bytes()
        (size,) = struct.unpack("<I", glb[12:16])
        nodes = json.loads(glb[20 : 20 + size])["nodes"]
        self.marks = {node["name"]: node["extras"]["values"] for node in nodes if "trace" in node.get("extras", {})}
        scene = trimesh.load_scene(io.BytesIO(glb), file_type="glb", process=False)
        corners, self.owners = [], []
        for name in scene.graph.nodes_geometry:
            transform, geometry = scene.graph[name]
            mesh = scene.geometry[geometry]
            corners.append(trimesh.transform_points(mesh.vertices, transform)[mesh.faces])
            self.owners += [(name, first) for first in mesh.faces.min(axis=1).tolist()]
        self.corners = np.concatenate(corners)
        points = self.corners.reshape(-1, 3)
        self.hull = points[ConvexHull(points).vertices]
        self.middles = self.corners.mean(axis=1)
        self.radii = np.linalg.norm(self.corners - self.middles[:, None], axis=-1).max(axis=1)

    def hit(self, origin: NDArray, directions: NDArray) -> list[tuple[str, int] | None]:
        """Of each ray (n, 3), the node and the first vertex of the face that it meets first (Moeller and Trumbore)."""
        found: list[tuple[str, int] | None] = []
        apart = self.middles - origin
        for ray in directions:
            along = apart @ ray / np.linalg.norm(ray)
            (near,) = np.nonzero((apart**2).sum(-1) - along**2 <= 1.01 * self.radii**2 + 1e-9)  # others it cannot meet
            a, ab, ac = self.corners[near, 0], *(self.corners[near, n] - self.corners[near, 0] for n in (1, 2))
            p = np.cross(ray, ac)
            det = (ab * p).sum(-1)
            with np.errstate(divide="ignore", invalid="ignore"):
                s = origin - a
                u = (s * p).sum(-1) / det
                q = np.cross(s, ab)
                v = (q @ ray) / det
                t = (ac * q).sum(-1) / det
                meets = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & np.isfinite(t)
            found.append(self.owners[near[np.where(meets, t, np.inf).argmin()]] if meets.any() else None)
        return found


EYE = f"""
(viewer) => [
  ...({ORBIT.strip()})(viewer), viewer.getFieldOfView(), viewer.clientWidth / viewer.clientHeight, ({TARGET})(viewer),
]
"""


def seen_marks(figure: Locator, solid: Solid) -> Iterator[tuple[NDArray, str, int]]:
    """Places of the stage, 0 to 1 from its upper left, where a mark is seen for sure: the node and the first vertex."""
    *numbers, target = figure.locator("model-viewer").evaluate(EYE)
    theta, phi, radius, field, aspect = (*np.radians(numbers[:2]), numbers[2], np.radians(numbers[3]), numbers[4])
    back = np.array([math.sin(phi) * math.sin(theta), math.cos(phi), math.sin(phi) * math.cos(theta)])
    right = np.array([math.cos(theta), 0, -math.sin(theta)])
    sides = math.tan(field / 2) * np.array([aspect * right, -np.cross(back, right)])
    apart = solid.middles[[name in solid.marks for name, _ in solid.owners]] - (target + radius * back)
    ahead = -apart @ back
    places = (1 + (apart / ahead[:, None]) @ (sides / (sides**2).sum(axis=1, keepdims=True)).T) / 2
    within = (ahead > 0) & (places > 0.06).all(axis=1) & (places < 0.94).all(axis=1)
    for place in np.random.default_rng(3).permutation(places[within]):
        around = place + 0.003 * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
        hits = solid.hit(target + radius * back, (2 * around - 1) @ sides - back)
        if hits[0] and hits[0][0] in solid.marks and len({hit and (hit[0], hit[1] // 8) for hit in hits}) == 1:
            yield place, *hits[0]


def three(value: float) -> str:
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def said_of(figure: Locator) -> str:
    return figure.locator(".readout").inner_text()


def marks_say_their_numbers(seen: Visit, site: Path, names: Iterable[str]) -> None:
    """One in each scene, from each of two cameras; what lies under the pointer is found by a ray of our own.

    From there and from the top, nothing is outside of the frame.
    """
    seen.page.emulate_media(reduced_motion="reduce")
    for name in names:
        figure, solid = seen.figure(name), Solid(site / f"{name}.glb")
        more_tools(figure).locator(".stage").scroll_into_view_if_needed()
        start = numbers_in(figure, "data-orbit")
        turned = [start[0] + 60, start[1]]
        for goal, button, times in ((start, "Reset the view", 1), (turned, "Look from farther right", 3)):
            for _ in range(times):
                figure.get_by_role("button", name=button).dispatch_event("click")
            wait_for_orbit(figure, goal)
            sees_all(figure, solid.hull)
            place, node, vertex = next(seen_marks(figure, solid))
            box = figure.locator("model-viewer").bounding_box()
            assert box
            seen.page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
            values = solid.marks[node]
            expected = values if len(values) <= 3 else [values[min(vertex // 8, len(values) - 1)]]
            if name == "landscape" and len(values) > 3:
                expected = []  # of the corners of a face, any may be nearest
            for value in expected:
                expect(figure.locator(".readout"), node).to_contain_text(three(value))
        figure.get_by_role("button", name="From the top").dispatch_event("click")
        wait_for_orbit(figure, [0, 2])
        sees_all(figure, solid.hull)


def test_every_mark_has_words(site: Path) -> None:
    """What the reader may be told of each scene is complete, and its numbers are the file's."""
    for name in BUILDERS:
        known, solid = json.loads((site / f"{name}.marks.json").read_text("utf-8")), Solid(site / f"{name}.glb")
        assert {mark["node"]: mark["values"] for mark in known["marks"]} == solid.marks
        for mark in known["marks"]:
            assert mark["title"]
            assert known["how"][mark["how"]]
            assert len(known["parts"][mark["parts"]]) == len(mark["values"])
        titles = [mark["title"] for mark in known["marks"]]
        assert len(set(titles)) == len(titles), name


def test_a_link_of_the_text_leads_to_its_mark(visit: Visitor, url: str, site: Path) -> None:
    """By keyboard; the address says so, and brings it back elsewhere."""
    seen = visit(url, reduced_motion="reduce").enliven("pairs")
    link, figure = seen.page.locator("a.view").first, seen.figure("pairs")
    node, part = link.get_attribute("data-mark"), int(link.get_attribute("data-part") or 0)
    mark = next(
        mark for mark in json.loads((site / "pairs.marks.json").read_text("utf-8"))["marks"] if mark["node"] == node
    )
    link.focus()
    seen.page.keyboard.press("Enter")
    expect(figure.locator(".readout")).to_contain_text(f"component {part} {three(mark['values'][part - 1])}")
    expect(figure.locator(".pointer")).to_be_visible()
    height = mark["at"][1] - mark["half"][1] + (part - 0.5) / 20 * 2 * mark["half"][1]
    goal = [mark["at"][0], height, mark["at"][2]]
    seen.page.wait_for_function(
        "([viewer, goal]) => { const { x, y, z } = viewer.getCameraTarget();"
        " return [x, y, z].every((place, n) => Math.abs(place - goal[n]) < 1e-3); }",
        arg=[figure.locator("model-viewer").element_handle(), goal],
    )
    assert figure.locator("model-viewer").evaluate(ORBIT)[2] < numbers_in(figure, "data-orbit")[2]
    expect(seen.page).to_have_url(re.compile(rf"#pairs\?mark={node}&part={part}&view="))
    orbit, said = figure.locator("model-viewer").evaluate(ORBIT), said_of(figure)

    other = visit(seen.page.url).figure("pairs")
    expect(other).to_be_in_viewport()
    expect(other.locator(".readout")).to_have_text(said)
    expect(other.locator(".pointer")).to_be_visible()
    wait_for_orbit(other, [float(f"{value:.4g}") for value in orbit])


def test_stepping_through_the_marks(visit: Visitor, url: str, site: Path) -> None:
    """By keyboard alone: from mark to mark, from number to number, and near it; around the ends, too."""
    seen = visit(url + "embed/pairs.html").enliven("pairs")
    figure, keyboard = more_tools(seen.figure("pairs")), seen.page.keyboard
    marks = json.loads((site / "pairs.marks.json").read_text("utf-8"))["marks"]
    expect(figure.locator(".readout")).to_have_text(HINT)

    def press(name: str, mark: int, part: int) -> None:
        figure.get_by_role("button", name=name, exact=True).focus()
        keyboard.press("Enter")
        value = three(marks[mark]["values"][part])
        text = f"{marks[mark]['title']}: component {part + 1} {value}."
        expect(figure.locator(".readout")).to_contain_text(text)

    press("The next mark", 0, 0)
    press("The next mark", 1, 0)
    press("The next number of the mark", 1, 1)
    press("The mark before", 0, 1)
    press("The mark before", len(marks) - 1, 1)
    press("The number before", len(marks) - 1, 0)
    press("The number before", len(marks) - 1, 19)
    press("The next mark", 0, 19)
    figure.get_by_role("button", name="Go near it", exact=True).press("Enter")
    seen.page.wait_for_function(
        "([viewer, radius]) => viewer.getCameraOrbit().radius < radius",
        arg=[figure.locator("model-viewer").element_handle(), 0.9 * numbers_in(figure, "data-orbit")[2]],
    )


def test_a_click_chooses_and_a_turn_does_not(visit: Visitor, url: str, site: Path) -> None:
    seen = visit(url + BY_ITSELF).enliven("pairs")
    figure, mouse = seen.figure("pairs"), seen.page.mouse
    solid = Solid(site / "pairs.glb")
    place, node, _ = next(seen_marks(figure, solid))
    figure.locator(".stage").scroll_into_view_if_needed()
    box = figure.locator("model-viewer").bounding_box()
    assert box
    x, y = box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + (60 if place[0] < 0.5 else -60), y, steps=4)
    mouse.up()
    expect(seen.page).to_have_url(re.compile(r"#pairs\?view="))
    sees_all(figure, solid.hull)  # once the hand has come to rest
    expect(figure.locator(".pointer")).to_have_count(0)
    seen.page.emulate_media(reduced_motion="reduce")
    figure.get_by_role("button", name="Reset the view").click()
    wait_for_orbit(figure, numbers_in(figure, "data-orbit"))
    mouse.click(x, y)
    expect(figure.locator(".pointer")).to_be_visible()
    expect(seen.page).to_have_url(re.compile(rf"#pairs\?mark={node}&"))


# The marks of a figure that have faded.
FADED = """viewer => {
    const key = Object.getOwnPropertySymbols(viewer).find(({ description }) => description === "scene"), faded = [];
    viewer[key].traverse(({ isMesh, material, userData }) => {
        if (isMesh && userData.trace && material.opacity < 0.5) faded.push(userData.name);
    });
    return faded.sort();
}"""


# Of all that is drawn: whether its light is ours, and how red plinths are.
LIGHT = """viewer => {
    const key = Object.getOwnPropertySymbols(viewer).find(({ description }) => description === "scene"), red = [];
    viewer[key].traverse(({ isMesh, material, parent }) => {
        if (isMesh && material.isMeshStandardMaterial) throw Error("the viewer's own light");
        if (isMesh && parent.name === "plinths") red.push(material.color.r);
    });
    return red;
}"""


def test_what_is_pointed_at_or_chosen_stands_out(visit: Visitor, url: str, site: Path) -> None:
    """With a column its ribbons; at first the ribbons of the last position do, and again once it is let go of."""
    seen = visit(url + "embed/forward.html", reduced_motion="reduce").enliven("forward")
    figure, solid = seen.figure("forward"), Solid(site / "forward.glb")
    viewer, ribbons = figure.locator("model-viewer"), [name.split("/") for name in solid.marks if "attention" in name]
    last = max(int(q) for *_, q, _ in ribbons)
    at_first = sorted("/".join(ribbon) for ribbon in ribbons if int(ribbon[3]) < last)

    def fade(expected: Iterable[str]) -> None:
        seen.page.wait_for_function(
            f"([viewer, faded]) => JSON.stringify(({FADED})(viewer)) === JSON.stringify(faded)",
            arg=[viewer.element_handle(), sorted(expected)],
        )

    def others(level: int, t: int) -> set[str]:
        ends = (("attention", str(level - 1), str(t), 3), ("attention", str(level), str(t), 4))
        own = {"/".join(one) for one in ribbons for _, l, at, n in ends if one[1] == l and one[n] == at}
        return set(solid.marks) - own - {f"residual/{level}/{t}"}

    fade(at_first)
    marks = seen_marks(figure, solid)
    place, node, vertex = next(mark for mark in marks if re.fullmatch(r"residual/[12]/\d+", mark[1]))
    figure.locator(".stage").scroll_into_view_if_needed()
    box = viewer.bounding_box()
    assert box
    x, y = box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]
    level, t = map(int, node.split("/")[1:])
    seen.page.mouse.move(x, y)
    fade(others(level, t))
    expect(figure.locator(".tip")).to_contain_text(three(solid.marks[node][vertex // 8]))
    seen.page.mouse.move(1, 1)
    fade(at_first)
    expect(figure.locator(".tip")).to_be_empty()
    seen.page.mouse.click(x, y)
    seen.page.mouse.move(1, 1)
    fade(others(level, t))
    viewer.evaluate(LIGHT)
    seen.page.keyboard.press("Escape")
    fade(at_first)
    expect(figure.locator(".pointer")).to_have_count(0)
    expect(seen.page).to_have_url(re.compile(r"\?view="))

    nodes = "residual/0/1+residual/2/3"
    both = visit(f"{url}embed/forward.html#forward?mark={quote(nodes)}", reduced_motion="reduce")
    viewer = both.figure("forward").locator("model-viewer")
    seen = both
    fade(others(0, 1) & others(2, 3))
    expect(both.page).to_have_url(re.compile(r"mark=residual/0/1%2Bresidual/2/3&"))


def test_plinths_do_not_glare_on_a_dark_page(visit: Visitor, url: str) -> None:
    bright, dark = (
        visit(url + BY_ITSELF, color_scheme=scheme)
        .enliven("pairs")
        .figure("pairs")
        .locator("model-viewer")
        .evaluate(LIGHT)
        for scheme in ("light", "dark")
    )
    assert len(bright) > 8
    assert np.allclose(np.array(dark), 0.2 * np.array(bright))


def test_a_walk_leads_through_a_figure(visit: Visitor, url: str, site: Path) -> None:
    """By buttons, keys and scrolling: each stop has its sentence, its marks and its view; the page stays in place."""
    seen = visit(url, reduced_motion="reduce").enliven("forward")
    figure, page = seen.figure("forward"), seen.page
    walk, stops, viewer = figure.locator(".walk"), figure.locator(".walk li"), figure.locator("model-viewer")
    assert stops.count() >= 15
    known = {
        mark["node"]: mark["title"] for mark in json.loads((site / "forward.marks.json").read_text("utf-8"))["marks"]
    }
    nodes = [(link.get_attribute("data-mark") or "").split("+") for link in walk.locator("a.view").all()]
    assert all(set(stop) <= set(known) for stop in nodes)
    assert [stop[0].split("/")[0] for stop in (nodes[0], nodes[-1])] == ["residual", "normed"]

    def at(n: int) -> None:
        expect(walk.locator(".words")).to_have_text(f"{n + 1} of {len(nodes)}")
        page.wait_for_function(
            "stop => Math.abs(stop.getBoundingClientRect().top - stop.parentElement.getBoundingClientRect().top) < 2",
            arg=stops.nth(n).element_handle(),
        )
        expect(figure.locator(".readout")).to_contain_text(f"{known[nodes[n][0]]}: ")
        page.wait_for_function(
            f"([viewer, kept]) => !({FADED})(viewer).some((name) => kept.includes(name))",
            arg=[viewer.element_handle(), nodes[n]],
        )

    on, back = (walk.get_by_role("button", name=name) for name in ("The next stop", "The stop before"))
    walk.evaluate("walk => walk.scrollIntoView({ block: 'center' })")  # the whole of it, or a key would scroll the page
    expect(back).to_be_disabled()
    place = page.evaluate("scrollY")
    on.click()
    at(1)
    orbits = [viewer.evaluate(TARGET)]
    on.press("Enter")
    at(2)
    orbits.append(viewer.evaluate(TARGET))
    assert orbits[0] != orbits[1]
    back.press("Enter")
    at(1)
    walk.locator("ol").press("ArrowRight")
    at(2)
    walk.locator("ol").press("ArrowLeft")
    at(1)
    walk.locator("ol").evaluate("list => list.scrollTo({ top: list.scrollHeight, behavior: 'instant' })")
    at(len(nodes) - 1)
    expect(on).to_be_disabled()
    on.press("Enter")  # which leads nowhere, and keeps the focus
    expect(on).to_be_focused()
    at(len(nodes) - 1)
    assert abs(page.evaluate("scrollY") - place) < 60  # a line of the read-out more or less


def test_figures_side_by_side_turn_together(visit: Visitor, url: str, site: Path) -> None:
    seen = visit(url, viewport=PAIRS, reduced_motion="reduce").enliven("final", "predicted")
    one, other = more_tools(seen.figure("final")), more_tools(seen.figure("predicted"))
    (theta, phi, radius), start = numbers_in(one, "data-orbit"), numbers_in(other, "data-orbit")
    assert start[:2] == [theta, phi]
    one.get_by_role("button", name="Look from farther right").click()
    other.get_by_role("button", name="Nearer").click()
    for figure in (one, other):
        wait_for_orbit(figure, [theta + 20, phi])
    for button in ("Reset the view", "Nearer"):
        one.get_by_role("button", name=button).click()
    for figure, home in ((one, radius), (other, start[2])):
        wait_for_orbit(figure, [theta, phi, 0.8 * home])
    one.get_by_role("button", name="Farther", exact=True).click()
    other.get_by_role("button").first.focus()
    seen.page.keyboard.press("Shift+Tab")
    seen.page.keyboard.press("ArrowLeft")
    for figure, name in ((one, "final"), (other, "predicted")):
        wait_for_orbit(figure, [theta + 22.5, phi])
        sees_all(figure, Solid(site / f"{name}.glb").hull)


def test_an_unknown_view_is_said_and_the_rest_works(visit: Visitor, url: str, site: Path) -> None:
    """At the start, and when the address changes; so is a figure that there is not."""
    seen = visit(f"{url}{ALONE}#forward?mark=residual/9/9", reduced_motion="reduce")
    figure = seen.figure("forward")
    for query in ("", "mark=embedding/web&part=99", "view=1,2,three", "view=1,2,3,4,5,6,-7", "view=&mark=x"):
        if query:
            seen.page.evaluate("query => { location.hash = `#forward?${query}`; }", query)
        expect(figure.locator(".flat")).to_have_text(UNKNOWN)
        expect(figure).to_have_class("scene live")
        wait_for_orbit(figure, numbers_in(figure, "data-orbit"))
        figure.locator(".flat").evaluate("said => said.remove()")
    viewer = figure.locator("model-viewer")
    for view in ("1,2,0,0,0,0,26", "-1e3,170,1e-9,3,3,-3,1e-9", "0,-5,1e9,0,0,0,179"):  # there is something like it
        seen.page.evaluate("query => { location.hash = `#forward?${query}`; }", f"view={view}")
        seen.page.wait_for_function("hash => !location.hash.endsWith(hash)", arg=view)  # the page says what it shows
        expect(figure.locator(".flat")).to_have_count(0)
        eye, hull = np.array(viewer.evaluate(EYE_AT)), Solid(site / "forward.glb").hull
        assert ((eye < hull.min(axis=0)) | (eye > hull.max(axis=0))).any(), view
        shown, orbit = seen.page.url, viewer.evaluate(ORBIT)
        assert 2 <= float(shown.split("view=")[1].split(",")[1]) <= 89
        figure.get_by_role("button", name="Reset the view").click()
        wait_for_orbit(figure, numbers_in(figure, "data-orbit"))
        expect(seen.page).not_to_have_url(shown)
        seen.page.evaluate("url => { location.href = url; }", shown)  # and what it says, it shows again
        wait_for_orbit(figure, [orbit[0], orbit[1]])
        assert viewer.evaluate(ORBIT)[2] == pytest.approx(orbit[2], rel=2e-3)
        expect(figure.locator(".flat")).to_have_count(0)
    name = "<b>castle</b>"
    seen.page.evaluate("hash => { location.hash = hash; }", f"{quote(name)}?mark=x")
    expect(seen.page.locator(".flat")).to_have_text(f"This page has no figure “{name}”.")
    assert seen.errors == []


def test_without_its_words_a_figure_still_turns(visit: Visitor, serve, copy: Path) -> None:
    (copy / "pairs.marks.json").unlink()
    (copy / "map.marks.json").write_text("{")
    seen = visit(serve(copy), reduced_motion="reduce").enliven("pairs", "map")
    for name in ("pairs", "map"):
        figure = more_tools(seen.figure(name))
        figure.get_by_role("button", name="The next mark").click()
        expect(figure.locator(".readout")).to_have_text(
            "The numbers of this figure could not be fetched; the table below has them."
        )
        theta, phi, _ = numbers_in(figure, "data-orbit")
        figure.get_by_role("button", name="Look from farther right").click()
        wait_for_orbit(figure, [theta + 20, phi])
