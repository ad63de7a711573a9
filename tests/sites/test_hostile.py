"""Words that mean something to a browser, a terminal, a spreadsheet or a template, in every site and every command.

Each has MARK in it: wherever that stands on a page, it is text. Each night, other words are made of the same parts.
"""

import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import gpt
from article import cache, parallel
from article.__main__ import main
from article.escaping import acts
from article.models.formats.run import run_files
from article.models.settings import Settings
from tests.browser import Serve, Visitor
from tests.conftest import NIGHTLY, Told, ended

pytestmark = pytest.mark.slow  # makes many sites

MARK = "zqx"
CONTROLS = ("\x1b[31mzqx", "\x07zqx", "zqx\x9b2J", "\u202ezqx", "zqx\u2066", "zqx\x00", "\x1b]0;zqx\x07", "zqx\x7f")
WORDS = (
    *("<script>zqx()</script>", "<img/src=x/onerror=zqx()>", '"onload=zqx()', "'><b>zqx", "</title><zqx>", "]]><zqx>"),
    *(
        "<!--zqx",
        "-->zqx",
        "{loss}zqx",
        "{zqx}",
        "{{zqx}}",
        "{%zqx%}",
        "${zqx}",
        "javascript:zqx()",
        "<zqx",
        "&lt;zqx&gt;",
    ),
    *("[zqx](http://zqx.example)", "![zqx](http://zqx.example/i.png)", "http://zqx.example/x", "//zqx.example"),
    *("=zqx()", "+zqx", "-zqx", "@zqx", "@import'zqx'", "`zqx`", "|zqx|", "**zqx**", "# zqx".replace(" ", ""), "\\zqx"),
    *(
        "../../zqx",
        "/zqx",
        "zqx.glb",
        "zqx#a",
        "zqx?b",
        "%7azqx",
        "$$zqx$$",
        "</script><zqx>",
        "</pre></code>zqx",
        "é🦊zqx",
    ),
)
BUILDS = 8 if NIGHTLY else 1  # of each kind of site
SHORT = 12  # words of a build


def words_of(build: int, controls: bool = True) -> list[str]:
    """Those of a build: some of the list, and each night others that are put together of two."""
    dice = random.Random(build)  # noqa: S311 - no secret
    known = [*WORDS, *(CONTROLS if controls else ())]
    if build == 0 and controls:
        return [*CONTROLS, *WORDS[:4]]
    chosen = dice.sample(known, SHORT) if build % 2 == 0 else ["".join(dice.sample(known, 2)) for _ in range(SHORT)]
    return list(dict.fromkeys(chosen))


def model_of(folder: Path, words: list[str]) -> Path:
    """A run whose vocabulary they are."""
    settings, tokenizer = Settings(n_context=16, n_embd=6, n_layer=2, n_head=2), gpt.Tokenizer([" ".join(words)])
    model = gpt.GPT(settings.config(len(tokenizer.vocab))).double()
    gpt.initialise(model, 2.0, torch.Generator().manual_seed(1))
    folder.mkdir()
    for name, data in run_files(settings, tokenizer, model.state_dict()).items():
        (folder / name).write_bytes(data)
    return folder


# --- Sites and commands -------------------------------------------------------------------------------------------


def of_flow(here: Path, words: list[str]) -> list[object]:
    return ["flow", " ".join(words[:6]), "--checkpoint", model_of(here / "<zqx>", words)]


def of_checkpoint(here: Path, words: list[str]) -> list[object]:
    return ["--checkpoint", model_of(here / "'\"zqx&", words), "--prompt", " ".join(words[:6])]


def of_comparison(here: Path, words: list[str]) -> list[object]:
    model = model_of(here / "{zqx}", words)
    return ["compare", model, model, " ".join(words[:4]), " ".join(words[4:8])]


def of_run(here: Path, words: list[str]) -> list[object]:
    (text := here / "<b>zqx").mkdir()
    lines = [" ".join(words[n:] + words[:n]) for n in range(len(words))]
    (text / "train.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return ["--data", text, "--steps", 3, "--tokenizer", "words", "--n-embd", 6]


def of_publication(here: Path, words: list[str]) -> list[object]:
    """Values, claims, names of marks and labels are such words; the text that shows them is the author's."""
    folder = here / "zqx<i>"
    assert main(["new", str(folder)]) == 0
    with open(folder / "values.py", "a", encoding="utf-8") as code:
        said = {f"w{n}": word for n, word in enumerate(words)}
        code.write(f"\n\nold = values\n\n\ndef values(own):\n    return {{**old(own), **{said!a}}}\n")
    with open(folder / "claims.py", "a", encoding="utf-8") as code:
        code.write(f"\n\n@claim({words[0]!a}, str)\ndef words(_):\n    return {words[1]!a}, True\n")
    with open(folder / "index.md", "a", encoding="utf-8") as text:
        text.write(
            "".join(f"\n{{w{n}}} and `{{w{n}}}`\n" for n in range(len(words))) + "\n[These are words.](claim:words)\n"
        )
    return ["publish", folder]


SITES: dict[str, Callable[[Path, list[str]], list[object]]] = {
    "flow": of_flow,
    "checkpoint": of_checkpoint,
    "comparison": of_comparison,
    "run": of_run,
    "publication": of_publication,
}


def harmless(said: str) -> bool:
    return not any(acts(letter) for letter in said if letter not in "\n\t")


class Page(HTMLParser):
    """Fails where a word is anything but text."""

    inside = ""  # the element that is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        assert MARK not in tag, tag
        for name, value in attrs:
            assert MARK not in name, name
            assert not name.startswith("on"), (tag, name)
            assert MARK not in (value or "") or name not in ("style", "srcdoc", "http-equiv"), (tag, name, value)
            if name in ("href", "src", "data", "action", "poster", "xlink:href"):
                assert MARK not in (value or "") or not re.match(r"\s*([a-z]+:|//)", value or "", re.IGNORECASE), value

    def handle_comment(self, data: str) -> None:
        assert MARK not in data

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            assert MARK not in data or "<" not in data


def files(site: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(site.rglob("*")):
        if path.suffix in (".html", ".svg", ".json", ".csv", ".md", ".toml") and path.parent.name != "vendor":
            yield path.relative_to(site).as_posix(), path.read_text("utf-8")


@pytest.mark.npm
@pytest.mark.parametrize("kind", SITES)
def test_words_are_words(kind, tmp_path, monkeypatch, capsys, serve: Serve, visit: Visitor, tell: Told) -> None:
    """No element, attribute, address, comment or formula of theirs, no control, no request; and they are there."""
    monkeypatch.setattr(parallel, "processors", lambda: 1)
    monkeypatch.setattr(cache, "KEPT", tmp_path / "kept")
    n, shown = 0, 0
    for build in range(BUILDS):
        (here := tmp_path / str(build)).mkdir()
        words, site = words_of(build, controls=kind != "run"), here / "site"  # a text with controls is refused
        status, out, err = ended(capsys, *SITES[kind](here, words), "--out", site)
        assert status == 0, err
        assert harmless(out + err)
        for name, text in files(site):
            n += 1
            shown += text.count(MARK)
            if not name.endswith(".json"):  # which is data
                assert not [one for one in text if unicodedata.category(one) == "Cc" and one not in "\n\t\r"], name
            if name.endswith((".html", ".svg")):
                Page().feed(text)
            if name.endswith(".csv"):
                assert not re.search(r"(^|,)\"?[=+@-]\S*zqx", text, re.MULTILINE), name
        url = serve(site)
        seen = visit("about:blank")
        for page in sorted(site.glob("*.html")):
            seen.page.goto(url + page.name)
            assert seen.page.evaluate("[window.zqx, document.querySelectorAll('zqx, [onerror], [onload]').length]") == [
                None,
                0,
            ]
            assert seen.page.evaluate("violations") == []
        assert [one for one in seen.requests if not one.startswith((url, "data:", "blob:", "about:"))] == []
        assert seen.errors == []
    assert shown > 20 * BUILDS
    tell(f"{kind}: {BUILDS} sites, {BUILDS * SHORT} words, {n} files, {shown} times on them")


@pytest.mark.parametrize("command", ["generate", "generate --quiet", "explain", "trace", "verify"])
def test_no_terminal_is_told_what_to_do(command, tmp_path, monkeypatch, capsys, tell: Told) -> None:
    monkeypatch.chdir(tmp_path)
    name, *options = command.split()
    for build in range(BUILDS * 3):
        words = words_of(build)
        model = model_of(tmp_path / f"zqx\x1b{build}", words)
        if name == "verify":
            monkeypatch.setattr(parallel, "processors", lambda: 1)
            monkeypatch.setattr(cache, "KEPT", tmp_path / "kept")
            site = tmp_path / f"site{build}"
            assert ended(capsys, "--checkpoint", model, "--prompt", " ".join(words[:5]), "--out", site)[0] == 0
            other = model_of(tmp_path / f"other{build}", words[::-1])
            asked = [sorted(site.glob("*.glb")), "--checkpoint"]
            said = [ended(capsys, name, *asked[0], "--checkpoint", one) for one in (model, other)]
            assert [status for status, *_ in said] != [0, 0]
        else:
            more = ["--out", f"zqx\x1b{build}.npz"] if name == "trace" else options
            asks = (" ".join(words[:6]), words[0], f"{CONTROLS[build % 8]} unknown")
            said = [ended(capsys, name, ask, "--checkpoint", model, *more) for ask in asks]
            assert said[-1][0] == 2
        assert all(harmless(out + err) for _, out, err in said)
        assert any(MARK in out + err for _, out, err in said)
    tell(f"{command}: {BUILDS * 3 * SHORT} words")
