"""Measures the job, its files and their peers; prints one JSON object. `make bench` runs it.

Times are seconds of one run on this machine; compare their ratios. The predecessor's kind of training is a plain
stand-in of our own: 10,000 steps, extrapolated from 300, each on 64 sampled sentences padded to 12 tokens, one module a
head, dropout 0.2, AdamW, float32. So is the plain training on characters: torch.nn's parts in the shape that nanoGPT
proposes for a CPU.
"""

import functools
import gzip
import http.server
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

STEPS, ALL_STEPS = 300, 10_000
ROUNDS = 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        peer = in_child("predecessor")
        job = in_child("job", Path(folder) / "alone")
        survey = in_child("survey")
        in_child("rebuild", site)  # so that everything is kept
        rebuild = in_child("rebuild", site)["seconds"]["all"]
        files = {str(path.relative_to(site)): path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()}
        size = {name: len(data) for name, data in files.items()}
        packed = {name: len(gzip.compress(data)) for name, data in files.items()}
        scenes = {
            scene["name"]: {
                "bytes": scene["bytes"],
                "gzip": packed[scene["file"]],
                "marks": scene["marks"],
                "bytes_per_mark": round(scene["bytes"] / scene["marks"], 1),
            }
            for scene in json.loads((site / "scenes.json").read_text())
        }
        result = {
            "job": job,
            "predecessor_training": peer,
            "job_over_predecessor": round(job["seconds"]["all"] / peer["seconds"], 3),
            "training": in_child("training"),
            "training_in_node": in_child("in_node"),
            "commands": commands(),
            "survey": {**survey, "over_predecessor": round(survey["seconds"] / peer["seconds"], 3)},
            "rebuild_seconds": rebuild,
            "scenes": scenes,
            "scenes_bytes": sum(scene["bytes"] for scene in scenes.values()),
            "page_bytes": size,
            "page_gzip": packed,
            "article": opened(site, size, packed),
            "forward_exports": {
                "ours": in_child("ours"),
                "pyvista": in_child("pyvista", Path(folder) / "peer.gltf"),
                "trimesh": in_child("trimesh"),
            },
            "figure": {
                name: in_child("figure", name, Path(folder) / f"beam.{name}")
                for name in ("ours", "bare", "gltf", "html")
            },
            "sizes": sizes(Path(folder)),
        }
    print(json.dumps(result, indent=1))


def in_child(task: str, *arguments: object) -> dict:
    """What a task of this file prints when it runs in a process of its own, which may crash."""
    command = [sys.executable, "-W", "ignore", __file__, task, *map(str, arguments)]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.returncode}
    result = json.loads(done.stdout.splitlines()[-1])
    if task in ("job", "rebuild"):
        result["seconds"]["all"] = round(time.perf_counter() - start, 2)
    return result


def job(out: str) -> dict:
    """The whole job with one training, the seconds of its stages, the speed of its training and its peak memory."""
    import gpt
    from article.sites import article
    from article.web.site import Site

    site = Site("article", fresh=True)
    with site.published(Path(out)):
        article.prepare(site, None, 1)
    steps = gpt.Config(n_vocab=1).steps
    return {
        "seconds": {stage: round(seconds, 2) for stage, seconds in site.seconds.items()},
        "steps_per_second": round(steps / site.seconds["train"]),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "notes": site.notes,
    }


def survey() -> dict:
    """Seconds of all trainings of the survey, none of them kept, and of each."""
    from article.commands.shared.options import described
    from article.models import own
    from article.models.ensemble import Recipe, train_in_parallel

    config, tokenizer, corpus, _ = own.read_data()
    seeds = described("build")["options"]["--seeds"]["default"]
    start = time.perf_counter()
    train_in_parallel(Recipe(config), tokenizer, corpus, range(1, seeds + 1))
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 1), "trainings": seeds, "seconds_each": round(seconds / seeds, 2)}


def rebuild(out: str) -> dict:
    """The job again, with all trainings kept: what an author waits for after a change of the text."""
    from article.commands.shared.options import described
    from article.sites import article
    from article.web.site import Site

    site = Site("article")
    with site.published(Path(out)):
        article.prepare(site, None, described("build")["options"]["--seeds"]["default"])
    return {"seconds": {stage: round(seconds, 2) for stage, seconds in site.seconds.items()}}


def predecessor() -> dict:
    """Seconds of the predecessor's kind of training, alone."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    import gpt

    corpus = (ROOT / "data" / "train.txt").read_text("utf-8").splitlines()
    tokenizer = gpt.Tokenizer(corpus)
    V, D, T, H, pad = len(tokenizer.vocab) + 1, 20, 12, 2, len(tokenizer.vocab)
    rows = torch.tensor([(tokenizer.encode(sentence) + [pad] * (T + 1))[: T + 1] for sentence in corpus])

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(D, D // H, bias=False) for _ in range(3))
            self.dropout = nn.Dropout(0.2)
            self.register_buffer("mask", torch.tril(torch.ones(T, T)))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            score = self.query(x) @ self.key(x).transpose(-2, -1) * (D // H) ** -0.5
            return self.dropout(score.masked_fill(self.mask == 0, -torch.inf).softmax(-1)) @ self.value(x)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads, self.project = nn.ModuleList(Head() for _ in range(H)), nn.Linear(D, D)
            self.mlp = nn.Sequential(nn.Linear(D, 4 * D), nn.ReLU(), nn.Linear(4 * D, D), nn.Dropout(0.2))
            self.dropout, self.ln_1, self.ln_2 = nn.Dropout(0.2), nn.LayerNorm(D), nn.LayerNorm(D)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n = self.ln_1(x)
            x = x + self.dropout(self.project(torch.cat([head(n) for head in self.heads], -1)))
            return x + self.mlp(self.ln_2(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.position = nn.Embedding(V, D), nn.Embedding(T, D)
            self.blocks = nn.Sequential(Block(), Block())
            self.ln_f, self.unembed = nn.LayerNorm(D), nn.Linear(D, V)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.unembed(self.ln_f(self.blocks(self.embedding(ids) + self.position(torch.arange(T)))))

    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    start = 0.0
    for step in range(STEPS + 20):
        if step == 20:  # the first steps warm up
            start = time.perf_counter()
        picks = torch.randint(len(rows), (64,))
        ids, targets = torch.stack([rows[i][:-1] for i in picks]), torch.stack([rows[i][1:] for i in picks])
        optimizer.zero_grad()
        F.cross_entropy(model(ids).flatten(0, 1), targets.flatten()).backward()
        optimizer.step()
    seconds = (time.perf_counter() - start) / STEPS * ALL_STEPS
    return {"seconds": round(seconds, 1), "steps": ALL_STEPS, "measured_steps": STEPS}


def commands() -> dict:
    """Seconds until a command has answered, start and all: the median of some."""
    import statistics

    asked = {"help": ("-h",), "mistyped": ("--sede", "1"), "generate": ("generate", "at night the", "--tokens", "4")}
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, arguments in asked.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "gpt.py", *arguments], cwd=ROOT, capture_output=True, check=False)
            seconds[name].append(time.perf_counter() - start)
    return {name: round(statistics.median(times), 3) for name, times in seconds.items()}


def in_node() -> dict:
    """Processor's seconds of the article's training by its scripts in Node and by torch with one thread, in turn.

    Beside them, what the scripts and the weights weigh when they are packed.
    """
    from dataclasses import asdict

    import torch

    import gpt
    from article.models import own
    from article.web import live

    torch.set_num_threads(1)
    config, tokenizer, corpus, _ = own.read_data()
    folder = ROOT / "article" / "web" / "assets" / "live"
    command = ["node", str(ROOT / "tests" / "web" / "live.mjs"), f"{folder.as_uri()}/", "seconds"]
    asked = json.dumps({"corpus": corpus})
    seconds: dict[str, list[float]] = {"node": [], "torch": []}
    sent = b""
    for _ in range(ROUNDS):
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
        seconds["node"].append(float(done.stdout))
        start = time.process_time()
        weights = dict(gpt.train(config, tokenizer, corpus).named_parameters())
        seconds["torch"].append(time.process_time() - start)
        arrays = {name: weight.detach().numpy() for name, weight in weights.items()}
        sent = live.packed(arrays, asdict(config), tokenizer.vocab).encode()
    return {
        "seconds": {name: round(min(times), 3) for name, times in seconds.items()},
        "node_over_torch": round(min(seconds["node"]) / min(seconds["torch"]), 2),
        "gzip": {path.name: len(gzip.compress(path.read_bytes())) for path in sorted(folder.glob("*.js"))},
        "weights_gzip": len(gzip.compress(sent)),
    }


def training() -> dict:
    """Tokens a second of a training on a megabyte of characters, ours and a plain one; the median of rounds in turn.

    The plain one may choose its threads. Evaluations count for neither, and ours keeps its log as a long run does.
    """
    import statistics
    from dataclasses import replace

    import torch

    import gpt
    from article.models import dataset, trainer
    from article.models.settings import WINDOWS
    from article.parallel import processors

    V, steps = 65, 100
    text = torch.randint(V, (2**20,), generator=torch.Generator().manual_seed(1))
    run = replace(
        WINDOWS, n_context=64, n_embd=128, n_layer=4, n_head=4, batch_size=12, steps=steps, eval_every=steps, clip=1.0
    )
    trainer.EVALUATED, trainer.ROWS = 1, steps // 5
    examples = dataset.Examples.of_text(text, run.n_context)

    def ours() -> float:
        model = gpt.GPT(run.config(V))
        gpt.initialise(model, run.embedding_limit, torch.Generator().manual_seed(1))
        return trainer.train(model, trainer.Training(run, examples, examples)).seconds

    contenders = {"ours": ours}
    contenders |= {f"plain, {n} threads": functools.partial(plain, text, V, steps, n) for n in {1, processors()}}
    seconds = {name: [] for name in contenders}
    for n in range(ROUNDS + 1):
        for name, contender in contenders.items():
            took = contender()
            if n:  # the first round warms up
                seconds[name].append(took)
    speed = {name: round(steps * 12 * 64 / statistics.median(times)) for name, times in seconds.items()}
    best = max(speed[name] for name in speed if name != "ours")
    return {"tokens_per_second": speed, "ours_over_plain": round(speed["ours"] / best, 3)}


def plain(text, V: int, steps: int, threads: int) -> float:
    """Seconds of a plain training on the ids of a text (N,)."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    B, T, D, L, H = 12, 64, 128, 4, 4
    torch.set_num_threads(threads)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(D), nn.LayerNorm(D)
            self.heads, self.project = nn.Linear(D, 3 * D, bias=False), nn.Linear(D, D)
            self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            query, key, value = (
                part.view(B, T, H, D // H).transpose(1, 2) for part in self.heads(self.ln_1(x)).split(D, 2)
            )
            mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
            x = x + self.project(mixed.transpose(1, 2).reshape(B, T, D))
            return x + self.down(F.gelu(self.up(self.ln_2(x))))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.position = nn.Embedding(V, D), nn.Embedding(T, D)
            nn.init.normal_(self.embedding.weight, std=0.02)
            nn.init.normal_(self.position.weight, std=0.02)
            self.blocks, self.ln_f = nn.Sequential(*(Block() for _ in range(L))), nn.LayerNorm(D)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            x = self.blocks(self.embedding(ids) + self.position(torch.arange(T)))
            return self.ln_f(x) @ self.embedding.weight.T

    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), fused=True)
    start = time.perf_counter()
    for _ in range(steps):
        places = torch.randint(len(text) - T, (B,)).tolist()
        ids = torch.stack([text[place : place + T] for place in places])
        targets = torch.stack([text[place + 1 : place + T + 1] for place in places])
        F.cross_entropy(model(ids).flatten(0, 1), targets.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - start


# --- The forward scene, by three exporters ------------------------------------------------------------------------


def forward_scene():
    """The forward scene of an untrained model: as many marks as the trained one's."""
    import torch

    import gpt

    corpus = (ROOT / "data" / "train.txt").read_text("utf-8").splitlines()
    prompt = (ROOT / "data" / "held_out.txt").read_text("utf-8").splitlines()[0].rsplit(maxsplit=1)[0]
    tokenizer = gpt.Tokenizer(corpus)
    model = gpt.GPT(gpt.Config(n_vocab=len(tokenizer.vocab))).double()
    gpt.initialise(model, 1.0, torch.Generator().manual_seed(1))
    return importlib.import_module("scenes.forward").build(gpt.trace(model, tokenizer, prompt))


def timed(write: Callable[[], bytes]) -> dict:
    start = time.perf_counter()
    data = write()
    seconds = time.perf_counter() - start
    return {"bytes": len(data), "gzip": len(gzip.compress(data)), "seconds": round(seconds, 3)}


def ours() -> dict:
    from scenes.export.glb import to_glb

    scene = forward_scene()
    return timed(lambda: to_glb(scene))


def pyvista(out: str) -> dict:
    """`Plotter.export_gltf`, which needs a GL library."""
    import pyvista as pv

    from scenes.export.glb import leaves

    plotter = pv.Plotter(off_screen=True)
    for shape in leaves(forward_scene()):
        plotter.add_mesh(shape, scalars="color", rgb=True)

    def write() -> bytes:
        plotter.export_gltf(out)
        return Path(out).read_bytes()

    return timed(write)


def trimesh() -> dict:
    import numpy as np
    from trimesh import Scene, Trimesh

    from scenes.export.glb import leaves, triangles

    scene = Scene()
    for shape in leaves(forward_scene()):
        colors = np.insert(np.asarray(shape.point_data["color"]), 3, 255, axis=1)
        scene.add_geometry(Trimesh(shape.points, triangles(shape), vertex_colors=colors, process=False))
    return timed(lambda: cast(bytes, scene.export(file_type="glb")))


def figure(name: str, out: str) -> dict:
    """A mesh that ships with PyVista, coloured by its cells: by us, also without its bar, and by PyVista's exports.

    `export_gltf` needs a GL library, `export_html` trame-pyvista; it brings its viewer along.
    """
    import asyncio

    import pyvista as pv
    from pyvista import examples

    from scenes.export.anything import to_glb

    mesh: Any = examples.load_hexbeam()
    look: dict[str, Any] = {"scalars": "sample_cell_scalars", "cmap": "plasma"}
    to_glb(pv.Cube())  # its imports count for nobody
    if name in ("ours", "bare"):
        return timed(lambda: to_glb(mesh, words=name == "ours", **look))
    plotter = pv.Plotter(off_screen=True)
    plotter.add_mesh(mesh, **look)
    if name == "html":
        from trame_pyvista.jupyter import launch_server  # pyright: ignore[reportMissingImports]

        async def ready() -> None:
            await launch_server().ready

        asyncio.run(ready())

    def write() -> bytes:
        (plotter.export_html if name == "html" else plotter.export_gltf)(out)
        return Path(out).read_bytes()

    return timed(write)


# --- Large models -------------------------------------------------------------------------------------------------

# Blocks, heads, components and tokens, each with some three times the numbers of the one before; the last is GPT-2’s.
SIZES = ((3, 3, 192, 16), (6, 6, 192, 24), (6, 6, 384, 40), (9, 9, 576, 48), (12, 12, 768, 64))
PATIENCE = 120  # seconds that another exporter may take


def sizes(folder: Path) -> list[dict]:
    """What the scenes of larger and larger models take, beside what other exporters take for the same numbers."""
    found: list[dict] = []
    manageable: dict[str, bool] = {"pyvista": True, "trimesh": True}
    for shape in SIZES:
        L, H, D, T = shape
        site = folder / f"large-{D}-{T}"
        row: dict[str, object] = {"blocks": L, "heads": H, "components": D, "tokens": T, "stream": (L + 1) * T * D}
        row["ours"] = in_child("large", site, *shape)
        for peer in [name for name, able in manageable.items() if able]:
            made = in_child("large_peer", peer, folder / "peer.gltf", *shape)
            row[peer], manageable[peer] = made, "failed" not in made
        found.append(row)
    return found


def large_trace(L: str, H: str, D: str, T: str):
    """The pass of a prompt through a model of a size, with random weights and GPT-2's vocabulary."""
    import torch

    import gpt

    torch.manual_seed(1)
    config = gpt.Config(50257, int(T), int(D), int(L), int(H), activation="gelu_tanh", biases=True)
    model = gpt.GPT(config)
    for weight in model.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.08)
    tokenizer = gpt.Tokenizer(f"t{n}" for n in range(config.n_vocab))
    return gpt.trace(model, tokenizer, " ".join(f"t{n * 997 % config.n_vocab}" for n in range(int(T))))


def large(out: str, *shape: str) -> dict:
    """All scenes of a large model: their seconds and bytes, the peak of memory, and the frames a second.

    `first` is what a reader has to load before anything can be turned; `bytes_per_number` is of that, after gzip, for
    each number of the residual stream.
    """
    from article.sites.model import make
    from article.web.site import Site

    trace = large_trace(*shape)
    site, start = Site("checkpoint"), time.perf_counter()
    make(site, trace, {"name": "bench", "parameters": "many", "origin": "a model"}, {"opened"})
    seconds = time.perf_counter() - start
    with site.published(Path(out)):
        pass
    first = [name for name in site.files if name in ("index.html", "overview.glb", "overview.webp", "light.hdr")]
    first += [name for name in site.files if name.endswith((".css", ".js"))]
    packed = {name: len(gzip.compress(site.files[name])) for name in first}
    stream = trace.residual.size
    return {
        "seconds": round(seconds, 2),
        "stages": {stage: round(spent, 2) for stage, spent in site.seconds.items()},
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "scenes": len(site.scenes),
        "scenes_bytes": sum(scene["bytes"] for scene in site.scenes),
        "numbers_bytes": sum(len(data) for name, data in site.files.items() if name.startswith("numbers/")),
        "first_gzip": sum(packed.values()),
        "first_gzip_by_file": packed,
        "bytes_per_number": round(sum(packed.values()) / stream, 3),
        "frames_per_second": turning(Path(out)),
    }


def turning(site: Path) -> float | str:
    """Frames a second, in Chromium without a GPU, while the first figure of a page turns, after it has settled."""
    from playwright.sync_api import Error, sync_playwright

    from tests.browser import CHROMIUM, SWITCHES

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES])
                page = browser.new_page(viewport={"width": 1200, "height": 900})
                page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
                page.locator("figure.scene .stage").first.scroll_into_view_if_needed()
                page.wait_for_selector("figure.live")
                return round(page.evaluate(TURNING), 1)
        except Error as error:
            return str(error)
        finally:
            server.shutdown()


TURNING = """
async () => {
  const viewer = document.querySelector("model-viewer");
  const { theta, phi, radius } = viewer.getCameraOrbit();
  let [n, settled, start] = [0, 0, performance.now()];
  while (performance.now() - start < 9000) {
    n += 1;
    if (performance.now() - start < 3000) settled = n;
    viewer.cameraOrbit = `${theta + n / 30}rad ${phi}rad ${radius}m`;
    viewer.jumpCameraToGoal();
    await new Promise(requestAnimationFrame);
  }
  return (n - settled) / 6;
}
"""


def large_peer(peer: str, out: str, *shape: str) -> dict:
    """The residual stream as boxes, one for each number, by another exporter: what one gets who does not aggregate."""
    import signal

    import numpy as np

    from scenes import glyphs
    from scenes.export.glb import triangles
    from scenes.style import Scale

    signal.alarm(PATIENCE)
    stream = large_trace(*shape).residual
    scale = Scale.of(stream)
    shapes = [glyphs.crowd(level, scale, y) for y, level in enumerate(stream)]
    if peer == "pyvista":
        import pyvista as pv

        plotter = pv.Plotter(off_screen=True)
        for shape_ in shapes:
            plotter.add_mesh(shape_, scalars="color", rgb=True)

        def write() -> bytes:
            plotter.export_gltf(out)
            return Path(out).read_bytes()
    else:
        from trimesh import Scene, Trimesh

        scene = Scene()
        for shape_ in shapes:
            colors = np.insert(np.asarray(shape_.point_data["color"]), 3, 255, axis=1)
            scene.add_geometry(Trimesh(shape_.points, triangles(shape_), vertex_colors=colors, process=False))

        def write() -> bytes:
            return cast(bytes, scene.export(file_type="glb"))

    result = timed(write)
    result["bytes_per_number"] = round(result["gzip"] / stream.size, 2)
    result["peak_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return result


# --- The page -----------------------------------------------------------------------------------------------------


def opened(site: Path, size: dict[str, int], packed: dict[str, int]) -> dict | str:
    """What the article takes, in Chromium without a GPU, apart from the bytes of model-viewer.

    Seconds from the start of navigation until the first figure is live, the bytes that it took until then, the bytes of
    all that it loads once every figure was looked at, and the seconds until a guided view is where it should be.
    """
    from playwright.sync_api import Error, sync_playwright

    from tests.browser import CHROMIUM, SWITCHES

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, asked = f"http://127.0.0.1:{server.server_port}/", set()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES])
                page = browser.new_page(viewport={"width": 1200, "height": 900})
                page.on("request", lambda request: asked.add(request.url.removeprefix(url)))
                page.goto(f"{url}index.html")
                page.locator("figure.scene .stage").first.scroll_into_view_if_needed()
                page.wait_for_selector("figure.live")
                first, seconds = set(asked), page.evaluate("performance.now()") / 1000
                for figure in page.locator("figure.scene").all():
                    figure.locator(".stage").scroll_into_view_if_needed()
                    page.wait_for_selector(f"figure#{figure.get_attribute('id')}.live")
                guided = page.evaluate(GUIDED) / 1000
        except Error as error:
            return str(error)
        finally:
            server.shutdown()

    def total(names: set[str], sizes: dict[str, int]) -> int:
        return sum(sizes[name] for name in names if name in sizes and not name.startswith("vendor/"))

    return {
        "first_3d_frame_seconds": round(seconds, 2),
        "first_3d_frame_gzip": total(first, packed),
        "bytes": total(asked, size),
        "gzip": total(asked, packed),
        "guided_view_seconds": round(guided, 2),
    }


GUIDED = """
async () => {
  const link = document.querySelector("a.view");
  const viewer = document.querySelector(`${link.hash} model-viewer`);
  const start = performance.now();
  const radii = [viewer.getCameraOrbit().radius];
  let moved = start;
  link.click();
  while (performance.now() - moved < 500 || moved === start) {
    await new Promise(requestAnimationFrame);
    radii.push(viewer.getCameraOrbit().radius);
    if (radii.at(-1) !== radii.at(-2)) moved = performance.now();
  }
  return moved - start;
}
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that does not write down what it serves."""

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
    if len(sys.argv) > 1:
        tasks = {
            "job": job,
            "figure": figure,
            "survey": survey,
            "rebuild": rebuild,
            "predecessor": predecessor,
            "training": training,
            "in_node": in_node,
            "ours": ours,
            "pyvista": pyvista,
            "trimesh": trimesh,
            "large": large,
            "large_peer": large_peer,
        }
        print(json.dumps(tasks[sys.argv[1]](*sys.argv[2:])))
    else:
        main()
