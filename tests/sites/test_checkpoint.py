"""Sites about models from elsewhere: nanoGPT's with and without biases, and one of the GPT-2 family."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import gpt
from article.models import loading, prompts
from article.sites import checkpoint as checkpoint_
from article.sites.checkpoint import parameters
from article.web.folder import contents, record
from tests.browser import DESKTOP, Serve, Visitor, comes_to_life, more_tools
from tests.conftest import Once, Run, ended, validate
from tests.models.checkpoints import nano_weights, save_family, save_nano
from tests.sites import faultless

PROMPT = "the cat sat"
HOSTILE = "<script>alert(1)</script> & {name} | `x` [a](b)"


def save(folder: Path, kind: str) -> Path:
    """A checkpoint of a kind; what to give as --checkpoint."""
    folder.mkdir()
    if kind == "family":
        save_family(folder, n_embd=72, n_head=3)
        return folder
    return save_nano(folder, nano_weights(bias=kind == "biased"), bias=kind == "biased")


@pytest.fixture(scope="module", params=("biased", "unbiased", "family"))
def made(request: pytest.FixtureRequest, once: Once, run: Run) -> Path:
    """The site of a checkpoint, made once for all workers."""

    def make(site: Path) -> None:
        checkpoint = save(of(site), request.param)
        done = run("--checkpoint", checkpoint, "--prompt", PROMPT, "--out", site)
        assert (done.returncode, done.stderr) == (0, "")

    return once(f"{request.param}-opened", make)


def of(site: Path) -> Path:
    """The folder of its checkpoint, beside it."""
    return site.with_name(f"{site.name}-model")


def checkpoint_of(site: Path) -> Path:
    return of(site) / "ckpt.pt" if (of(site) / "ckpt.pt").exists() else of(site)


@pytest.mark.slow
@pytest.mark.npm
def test_the_site_passes_what_the_article_does(
    made: Path, visit: Visitor, serve: Serve, run: Run, tmp_path: Path
) -> None:
    """No fault for the validator, axe in light and dark, a phone, the console; its scenes are those of the model."""
    scenes = json.loads((made / "scenes.json").read_text("utf-8"))
    is_large = made.name.startswith("family")
    assert {"overview", "block-1", "block-2"} <= {scene["name"] for scene in scenes} if is_large else len(scenes) >= 6
    files = [made / scene["file"] for scene in scenes]
    assert validate(files, tmp_path) == {}
    verified = run("verify", "--checkpoint", checkpoint_of(made), *files)
    assert (verified.returncode, verified.stdout.count("numbers agree")) == (0, len(scenes)), verified.stderr
    assert not (made / ("flow.html" if is_large else "block-1.html")).exists()
    pages = ["index.html", "report.html", *(["gallery.html", "block-2.html"] if is_large else ["flow.html"])]
    pages = pages[:2] if made.name.startswith("unbiased") else pages  # the others are alike
    asked = pages if is_large else pages[:2]
    faultless(made, serve(made), visit, pages, lambda seen: seen.figures[:1], asked)


@pytest.mark.slow
@pytest.mark.npm
@pytest.mark.parametrize("made", ["family"], indirect=True)
def test_one_descends_to_exact_numbers(made: Path, visit: Visitor, serve: Serve) -> None:
    """From a shape of the overview to the block, the token and the component; files are fetched when asked for."""
    run = loading.open_model(of(made))
    trace = prompts.traced(run, prompts.read(run, PROMPT, False))
    seen = visit(serve(made) + "index.html", viewport=DESKTOP)
    figure = seen.figure("overview")
    comes_to_life(figure)
    more_tools(figure)
    page = seen.page
    expect(page.locator("a.descend")).to_have_count(0)
    figure.get_by_label("The next mark").click()  # the first one
    figure.get_by_label("The next mark").click()  # attention in block 1
    expect(figure.locator(".readout")).to_contain_text("attention in block 1: 1 the looks at 1 the: 1.000")
    figure.get_by_label("The mark before").click()
    figure.get_by_label("The next number of the mark").click()
    expect(figure.locator(".readout")).to_contain_text("entering block 1: 1 the, components 6 to 10:")
    assert not [request for request in seen.requests if request.endswith(".npy")]
    page.locator("a.descend").click()
    panel = page.locator("#numbers")
    status = panel.locator("[role=status]")
    wanted = re.escape(f"{trace.residual[0, 0, 5]:.6g}"[:6].replace("-", "\N{MINUS SIGN}"))
    expect(status).to_have_text(re.compile(rf"What enters, token 1 the: 72 numbers\. The component 6 has {wanted}"))
    assert [request.split("/")[-1] for request in seen.requests if request.endswith(".npy")] == ["1-enters.npy"]

    def read() -> np.ndarray:
        cells = page.locator("#numbers td").all_text_contents()
        return np.array([float(cell.replace("\N{MINUS SIGN}", "-")) for cell in cells], np.float32)

    assert np.array_equal(read(), trace.residual[0, 0])
    assert panel.get_by_label("Head").is_disabled()
    panel.get_by_label("What", exact=True).select_option(label="Queries")
    panel.get_by_label("Head").select_option("3")
    panel.get_by_label("Token", exact=True).select_option("2")
    panel.get_by_label("Entry").fill("24")
    panel.get_by_label("Entry").blur()
    expect(status).to_contain_text("Queries, head 3, token 2")
    expect(status).to_contain_text("The component 24 has")
    assert np.array_equal(read(), trace.query[0, 2, 1])
    expect(page.locator("#numbers .meant")).to_have_count(1)
    address = page.url
    assert "of=query&token=2&head=3&entry=24" in address
    page.goto(address)
    expect(status).to_contain_text("The component 24 has")
    panel.get_by_label("What", exact=True).select_option(label="Attention weights")
    expect(status).to_have_text(re.compile(rf"Attention weights, head 3, token 2.*: {len(trace.tokens)} numbers"))
    assert np.array_equal(read(), trace.attention[0, 2, 1])
    assert seen.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("made", ["family"], indirect=True)
def test_without_scripts_the_numbers_are_files(made: Path, visit: Visitor, serve: Serve) -> None:
    seen = visit(serve(made) + "block-1.html", java_script_enabled=False)
    links = seen.page.locator("#numbers .files a")
    names = [link.get_attribute("href") or "" for link in links.all()]
    assert len(names) == len(set(names)) == 15
    assert all(np.load(made / name, allow_pickle=False).size for name in names)
    assert (seen.page.locator("figure .still").get_attribute("src") or "").startswith("block-1.webp?")
    assert seen.page.locator("#numbers form").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("made", ["family"], indirect=True)
def test_a_site_takes_the_place_of_another(made: Path, tmp_path: Path, run: Run) -> None:
    """Of a larger model, too; but not that of the article."""
    site = shutil.copytree(made, tmp_path / "site")
    small = save(tmp_path / "m", "biased")
    done = run("--checkpoint", small, "--prompt", PROMPT, "--out", site)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (site / "block-1.html").exists()
    for kind, words in (("run", "a run"), ("article", "the article")):  # which would be lost
        (site / "site.json").write_bytes(record(kind, contents(site)))
        done = run("--checkpoint", small, "--prompt", PROMPT, "--out", site)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"holds {words}" in done.stderr


def test_the_report_is_computed(tmp_path: Path) -> None:
    """Every number of its tables is the trace's."""
    run = loading.open_model(save(tmp_path / "m", "biased"))
    trace = prompts.traced(run, prompts.read(run, PROMPT, False))
    words = checkpoint_.text(run, trace, HOSTILE)
    assert "<script>" not in words
    assert "{" not in words
    chapters = dict(re.findall(r"## ([^\n]+)\n(.*?)(?=\n## |\Z)", words, re.DOTALL))
    rows = {
        name: [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", text, re.M)] for name, text in chapters.items()
    }
    logits = trace.lens[-1]
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    odds /= odds.sum(-1, keepdims=True)
    told = rows["The prompt"][1:]
    assert [row[2] for row in told] == [str(id) for id in run.tokenizer.encode(PROMPT)]
    for t, row in enumerate(told[1:], 1):
        assert float(row[3]) == pytest.approx(-np.log(odds[t - 1, int(row[2])]), abs=6e-4)
    best = rows["What it answers"][1:]
    assert [int(row[2]) for row in best] == np.argsort(-logits[-1], kind="stable")[:10].tolist()
    assert [float(row[4].rstrip("%")) / 100 for row in best] == pytest.approx(np.sort(odds[-1])[:-11:-1], abs=6e-5)
    assert len(rows["How the answer comes up"]) == 1 + len(trace.residual)
    looks = rows["Where it looks"][1:]
    assert [float(row[3]) for row in looks] == pytest.approx(trace.attention[:, :, -1].max(axis=(1, 2)), abs=6e-4)
    sizes = [float(row[1]) for row in rows["The stream"][1:]]
    vectors = [*trace.residual, trace.normed[-1]]
    assert sizes == pytest.approx([np.sqrt((vector**2).mean()) for vector in vectors], abs=6e-4)
    total = sum(int(row[2].replace(",", "")) for row in rows["The parameters"][1:])
    assert total == parameters(run)
    assert trace.weights in words


def test_a_report_of_one_token_has_no_surprise(tmp_path: Path) -> None:
    run = loading.open_model(save(tmp_path / "m", "biased"))
    trace = gpt.trace(run.model, run.tokenizer, "t")
    assert "mean surprise" not in checkpoint_.text(run, trace, "one")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--prompt", "the cat"), "name a folder with --out"),
        (("--out", "site"), "name a text with --prompt"),
        (("--out", "site", "--prompt", ""), "the prompt is empty"),
        (("--out", "site", "--prompt", "the cat " * 9), "reads at most 16"),
        (("--out", "site", "--prompt", "Cat"), "lacks the character 'C'"),
        (("--out", "site", "--prompt", "cat", "--seed", 3), "leave one out"),
        (("--out", "site", "--prompt", "cat", "--steps", 3), "--steps is about a text of your own"),
        (("--out", "site", "--prompt", "cat", "--data", "data"), "leave one of them out"),
        (("--out", "site", "--prompt", "cat", "--single-file", "x.html"), "--single-file is for the article"),
        (("--out", "m", "--prompt", "cat"), "m holds 'ckpt.pt', which no build has made"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(
    options: tuple, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, and nothing written."""
    checkpoint = save(tmp_path / "m", "biased")
    before = sorted(tmp_path.rglob("*"))
    placed = [tmp_path / option if option in ("site", "m", "x.html") else option for option in options]
    status, out, err = ended(capsys, "--checkpoint", checkpoint, *placed)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err
    assert sorted(tmp_path.rglob("*")) == before
