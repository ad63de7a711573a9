"""One contract over all scenes, and the glyphs and the writer under it."""

import contextlib
import importlib
import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import pyvista as pv
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scenes import glyphs, style
from scenes.export import readback
from scenes.export.camera import frame
from scenes.export.glb import leaves, to_glb, to_linear
from scenes.style import Scale
from tests.conftest import BUILDERS, COMPARED, FILMS, ROOT, validate

NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False)
NOWHERE = SimpleNamespace(sentence="", weights="")  # all that an empty scene needs of a trace
VECTORS = arrays.arrays(float, 20, elements=NUMBERS)


@pytest.fixture(params=(*BUILDERS, *COMPARED))
def name(request) -> str:
    return request.param


@pytest.fixture
def shown(name, subjects):
    return subjects[name]


@pytest.fixture
def scene(name, built) -> pv.MultiBlock:
    return built(name)


@pytest.fixture
def file(name, written) -> bytes:
    return written(name)


def names(scene: pv.MultiBlock) -> list[str]:
    return [name or "" for name in scene.keys()]  # noqa: SIM118 - a MultiBlock is no dict


def told(scene: pv.MultiBlock) -> dict[str, dict]:
    """What each block says of itself, by its name, which a MultiBlock looks for among all of them."""
    return {name: block.user_dict for name, block in zip(names(scene), scene, strict=True)}


def marks_of(scene: pv.MultiBlock) -> dict[str, dict]:
    """What those say that stand for numbers."""
    return {name: said for name, said in told(scene).items() if "trace" in said}


def test_contract(scene, name, shown, file):
    """Deterministic, named, finite, in the frame of the floor; each mark states what the trace holds."""
    assert scene.user_dict["scene"] == name
    assert to_glb(importlib.import_module(f"scenes.{name}").build(shown)) == file
    assert len(set(names(scene))) == len(scene.keys())
    for shape in leaves(scene):
        assert np.isfinite(shape.points).all()
        assert shape.points[:, 2].min() >= -1e-9
        assert shape.n_cells
    marks = marks_of(scene)
    assert marks
    for key, mark in marks.items():
        truth = np.ravel(getattr(shown, mark["trace"])[tuple(mark["index"])])
        assert np.allclose(mark["values"], truth, rtol=0, atol=0.5001 * 10**-style.DECIMALS), key
        path = [shown.vocab[mark["index"][0]]] if mark["trace"] == "embedding" else map(str, mark["index"])
        assert key == "/".join([mark["trace"], *path])


def test_reads_back(scene, shown, file):
    assert readback.disagreements(file, shown) == []
    assert set(readback.read_back(file)) == set(marks_of(scene))


def test_trimesh_finds_the_same_names(scene, file):
    opened = trimesh.load_scene(trimesh.util.wrap_as_stream(file), file_type="glb")
    assert set(scene.keys()) <= set(opened.graph.nodes)


def test_legend_is_to_scale(scene):
    """The legend's boxes and ribbons decode to the numbers on the plates before them."""
    how = dict(scene.user_dict)
    labels = {key: said["text"] for key, said in told(scene).items() if key.startswith("label/")}
    glyph = next((glyph for glyph in how["glyphs"].values() if "ribbon" not in glyph), "ribbon")
    glyph = "column" if glyph == "growing" else glyph

    def decoded(shape: Any, glyph: str) -> np.ndarray:
        upright = np.asarray(shape.points)[:, [0, 2, 1]] * [1, 1, -1]
        color = np.asarray(shape.point_data["color"]) / (255 if shape.point_data["color"].dtype == np.uint8 else 1)
        return readback.READERS[glyph](upright, to_linear(color), how)[0]

    if "beside" in how:
        for group, numbers in (("value", 0), ("difference", 1)):
            for i, shape in enumerate(reversed(list(scene[f"legend/{group}"]))):
                if text := labels.get(f"label/{group}/{i}"):
                    limit = how["limit"] if group == "value" else how["beside"]["limit"]
                    read = decoded(shape, next(glyph for glyph in how["glyphs"].values() if glyph.startswith("tinted")))
                    assert read[numbers] == pytest.approx(
                        float(text.replace("\N{MINUS SIGN}", "-")), abs=0.0051 + limit / 500
                    )
        return
    if "surface" in how["glyphs"].values():
        high = np.ptp(np.asarray(scene["legend/height"].points)[:, 2]) / style.LAND_HEIGHT * how["limit"]
        assert high == pytest.approx(float(labels["label/legend/height"]), abs=0.0051)
        return
    if {"bar", "post", "point"} & set(how["glyphs"].values()):
        groups = {"legend/effect": "bar", "legend/weight/0": "post", "legend/weight/1": "post", "legend/reach": "reach"}
        found = [group for group in groups if group in scene.keys()]  # noqa: SIM118
        assert found
        for group in found:
            texts = [labels[key] for key in labels if key.startswith(f"label/{group}")]
            texts = [text.replace("\N{MINUS SIGN}", "-") for text in texts if text[0] in "\N{MINUS SIGN}0123456789"]
            shapes = [scene[group]] if groups[group] == "reach" else list(scene[group])
            if groups[group] == "reach":
                numbers = [(np.ptp(np.asarray(shapes[0].points)[:, 0]) / style.MAP_SPAN) * how["limit"]]
            else:
                numbers = [float(decoded(shape, groups[group])[0]) for shape in shapes]
            assert numbers == pytest.approx([float(text) for text in texts], abs=0.0051)
        return
    for i, shape in enumerate(scene["legend/value"]):
        text = float(labels[f"label/value/{i}"].replace("\N{MINUS SIGN}", "-"))
        assert decoded(shape, glyph) == pytest.approx(text, abs=0.0051 + how["limit"] / 500)
    heads = {mark["index"][1] for mark in marks_of(scene).values() if mark["trace"] == "attention"}
    assert heads == {h for h in range(2) if f"legend/weight/{h}" in names(scene)}  # of those that are drawn
    for h in heads:
        for shape, i in zip(scene[f"legend/weight/{h}"], reversed(range(len(style.LEGEND_WEIGHTS))), strict=True):
            assert readback.ribbon(np.asarray(shape.points), np.zeros(0), how)[0] == pytest.approx(
                float(labels[f"label/weight/{h}/{i}"]), abs=1e-9
            )


def test_every_weight_is_drawn(trace, built):
    """Self included, nothing dropped, nothing on the future; the ribbons of a query are as wide as a weight of one."""
    scene = built("forward")
    drawn = {key for key in names(scene) if key.startswith("attention/")}
    T = len(trace.tokens)
    ends = {key: np.asarray(shape.points)[-2:] for key, shape in zip(names(scene), scene, strict=True) if key in drawn}
    assert drawn == {
        f"attention/{l}/{h}/{q}/{k}"
        for l, h, q in itertools.product(range(2), range(2), range(T))
        for k in range(q + 1)
    }
    for l, h, q in itertools.product(range(2), range(2), range(T)):
        own = [ends[f"attention/{l}/{h}/{q}/{k}"][:, 0] for k in range(q + 1)]
        spans = sorted((x.min(), x.max()) for x in own)
        assert spans[-1][1] - spans[0][0] == pytest.approx(style.RIBBON + (q + 1) * style.HAIR)
        assert all(left[1] == pytest.approx(right[0]) for left, right in itertools.pairwise(spans))


def test_columns_do_not_touch():
    """Even at the limit of the scale, no column reaches another's, and boxes have air between them."""
    widest = style.BASE + style.SPAN
    assert 2 * widest * np.sqrt(2) < style.SPACING
    assert style.PLINTH < style.SPACING / 2
    steps = (style.PITCH - style.GAP) / style.PITCH * style.PITCH_STEPS
    assert steps == pytest.approx(round(steps))
    assert 20 * style.PITCH_STEPS <= 256


# --- Scale and glyphs ---------------------------------------------------------------------------------------------


def test_scale():
    scale = Scale.of([1, -4], [[2.0]])
    assert scale.limit == 4
    assert Scale.of([0.0]).limit == Scale.of([]).limit == 1
    assert scale.length(0) == style.BASE
    assert scale.length(-4) == scale.length(4) == style.BASE + style.SPAN
    assert scale.length(2) == pytest.approx(style.BASE + style.SPAN / 2)
    assert scale.color(4).tolist() == style.POSITIVE[-1]
    assert scale.color(-4).tolist() == style.NEGATIVE[-1]
    assert scale.color(0).tolist() == style.POSITIVE[0]


def test_every_number_of_the_style_is_used_and_none_is_missing():
    """`style.NAME` is not known to type checkers."""
    sources = [path.read_text("utf-8") for folder in ("scenes", "article") for path in (ROOT / folder).rglob("*.py")]
    scripts = [path.read_text("utf-8") for path in (ROOT / "article" / "web" / "assets").rglob("*.js")]
    named = {name for text in sources for name in re.findall(r"\bstyle\.([A-Z][A-Z_]+)\b", text)} - {"NUMBERS"}
    assert named <= style.NUMBERS.keys()
    own = re.findall(r'NUMBERS\["([A-Z]+)"\]', Path(style.__file__).read_text("utf-8"))
    assert own
    assert style.NUMBERS.keys() == named | {*own} | {
        n for n in style.NUMBERS if any(f".{n}" in text for text in scripts)
    }
    assert (style.MORE[1:], style.LESS[1:]) == (style.POSITIVE[1:], style.NEGATIVE[1:])
    assert style.MORE[0] == style.LESS[0]
    with pytest.raises(AttributeError, match="WIDTH"):
        style.WIDTH  # noqa: B018


def luminance(color) -> float:
    color = np.asarray(color)
    return float(np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_colors_say_size_and_labels_can_be_read():
    """Each hue darkens steadily, and ink on stone has the contrast that WCAG asks of text."""
    scale = Scale(1.0)
    for sign in (1, -1):
        light = [luminance(scale.color(sign * part)) for part in np.linspace(0.01, 1, 30)]
        assert all(a > b for a, b in itertools.pairwise(light))
    assert (luminance(style.STONE) + 0.05) / (luminance(style.INK) + 0.05) > 7
    cases = re.findall(r"--case: #([0-9a-f]{6})", (ROOT / "article" / "web" / "assets" / "page.css").read_text("utf-8"))
    assert len(cases) == 2  # of the light page and of the dark one
    for case in cases:
        behind = luminance(np.array(list(bytes.fromhex(case))) / 255)
        brighter, darker = sorted([behind, luminance(style.SLATE)], reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) > 3


def little(shape: pv.PolyData, scale: Scale, glyph: str, **more: Any) -> bytes:
    """A scene with one mark and a far point, as large as the largest of ours; it says `more` of itself."""
    scene = glyphs.start("little", NOWHERE, scale)
    scene.user_dict |= more
    scene.user_dict |= {"glyphs": {"embedding": glyph}}
    shape.user_dict |= {"trace": "embedding", "index": [0], "values": []}
    scene.append(shape, "embedding/x")
    scene.append(glyphs.box((30, 30, 0), (31, 31, 1), style.STONE), "far")
    return to_glb(scene)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(VECTORS)
def test_any_vector_reads_back(vector):
    scale = Scale.of(vector)
    (mark,) = readback.marks(little(glyphs.column(vector, scale, (3.3, 4.4)), scale, "column")).values()
    assert np.abs(mark.shape - vector).max() <= scale.limit / 500
    told = ~np.isnan(mark.color)
    assert np.abs((mark.color - vector)[told]).max() <= scale.limit * readback.COLOR


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1), st.floats(0, 25), st.floats(0, 25))
def test_any_weight_reads_back(weight, start, end):
    band = glyphs.ribbon(weight, (start, 0), (end, 6), 0.1, style.HEADS[0])
    (mark,) = readback.marks(little(band, Scale(1.0), "ribbon")).values()
    assert abs(mark.shape[0] - weight) <= 1 / 500


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(st.floats(-1, 1), st.sampled_from([glyphs.bar, glyphs.post]), st.floats(0.01, 9))
def test_any_bar_reads_back(part, glyph, limit):
    value = part * limit if glyph is glyphs.bar else abs(part) * limit
    (mark,) = readback.marks(little(glyph([value], Scale(limit), (3.3, 4.4)), Scale(limit), glyph.__name__)).values()
    assert abs(mark.shape[0] - value) <= limit / 500
    told = ~np.isnan(mark.color)
    assert told.all() == (glyph is glyphs.bar)
    assert np.abs((mark.color - value)[told]).max(initial=0) <= limit * readback.COLOR


@pytest.mark.parametrize("word", ["<|endoftext|>", "internationalization", "long" * 1000])
def test_a_long_token_is_cut_before_the_others_are_too_small(word):
    row = SimpleNamespace(sentence="x", weights="", v=np.ones((2, 4)))
    scene = glyphs.start("x", row, Scale.of(row.v))
    glyphs.row(scene, row, "v", [(0,), (1,)], ["the", word])
    short, long = (cast(Any, scene[f"label/token/0/{n}"]) for n in range(2))
    assert np.ptp(short.points[:, 0]) >= 0.59 * style.TEXT_SIZE * glyphs.width_of("the")
    assert np.ptp(long.points[:, 0]) <= style.SPACING - 2 * style.TEXT_MARGIN
    text = long.user_dict["text"]
    assert text.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert word.startswith(text[:-1])
    assert len(text) > 5


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.text(min_size=1, max_size=12))
def test_any_text_makes_a_label(text):
    scene = glyphs.start("label", NOWHERE, Scale(1.0))
    glyphs.label(scene, "x", text, (0, 0))
    assert dict(zip(scene.keys(), scene, strict=True))["label/x"].user_dict["text"] == text
    assert to_glb(scene)


# --- Damage is found ----------------------------------------------------------------------------------------------


def test_a_wrong_width_is_named(trace, built):
    scene = built("pairs").copy()
    box = np.asarray(scene["embedding/fox"].points)[8 * 7 : 8 * 8]
    box[:, :2] = (box[:, :2] - box[:, :2].mean(axis=0)) * 1.05 + box[:, :2].mean(axis=0)
    scene["embedding/fox"].points[8 * 7 : 8 * 8] = box
    (problem,) = readback.disagreements(to_glb(scene), trace)
    assert problem.startswith("embedding/fox, component 7: the extras say")
    assert "the geometry" in problem


def test_a_wrong_color_is_named(trace, built):
    scene = built("pairs").copy()
    scene["embedding/bee"].point_data["color"][:8] = 255 - scene["embedding/bee"].point_data["color"][:8]
    (problem,) = readback.disagreements(to_glb(scene), trace)
    assert problem.startswith("embedding/bee, component 0")
    assert "the colour" in problem


def test_another_model_is_told_apart(trace, written):
    other = type(trace)(**(vars(trace) | {"embedding": trace.embedding * 1.01}))
    problems = readback.disagreements(written("pairs"), other)
    assert all("a fresh trace" in problem for problem in problems)
    assert len(problems) == 8


@pytest.fixture
def forward(built) -> pv.MultiBlock:
    return built("forward").copy()


def test_columns_that_changed_places_are_found(forward, trace):
    one, other = (np.asarray(forward[f"residual/0/{t}"].points) for t in (0, 7))
    shift = other.mean(axis=0) * [1, 1, 0] - one.mean(axis=0) * [1, 1, 0]
    for name, sign in (("residual/0/0", 1), ("residual/0/7", -1)):
        forward[name].points = np.asarray(forward[name].points) + sign * shift
        grid = forward[name].user_dict["grid"]
        grid["origin"] = (np.array(grid["origin"]) + sign * shift).tolist()
        forward[name].user_dict |= {"grid": grid}
    assert "residual/0: the tokens stand in another order" in readback.disagreements(to_glb(forward), trace)


def test_a_ribbon_that_joins_others_is_found(forward, trace):
    forward["attention/1/0/6/2"].points = np.add(forward["attention/1/0/6/2"].points, [style.SPACING, 0, 0])
    problems = readback.disagreements(to_glb(forward), trace)
    assert set(problems) == {"attention/1/0/6/2: it does not join the columns of 2 and 6"}


def test_a_missing_ribbon_is_found(forward, trace):
    del forward["attention/0/1/5/5"]
    assert readback.disagreements(to_glb(forward), trace) == ["attention/0/1/5/5: it is missing"]


@pytest.mark.parametrize("first", [0, 2])
def test_rows_may_be_drawn_in_turn(trace, first):
    """A row is one of the last position only if its first token is nowhere; whatever else is drawn between."""
    scene = glyphs.start("turns", trace, Scale.of(trace.residual, trace.normed))
    for t in range(first, len(trace.tokens)):
        glyphs.line(scene, trace, [("residual", (0, t), "")], 0, t)
        glyphs.line(scene, trace, [("normed", (2, t), "")], 1, t)
    assert scene.user_dict.data.get("last_only", []) == (["residual/0", "normed/2"] if first else [])


@pytest.mark.slow
def test_a_wrong_name_is_found(forward, trace):
    forward["attention/0/1/5/4"].user_dict |= {"index": [0, 1, 5, -4]}
    assert any(
        problem == "attention/0/1/5/4: it says that it is attention/0/1/5/-4"
        for problem in readback.disagreements(to_glb(forward), trace)
    )


def test_a_scene_without_marks_shows_nothing(forward, trace):
    for name in marks_of(forward):
        del forward[name]
    assert readback.disagreements(to_glb(forward), trace) == ["no node stands for a number"]


def test_other_weights_are_told(written, trace):
    other = type(trace)(**(vars(trace) | {"weights": "0" * 64}))
    assert readback.disagreements(written("forward"), other) == ["the weights: the file was made from another model"]


@pytest.mark.slow
def test_a_large_vocabulary_reads_back():
    """Three hundred words are as exact as twenty."""
    rng = np.random.default_rng(3)
    words = tuple(f"w{n}" for n in range(300))
    data = SimpleNamespace(sentence="", weights="", vocab=words, embedding=rng.normal(size=(300, 20)))
    scene = glyphs.start("large", data, Scale.of(data.embedding))
    glyphs.row(scene, data, "embedding", [(n,) for n in range(300)], words)
    assert readback.disagreements(to_glb(scene), data) == []


@pytest.mark.parametrize("damage", [b"", b"glTF", b"<html>", b"\0" * 100])
def test_what_is_no_scene_is_refused(damage):
    with pytest.raises(ValueError, match=r"no \.glb with a scene of ours"):
        readback.marks(damage)


SOUND = little(glyphs.column(np.linspace(-1, 1, 20), Scale(1.0), (0, 0)), Scale(1.0), "column")


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255), st.sampled_from([None, len(SOUND) // 2, -1]))
def test_damage_raises_one_kind_of_error(place, change, end):
    """Any byte changed, or an end cut off: read, refused, or found out, but never a crash."""
    damaged = bytearray(SOUND)
    damaged[place] ^= change
    with contextlib.suppress(ValueError):
        readback.disagreements(bytes(damaged[:end]))


def test_a_word_that_the_corpus_lacks_is_named(trace):
    with pytest.raises(ValueError, match="'bird'"):
        importlib.import_module("scenes.pairs").build(type(trace)(**(vars(trace) | {"vocab": ("a",)})))


def test_names_make_room_for_each_other(subjects, built):
    """From the default camera hardly one hides another, where over the points many would."""
    scene = built("map")
    camera = frame(scene)
    labels = [block.user_dict for key, block in zip(scene.keys(), scene, strict=True) if key.startswith("label/point/")]
    rows = subjects["map"].map
    points = [0, 0, style.MAP_HEIGHT] + style.MAP_SPAN * Scale(scene.user_dict["limit"]).fraction(rows)

    def hidden(origins) -> int:
        """Pairs of names that overlap."""
        rooms = []
        for origin, known in zip(origins, labels, strict=True):
            right, up = np.array(known["right"]) / np.linalg.norm(known["right"]), np.array(known["up"])
            corners = camera.project([origin, origin + right * known["width"], origin + style.LETTER * up])[:, :2]
            rooms.append((corners.min(axis=0), corners.max(axis=0)))
        overlaps = [
            (np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]) > 0).all() for a, b in itertools.combinations(rooms, 2)
        ]
        return sum(map(int, overlaps))

    widths = np.array([known["width"] for known in labels])
    over = points + np.column_stack([-widths / 2, np.full(len(widths), -style.POINT), np.full(len(widths), 0.6)])
    now = hidden([np.array(known["origin"]) for known in labels])
    assert now <= hidden(over) / 2
    assert hidden(over) > 3


# --- The files ----------------------------------------------------------------------------------------------------


@pytest.mark.npm
def test_khronos_finds_nothing(site, tmp_path):
    assert validate([site / f"{name}.glb" for name in BUILDERS], tmp_path) == {}


def test_budget(site):
    import gzip

    sizes = {name: (site / f"{name}.glb").read_bytes() for name in BUILDERS}
    assert len(sizes["forward"]) <= 160_000
    assert len(gzip.compress(sizes["forward"])) <= 56_000
    assert sum(len(sizes[name]) for name in ("pairs", "prompt", "stream", "forward")) <= 400_000
    assert max(len(data) for name, data in sizes.items() if name not in FILMS) <= 200_000
    assert max(len(sizes[name]) for name in FILMS) <= 600_000
    assert sum(map(len, sizes.values())) <= 2_000_000
    index = {entry["name"]: entry for entry in json.loads((site / "scenes.json").read_text())}
    assert index["forward"]["marks"] >= 800
    for name, entry in index.items():
        assert entry["bytes"] == len(sizes[name])
        assert entry["values"] == sum(len(v) for v in readback.read_back(sizes[name]).values())


def test_a_colour_of_bytes_tells_every_number_within_the_tolerance():
    """For a column's numbers from limit to limit, rounded as the file rounds them; not for those of one model alone."""
    values = np.linspace(-1, 1, 20_001)
    written = np.round(to_linear(glyphs.to_bytes(Scale(1.0).color(values)) / 255) * 255) / 255
    told = readback.number_of(written, {"negative": style.NEGATIVE, "positive": style.POSITIVE, "limit": 1.0})
    assert readback.COLOR / 2 < np.abs(told - values).max() <= readback.COLOR


@pytest.mark.parametrize("size", [1e-6, 0.003, 0.05, 0.1, 7.0, 4e4])
def test_a_scale_of_any_size_reads_back(size: float) -> None:
    """Numbers of a model that has hardly begun to learn are as small as they are."""
    values = size * np.random.default_rng(1).uniform(-1, 1, (3, 16))
    data = SimpleNamespace(sentence="a b c", tokens=("a", "b", "c"), weights="", found=values)
    scene = glyphs.start("found", data, Scale.of(values))
    glyphs.row(scene, data, "found", [(n,) for n in range(3)], data.tokens)
    glyphs.legend(scene, right=2)
    assert readback.disagreements(to_glb(scene), data) == []


def test_letters_without_a_shape_are_known() -> None:
    assert glyphs.lacking(["α␣ß⏎", "猫", "a猫"]) == ["猫"]
