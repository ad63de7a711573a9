"""`verify` holds a file against its numbers, and against the scene drawn anew."""

import copy
import io
import os
from pathlib import Path
from typing import Any

import pytest
import trimesh

from article.commands.shared import reading, verification
from article.errors import RefusalError
from article.models.model import OpenedModel
from scenes.export import readback
from tests.scenes.forge import File

HERE = Path("pairs.glb")


@pytest.fixture(scope="module")
def opened(model: Any, tokenizer: Any) -> OpenedModel:
    return OpenedModel(model.config, tokenizer, model, ())


@pytest.fixture
def file(written: Any) -> File:
    return File(written("pairs"))


def test_what_is_drawn_so_is_as_drawn(opened: OpenedModel, written: Any) -> None:
    for name, numbers in (("pairs", "160 numbers agree, in 8 nodes"), ("forward", "804 numbers agree, in 177 nodes")):
        assert verification.judge(HERE, written(name), opened, None) == ([], f"{numbers}; as drawn")


def test_saved_again_it_says_what_is_lost(opened: OpenedModel, file: File) -> None:
    file.doc["asset"]["generator"] = "another"
    nothing = "160 numbers agree, in 8 nodes; saved again, lost: nothing"
    assert verification.judge(HERE, bytes(file), opened, None) == ([], nothing)
    for node in file.nodes:
        node.pop("extras", None)
    extras = "160 numbers agree, in 8 nodes; saved again, lost: the extras of 8 nodes"
    assert verification.judge(HERE, bytes(file), opened, None) == ([], extras)


def test_the_root_keeps_what_the_asset_loses(opened: OpenedModel, file: File) -> None:
    """Most programs that save a file again keep the extras of nodes alone."""
    del file.doc["asset"]["extras"]
    nothing = "160 numbers agree, in 8 nodes; saved again, lost: nothing"
    assert verification.judge(HERE, bytes(file), opened, None) == ([], nothing)
    del file.root["extras"]
    with pytest.raises(ValueError, match=r"it is no \.glb with a scene of ours in it"):
        readback.header(bytes(file))


def test_what_trimesh_saves_has_its_numbers(opened: OpenedModel, written: Any, subjects: Any) -> None:
    """And not its look: labels without light are none any more, and each is named."""
    saved: Any = trimesh.load_scene(io.BytesIO(written("pairs")), file_type="glb").export(file_type="glb")
    assert b'"sentence"' in saved
    assert readback.disagreements(saved, subjects["pairs"]) == []
    problems, _ = verification.judge(HERE, saved, opened, None)
    assert "label/token/0/0: its material is another" in problems


def test_what_no_number_tells_is_held_against_the_scene(opened: OpenedModel, file: File) -> None:
    """A plinth, a label, and a mark that says nothing of itself; each is named, and each once."""
    file.drop(["plinths"])
    file.move(label := file.starting("label/")[0], [0, 3000, 0])
    file.nodes.append(copy.deepcopy(file.nodes[file.named["embedding/den"]]) | {"name": "embedding/lair"})
    del file.nodes[-1]["extras"]
    file.root["children"].append(len(file.nodes) - 1)
    problems, _ = verification.judge(HERE, bytes(file), opened, None)
    assert sorted(problems) == [
        "embedding/lair: it is drawn, and the scene has nothing of that name",
        f"{label}: its shape, its size or its place is another",
        "plinths: it is missing",
    ]


def test_a_restated_number_is_said_once(opened: OpenedModel, file: File) -> None:
    file.nodes[file.named["embedding/den"]]["extras"]["values"][3] += 1
    problems, _ = verification.judge(HERE, bytes(file), opened, None)
    assert [problem.split(":")[0] for problem in problems] == ["embedding/den, component 3"] * 3


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("scene", "../gpt", "pairs.glb shows '../gpt', and there is no scenes/../gpt.py to draw it anew"),
        ("scene", "style", "pairs.glb shows 'style', and there is no scenes/style.py to draw it anew"),
        ("scene", "causes", "pairs.glb shows what this model cannot: a scene of 'ablation' needs model, tok"),
        ("scene", "block", "pairs.glb shows what this model cannot: "),
        ("sentence", "a hovercraft", "pairs.glb shows what this model cannot: the corpus lacks the word 'hovercraft'"),
    ],
)
def test_what_cannot_be_drawn_anew_is_refused(opened: OpenedModel, file: File, key: str, value: str, says: str) -> None:
    file.doc["asset"]["extras"] |= {key: value, "block": "x"}
    with pytest.raises(RefusalError) as refused:
        verification.judge(HERE, bytes(file), opened, None)
    assert str(refused.value).startswith(says)


def test_a_damaged_file_is_told(opened: OpenedModel, file: File) -> None:
    file.root["children"].append(file.doc["scenes"][0]["nodes"][0])
    problems, _ = verification.judge(HERE, bytes(file), opened, None)
    assert problems == ["it cannot be read (the node 'scene' stands at two places)"]


@pytest.mark.parametrize(
    "damage",
    [
        {"translation": [10**400, 0, 0]},
        {"translation": {}},
        {"scale": "x"},
        {"rotation": [[1]]},
        {"matrix": None},
        {"scale": [1e308, 1e308, 1e308], "translation": [float("nan"), 0, 0]},
        {"extras": {"trace": "embedding", "index": [], "values": [10**400]}},
        {"extras": {"trace": [], "index": 1}},
    ],
)
def test_what_a_node_cannot_be_is_told(opened: OpenedModel, file: File, damage: dict[str, Any]) -> None:
    file.nodes[file.named[file.starting("embedding/")[0]]] |= damage
    problems, _ = verification.judge(HERE, bytes(file), opened, None)
    assert problems


def test_a_film_that_cannot_be_read_is_told(opened: OpenedModel, file: File) -> None:
    """Each kind of what a sampler may say."""
    sampler = {"input": 0, "output": 0}
    for damage in ({"output": 999}, {"output": None}, {"input": "x"}, {"interpolation": []}):
        channel = {"sampler": 0, "target": {"node": 1, "path": "translation"}}
        file.doc["animations"] = [{"samplers": [sampler | damage], "channels": [channel]}]
        problems, _ = verification.judge(HERE, bytes(file), opened, None)
        assert problems, damage


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.glb").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "y.glb")  # of which nobody writes
    for name in ("x", "y"):
        with pytest.raises(RefusalError, match="cannot be read: it is a pipe or a device; name a"):
            reading.read(tmp_path / f"{name}.glb")
    with open(tmp_path / "z.glb", "wb") as large:
        large.truncate(reading.LARGEST + 1)
    with pytest.raises(RefusalError, match="more than 67,108,864 bytes"):
        reading.read(tmp_path / "z.glb")
