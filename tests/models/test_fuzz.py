"""Damaged checkpoints, by the hundred: each is opened, or refused with one sentence, and writes nothing.

VITRINE_FUZZ is how many; the same numbers damage the same things.
"""

import contextlib
import io
import json
import os
import pickle  # noqa: TID251 - to write what is read
import random
import re
import resource
import shutil
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from article import __main__
from article.models import tokenizers
from tests.models.checkpoints import BPE, SIZES, nano_weights, save_family, save_nano, save_own

pytestmark = pytest.mark.slow  # tries many files

CASES = int(os.environ.get("VITRINE_FUZZ", "250"))
PARTS = 5  # which workers can share
SECONDS = 20  # for one case, on a machine that does other things as well
GROWTH = 1 << 30  # bytes that all of them may take beyond what is loaded anyway
ODD = [None, True, False, 0, 1, -1, 2, 3, 7, 64, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 10**400, 0.5, 1e308, -0.0]
ODD += [
    float("nan"),
    float("inf"),
    "",
    "x",
    "gpt2",
    "\0",
    "\ud800",
    "../x",
    "/dev/zero",
    "é" * 99,
    [],
    {},
    [[]],
    {"": []},
]

Files = dict[str, bytes]


# --- What is damaged ----------------------------------------------------------------------------------------------


def content(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Files]:
    """Valid checkpoints of every kind, as files."""
    result = {}
    for kind in ("nano", "pieces", "family", "shards", "own"):
        folder = tmp_path_factory.mktemp(kind)
        if kind == "nano":
            save_nano(folder)
        elif kind == "pieces":
            sizes = SIZES | {"vocab_size": 320}  # padded
            save_nano(folder, nano_weights(sizes), **sizes)
            (folder / "tokenizer.json").write_bytes(tokenizers.files(BPE)["tokenizer.json"])
        elif kind == "own":
            save_own(folder)
        else:
            save_family(folder, max_shard_size="6KB" if kind == "shards" else "1GB")
        result[kind] = content(folder)
    return result


ASKED = {
    "nano": ["the dog", "--checkpoint", "ckpt.pt"],
    "pieces": ["the dog", "--checkpoint", "ckpt.pt", "--tokenizer", "tokenizer.json"],
    "family": ["the dog", "--checkpoint", "."],
    "shards": ["the dog", "--checkpoint", "."],
    "own": ["a b", "--checkpoint", "."],
}


# --- How it is damaged --------------------------------------------------------------------------------------------


def raw(dice: random.Random, data: bytes) -> bytes:
    """Bytes that are flipped, cut off, cut out, repeated or put in."""
    if not data:
        return dice.randbytes(9)
    at, n = dice.randrange(len(data)), dice.choice([1, 1, 2, 8, 100, 10_000])
    match dice.randrange(6):
        case 0:
            changed = bytearray(data)
            for _ in range(dice.choice([1, 1, 3, 30])):
                changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            return bytes(changed)
        case 1:
            return data[:at]
        case 2:
            return data[:at] + data[at + n :]
        case 3:
            return data[: at + n] + data[at:]
        case 4:
            return data[:at] + dice.randbytes(n) + data[at + n * dice.randrange(2) :]
        case _:
            return data[:at] + bytes([dice.choice([0, 255, 0x7F, 0x80])]) * n + data[at + n :]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in lists and dicts, as what it is in and its key there."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from places(value[key])


def inner(dice: random.Random, value: Any) -> Any:
    """The value, changed at some places: something odd there, what was at another one, or nothing."""
    for _ in range(dice.choice([1, 1, 2, 4])):
        known = list(places(value))
        if not known:
            return dice.choice(ODD)
        parent, key = dice.choice(known[:60] if dice.random() < 0.5 else known)
        match dice.randrange(6):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[dice.choice(["", "x", "bias", "n_layer", "added"])] = parent.pop(key)
            case 2:
                other, there = dice.choice(known)
                if there in (other if isinstance(other, dict) else range(len(other))):
                    parent[key] = (
                        json.loads(json.dumps(other[there])) if isinstance(other[there], dict | list) else other[there]
                    )
            case 3 if type(parent[key]) in (int, float) and abs(parent[key]) < 1e99:
                parent[key] *= dice.choice([-1, 0, 2, 10**9, 0.5])
            case _:
                parent[key] = dice.choice(ODD)
    return value


def of_json(dice: random.Random, data: bytes) -> bytes:
    return json.dumps(inner(dice, json.loads(data)), ensure_ascii=dice.random() < 0.9).encode("utf-8", "surrogatepass")


def of_toml(dice: random.Random, data: bytes) -> bytes:
    """One setting with something odd for its value."""
    odd = [
        "0",
        "-1",
        "1e9",
        "nan",
        "[" * 5000,
        "999999999999",
        "true",
        '"x"',
        "1979-01-01",
        "{}",
        "9" * 5000,
        "0.5",
        "2",
        '"""',
    ]
    lines = data.decode().split("\n")
    at = dice.randrange(1, len(lines))
    lines[at] = f"{lines[at].partition(' =')[0]} = {dice.choice(odd)}"
    return "\n".join(lines).encode()


def tensors(dice: random.Random, weights: dict[str, Any]) -> dict[str, Any]:
    """A weight that is missing, renamed, of another shape, of other numbers or of another kind, or one too many."""
    name, other = dice.choice(list(weights)), dice.choice(list(weights))
    weight = weights[name]
    match dice.randrange(9):
        case 0:
            del weights[name]
        case 1:
            weights[dice.choice(["x", f"{name}x", f"_orig_mod.{name}", name.replace("0", "9"), ""])] = weights.pop(name)
        case 2:
            weights[name], weights[other] = weights[other].clone(), weight.clone()
        case 3:
            weights[name] = weight.flatten()[: dice.randrange(weight.numel() + 1)].clone()
        case 4:
            weights[name] = (
                weight.clone().flatten().index_fill(0, torch.tensor([0]), dice.choice([torch.nan, torch.inf]))
            )
            weights[name] = weights[name].view(weight.shape)
        case 5:
            kinds = [torch.int8, torch.float64, torch.float16, torch.bfloat16, torch.bool, torch.int64]
            weights[name] = weight.to(dice.choice(kinds))
        case 6:
            weights["lm_head.weight"] = torch.zeros(3, 3)
        case 7:
            weights[name] = (weight * 1e30).to(weight.dtype)
        case _:
            weights[name] = weight[None].clone()
    return weights


def of_safetensors(dice: random.Random, data: bytes) -> bytes:
    """The weights, or what the head of the file says of them."""
    if dice.random() < 0.4:
        return save({name: weight.contiguous() for name, weight in tensors(dice, load(data)).items()})
    n = int.from_bytes(data[:8], "little")
    head = of_json(dice, data[8 : 8 + n])
    if dice.random() < 0.3:
        head = raw(dice, head)
    return len(head).to_bytes(8, "little") + head + data[8 + n :]


def of_torch(dice: random.Random, data: bytes) -> bytes:
    """What is saved, or the pickle of it in an archive that is whole."""
    if dice.random() < 0.5:
        saved = torch.load(io.BytesIO(data))
        match dice.randrange(4):
            case 0:
                saved["model"] = tensors(dice, saved["model"])
            case 1:
                saved["model_args"] = inner(dice, saved["model_args"])
            case 2:
                saved[dice.choice(list(saved))] = dice.choice(
                    [*ODD, torch.zeros(2), {(1, 2): 3}, {1, 2}, b"x", (1,) * 5, [[]] * 9]
                )
            case _:
                del saved[dice.choice(list(saved))]
        result = io.BytesIO()
        torch.save(saved, result)
        return result.getvalue()
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            part = old.read(info)
            hit = info.filename.endswith("data.pkl") or dice.random() < 0.02
            if dice.random() > 0.02:
                new.writestr(info.filename, raw(dice, part) if hit else part)
    return result.getvalue()


def of_pickle(dice: random.Random, data: bytes) -> bytes:
    return pickle.dumps(inner(dice, pickle.loads(data)), dice.randrange(6))  # noqa: S301 - our own


KNOWN: dict[str, Callable[[random.Random, bytes], bytes]] = {
    ".json": of_json,
    ".toml": of_toml,
    ".safetensors": of_safetensors,
    ".pt": of_torch,
    ".pkl": of_pickle,
}


def damaged(dice: random.Random, whole: dict[str, Files], kind: str) -> Files:
    """The files of a kind, of which one is changed, most often in what it means, or is missing or another one."""
    files = dict(whole[kind])
    name = dice.choice(sorted(files))
    match dice.randrange(20):
        case 0:
            del files[name]
        case 1:
            other = whole[dice.choice(sorted(whole))]
            files[name] = other[dice.choice(sorted(other))]
        case 2 | 3 | 4 | 5 | 6:
            files[name] = raw(dice, files[name])
        case _:
            files[name] = KNOWN[Path(name).suffix](dice, files[name])
    return files


# --- What becomes of it -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Ends what takes longer, as soon as Python has the word again."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it takes longer than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", ASKED)
def test_what_is_damaged_is_opened_or_refused(whole, kind, part, tmp_path, monkeypatch, capfd):
    """Status 0, or 2 and one sentence; no other exception, no file that was not there, and no end of the memory."""
    folder, statuses = tmp_path / "work", []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for n in range(CASES // (PARTS * len(ASKED))):
        name = f"{kind}-{part}-{n}"
        files = damaged(random.Random(name), whole, kind)  # noqa: S311
        folder.mkdir()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        monkeypatch.chdir(folder)
        with at_most(SECONDS):
            try:
                status = __main__.main(["generate", *ASKED[kind], "--tokens", "1", "--quiet"])
            except BaseException as error:
                raise AssertionError(f"{name} ends in {error!r}") from error
        done = capfd.readouterr()
        assert status in (0, 2), name
        if status:
            assert done.out == "", name
            assert re.fullmatch(r"gpt\.py: [^\n]{10,700}[.?]\n", done.err), (name, done.err)
        assert content(folder) == files, name
        statuses.append(status)
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(folder)
    scale = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * scale < GROWTH
    assert 2 in statuses


@pytest.mark.parametrize("kind", ASKED)
def test_what_is_whole_is_opened(whole, kind, tmp_path, monkeypatch, capfd):
    """So that there is something to damage."""
    for file, data in whole[kind].items():
        (tmp_path / file).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    assert __main__.main(["generate", *ASKED[kind], "--tokens", "1", "--quiet"]) == 0
    assert capfd.readouterr().err == ""
