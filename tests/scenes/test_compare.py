"""A file is held against the same scene drawn anew: a forgery is noticed where it is; saved again, it is the same."""

import copy
import json
import random
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from scenes import overview
from scenes.analysis.aggregation import Aggregation
from scenes.export import readback
from scenes.export.compare import compare, differences
from scenes.export.glb import to_glb
from scenes.export.gltf import Drawing
from tests.conftest import NIGHTLY, Told
from tests.damage import whole_glb
from tests.scenes.forge import File

MANY = 1000 if NIGHTLY else 200
# Columns, ribbons and levels, bars and posts, points and sticks, a landscape, films, tints, and pictures.
SCENES = ("pairs", "forward", "causes", "map", "landscape", "growth", "looks", "overview")
FORGERIES: list[Callable[[File, random.Random], str | None]] = []
Forge = Callable[[File, random.Random], str | None]  # returns the name that is to be said; nothing if it cannot be done


@pytest.fixture(scope="module")
def drawn(written: Callable[[str], bytes], trace: Any) -> Callable[[str], bytes]:
    """The file of a scene."""
    return cache(lambda name: to_glb(overview.build(Aggregation(trace))) if name == "overview" else written(name))


def forgery(forge: Forge) -> Forge:
    FORGERIES.append(forge)
    return forge


def marks(file: File) -> list[str]:
    return [node["name"] for node in file.nodes if "trace" in node.get("extras", {})]


def still_marks(file: File) -> list[str]:
    """Those that are not moved by a film."""
    return [name for name in marks(file) if "mesh" in file.nodes[file.named[name]]]


# --- What is there ------------------------------------------------------------------------------------------------


@forgery
def an_array_is_left_out(file: File, rng: random.Random) -> str:
    array = rng.choice(marks(file)).split("/")[0]
    file.drop(gone := file.starting(f"{array}/") or [array])
    return gone[0]


@forgery
def a_level_is_left_out(file: File, rng: random.Random) -> str | None:
    levels = [name.rsplit("/", 1)[0] for name in marks(file) if name.count("/") >= 2]
    if not levels:
        return None
    file.drop(gone := file.starting(f"{rng.choice(levels)}/"))
    return gone[0]


@forgery
def a_node_is_left_out(file: File, rng: random.Random) -> str:
    file.drop([name := rng.choice(file.starting(""))])
    return name


@forgery
def a_mark_is_there_twice(file: File, rng: random.Random) -> str:
    node = copy.deepcopy(file.nodes[file.named[name := rng.choice(marks(file))]])
    for k, child in enumerate(node.get("children", ())):
        file.nodes.append(copy.deepcopy(file.nodes[child]))
        node["children"][k] = len(file.nodes) - 1
    file.nodes.append(node)
    file.root["children"].append(len(file.nodes) - 1)
    return name


@forgery
def a_false_mark_says_nothing(file: File, rng: random.Random) -> str:
    name = rng.choice(still_marks(file) or file.starting("label/"))
    shape = file.leaf(name)
    node = {"name": rng.choice([f"{name}0", "", "plinths/x"]), "mesh": shape["mesh"], "translation": [900, 90, 900]}
    file.nodes.append({key: value for key, value in node.items() if value})
    file.root["children"].append(len(file.nodes) - 1)
    return node["name"] or "the scene"


@forgery
def a_node_is_called_otherwise(file: File, rng: random.Random) -> str:
    node = file.nodes[file.named[rng.choice(file.starting(""))]]
    node["name"] += "x"
    return node["name"]


@forgery
def two_names_are_exchanged(file: File, rng: random.Random) -> str | None:
    names = rng.choice([marks(file), file.starting("label/")])
    one, other = rng.sample(names, 2) if len(names) > 1 else ("", "")
    if not one or np.array_equal(file.place(one), file.place(other)):
        return None
    nodes = [file.nodes[file.named[name]] for name in (one, other)]
    nodes[0]["name"], nodes[1]["name"] = other, one
    return one


@forgery
def a_camera_is_there(file: File, rng: random.Random) -> str:
    file.nodes[file.named[name := rng.choice(marks(file))]]["camera"] = 0
    return name


@forgery
def a_node_is_hidden(file: File, rng: random.Random) -> str:
    node = file.nodes[file.named[name := rng.choice(file.starting(""))]]
    node["extensions"] = {"KHR_node_visibility": {"visible": False}}
    return name


# --- Where it is --------------------------------------------------------------------------------------------------


@forgery
def a_node_is_shifted(file: File, rng: random.Random) -> str:
    still = [name for name in file.starting("") if file.named[name] not in moved(file)]
    file.move(name := rng.choice(still), np.eye(3)[rng.randrange(3)] * rng.choice([-1, 1]) * rng.uniform(150, 2000))
    return name


@forgery
def a_label_is_moved_to_another(file: File, rng: random.Random) -> str:
    names = [name for name in file.starting("label/") if file.named[name] not in moved(file)]
    one, other = rng.sample(names, 2) if len(names) > 1 else (names[0], marks(file)[0])
    file.move(one, file.place(other).mean(axis=0) - file.place(one).mean(axis=0))
    return one


@forgery
def labels_are_exchanged(file: File, rng: random.Random) -> str | None:
    texts = [name for name in file.starting("label/") if "children" in file.nodes[file.named[name]]]
    one, other = rng.sample(texts, 2) if len(texts) > 1 else ("", "")
    nodes = [file.nodes[file.named[name]] for name in (one, other) if name]
    if not nodes:
        return None
    nodes[0]["children"], nodes[1]["children"] = nodes[1]["children"], nodes[0]["children"]
    return one


@forgery
def marks_change_their_shapes(file: File, rng: random.Random) -> str | None:
    names = still_marks(file)
    one, other = rng.sample(names, 2) if len(names) > 1 else ("", "")
    if not one or np.array_equal(file.place(one), file.place(other)):
        return None
    nodes = [file.nodes[file.named[name]] for name in (one, other)]
    for key in ("mesh", "translation", "scale"):
        pair = [node.pop(key, None) for node in nodes]
        for node, value in zip(nodes, reversed(pair), strict=True):
            node |= {} if value is None else {key: value}
    return one


@forgery
def a_mark_stands_in_another(file: File, rng: random.Random) -> str | None:
    names = still_marks(file)
    one, other = rng.sample(names, 2) if len(names) > 1 else ("", "")
    if not one:
        return None
    file.move(one, file.place(other).min(axis=0) - file.place(one).min(axis=0))
    return one


@forgery
def a_mark_is_mirrored(file: File, rng: random.Random) -> str:
    return rescaled(file, rng, [-1.0, 1.0])


@forgery
def a_mark_is_flattened(file: File, rng: random.Random) -> str:
    return rescaled(file, rng, [0.0, 0.01])


@forgery
def a_mark_is_larger(file: File, rng: random.Random) -> str:
    return rescaled(file, rng, [1.02, 1.3])


def rescaled(file: File, rng: random.Random, factors: list[float]) -> str:
    """The shape of a node, changed along one of its axes about its middle."""
    name = rng.choice(still_marks(file) or file.starting("plates", "legend/"))
    primitive, axis = file.own(name), rng.randrange(3)
    n = primitive["attributes"]["POSITION"]
    points = file.rows[n].astype(np.float32)
    if np.ptp(points[:, axis]) < 30:  # it is flat as it is
        axis = int(np.ptp(points, axis=0).argmax())
    middle = points[:, axis].mean()
    changed = points.copy()
    changed[:, axis] = middle + (points[:, axis] - middle) * rng.choice(factors)
    if np.array_equal(np.unique(points, axis=0), np.unique(changed, axis=0)):
        changed[:, axis] += max(40, np.ptp(points[:, axis]) / 10)  # it is the same in the mirror
    file.rows[n] = changed
    return name


@forgery
def a_ribbon_has_its_ends_exchanged(file: File, _: random.Random) -> str | None:
    names = [name for name in file.starting("attention") if len(file.place(name)) > 8]  # of those that bend
    if not names:
        return None
    points = file.rows[file.own(names[-1])["attributes"]["POSITION"]]
    points[:, 0] = np.ptp(points[:, 0]) - (points[:, 0] - points[:, 0].min()) + points[:, 0].min()
    return names[-1]


@forgery
def the_whole_is_turned(file: File, _: random.Random) -> str:
    file.root["rotation"] = [0, 0.0998, 0, 0.995]
    return file.starting("")[0]


# --- Triangles, colours, materials --------------------------------------------------------------------------------


@forgery
def a_triangle_is_none(file: File, rng: random.Random) -> str:
    indices = file.rows[file.own(name := rng.choice(file.starting("")))["indices"]]
    indices[:3] = indices[0]
    return name


@forgery
def triangles_join_other_points(file: File, rng: random.Random) -> str:
    indices = file.rows[file.own(name := rng.choice(marks(file)))["indices"]]
    indices[:] = np.roll(indices, 1) if len(indices) > 6 else indices[::-1]
    return name


@forgery
def triangles_face_inwards(file: File, rng: random.Random) -> str:
    indices = file.rows[file.own(name := rng.choice(file.starting("")))["indices"]]
    indices[:] = indices.reshape(-1, 3)[:, ::-1].reshape(-1, 1)
    return name


@forgery
def a_corner_has_another_colour(file: File, rng: random.Random) -> str:
    primitive = file.own(name := rng.choice(still_marks(file) or marks(file)))
    attributes = primitive["attributes"]
    if "COLOR_0" not in attributes:
        light = np.ones((len(file.rows[attributes["POSITION"]]), 4), np.float32)
        attributes["COLOR_0"] = file.add(light)
    colors = file.rows[attributes["COLOR_0"]]
    one = 1.0 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max
    colors[0, :3] = [part - one / 4 if part > one / 2 else part + one / 4 for part in colors[0, :3].tolist()]
    return name


@forgery
def a_material_is_black(file: File, rng: random.Random) -> str:
    material = file.material(name := rng.choice(file.starting("")))
    if "baseColorTexture" in material["pbrMetallicRoughness"] or name.startswith("label/"):
        material["emissiveFactor"] = [1, 1, 1]
    material["pbrMetallicRoughness"]["baseColorFactor"] = [0, 0, 0, 1]
    return name


@forgery
def a_material_lets_see_through(file: File, rng: random.Random) -> str:
    material = file.material(name := rng.choice(file.starting("")))
    material["alphaMode"] = rng.choice(["BLEND", "MASK"]) if "alphaMode" not in material else "BLEND"
    material["pbrMetallicRoughness"]["baseColorFactor"] = [1, 1, 1, 0.1]
    return name


@forgery
def a_material_shines(file: File, rng: random.Random) -> str:
    material = file.material(name := rng.choice(file.starting("")))
    material["emissiveFactor"] = [1, 1, 1]
    return name


@forgery
def a_material_has_two_sides_or_one(file: File, rng: random.Random) -> str:
    material = file.material(name := rng.choice(file.starting("")))
    material["doubleSided"] = not material.get("doubleSided", False)
    return name


@forgery
def a_shape_is_lines(file: File, rng: random.Random) -> str:
    file.own(name := rng.choice(file.starting("")))["mode"] = rng.choice([0, 1, 3, 5])
    return name


@forgery
def a_shape_is_round(file: File, rng: random.Random) -> str:
    attributes = file.own(name := rng.choice(marks(file)))["attributes"]
    points = file.rows[attributes["POSITION"]].astype(np.float32)
    normals = points - points.mean(axis=0) + [0.01, 0.02, 0.03]
    attributes["NORMAL"] = file.add((normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32))
    return name


@forgery
def its_bounds_are_wrong(file: File, rng: random.Random) -> str:
    attributes = file.own(name := rng.choice(still_marks(file) or marks(file)))["attributes"]
    file.lies[attributes["POSITION"]] = {"min": [0, 0, 0], "max": [1, 1, 1]}
    return name


@forgery
def it_needs_another_viewer(file: File, _: random.Random) -> str:
    file.doc["extensionsRequired"].append("KHR_texture_basisu")
    return "KHR_texture_basisu"


@forgery
def a_picture_is_another(file: File, rng: random.Random) -> str | None:
    names = [name for name in marks(file) if "baseColorTexture" in str(file.doc["materials"][shown(file, name)])]
    if not names:
        return None
    attributes = file.own(name := rng.choice(names))["attributes"]
    places = file.rows[attributes["TEXCOORD_0"]]
    places[:] = places[:, ::-1] if rng.random() < 0.5 else 1 - places
    return name


def shown(file: File, name: str) -> int:
    return file.meshes[file.leaf(name)["mesh"]]["primitives"][0]["material"]


# --- What it says -------------------------------------------------------------------------------------------------


@forgery
def a_number_is_restated(file: File, rng: random.Random) -> str:
    extras = file.nodes[file.named[name := rng.choice(marks(file))]]["extras"]
    extras["values"][rng.randrange(len(extras["values"]))] += 0.01
    return name


@forgery
def an_index_is_another(file: File, rng: random.Random) -> str:
    extras = file.nodes[file.named[name := rng.choice(marks(file))]]["extras"]
    extras["index"] = [*extras["index"][:-1], 99]
    return name


@forgery
def an_array_is_another(file: File, rng: random.Random) -> str:
    file.nodes[file.named[name := rng.choice(marks(file))]]["extras"]["trace"] += "x"
    return name


@forgery
def what_is_no_mark_says_that_it_is(file: File, rng: random.Random) -> str:
    node = file.nodes[file.named[name := rng.choice(file.starting("label/"))]]
    node["extras"] = {"trace": "embedding", "index": [0], "values": [1.0]}
    return name


@forgery
def a_glyph_is_declared_silent(file: File, rng: random.Random) -> str:
    glyphs = file.doc["asset"]["extras"]["glyphs"]
    glyphs[array := rng.choice(list(glyphs))] = "silent"
    return array


@forgery
def a_token_is_another(file: File, rng: random.Random) -> str:
    tokens = file.doc["asset"]["extras"]["tokens"]
    tokens[rng.randrange(len(tokens))] += "s"
    return "tokens"


@forgery
def the_scale_is_another(file: File, rng: random.Random) -> str:
    known = file.doc["asset"]["extras"]
    key = rng.choice([key for key in ("limit", "column", "point", "negative", "weights", "sentence") if key in known])
    known[key] = "x" if isinstance(known[key], str) else [] if isinstance(known[key], list | dict) else 2 * known[key]
    return key


# --- How it moves -------------------------------------------------------------------------------------------------


def moved(file: File) -> set[int]:
    """The nodes that are moved, and those that have such."""
    nodes = {channel["target"]["node"] for film in file.doc.get("animations", []) for channel in film["channels"]}
    return nodes | {n for n, node in enumerate(file.nodes) if nodes & {*node.get("children", ())}}


def channel(file: File, rng: random.Random) -> tuple[dict, dict, str] | None:
    """A channel of a film that moves something, its own sampler, and the name of what it moves."""
    if "animations" not in file.doc:
        return None
    (film,) = file.doc["animations"]
    lively = [c for c in film["channels"] if np.ptp(file.rows[film["samplers"][c["sampler"]]["output"]], axis=0).any()]
    chosen = rng.choice(lively)
    sampler = copy.deepcopy(film["samplers"][chosen["sampler"]])
    film["samplers"].append(sampler)
    chosen["sampler"] = len(film["samplers"]) - 1
    for key in ("input", "output"):
        sampler[key] = file.add(file.rows[sampler[key]].copy(), **copy.deepcopy(file.doc["accessors"][sampler[key]]))
    n = chosen["target"]["node"]
    above = (node for k, node in enumerate(file.nodes) if k == n or n in node.get("children", ()))
    return chosen, sampler, next(node["name"] for node in above if "name" in node)


@forgery
def a_step_is_another(file: File, rng: random.Random) -> str | None:
    if not (found := channel(file, rng)):
        return None
    rows = file.rows[found[1]["output"]]
    k = rng.choice(np.flatnonzero(np.abs(rows[:-1]).max(axis=1) > 0.1).tolist())
    rows[k] = np.roll(rows[k], 1) if found[0]["target"]["path"] == "rotation" else rows[k] * np.float32(-1.1)
    return found[2]


@forgery
def a_time_is_another(file: File, rng: random.Random) -> str | None:
    if not (found := channel(file, rng)):
        return None
    times = file.rows[found[1]["input"]]
    times[1:-1] *= np.float32(0.7)
    return found[2]


@forgery
def it_jumps(file: File, rng: random.Random) -> str | None:
    if not (found := channel(file, rng)):
        return None
    found[1]["interpolation"] = "STEP"
    return found[2]


@forgery
def it_stands_still(file: File, rng: random.Random) -> str | None:
    if not (found := channel(file, rng)):
        return None
    (film,) = file.doc["animations"]
    film["channels"].remove(found[0])
    return found[2]


@forgery
def there_is_no_film(file: File, _: random.Random) -> str | None:
    return "the animation" if file.doc.pop("animations", None) else None


# --- Saved otherwise ----------------------------------------------------------------------------------------------


def in_another_order(file: File, rng: random.Random) -> None:
    """Nodes, triangles, the corners of these, and points."""
    order = rng.sample(range(len(file.nodes)), len(file.nodes))
    place = {old: new for new, old in enumerate(order)}
    file.doc["nodes"] = [file.nodes[old] for old in order]
    for node in file.nodes:
        if "children" in node:
            node["children"] = rng.sample([place[child] for child in node["children"]], len(node["children"]))
    file.doc["scenes"][0]["nodes"] = [place[root] for root in file.doc["scenes"][0]["nodes"]]
    for film in file.doc.get("animations", []):
        for channel in film["channels"]:
            channel["target"]["node"] = place[channel["target"]["node"]]
    for primitive in file.primitives():
        attributes, faces = primitive["attributes"], file.rows[primitive["indices"]].reshape(-1, 3)
        faces = np.array([np.roll(face, rng.randrange(3)) for face in rng.sample(faces.tolist(), len(faces))])
        points = np.array(rng.sample(range(n := len(file.rows[attributes["POSITION"]])), n))
        for key, number in attributes.items():
            attributes[key] = file.add(file.rows[number][points], **file.doc["accessors"][number])
        faces = np.argsort(points)[faces].reshape(-1, 1).astype(np.uint16)
        primitive["indices"] = file.add(faces, **file.doc["accessors"][primitive["indices"]])


def in_other_numbers(file: File, _: random.Random) -> None:
    """Floats, indices of 32 bits, and what is at its default."""
    for primitive in file.primitives():
        attributes = primitive["attributes"]
        attributes["POSITION"] = file.add(file.rows[attributes["POSITION"]].astype(np.float32), min=[], max=[])
        if "COLOR_0" in attributes:
            colors = file.rows[attributes["COLOR_0"]]
            attributes["COLOR_0"] = file.add((colors / np.iinfo(colors.dtype).max).astype(np.float32))
        primitive["indices"] = file.add(file.rows[primitive["indices"]].astype(np.uint32))
    for material in file.doc["materials"]:
        material["pbrMetallicRoughness"].setdefault("metallicFactor", 1.0)
        material.setdefault("alphaMode", "OPAQUE")
        material["name"] = "paint"


def without_indices(file: File, _: random.Random) -> None:
    """Every triangle with points of its own, colours at the points, and normals that say what is there without."""
    for primitive in file.primitives():
        attributes, order = primitive["attributes"], file.rows[primitive.pop("indices")][:, 0]
        for key, number in attributes.items():
            attributes[key] = file.add(file.rows[number][order], **file.doc["accessors"][number])
        points = file.rows[attributes["POSITION"]].astype(float).reshape(-1, 3, 3)
        normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        attributes["NORMAL"] = file.add(np.repeat(normals, 3, axis=0).astype(np.float32))
        look = copy.deepcopy(file.doc["materials"][primitive["material"]])
        if factor := look["pbrMetallicRoughness"].pop("baseColorFactor", None):
            attributes["COLOR_0"] = file.add(np.tile(np.array(factor, np.float32), (len(order), 1)))
        file.doc["materials"].append(look)
        primitive["material"] = len(file.doc["materials"]) - 1


def by_matrices(file: File, _: random.Random) -> None:
    """What is not moved stands by matrices, under a root that changes nothing."""
    if "animations" in file.doc:
        return
    scale, place = file.root.pop("scale")[0], np.array(file.root.pop("translation"))
    for child in file.root["children"]:
        node = file.nodes[child]
        matrix = np.diag([*(scale * np.array(node.pop("scale", [1, 1, 1]))), 1])
        matrix[:3, 3] = place + scale * np.array(node.pop("translation", [0, 0, 0]))
        node["matrix"] = matrix.T.ravel().tolist()


RESAVES = (in_another_order, in_other_numbers, without_indices, by_matrices)


@pytest.mark.slow
@pytest.mark.parametrize("save", RESAVES, ids=lambda save: save.__name__)
@pytest.mark.parametrize("name", SCENES)
def test_saved_otherwise_it_is_the_same(name: str, save: Any, drawn: Callable[[str], bytes]) -> None:
    file = File(drawn(name))
    save(file, random.Random(1))  # noqa: S311 - no secret
    glb = bytes(file)
    assert glb != drawn(name)
    assert differences(glb, drawn(name)) == ([], [])


@pytest.mark.parametrize("save", RESAVES[:3], ids=lambda save: save.__name__)
def test_saved_otherwise_a_small_scene_is_the_same(save: Any, drawn: Callable[[str], bytes]) -> None:
    file = File(drawn("pairs"))
    save(file, random.Random(2))  # noqa: S311 - no secret
    assert differences(bytes(file), drawn("pairs")) == ([], [])


def test_what_is_lost_is_told(drawn: Callable[[str], bytes]) -> None:
    """Extras, names of nodes whose triangles are there, and what the file says of itself; none of it is drawn."""
    file = File(drawn("pairs"))
    for name in ("embedding/nest", "embedding/hive"):
        del file.nodes[file.named[name]]["extras"]
    del file.nodes[file.named["plinths"]]["name"]
    del file.doc["asset"]["extras"]["view"]
    lost = ["the names of 1 nodes", "the extras of 2 nodes", "what it says of itself as view"]
    assert differences(bytes(file), drawn("pairs")) == ([], lost)
    file.nodes[file.named["plinths"]]["children"].pop()
    found, _ = differences(bytes(file), drawn("pairs"))
    assert found == ["plinths: it is missing"]


@pytest.mark.parametrize("damage", ["circle", "mesh", "sparse", "stride", "again"])
def test_what_cannot_be_read_is_refused(damage: str, drawn: Callable[[str], bytes], monkeypatch: Any) -> None:
    """A tree in a circle, numbers that are not there, and a small file that would be more than any memory holds."""
    file = File(drawn("pairs"))
    monkeypatch.setattr(readback, "MOST", 1 << 20)
    match damage:
        case "circle":
            file.root["children"].append(file.doc["scenes"][0]["nodes"][0])
        case "mesh":
            file.leaf("embedding/nest")["mesh"] = 999
        case "sparse":
            file.doc["accessors"][next(file.primitives())["indices"]]["sparse"] = {}
        case "stride":
            accessor = file.doc["accessors"][0]
            file.doc["bufferViews"][accessor["bufferView"]]["byteStride"] = 0
            with pytest.raises(ValueError, match="it cannot be read"):
                Drawing(
                    whole_glb(json.dumps(file.doc | {"accessors": [accessor | {"count": 99}] * 99}).encode(), file.data)
                )
            return
        case "again":
            Drawing(bytes(file))  # which is not too much
            file.doc["meshes"][0]["primitives"] *= 9999
    with pytest.raises(ValueError, match="it cannot be read"):
        Drawing(bytes(file))


# --- The tests ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_every_forgery_is_noticed_where_it_is(name: str, drawn: Callable[[str], bytes], tell: Told) -> None:
    glb, made, seed = drawn(name), 0, 0
    truth = Drawing(glb)
    rng = random.Random(zlib.crc32(name.encode()))  # noqa: S311 - no secret
    chosen = rng.sample(FORGERIES, len(FORGERIES))
    while made < MANY // len(SCENES):
        file, forge = File(glb), chosen[seed % len(chosen)]
        seed += 1
        if (expected := forge(file, rng)) is None:
            continue
        made += 1
        found, _ = compare(Drawing(bytes(file)), truth)
        assert any(expected in problem for problem in found), (forge.__name__, expected, found[:5])
    tell(f"{name}: {made} forgeries, all noticed")


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_every_kind_of_forgery_is_noticed(forge: Forge, drawn: Callable[[str], bytes]) -> None:
    """In the first scene that it can be done to."""
    for name in ("pairs", "looks", "growth", "overview"):
        file = File(drawn(name))
        if expected := forge(file, random.Random(1)):  # noqa: S311 - no secret
            found, _ = differences(bytes(file), drawn(name))
            assert any(expected in problem for problem in found), (expected, found[:5])
            return
    pytest.fail("it can be done to none")
