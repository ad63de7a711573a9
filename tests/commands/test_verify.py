"""`verify` holds a file against its numbers, and against the scene drawn anew."""

import copy
from pathlib import Path
from typing import Any

import pytest

from article.commands.shared import verification
from article.errors import RefusalError
from article.models.model import OpenedModel
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
