"""Every reader of files, and what becomes of damaged ones: a program of its own, which a test starts.

Each input is read in a fork, which has all libraries already: it opens it, or refuses it with one sentence. It starts
no process, asks nobody, writes nothing, and takes neither long nor much memory.
"""

import contextlib
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

import gpt
from article import __main__, cache
from article.commands.shared import reading, verification
from article.errors import RefusalError
from article.escaping import say
from article.models import corpus, fit, memory, settings, tokenizers, training_state
from article.models.optimizer import AdamW
from article.models.processes import ALONE
from article.parallel import forked
from article.sites.trained import train
from article.web.folder import record, refuse_to_replace
from scenes import causes, growth, landscape, overview
from scenes.analysis.aggregation import Aggregation
from scenes.export.glb import to_glb
from tests.damage import Files, damaged
from tests.models.checkpoints import BPE, SIZES, TEXT, nano_weights, save_family, save_nano, save_own

SECONDS = 10  # of a processor, for one input
MEMORY = 1 << 30  # bytes that one input may take
HELPERS = ("gs", "gswin32c", "convert", "magick", "ffmpeg", "inkscape", "xdg-open", "npm", "node", "git", "sh", "curl")
STARTS = re.compile(r"subprocess\..*|os\.(system|exec|spawn|posix_spawn)|socket\.(connect|getaddrinfo|sendto)|pty\..*")
LETTERS = TEXT * 9


class Reader(NamedTuple):
    """A kind of input: what a whole one is, how it is read, and which of its files are damaged."""

    make: Callable[[Path], object]
    read: Callable[[], int] | tuple[str, ...]  # in the folder; arguments of the command line
    only: str = r".*"
    weight: int = 4  # how many inputs, beside other kinds
    statuses: tuple[int, ...] = (0, 2)


# --- Whole inputs -------------------------------------------------------------------------------------------------


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def pieces(folder: Path) -> None:
    sizes = SIZES | {"vocab_size": 320}  # padded
    save_nano(folder, nano_weights(sizes), **sizes)
    (folder / "tokenizer.json").write_bytes(tokenizers.files(BPE)["tokenizer.json"])


def bins(folder: Path, zipped: bool) -> None:
    """A folder of the family as it was before safetensors and tokenizer.json."""
    theirs = save_family(folder)
    (folder / "model.safetensors").unlink()
    torch.save(theirs.state_dict(), folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    model = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), "utf-8")
    (folder / "special_tokens_map.json").write_text('{"eos_token": {"content": "<|endoftext|>"}}')


def own_site(folder: Path) -> None:
    """A run, and a scene of each kind of its site by their names."""
    save_own(made(folder / "run"))
    site = folder / "site"
    assert __main__.main(["--checkpoint", str(folder / "run"), "--prompt", "a b c", "--out", str(site)]) == 0
    for path in site.glob("*.glb"):
        path.rename(folder / path.name)
    shutil.rmtree(site)


def pictured(folder: Path) -> None:
    model = save_own(made(folder / "run"))
    scene = overview.build(Aggregation(gpt.trace(model.model, model.tokenizer, "a b c d")))
    (folder / "overview.glb").write_bytes(to_glb(scene))


def compared(folder: Path) -> None:
    save_own(made(folder / "run"))
    save_own(made(folder / "other"))
    runs = str(folder / "run"), str(folder / "other")
    assert __main__.main(["compare", *runs, "a b c", "--out", str(folder / "site")]) == 0
    for path in (folder / "site").glob("*-a.glb"):
        path.rename(folder / path.name)
    shutil.rmtree(folder / "site")


def films(folder: Path) -> None:
    EVIDENCE.extend(train(None))
    for scene in (growth, causes, landscape):
        (folder / f"{scene.__name__}.glb").write_bytes(to_glb(scene.build(EVIDENCE[0].view(scene.SHOWS))))


def text(folder: Path) -> None:
    (folder / "train.txt").write_text(LETTERS.replace("; ", "\n"))
    (folder / "held_out.txt").write_text("the dog sat on the mat\n")
    (folder / "config.toml").write_text(settings.to_toml(settings.Settings(n_context=16)))
    (folder / "tokenizer.json").write_bytes(tokenizers.files(BPE)["tokenizer.json"])


def state(folder: Path) -> None:
    model, optimizer = training()
    course = training_state.Course(3, 1.0, [{"step": 1}], [(1, "x")], 2, 1.0, model.state_dict())
    training_state.keep_state(folder / "training.state", course, model, optimizer, "mine")


def training() -> tuple[gpt.GPT, AdamW]:
    model = gpt.GPT(gpt.Config(9, n_context=4, n_embd=4, n_layer=1, n_head=2)).double()
    return model, AdamW(model, settings.Settings())


def kept(folder: Path) -> None:
    cache.keep_arrays(folder / "arrays.npz", {"weights": torch.arange(99.0).numpy()})
    cache.keep(folder / "site" / "values" / "key", b'{"a": 1}')


def published(folder: Path) -> None:
    assert __main__.main(["new", str(folder / "mine")]) == 0
    shutil.rmtree(folder / "mine" / "scenes")
    about = folder / "mine" / "index.md"
    lines = [line for line in about.read_text("utf-8").split("\n") if ".glb" not in line]
    lines += [
        "",
        "## A table, $x^2$ and `{code}`",
        "",
        "| a | b |",
        "| - | - |",
        "| 1 | {springs} |",
        "",
        "```",
        "{x}",
        "```",
    ]
    about.write_text(
        "\n".join([*lines, "", "- one", "- [two](#a)", "", "> said", "", "<b>bold</b> \\{ \\}", ""]), "utf-8"
    )


def site(folder: Path) -> None:
    names = ["index.html", "scenes.json", "flow/x.csv"]
    (folder / "site" / "flow").mkdir(parents=True)
    for name in names:
        (folder / "site" / name).write_text('[{"name": "a", "file": "a.glb", "still": "a.svg"}]')
    (folder / "site" / "site.json").write_bytes(record("flow", names))


# --- How they are read --------------------------------------------------------------------------------------------


def verified() -> int:
    """As the command, without asking the article's own model anew."""
    path = Path("x.glb")
    glb = reading.read(path)
    problems, _ = reading.judge(path, glb) or verification.judge(path, glb, EVIDENCE[0], None)
    return bool(problems)


def prepared() -> int:
    """All that is done with a text and its settings before a training."""
    said = settings.read_toml(Path("config.toml"))
    settings.settle(said, settings.WINDOWS)
    texts = corpus.read_texts(Path(), said.get("share", settings.Settings().share))
    task, _ = fit.task_of(texts, said, None, ALONE)
    memory.check_memory(task.settings, task.train.ids.shape)
    return 0


def tokenized() -> int:
    fit.task_of(corpus.read_texts(Path()), {"tokenizer": "tokenizer.json"}, None, ALONE)
    return 0


def resumed() -> int:
    training_state.resume(Path("training.state"), *training(), "mine")
    return 0


def reopened() -> int:
    """What is damaged is made anew."""
    arrays = cache.load_arrays(Path("arrays.npz"))
    assert arrays is None or arrays["weights"][98] == 98
    assert cache.kept_value("values", "key", lambda: {"a": 1}, False) == {"a": 1}
    return 0


def guarded() -> int:
    refuse_to_replace(Path("site").resolve(), "flow")
    return 0


EVIDENCE: list[Any] = []  # of the article's own model, once it is asked for
GENERATE = ("generate", "the dog", "--tokens", "1", "--quiet", "--checkpoint")
VERIFY = ("verify", "x.glb", "--checkpoint", "run")
READERS = {
    "nano": Reader(save_nano, (*GENERATE, "ckpt.pt"), weight=8),
    "pieces": Reader(pieces, (*GENERATE, "ckpt.pt", "--tokenizer", "tokenizer.json")),
    "family": Reader(save_family, (*GENERATE, "."), weight=8),
    "shards": Reader(lambda folder: save_family(folder, max_shard_size="6KB"), (*GENERATE, ".")),
    "zipped": Reader(lambda folder: bins(folder, True), (*GENERATE, ".")),
    "old": Reader(lambda folder: bins(folder, False), (*GENERATE, ".")),
    "own": Reader(save_own, ("generate", "a b", *GENERATE[2:], ".")),
    "scene": Reader(own_site, VERIFY, r".*\.glb", 8, (0, 1, 2)),
    "picture": Reader(pictured, VERIFY, r".*\.glb", 8, (0, 1, 2)),
    "pair": Reader(compared, (*VERIFY, "--beside", "other"), r".*\.glb", 4, (0, 1, 2)),
    "film": Reader(films, verified, r".*\.glb", 4, (0, 1, 2)),
    "settings": Reader(text, prepared, r"config\.toml"),
    "text": Reader(text, prepared, r".*\.txt"),
    "tokenizer": Reader(text, tokenized, r"tokenizer\.json"),
    "state": Reader(state, resumed),
    "kept": Reader(kept, reopened, weight=2),
    "record": Reader(site, guarded, r"site/.*json", weight=2),
    "publication": Reader(published, ("publish", "mine", "--out", "site"), r".*\.md", 4, (0, 1, 2)),
}


# --- What becomes of one ------------------------------------------------------------------------------------------


def content(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def put(folder: Path, files: Files) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def watched(event: str, given: tuple) -> None:
    """Ends this process when it does what no reader does."""
    writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    elsewhere = writes and isinstance(given[0], str) and not os.path.abspath(given[0]).startswith(f"{os.getcwd()}/")
    if STARTS.fullmatch(event) or (elsewhere and given[0] != os.devnull):
        os.write(2, f"does {event} {given!r}\n".encode("utf-8", "backslashreplace"))
        os._exit(71)


def ask(reader: Reader, folder: Path, said: Path) -> None:
    """Reads what is in a folder, in this process, and ends it with the exit status."""
    status = 70
    try:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(os.open(f"{said}.{stream}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding="utf-8", closefd=False) for n in (1, 2))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        cache.KEPT = folder / "site"
        sys.addaudithook(watched)
        try:
            status = __main__.main(reader.read) if isinstance(reader.read, tuple) else reader.read()
        except RefusalError as error:
            say(f"gpt.py: {error}", sys.stderr)
            status = 2
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def outcome(reader: Reader, folder: Path, files: Files, said: Path) -> tuple[str, int, float, float]:
    """What is wrong with how an input is read, if anything; the status, the seconds and the bytes that it took."""
    put(folder, files)
    (said.parent / "started").unlink(missing_ok=True)
    own = re.search(r"RssAnon:\s*(\d+)", Path("/proc/self/status").read_text("ascii"))
    before = int(own[1] if own else 0)  # kilobytes that a fork begins with
    child = forked()
    if not child:
        ask(reader, folder, said)
    handle = os.pidfd_open(child)
    wait = select.poll()
    wait.register(handle, select.POLLIN)
    hangs = not wait.poll(SECONDS * 6000)  # of the clock, on a machine that does other things as well
    if hangs:
        os.kill(child, signal.SIGKILL)
    os.close(handle)
    _, ended, used = os.wait4(child, 0)
    seconds, status = used.ru_utime + used.ru_stime, os.waitstatus_to_exitcode(ended)
    size = (used.ru_maxrss - before) * 1024
    out, err = (Path(f"{said}.{n}").read_text("utf-8", "replace") for n in (1, 2))
    after = content(folder)
    written = {
        name for name in after if after[name] != files.get(name) and not (status == 0 and name.startswith("site/"))
    }
    wrong = ""
    if hangs or status == -signal.SIGXCPU:
        wrong = f"hangs, {seconds:.0f} s"
    elif status not in reader.statuses:
        wrong = f"status {status}: {err[-900:]}"
    elif any(ord(letter) < 32 and letter not in "\n\t" for letter in out + err) or (
        status == 2 and not (out == "" and re.fullmatch(r"gpt\.py: [^\n]{10,700}[.?]\n", err))
    ):
        wrong = f"says {out + err!r}"[:900]
    elif size > MEMORY:
        wrong = f"takes {size:,} bytes"
    elif written or files.keys() - after.keys():
        wrong = f"writes {sorted(written)}"
    elif (said.parent / "started").exists():
        wrong = "starts a helper"
    return wrong, status, seconds, size


def tried(kind: str, first: int, n: int, base: Path) -> dict[str, Any]:
    """Damages a whole input of a kind n times; what became of it."""
    reader, folder, whole = READERS[kind], base / kind / "work", made(made(base / kind) / "whole")
    with contextlib.redirect_stdout(sys.stderr):
        reader.make(whole)
    files, statuses, faults, most = content(whole), Counter[int](), [], [0.0, 0.0]
    scenes = [name for name in files if name.endswith(".glb")]
    for k in range(first - 1, first + n):  # the first one is whole
        dice = random.Random(f"{kind}-{k}")  # noqa: S311
        here = files
        if scenes:
            here = {name: data for name, data in files.items() if name not in scenes} | {
                "x.glb": files[dice.choice(scenes)]
            }
        others = {} if reader.read is reopened else files
        if k >= first:
            here = damaged(dice, here, others, lambda name: bool(re.fullmatch(reader.only, name)))
        wrong, status, seconds, size = outcome(reader, made(folder), here, base / "said")
        shutil.rmtree(folder)
        statuses[status] += k >= first
        most = [max(most[0], seconds), max(most[1], size)]
        if wrong or (k < first and status):
            faults.append(f"{kind}-{k}: {wrong or 'it is whole, and refused'}")
    counts = {str(status): n for status, n in statuses.items() if n}
    return {"kind": kind, "read": n, "statuses": counts, "seconds": most[0], "bytes": most[1], "faults": faults}


def main(base: Path, cases: int, kinds: list[str]) -> None:
    """Prints a line of JSON for each kind, or for those that are named; `cases` are those of all."""
    torch.set_num_threads(1)
    helpers = made(base / "helpers")
    for name in HELPERS:
        (helpers / name).write_text(f"#!/bin/sh\ntouch {base}/started\n")
        (helpers / name).chmod(0o755)
    os.environ["PATH"] = f"{helpers}:{os.environ['PATH']}"
    share = cases / sum(reader.weight for reader in READERS.values())
    for kind in kinds or READERS:
        print(json.dumps(tried(kind, 0, round(share * READERS[kind].weight), base)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
