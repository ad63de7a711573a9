"""A site about somebody's own text: three texts that have nothing to do with ours, and what cannot be a text."""

import json
import re
from pathlib import Path
from random import Random

import pytest
from safetensors.numpy import load

from article.models import fit
from tests.browser import Serve, Visitor
from tests.conftest import Once, Run, ended, run_anew, validate
from tests.sites import faultless

KITCHEN = """\
the cook cuts bread with a knife
the cook eats soup with a spoon
the guest eats soup with a spoon
the guest cuts bread with a knife
the cook stirs tea with a spoon
a knife lies on the table
a spoon lies on the table
the guest stirs tea with a spoon
"""
GREEK = """\
ο γάτος κοιμάται στο σπίτι
ο σκύλος κοιμάται στην αυλή
ο γάτος πίνει γάλα
ο σκύλος πίνει νερό
το πουλί πίνει νερό
το πουλί κοιμάται στο δέντρο
η γιαγιά μένει στο σπίτι
"""
PAGES = ("index.html", "report.html", "flow.html")
SMALL = ("--steps", 40, "--eval-every", 20)
MORE = {  # options of each
    "kitchen": ("--ladder", "--n-embd", 8),
    "greek": ("--activation", "gelu", "--n-layer", 1, "--n-embd", 12, "--tokenizer", "bpe", "--n-vocab", 280),
    "letters": ("--n-layer", 2, "--n-embd", 16),
}


def letters(n: int) -> str:
    """So many characters of invented words in lines, always the same."""
    dice = Random(5)  # noqa: S311 (nothing is secret here)
    words = ["".join(dice.choices("aeinorst", k=dice.randint(2, 7))) for _ in range(400)]
    lines = []
    while sum(map(len, lines)) < n:
        lines.append(" ".join(dice.choices(words, k=9)) + ".\n")
    return "".join(lines)[:n]


def corpus(folder: Path, name: str) -> Path:
    """A folder with one of the texts."""
    folder.mkdir(parents=True)
    text = {"kitchen": KITCHEN, "greek": GREEK, "letters": letters(120_000)}[name]
    (folder / "train.txt").write_text(text, "utf-8")
    if name == "kitchen":
        (folder / "held_out.txt").write_text("the cook cuts tea with a knife\n", "utf-8")
    return folder


@pytest.fixture(scope="module", params=MORE)
def made(request: pytest.FixtureRequest, once: Once, run: Run) -> Path:
    """The site of a text, made once for all workers."""

    def make(site: Path) -> None:
        options = ("--data", text_of(site), "--out", site, *SMALL, *MORE[request.param])
        done = (run_anew if request.param == "greek" else run)(*options)  # one as the shell does
        assert (done.returncode, done.stderr) == (0, "")

    site = once(f"{request.param}-site", lambda site: (corpus(text_of(site), request.param), make(site)))
    assert site.is_dir()
    return site


def text_of(site: Path) -> Path:
    """The folder of its text, beside it."""
    return site.with_name(site.name.replace("-site", "-text"))


@pytest.mark.parametrize(
    ("text", "given", "examples", "tokenizer"),
    [
        (KITCHEN, {}, "lines", "words"),
        ("猫は家で寝る。\n犬は庭で寝る。", {}, "lines", "characters"),
        (letters(99_000), {}, "windows", "characters"),
        ("a long line " * 12, {}, "windows", "characters"),
        (KITCHEN, {"examples": "windows"}, "windows", "characters"),
        ("a long line " * 12, {"examples": "lines"}, "lines", "words"),
    ],
)
def test_what_a_text_is_taken_for(text: str, given: dict, examples: str, tokenizer: str) -> None:
    """Unless that is given: short lines are sentences, and what has no spaces has no words."""
    preset = fit.preset_of(text, given)
    assert (preset.examples, preset.tokenizer) == (examples, tokenizer)


@pytest.mark.slow
@pytest.mark.npm
def test_the_site_passes_what_the_article_does(
    made: Path, visit: Visitor, serve: Serve, run: Run, tmp_path: Path
) -> None:
    """No fault for the validator, axe in light and dark, a phone, the console, and nothing from elsewhere."""
    scenes = json.loads((made / "scenes.json").read_text("utf-8"))
    assert len(scenes) >= 6
    assert validate([made / scene["file"] for scene in scenes], tmp_path) == {}
    verified = run("verify", "--checkpoint", made, *sorted(made.glob("*.glb")))
    assert (verified.returncode, verified.stdout.count("numbers agree")) == (0, len(scenes))
    every = made.name == "kitchen-site"  # the figures of the others are alike
    pages = PAGES if made.name == "letters-site" else PAGES[:2]  # the other pages are alike
    faultless(made, serve(made), visit, pages, lambda seen: seen.figures if every else seen.figures[:1])
    assert "The font of the figures lacks" not in (made / "index.html").read_text("utf-8")  # it has the Greek ones


@pytest.mark.slow
@pytest.mark.parametrize("made", ["kitchen"], indirect=True)
def test_a_run_is_repeated_from_its_own_settings(made: Path, tmp_path: Path, run: Run) -> None:
    """To the same weights; and all that is left behind is the site."""
    again = tmp_path / "again"
    done = run("--data", text_of(made), "--out", again, "--config", made / "config.toml")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("model.safetensors", "config.toml", "tokenizer.json", "index.html", "flow.html"):
        assert (again / name).read_bytes() == (made / name).read_bytes(), name
    assert [path.name for path in tmp_path.iterdir()] == ["again"]
    weights = load((made / "model.safetensors").read_bytes())
    assert {str(weight.dtype) for weight in weights.values()} <= {"float32", "float64"}
    assert sum(weight.size for weight in weights.values()) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("made", ["greek", "letters"], indirect=True)
def test_the_model_of_a_run_can_be_asked(made: Path, tmp_path: Path, run: Run) -> None:
    sentence = json.loads((made / "scenes.json").read_text("utf-8"))[0]["sentence"]
    said = run("generate", sentence, "--checkpoint", made, "--tokens", 4, "--quiet")
    assert said.returncode == 0
    assert said.stdout.startswith(sentence)
    assert run("explain", sentence, "--checkpoint", made).returncode == 0
    assert run("flow", sentence, "--checkpoint", made, "--out", tmp_path / "flow").returncode == 0
    assert "holds a run" in run("flow", sentence, "--checkpoint", made, "--out", made).stderr
    unknown = run("generate", "\N{SNOWMAN}", "--checkpoint", made)
    assert (unknown.returncode, unknown.stdout) in {(2, ""), (0, unknown.stdout)}  # bytes can say anything


@pytest.mark.parametrize(
    ("files", "options", "says"),
    [
        ({}, (), "no train.txt|train.txt .*cannot be read|train.txt is not there"),
        ({"train.txt": b""}, (), "train.txt"),
        ({"train.txt": b"tick " * 40}, (), "train.txt says 'tick' again and again"),
        ({"train.txt": b"one two \0 three " * 20}, (), "train.txt, line 1: control character"),
        ({"train.txt": b"\xff\xfe" * 99}, (), "train.txt, line 1: byte 0xFF at 0 is not UTF-8"),
        ({"train.txt": KITCHEN.encode()}, ("--n-head", 3), "n_embd = 20 cannot be shared by n_head = 3"),
        ({"train.txt": KITCHEN.encode()}, ("--n-context", 1), "n_context = 1"),
        ({"train.txt": KITCHEN.encode()}, ("--n-context", 3), "the line '.*' has 7 tokens \\(words\\)"),
        ({"train.txt": KITCHEN.encode()}, ("--n-vocab", 5), "different words, more than n_vocab = 5"),
        ({"train.txt": KITCHEN.encode()}, ("--tokenizer", "runes"), "runes"),
        ({"train.txt": KITCHEN.encode()}, ("--steps", 0), "steps = 0"),
        ({"train.txt": KITCHEN.encode()}, ("--prompt", "the moth"), "the corpus lacks the word 'moth'"),
        ({"train.txt": KITCHEN.encode()}, ("--prompt", ""), "the prompt is empty"),
        (
            {"train.txt": KITCHEN.encode()},
            ("--examples", "windows", "--n-context", 999),
            "add to it, or lower n_context",
        ),
        ({"train.txt": KITCHEN.encode(), "c.toml": b"step = 5"}, ("--config", "c.toml"), "did you mean 'steps'"),
        ({"train.txt": KITCHEN.encode(), "c.toml": b"steps 5"}, ("--config", "c.toml"), "c.toml is no TOML"),
        ({"train.txt": KITCHEN.encode()}, ("--config", "none.toml"), "none.toml cannot be read"),
        ({"train.txt": KITCHEN.encode()}, ("--single-file", "a.html"), "--single-file is for the article"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_a_sentence(
    files: dict[str, bytes], options: tuple, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any training: exit status 2, and nothing written."""
    text = tmp_path / "text"
    text.mkdir()
    for name, data in files.items():
        (text / name).write_bytes(data)
    options = tuple(text / option if str(option).endswith(".toml") else option for option in options)
    status, out, err = ended(capsys, "--data", text, "--out", tmp_path / "site", *options)
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("gpt.py: ")
    assert re.search(says, lines[0]), lines[0]
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


@pytest.mark.parametrize(
    ("option", "value"), [("--steps", 5), ("--clip", 0), ("--ladder", None), ("--config", "c.toml"), ("--prompt", "a")]
)
def test_settings_need_a_text(option: str, value: object, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = ended(capsys, option, *(() if value is None else (value,)))
    assert (status, out) == (2, "")
    assert f"{option} is about a text of your own" in err


def test_data_needs_a_place(tmp_path: Path, run: Run) -> None:
    done = run("--data", corpus(tmp_path / "text", "kitchen"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--out" in done.stderr
