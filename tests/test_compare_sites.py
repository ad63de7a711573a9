"""The comparer of two states of the program notices what a move of code must not change."""

import json
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import compare_sites
from tests.compare_sites import compared, differences, report
from tests.conftest import ROOT

FILES = ("final.glb", "landscape.glb", "growth.glb", "index.html", "claims.json", "final.svg")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """The same product twice: files of the article, and what a command has ended with."""
    both = tmp_path / "reference", tmp_path / "ours"
    for folder in both:
        (folder / "article").mkdir(parents=True)
        for name in FILES:
            shutil.copy(ROOT / "docs" / name, folder / "article")
        done = {"--seeds 0": {"status": 2, "out": "", "err": "one\ntwo\n"}}
        (folder / "article" / "commands.json").write_text(json.dumps(done))
    return both


def moved(glb: bytes) -> bytes:
    """A .glb with one number of its geometry changed: the lowest place in the first view of vertices."""
    (length,) = struct.unpack_from("<I", glb, 12)
    file = json.loads(glb[20 : 20 + length])
    accessor = next(a for a in file["accessors"] if a["type"] == "VEC3")
    view = file["bufferViews"][accessor["bufferView"]]
    place = 28 + length + view["byteOffset"] + accessor["byteOffset"]
    return glb[:place] + bytes([glb[place] ^ 1]) + glb[place + 1 :]


def renumbered(glb: bytes) -> bytes:
    """The same scene, with its materials in another order."""
    (length,) = struct.unpack_from("<I", glb, 12)
    file, rest = json.loads(glb[20 : 20 + length]), glb[20 + length :]
    file["materials"].reverse()
    for primitive in (p for mesh in file["meshes"] for p in mesh["primitives"]):
        primitive["material"] = len(file["materials"]) - 1 - primitive["material"]
    return packed(json.dumps(file).encode(), rest)


def packed(text: bytes, rest: bytes) -> bytes:
    """A .glb of its JSON and what comes after it."""
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert old in data
        if not data.startswith(b"glTF"):
            return data.replace(old, new, 1)
        end = 20 + int.from_bytes(data[12:16], "little")
        return packed(data[20:end].replace(old, new, 1), data[end:])

    return change


def test_the_same_is_the_same(made, capsys):
    assert list(compared(made[0], made[1], ["article"])) == []
    assert report([]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("final.glb", moved, r".* POSITION: \d+ of \d+ numbers, by at most 1\.0"),
        ("growth.glb", moved, r".* POSITION: \d+ of \d+ numbers, by at most 1\.0"),
        ("final.glb", replaced(b'"values":[', b'"values":[1,'), r"scene/.*/extras/values: '\[.* → '\[1, .*"),
        ("final.glb", replaced(b'"name":"', b'"name":"un'), r"scene/un.*: new"),
        (
            "final.glb",
            replaced(b'"roughnessFactor":', b'"roughnessFactor":1'),
            r".* material/.*roughnessFactor: .* → .*",
        ),
        ("index.html", replaced(b" the ", b" thy "), r"\d+: .*\bthe\b.* → .*\bthy\b.*"),
        ("index.html", replaced(b' alt="', b' alt="A '), r"\d+: .*"),
        ("claims.json", replaced(b'"holds": true', b'"holds": false'), r"/\w+/holds: 'True' → 'False'"),
        ("final.svg", replaced(b"<path", b"<poth"), r"\d+: .*<poth.*"),
        ("commands.json", replaced(b'"status": 2', b'"status": 1'), "/--seeds 0/status: '2' → '1'"),
        ("commands.json", replaced(b"two", b"three"), "/--seeds 0/err: 2: 'two' → 'three'"),
    ],
)
def test_a_change_is_noticed(made, capsys, name, change, says):
    file = made[1] / "article" / name
    file.write_bytes(change(file.read_bytes()))
    found = list(compared(made[0], made[1], ["article"]))
    assert report(found) == 1
    assert all(re.fullmatch(f"article: {re.escape(name)}: .*", line) for line in found)
    assert any(re.fullmatch(f"article: {re.escape(name)}: {says}", line, re.DOTALL) for line in found), found
    assert found[0] in capsys.readouterr().out


def test_new_and_lost_files_are_named_unless_expected(made, monkeypatch, capsys):
    (made[1] / "article" / "site.json").write_text("{}")
    (made[1] / "article" / "final.svg").unlink()
    found = list(compared(made[0], made[1], ["article"]))
    assert found == ["article: final.svg: lost", "article: site.json: new"]
    assert report(found) == 1
    monkeypatch.setattr(compare_sites, "EXPECTED", {"*: site.json: new": "each site says what it is"})
    capsys.readouterr()
    assert report(found) == 1
    assert capsys.readouterr().out == "article: final.svg: lost\n"
    assert report(found[1:]) == 0


@pytest.mark.parametrize("name", ["final.glb", "landscape.glb", "growth.glb"])
def test_the_order_in_a_file_is_no_difference(name):
    data = (ROOT / "docs" / name).read_bytes()
    assert renumbered(data) != data
    assert list(differences(name, data, renumbered(data))) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('<p class="a" id=b>one\n two</p>', '<p  id="b" class="a"> one two </p>\n', True),
        ("<img src=a><p>x</p>", "<img src='a' />\n<p>x</p>", True),
        ("<p>a <b>c</b></p>", "<p>a<b>c</b></p>", False),
        ("<pre>a  b</pre>", "<pre>a b</pre>", False),
        ("<p>a</p>", "<div>a</div>", False),
        ("<p>took: 1</p>", "<p>took: 2</p>", False),
    ],
)
def test_what_a_browser_shows_is_compared(one, other, same):
    assert (list(differences("a.html", one.encode(), other.encode())) == []) is same


def test_what_varies_is_masked():
    """Seconds, tokens a second and the hash of the program; a loss beside them is not."""
    log = "step,loss,train loss,held-out loss,learning rate,tokens a second,gradient\n1,4.3,,,0.001,{},{}\n"
    assert list(differences("log.csv", log.format(45.5, 2).encode(), log.format(57, 2).encode())) == []
    assert list(differences("log.csv", log.format(45.5, 2).encode(), log.format(45.5, 3).encode())) != []
    told = "which took {} s. On\n![Tokens a second: {} at step 1.](x)\norder of their names:\n\n- `{}`\n"
    for name, text in (("report.md", told), ("report.html", "<p>" + told.replace("- `{}`", "<li><code>{}</code>"))):
        one, other = (text.format(n, n, str(n)[0] * 64).encode() for n in (0.1, 3.2))
        assert list(differences(name, one, other)) == [], name
        assert list(differences(name, one, one.replace(b"step 1", b"step 2"))) == []
        assert list(differences(name, one, one.replace(b"On", b"In"))) != []
