"""The job from outside: its command line, bad input, interruptions, and the same site on every machine."""

import json
import os
import re
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from article import cache, paths
from article.models import own, recording
from article.web.folder import RECORD, record, workplace
from scenes.export import readback
from tests.conftest import BUILDERS, ROOT, Run, Start, ended, run_anew


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a site by its path, what npm has brought apart."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.parent.name != "vendor"}


# --- The same everywhere ------------------------------------------------------------------------------------------


def test_summary(site):
    text = (site.parent / "site.out").read_text()
    assert re.search(r"^loss +0\.\d+ nats", text, re.MULTILINE)
    assert re.search(r"^held out +at night .* web \(\d+%\)$", text, re.MULTILINE)
    assert len(re.findall(r"^scene +\w+\.glb +\d+ numbers +[\d,]+ bytes$", text, re.MULTILINE)) == len(BUILDERS)
    assert "seconds" in text
    assert text.rstrip().endswith("index.html")


def test_docs_are_what_a_rebuild_makes(site):
    """If this fails, run `python gpt.py` and commit docs/."""
    ours, fresh = contents(ROOT / "docs"), contents(site)
    assert set(ours) == set(fresh)
    for name in sorted(name for name in fresh if not name.endswith((".glb", ".png"))):
        assert ours[name] == fresh[name], name
    for name in BUILDERS:
        one, other = (readback.read_back(files[f"{name}.glb"]) for files in (ours, fresh))
        assert set(one) == set(other)
        assert all(np.abs(one[key] - other[key]).max() <= 1e-4 for key in one)


def test_two_runs_are_byte_identical(tmp_path, site, small_site):
    """By other instruction sets and matrix routines, on more threads, with another hash seed, locale and time.

    The small site is trained and drawn anew by one of them: to the last bit, it has the weights that this processor has
    trained for the whole site, and its scenes. Of these weights, another one makes the same pages.
    """
    variables = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "ATEN_CPU_CAPABILITY": "avx2"}
    variables |= {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TZ": "Pacific/Kiritimati"}
    done = run_anew("--out", tmp_path / "other", "--seeds", "1", root=ROOT, **variables)
    assert done.returncode == 0, done.stderr
    small, whole = contents(small_site), contents(site)
    assert small == contents(tmp_path / "other")
    weights, others = (json.loads(files["flow.json"])["weights"] for files in (small, whole))
    assert weights == others
    shown = {name: data for name, data in small.items() if name.endswith((".glb", ".svg", ".png", ".marks.json"))}
    assert len(shown) > 3 * len(json.loads(small["scenes.json"])) > 3 * 20
    assert shown.items() <= whole.items()


def test_claims_and_index(site):
    said = json.loads((site / "claims.json").read_text())
    assert len(said) >= 25
    assert len({claim["id"] for claim in said}) == len(said)
    keys = {
        "id",
        "sentence",
        "value",
        "holds",
        "held",
        "seeds",
        "interval",
        "predicate",
        "code",
        "expression",
        "page",
        "survey",
    }
    for claim in said:
        assert set(claim) - {"share"} == keys
        assert claim["holds"] is True
        assert claim["seeds"] == len(claim["survey"]) >= 32
        assert claim["held"] == sum(outcome["holds"] for outcome in claim["survey"])
        assert claim["interval"][0] <= claim["held"] / claim["seeds"] <= claim["interval"][1]
        assert claim["expression"] in claim["code"]
        assert f'id="claim-{claim["id"]}"' in (site / claim["page"]).read_text()
    for entry in json.loads((site / "scenes.json").read_text()):
        assert set(entry) - {"strip"} == {"name", "file", "still", "sentence", "bytes", "marks", "values"}
        assert (site / entry["file"]).is_file()
        assert (site / entry["still"]).is_file()
        assert all((site / still).is_file() for still in entry.get("strip", ()))


# --- Bad input ----------------------------------------------------------------------------------------------------

NOTE = (  # of builds of one training
    r"gpt.py: data/study.json: its chapter takes 16 trainings or more, so with 1 it is left out; raise --seeds.\n"
)
OTHERS = r"gpt.py: data/study.json: it is not of this program and corpus, so its chapter is left out; make study.\n"
TRAIN, HELD_OUT = "data/train.txt", "data/held_out.txt"
TRAINS = pytest.mark.slow  # where nothing is kept


@pytest.mark.parametrize(
    ("change", "arguments", "says"),
    [
        ({}, ["--seeds", "0"], "'0' is no whole number from 1 to 1000"),
        ({TRAIN: None}, [], "data/train.txt cannot be read: No such file"),
        ({HELD_OUT: None}, [], "data/held_out.txt cannot be read: No such file"),
        ({TRAIN: b""}, [], "data/train.txt holds no sentence"),
        ({TRAIN: b"\n \n"}, [], "data/train.txt holds no sentence"),
        ({TRAIN: b"caf\xe9 au lait"}, [], "data/train.txt, line 1: byte 0xE9 at 3 is not UTF-8"),
        ({TRAIN: b"\x00\x01\x02"}, [], "data/train.txt, line 1: control character U+0000"),
        ({TRAIN: b"one\n"}, [], "data/train.txt, line 1: the sentence has 1 words"),
        ({TRAIN: b"a b\n" + b"a " * 10}, [], "data/train.txt, line 2: the sentence has 10 words"),
        ({HELD_OUT: b"at night the moth sleeps"}, [], "data/held_out.txt, line 1: the corpus lacks the word 'moth'"),
        ({HELD_OUT: b"at " * 12}, [], "data/held_out.txt, line 1: the sentence has 12 words"),
        ({"site": b"a file"}, ["--out", "site"], "site is a file"),
        ({"site/letter.txt": b"mine"}, ["--out", "site"], "site holds 'letter.txt', which no build has made"),
        ({"site/scenes.json": b"[]", "site/CNAME": b"example.org"}, ["--out", "site"], "site holds 'CNAME'"),
        pytest.param({"article/index.md": None}, ["--seeds", "1"], "the article cannot be read", marks=TRAINS),
        pytest.param(
            {"article/index.md": b"# No figure"}, ["--seeds", "1"], "article/index.md shows no scene", marks=TRAINS
        ),
        ({}, ["--out", ""], "is no path"),
        ({}, ["--out", "gpt.py/site"], "cannot be written"),
        ({}, ["--out", "/proc/site"], "cannot be written"),
        ({}, ["--colour"], "unrecognized arguments: --colour"),
        ({}, ["--seed", "x"], "'x' is no whole number"),
        ({}, ["--seed", "-1"], "--seed"),
        ({}, ["verify"], "required: FILE.glb"),
        ({}, ["verify", "lost.glb"], "lost.glb cannot be read: No such file"),
        ({}, ["verify", "gpt.py"], "gpt.py cannot be used: it is no .glb"),
        ({}, ["verify", "data"], "data cannot be read"),
    ],
)
def test_bad_input_is_refused(here, capsys, change, arguments, says):
    """One sentence, exit status 2, nothing written."""
    for name, data in change.items():
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).unlink(missing_ok=True) if data is None else (here / name).write_bytes(data)
    before = contents(here)
    status, out, err = ended(capsys, *arguments)
    assert (status, out) == (2, "")
    assert says in err.strip().split("\n")[-1]
    assert "Traceback" not in err
    assert len(err.strip().split("\n")) == 1
    assert contents(here) == before


@pytest.mark.parametrize(("train", "arguments"), [(b"", []), (None, []), (b"a b", ["--seeds", "0"])])
def test_a_process_ends_as_it_is_refused(project, run: Run, train, arguments):
    """With the status and the words that `test_bad_input_is_refused` asks for, and no traceback."""
    (project / TRAIN).unlink() if train is None else (project / TRAIN).write_bytes(train)
    before = contents(project)
    done = run(*arguments, root=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("gpt.py: argument --seeds: " if arguments else f"gpt.py: {TRAIN} ")
    assert done.stderr.count("\n") == 1
    assert contents(project) == before


def hasty(program: str) -> str:
    """gpt.py that trains for a few steps only."""
    result, n = re.subn(r"(?<=    steps: int = )\d+", "20", program)
    assert n == 1
    return result


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {HELD_OUT: "this web is the home of a spider"},
            "the held-out sentence .* does not lead from an animal to its home",
        ),
        (
            {TRAIN: "the cat made this mess\nat night the cat sleeps", HELD_OUT: "the cat sleeps"},
            "the claim 'held_out_is_new' raises ValueError: the held-out sentence 'the cat sleeps' does not lead",
        ),
    ],
)
def test_a_corpus_of_another_kind_is_refused(project, run: Run, change, says):
    """The build names what in the article or the scenes does not fit."""
    for name, text in change.items():
        (project / name).write_text(text)
    program = project / "gpt.py"  # which trains, before it can say so, longer than it takes for this
    program.write_text(hasty(program.read_text("utf-8")), "utf-8")
    done = run("--out", "site", "--seeds", "1", root=project)
    assert done.returncode == 2
    assert re.fullmatch(rf"({NOTE})?gpt.py: article/claims.py: .*{says}.*\n", done.stderr)
    assert not (project / "site").exists()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("index", "{loss_of_nerve}", ", line \\d+: there is no value 'loss_of_nerve'"),
        ("index", "[It is good.](claim:is_good)", ", line \\d+: there is no claim 'is_good'"),
        ("index", "[](claim:generalises)", ", line \\d+: the claim 'generalises' has no text"),
        ("index", "![](castle.glb)", ", line \\d+: there is no scene 'castle'; write scenes/castle.py"),
        ("flow", "[It is good.](claim:is_good)", ", line \\d+: there is no claim 'is_good'"),
        (
            "flow",
            "[It does.](claim:generalises)",
            ", line \\d+: the claim 'generalises' stands in another text already",
        ),
        ("flow", "## block-9-score", ": there is no stage 'block-9-score'; a heading is the id of one, such as logits"),
    ],
)
@TRAINS
def test_a_reference_that_leads_nowhere_is_refused(here, capsys, name, text, says):
    with open(here / "article" / f"{name}.md", "a") as article:
        article.write(f"\n{text}\n")
    status, _, err = ended(capsys, "--out", "site", "--seeds", "1")
    assert status == 2
    assert re.fullmatch(rf"gpt.py: article/{name}.md{says}.*\n", err)
    assert not (here / "site").exists()


@pytest.mark.parametrize(
    ("true", "false", "says"),
    [
        (
            "share < 0.1",
            "share < 0.01",
            r"article/index.md, line \d+: “less than a tenth of it” is false of this model: it says that the loss is "
            r"less than a tenth of that of guessing, but share < 0.01 is False at '7%' \(it holds in 0 of 1",
        ),
        (
            "entering_cosine(e) > 0.85",
            "entering_cosine(e) > 0.99",
            r"article/flow.md, line \d+: “What enters is at every place still nearly the token” is false of this model",
        ),
    ],
)
def test_a_false_claim_stops_the_build(project, site, run: Run, true, false, says):
    """Status 1, the sentence, the predicate and the place; the site stays as it was."""
    shutil.copytree(site, project / "docs")
    facts = project / "article" / "claims.py"
    assert facts.read_text().count(true) == 1
    facts.write_text(facts.read_text().replace(true, false))
    before = contents(project / "docs")
    done = run("--seeds", "1", root=project)
    assert done.returncode == 1
    assert re.search(says, done.stderr)
    assert contents(project / "docs") == before


def test_a_false_share_stops_the_build(here, site, capsys):
    """A sentence about many trainings is checked as such, even if it is true of the article's own."""
    article = here / "article" / "index.md"
    article.write_text(f"{article.read_text()}\n[All of them.](claim:last_heads_decide?at-least=0.9)\n")
    status, _, err = ended(capsys, "--out", "site")
    assert status == 1
    held = next(c["held"] for c in json.loads((site / "claims.json").read_text()) if c["id"] == "last_heads_decide")
    assert f"“All of them.” is false: the text says at-least 0.9 of the trainings; it holds in {held} of 32" in err
    assert not (here / "site").exists()


def keep_ours(project: Path) -> None:
    """Keeps our model as that of the corpus of a copy, and for the copy alone: it would train for ten seconds."""

    def kept() -> tuple[Path, Path]:
        config, _, corpus, held_out = own.read_data()
        file = recording.kept_at(config, corpus, held_out[0].rsplit(maxsplit=1)[0])
        return file.parent / f"{config.seed}.npz", file

    ours, shared = kept(), project / "article" / ".kept"
    shared.unlink()
    (shared / "trainings").mkdir(parents=True)
    (shared / "scenes").symlink_to(cache.KEPT / "scenes")
    for folder in (cache.KEPT / "trainings").iterdir():
        (shared / "trainings" / folder.name).symlink_to(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "ROOT", project)
        patch.setattr(paths, "DATA", project / "data")
        patch.setattr(cache, "KEPT", shared)
        theirs = kept()
    theirs[0].parent.mkdir()
    for one, other in zip(ours, theirs, strict=True):
        shutil.copy(one, other)


def test_a_changed_corpus_makes_a_claim_false(project, small_site, run: Run):
    """One word in `data/`, and the article no longer tells the truth: and the build says which sentence is false."""
    shutil.copytree(small_site, project / "docs")
    before, train = contents(project / "docs"), (project / TRAIN).read_text()
    (project / TRAIN).write_text(train.replace("the bird sleeps", "the spider sleeps", 1))
    keep_ours(project)
    done = run("--seeds", "1", root=project)
    assert done.returncode == 1
    assert re.search(
        r"article/index.md, line \d+: “The model never saw it, nor the spider in any sentence about the night” "
        r"is false of this model: .* found == 0 is False at '1'",
        done.stderr,
    )
    assert contents(project / "docs") == before
    (project / TRAIN).write_text(train)
    assert run("--seeds", "1", root=project).returncode == 0
    assert contents(project / "docs") == contents(small_site)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("@claim('x')\ndef odd(e):\n    return 1 / 0, True", "the claim 'odd' raises ZeroDivisionError"),
        ("@claim('x')\ndef generalises(e):\n    return 1, True", "there are two claims of the name 'generalises'"),
    ],
)
def test_a_predicate_that_says_nothing_is_refused(project, run: Run, code, says):
    with open(project / "article" / "claims.py", "a") as facts:
        facts.write(f"\n\n{code}\n")
    done = run("--out", "site", "--seeds", "1", root=project)
    assert done.returncode == 2
    assert re.fullmatch(rf"gpt.py: article/claims.py: {says}.*\n", done.stderr)
    assert not (project / "site").exists()


def test_without_the_study_its_chapter_is_left_out(project, run: Run):
    """The build says so in one sentence, and goes on."""
    study = project / "data" / "study.json"
    study.write_text(study.read_text().replace('"hash": "', '"hash": "0'))
    done = run("--out", "site", root=project)
    assert (done.returncode, re.fullmatch(OTHERS, done.stderr) is not None) == (0, True)
    page = (project / "site" / "index.html").read_text()
    assert "What makes the difference?" not in page
    assert "Does it generalise" in page
    assert not (project / "site" / "failure.glb").exists()


def test_a_broken_scene_stops_the_build(project, run: Run):
    """A builder that draws other numbers than it states is found out before anything is written."""
    shapes = project / "scenes" / "glyphs" / "shapes.py"
    shapes.write_text(shapes.read_text().replace("scale.length(values)", "scale.length(0.98 * values)"))
    done = run("--out", "site", "--seeds", "1", root=project)
    assert done.returncode == 1
    assert "pairs.glb does not show the model: embedding/bird, component" in done.stderr
    assert not (project / "site").exists()


def test_hostile_words_come_out_as_text(project, small_site, run: Run):
    """The same corpus in other words gives the same claims, and no tag, path or file of theirs.

    And the same model, as `test_training.py` has it.
    """
    words = {"at": "<script>alert(1)</script>", "night": "../x", "own": "\"'&amp;{loss}", "sleeps": "🦊", "in": "בתוך"}
    for name in (TRAIN, HELD_OUT):
        text = (project / name).read_text()
        (project / name).write_text(re.sub(r"\w+", lambda word: words.get(word[0], word[0]), text), "utf-8")
    keep_ours(project)
    done = run("--out", "site", "--seeds", "1", root=project)
    assert done.returncode == 0, done.stderr
    ours, plain = contents(project / "site"), contents(small_site)
    assert set(ours) == set(plain)
    page, other = ours["index.html"].decode(), plain["index.html"].decode()
    assert re.findall(r"<(/?\w+)", page) == re.findall(r"<(/?\w+)", other)
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10
    for name in {path.removesuffix(".glb") for path in plain if path.endswith(".glb")}:
        theirs = [key.split("/") for key in readback.read_back(plain[f"{name}.glb"])]
        renamed = {"/".join([array, *(words.get(part, part) for part in path)]) for array, *path in theirs}
        assert set(readback.read_back(ours[f"{name}.glb"])) == renamed


# --- Interruptions ------------------------------------------------------------------------------------------------


def works(folder: Path) -> set[Path]:
    """The places of builds under way, and what killed ones have left."""
    return set(folder.glob(".docs.building-*"))


def test_killed_and_interrupted_builds_leave_the_old_site(project, site, start: Start):
    shutil.copytree(site, project / "docs")
    before = contents(project / "docs")
    for how, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        left = works(project)
        one = start("--fresh", "--seeds", "1", root=project)
        while not works(project) - left:
            assert one.poll() is None
        os.kill(one.process, how)
        done = one.wait()
        assert done.returncode == status
        assert "Traceback" not in done.stderr
        assert contents(project / "docs") == before
        assert "leaked" not in done.stderr
    # What the killed one left behind goes with the next build that needs the place, here one that is refused.
    (project / TRAIN).write_text("")
    assert start(root=project).wait().returncode == 2
    assert not works(project)


def test_a_full_disk_leaves_the_old_site(project, site, run: Run):
    shutil.copytree(site, project / "docs")
    before = contents(project / "docs")
    full = run("--seeds", "1", root=project, most=100_000)
    assert full.returncode == 2
    assert re.fullmatch(r"gpt.py: .*docs cannot be written: File too large; it is as it was.\n", full.stderr)
    assert contents(project / "docs") == before
    assert not works(project)


def test_two_builds_at_once_do_not_mix(project, small_site, start: Start):
    for one in [start("--seeds", "1", root=project), start("--seeds", "1", root=project)]:
        done = one.wait()
        assert (done.returncode, re.fullmatch(NOTE, done.stderr) is not None) == (0, True)
    assert contents(project / "docs") == contents(small_site)
    assert not works(project)


@pytest.mark.slow
def test_the_site_is_there_at_every_moment(tmp_path):
    """While one thread replaces the folder again and again, another always finds a whole one."""
    out, missing, done = tmp_path / "docs", [], threading.Event()

    def replace(text: str) -> None:
        with workplace(out, "article") as work:
            (work / RECORD).write_bytes(record("article", ["index.html"]))
            (work / "index.html").write_text(text)

    def replace_often() -> None:
        try:
            for n in range(300):
                replace(str(n))
        finally:
            done.set()

    replace("first")
    writer = threading.Thread(target=replace_often)
    writer.start()
    while not done.is_set():
        try:
            assert (out / "index.html").read_text()
        except FileNotFoundError:
            missing.append(out.exists())
    writer.join()
    # A reader may catch the moment in which the old folder is emptied, having found it first; never an absent one.
    assert all(missing)
    assert (out / "index.html").read_text() == "299"


def test_without_npm_and_network_the_page_shows_stills(project, small_site, tmp_path, run: Run):
    """The build says so and goes on. Here with --url, which makes the picture of link previews absolute and no more."""
    (project / "article" / "node_modules").unlink()
    offline = {"npm_config_offline": "true", "npm_config_cache": str(tmp_path / "empty")}
    done = run("--out", "site", "--seeds", "1", "--url", "https://example.org/v/", root=project, **offline)
    assert done.returncode == 0
    assert re.fullmatch(rf"{NOTE}gpt.py: The 3D viewer is missing, because .*\. The page shows stills\.\n", done.stderr)
    assert not (project / "site" / "vendor").exists()
    ours, plain = contents(project / "site"), contents(small_site)
    picture = b'<meta property="og:image" content="https://example.org/v/forward.png">'
    for page in ("index.html", "evidence.html", "flow.html", "gallery.html"):
        assert picture in ours[page]
        ours[page] = ours[page].replace(b"https://example.org/v/", b"")
    assert ours == plain


# --- verify -------------------------------------------------------------------------------------------------------


def test_verify(site, tmp_path, run: Run):
    """True scenes pass; a box made wider, a number restated and a file cut short are found, by name."""
    good = [site / f"{name}.glb" for name in BUILDERS]
    done = run("verify", *good)
    assert (done.returncode, done.stderr) == (0, "")
    assert "forward.glb: 804 numbers agree, in 177 nodes; as drawn" in done.stdout
    assert done.stdout.count("; as drawn\n") == len(good)

    data = (site / "pairs.glb").read_bytes()
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    node = next(node for node in document["nodes"] if node.get("name") == "embedding/fox")
    node["extras"]["values"][3] += 0.1
    restated = json.dumps(document).encode()
    restated += b" " * (-len(restated) % 4)
    rest = data[20 + size :]
    head = (
        b"glTF"
        + b"".join(n.to_bytes(4, "little") for n in (2, 20 + len(restated) + len(rest), len(restated)))
        + b"JSON"
    )
    (tmp_path / "restated.glb").write_bytes(head + restated + rest)
    done = run("verify", site / "pairs.glb", tmp_path / "restated.glb")
    assert done.returncode == 1
    assert "pairs.glb: 160 numbers agree" in done.stdout
    assert re.search(r"restated.glb: embedding/fox, component 3: the extras say \S+ and the geometry", done.stderr)
    assert re.search(r"restated.glb: embedding/fox, component 3: the extras say \S+ and a fresh trace", done.stderr)

    assert run("verify", site / "pairs.glb", "--seed", "2").returncode == 1


def test_environment_is_untouched(project, run: Run):
    """Asking for help acts on nothing."""
    before = contents(project)
    for arguments in (["-h"], ["verify", "-h"], ["flow", "-h"]):
        done = run(*arguments, root=project)
        assert (done.returncode, done.stderr) == (0, "")
    assert contents(project) == before
