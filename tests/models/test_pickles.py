"""A pickle from elsewhere runs nothing: of what it holds, plain values are read, and the rest is named or refused."""

import datetime
import io
import os
import pickle  # noqa: TID251 - to write what is refused
import zipfile
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import gpt
from article.models import loading
from article.models.formats import torch_file
from tests.models.checkpoints import (
    SIZES,
    Evil,
    nano_weights,
    refused,
    weights_of,
)

HELD: dict[str, tuple[object, str]] = {
    "device": (torch.device("cpu"), "'torch.device'"),
    "dtype": (torch.bfloat16, "'torch.bfloat16'"),
    "set": ({"a", "b"}, "'builtins.set'"),
    "path": (Path("a"), "'pathlib"),
    "size": (torch.Size([1, 2]), "'torch.Size'"),
    "array": (np.arange(3), "'numpy"),
    "object": (SimpleNamespace(a=1), "'types.SimpleNamespace'"),
    "function": (F.relu, "'torch.nn.functional.relu'"),
    "defaultdict": (defaultdict(list, a=[1]), "'builtins.list'"),
    "date": (datetime.date(2020, 1, 1), "'datetime.date'"),
}


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("name", HELD)
def test_what_is_not_plain_is_named(nano, name, protocol):
    """Of what a checkpoint holds beside its weights, nothing is made, and nothing stops the rest from being read."""
    before = weights_of(nano)
    value, said = HELD[name]
    content = {"model": nano_weights(), "model_args": SIZES | {"bias": True}, "config": {"a": [value]}}
    torch.save(content, nano, pickle_protocol=protocol)
    run = loading.open_model(nano)
    assert gpt.fingerprint(run.model) == before
    assert len(run.notes) == 1
    assert run.notes[0].startswith(f"The checkpoint also holds what is not read: {said}")


@pytest.mark.parametrize("protocol", [2, 4])
def test_numbers_of_numpy_are_numbers(nano, protocol):
    """Of each kind, also as sizes; but of those that are no numbers of a size there is one."""
    kinds = (np.int64, np.int32, np.uint8, np.int16, np.float64, np.float32, np.float16, np.bool_)
    sizes = {name: np.int64(size) if name in ("n_layer", "n_embd") else size for name, size in SIZES.items()}
    content = {"model": nano_weights(), "model_args": sizes | {"bias": np.True_}, "loss": [kind(1) for kind in kinds]}
    torch.save(content, nano, pickle_protocol=protocol)
    assert loading.open_model(nano).notes == ()
    value, unread = torch_file.read_file(nano)
    assert cast(Any, value)["loss"] == [1] * len(kinds)
    assert unread == []


def evils(file: Path) -> list[object]:
    """Objects that would write a file."""
    code = f"open({str(file)!r}, 'w').close()"
    return [
        Evil(os.system, f"touch {file}"),
        Evil(eval, code),
        Evil(exec, code),
        Evil(getattr, Evil(__import__, "os"), "system"),
        Evil(list, Evil(map, Evil(eval, "eval"), [code])),
        Evil(os.mkdir, str(file)),
        {"a": [({"b": Evil(eval, code)},)]},
    ]


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_runs_nothing(nano, capsys, tmp_path, n, protocol):
    """That it would is shown by pickle itself."""
    file = tmp_path / "written"
    data = pickle.dumps({"stoi": evils(file)[n], "itos": {}}, protocol)
    (tmp_path / "meta.pkl").write_bytes(data)
    refused(capsys, nano, "nothing of it was run")
    refused(capsys, nano, "nothing of it was run", "--tokenizer", tmp_path / "meta.pkl")
    assert not file.exists()
    if n != 3:
        pickle.loads(data)  # noqa: S301
        assert file.exists()


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("where", ["model", "model_args", "optimizer", "more"])
def test_a_checkpoint_runs_nothing(nano, capsys, tmp_path, n, where):
    file = tmp_path / "written"
    content = {"model": nano_weights(), "model_args": SIZES, "optimizer": {}} | {where: evils(file)[n]}
    torch.save(content, nano)
    refused(capsys, nano, "nothing of it was run")
    assert not file.exists()


OPCODES = [
    (b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.", "its pickle asks for 'os.system'"),
    (b"(S'ls'\nios\nsystem\n.", "has the opcode"),
    (b"(cos\nsystem\nX\x02\x00\x00\x00lso.", "asks for 'os.system'"),
    (b"\x80\x02\x82\x01.", "the opcode EXT1"),
    (b"Pa\n.", "the opcode PERSID"),
    (b"\x80\x02]Q.", "the opcode BINPERSID"),
    (b"\x80\x02]]\x81.", "the opcode NEWOBJ"),
    (b"\x80\x02}]R.", "it is no pickle, or a damaged one"),
    (b"\x80\x02]}b.", "it is no pickle, or a damaged one"),
    (b"\x80\x02h\x07.", "it is no pickle, or a damaged one"),
    (b"\x80\x02.", "it is no pickle, or a damaged one"),
    (b"\x80\x02]].", "it is no pickle, or a damaged one"),
    (b"\x80\x02((.", "it is no pickle, or a damaged one"),
    (b"\x80\x02u.", "it is no pickle, or a damaged one"),
    (b"\x80\x02]", "it is no pickle, or a damaged one"),
    (b"", "it is no pickle, or a damaged one"),
    (b"\x80\x02X\xff\xff\xff\x7fa.", "it is no pickle, or a damaged one"),
    (b"\x80\x04\x8d" + b"\xff" * 8 + b"a.", "it is no pickle, or a damaged one"),
    (b"\x80\x02})" + b"q\x00h\x00\x86" * 80 + b"Ns.", "it has a dict with a tuple for a key"),
    (b"\x80\x02\x8b\x00\x00\x10\x00" + b"\x7f" * (1 << 20) + b".", "a whole number of more than 64 bits"),
    (b"L" + b"9" * 100_000 + b"L\n.", "it is no pickle, or a damaged one"),
    (b"\x80\x02" + b"]" * (1 << 22), "its pickle has 4,194,306 bytes, and one of plain values at most"),
]


@pytest.mark.parametrize(("data", "says"), OPCODES, ids=range(len(OPCODES)))
def test_pickles_that_are_refused(data, says):
    with pytest.raises(ValueError, match=says):
        torch_file.unpickled(data)


@pytest.mark.slow
def test_what_a_pickle_wants_costs_no_memory():
    """A place in the memory of a pickle may have a large number; lists in lists, and what holds itself, are plain."""
    assert torch_file.unpickled(b"\x80\x02]r\xff\xff\xff\xff.") == []
    deep: Any = torch_file.unpickled(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    assert len(deep) == 1
    itself: Any = torch_file.unpickled(b"\x80\x02]q\x00h\x00a.")
    assert itself[0] is itself


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_are_read(protocol):
    shared = ["x", 1.5]
    value = {
        "a": [
            1,
            -2,
            2**40,
            -(2**63),
            3.25,
            True,
            False,
            None,
            "é\n\U0001f642",
            "",
            (),
            (1,),
            (1, 2),
            (1, 2, 3),
            (4,) * 9,
        ]
    }
    value |= {"b": {"c": {}, 4: [], None: 2.0}, "d": list(range(3000)), "e": shared, "f": shared}
    read: Any = torch_file.unpickled(pickle.dumps(value, protocol))
    assert read == value
    assert read["e"] is read["f"]


def test_a_zip_bomb_is_refused(nano, capsys):
    """torch.save compresses nothing."""
    data = io.BytesIO()
    with zipfile.ZipFile(nano) as old, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, bytes(1 << 24) if info.filename.endswith("data.pkl") else old.read(info))
    nano.write_bytes(data.getvalue())
    refused(capsys, nano, "it is compressed, as torch.save does not do")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as new:
        new.writestr("a/data.pkl", bytes(torch_file.LARGEST + 1))
    nano.write_bytes(data.getvalue())
    refused(capsys, nano, "its pickle has more than 4,194,304 bytes")
