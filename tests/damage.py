"""How inputs are damaged: bytes, JSON, TOML, weights, pickles, scenes and texts; the same dice damage the same way."""

import copy
import io
import json
import pickle  # noqa: TID251 - to write what is read
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from article import cache
from tests.scenes.forge import File

Dice = random.Random
ODD = [None, True, False, 0, 1, -1, 2, 3, 7, 64, 2**31 - 1, 2**31, 2**63, -(2**63), 10**30, 10**400, 0.5, 1e308, -0.0]
ODD += [float("nan"), float("inf"), "", "x", "gpt2", "\0", "\ud800", "../x", "/dev/zero", "é" * 99, [], {}, [[]]]
ODD += [{"": []}, [1, 2, 3], {"x": 1}, "\x1b[31m"]

Files = dict[str, bytes]


def odd(dice: Dice) -> Any:
    return copy.deepcopy(dice.choice(ODD))


def raw(dice: Dice, data: bytes) -> bytes:
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


def inner(dice: Dice, value: Any) -> Any:
    """The value, changed at some places: something odd there, what was at another one, or nothing."""
    for _ in range(dice.choice([1, 1, 2, 4])):
        known = list(places(value))
        if not known:
            return odd(dice)
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
                parent[key] = odd(dice)
    return value


def of_json(dice: Dice, data: bytes) -> bytes:
    return json.dumps(inner(dice, json.loads(data)), ensure_ascii=dice.random() < 0.9).encode("utf-8", "surrogatepass")


def of_toml(dice: Dice, data: bytes) -> bytes:
    """One setting with something odd for its value."""
    values = [
        "0",
        "-1",
        "1e9",
        "nan",
        "inf",
        "[" * 5000,
        "999999999999",
        "4294967296",
        "true",
        '"x"',
        "1979-01-01",
        "{}",
    ]
    values += ["9" * 5000, "0.5", "2", '"""', "1e400", "[[]]", "-0.0", '"tokenizer.json"', '"tiktoken:gpt2"', '"bpe"']
    lines = data.decode().split("\n")
    at = dice.randrange(1, len(lines))
    lines[at] = f"{lines[at].partition(' =')[0]} = {dice.choice(values)}"
    return "\n".join(lines).encode()


def tensors(dice: Dice, weights: dict[str, Any]) -> dict[str, Any]:
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


def of_safetensors(dice: Dice, data: bytes) -> bytes:
    """The weights, or what the head of the file says of them."""
    if dice.random() < 0.4:
        return save({name: weight.contiguous() for name, weight in tensors(dice, load(data)).items()})
    n = int.from_bytes(data[:8], "little")
    head = of_json(dice, data[8 : 8 + n])
    if dice.random() < 0.3:
        head = raw(dice, head)
    return len(head).to_bytes(8, "little") + head + data[8 + n :]


def of_torch(dice: Dice, data: bytes) -> bytes:
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


def of_weights(dice: Dice, data: bytes) -> bytes:
    """The weights of a pytorch_model.bin, in the form that they had."""
    result = io.BytesIO()
    changed = tensors(dice, dict(torch.load(io.BytesIO(data))))
    torch.save(changed, result, _use_new_zipfile_serialization=zipfile.is_zipfile(io.BytesIO(data)))
    return result.getvalue()


def of_pickle(dice: Dice, data: bytes) -> bytes:
    return pickle.dumps(inner(dice, pickle.loads(data)), dice.randrange(6))  # noqa: S301 - our own


def of_text(dice: Dice, data: bytes) -> bytes:
    """A text with something in it that means something to somebody."""
    signs = [
        "{",
        "}",
        "{x}",
        "\\{",
        "```",
        "~~~\n",
        "$$",
        "`",
        "[x](claim:x)",
        "[x](x.glb#y)",
        '![x](x.glb "y")',
        "<b>",
        "&",
    ]
    signs += [
        "|",
        "| - |\n",
        "#" * 9,
        "\n\n",
        "\0",
        "\x1b[2J",
        "\u202e",
        "\ufeff",
        "\r",
        "\x85",
        "<!--",
        "[",
        "](",
        "é" * 99,
    ]
    signs += [
        "- " * 40,
        "> " * 40,
        "*_" * 40,
        "[" * 400,
        "<script>x</script>",
        "<a href='javascript:x'>",
        "![",
        "::: x\n",
    ]
    text = data.decode("utf-8", "replace")
    for _ in range(dice.choice([1, 1, 3])):
        at = dice.randrange(len(text) + 1)
        text = text[:at] + dice.choice(signs) + text[at + dice.choice([0, 0, 1, 9]) :]
    return text.encode()


def of_lines(dice: Dice, data: bytes) -> bytes:
    """Lines in another order, several times, or without an end."""
    lines = data.split(b"\n")
    match dice.randrange(4):
        case 0:
            dice.shuffle(lines)
        case 1:
            lines *= dice.choice([2, 40])
        case 2:
            return b" ".join(lines)
        case _:
            del lines[dice.randrange(len(lines)) :]
    return b"\n".join(lines)


def of_glb(dice: Dice, data: bytes) -> bytes:
    """What a scene says, its numbers, the pictures in it, or how much it wants to be."""
    if dice.random() < 0.5:
        size = int.from_bytes(data[12:16], "little")
        return whole_glb(of_json(dice, data[20 : 20 + size]), data[28 + size :])
    file = File(data)
    accessor = dice.choice(file.doc["accessors"])
    match dice.randrange(10):
        case 0:
            accessor[dice.choice(["count", "byteOffset", "componentType", "bufferView"])] = odd(dice)
        case 1:
            accessor["type"] = dice.choice(["SCALAR", "VEC2", "VEC3", "VEC4", "MAT4", "x"])
        case 2:
            dice.choice(file.doc["bufferViews"])[dice.choice(["byteStride", "byteOffset", "byteLength"])] = odd(dice)
        case 3:  # more than there is, by a step of nothing
            accessor["count"] = 1 << 26
            file.doc["bufferViews"][accessor["bufferView"]]["byteStride"] = 0
        case 4:  # the same thousands of times
            file.doc["meshes"][0]["primitives"] *= dice.choice([2, 5000])
        case 5:
            file.nodes += [dict(file.nodes[-1], name=f"x{n}") for n in range(dice.choice([1, 3000]))]
            file.root["children"] += range(len(file.nodes) - 3, len(file.nodes))
        case 6:
            node = dice.choice(file.nodes)
            node[dice.choice(["translation", "rotation", "scale", "matrix", "mesh", "children", "name"])] = odd(dice)
        case 7:
            said = file.doc["asset"]["extras"]
            said[dice.choice(list(said))] = odd(dice)
        case 8:
            node = {"name": "x", "children": []}
            for _ in range(dice.choice([3, 3000])):
                file.nodes.append(node)
                node = {"name": "x", "children": [len(file.nodes) - 1]}
        case _:
            return whole_glb(b"[" * dice.choice([10, 10**6]), file.data)
    return whole_glb(json.dumps(file.doc).encode("utf-8", "surrogatepass"), file.data)


PICTURES = [
    b"",
    b"%!PS-Adobe-3.0 EPSF-3.0\n",
    b"GIF89a\1\0\1\0",
    b"BM",
    b"II*\0",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
]
PICTURES += [b"RIFF\4\0\0\0WEBP", b"<svg/>", b"\0\0\1\0", b"8BPS", b"SIMPLE  =", b"\0\0\0\x0cjP  "]


def of_picture(dice: Dice, data: bytes) -> bytes:
    """The pictures of a scene: damaged, of another kind, or somewhere else."""
    file = File(data)
    image = dice.choice(file.doc["images"])
    view = dict(file.doc["bufferViews"][image["bufferView"]])
    start = view.get("byteOffset", 0)
    content = file.data[start : start + view["byteLength"]]
    match dice.randrange(4):
        case 0:
            content = raw(dice, content)
        case 1:
            content = dice.choice(PICTURES) + dice.choice([b"", content[8:]])
        case 2:  # a side of it
            content = content[:16] + dice.choice([b"\0\0\xff\xff", b"\xff" * 4, b"\0" * 4]) + content[20:]
        case _:
            image[dice.choice(["uri", "mimeType", "bufferView"])] = dice.choice([*ODD, "file:///dev/zero", "data:,x"])
    file.doc["bufferViews"].append(view | {"byteOffset": len(file.data), "byteLength": len(content)})
    if "bufferView" in image and dice.random() < 0.9:
        image["bufferView"] = len(file.doc["bufferViews"]) - 1
    return whole_glb(json.dumps(file.doc).encode("utf-8", "surrogatepass"), file.data + content)


def whole_glb(text: bytes, data: bytes) -> bytes:
    """A `.glb` of its JSON and its numbers."""
    text, data = text + b" " * (-len(text) % 4), data + bytes(-len(data) % 4)
    whole = len(text).to_bytes(4, "little") + b"JSON" + text + len(data).to_bytes(4, "little") + b"BIN\0" + data
    return b"glTF" + (2).to_bytes(4, "little") + (12 + len(whole)).to_bytes(4, "little") + whole


def of_state(dice: Dice, data: bytes) -> bytes:
    """What a training has kept, behind a seal that is right."""
    saved = torch.load(io.BytesIO(data[cache.DIGEST :]))
    if dice.random() < 0.5:
        part = saved[dice.choice(["course", "optimizer"])]
        part[dice.choice(list(part))] = dice.choice([*ODD, torch.zeros(2), [(1, 2)], {"x": torch.zeros(3)}])
    else:
        saved["model"] = tensors(dice, saved["model"])
    packed = io.BytesIO()
    torch.save(saved, packed)
    return cache.seal(packed.getvalue()) + packed.getvalue()


Damage = Callable[[Dice, bytes], bytes]
KNOWN: dict[str, tuple[Damage, ...]] = {
    ".json": (of_json,),
    ".toml": (of_toml,),
    ".safetensors": (of_safetensors,),
    ".pt": (of_torch,),
    ".bin": (of_weights,),
    ".pkl": (of_pickle,),
    ".glb": (of_glb,),
    ".md": (of_text,),
    ".txt": (of_text, of_lines),
    ".state": (of_state,),
}


def damaged(dice: Dice, whole: Files, others: Files, only: Callable[[str], bool]) -> Files:
    """Files of which one is changed, most often in what it means, or is missing or one of the `others`."""
    files = dict(whole)
    name = dice.choice(sorted(filter(only, files)))
    match dice.randrange(20):
        case 0:
            del files[name]
        case 1 if others:
            files[name] = others[dice.choice(sorted(others))]
        case 2 | 3 | 4 | 5 | 6:
            files[name] = raw(dice, files[name])
        case _:
            known = KNOWN.get(Path(name).suffix, (raw,))
            if name.endswith(".glb") and b'"images"' in files[name]:
                known = (*known, of_picture)
            files[name] = dice.choice(known)(dice, files[name])
    return files
