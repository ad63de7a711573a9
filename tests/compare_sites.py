"""Compares what two states of the program make of the same commands, so that moved code can be seen to act as before.

    python tests/compare_sites.py --base b2040c7 [--only article,run,...] [--fresh]

extracts the commit into `tests/.cache/reference-<commit>` and copies the working tree into `tests/.cache/working-tree`.
In both, the commands of `compare_sites.toml` are run; what the commit makes is kept for the next time. It prints a line
for each difference, `product: file: what`, and exits 1, or 0 if there is none. Those that are meant stand in EXPECTED.

Nothing of the program is imported here, because that is what moves. Compared are

- of a .glb, where the bytes differ: each node by its path, with the numbers of its accessors (places, colours,
  triangles, the course of an animation), its material, pictures, place and extras, whatever their order in the file;
- of a page: tags, attributes (in any order), text and scripts; white space counts as a browser shows it;
- of JSON, .npy, .npz: the values; of other text: the lines; of the rest: the bytes;
- of each command: exit status, output and errors.
"""

import argparse
import difflib
import fnmatch
import hashlib
import inspect
import io
import json
import os
import pickle  # noqa: TID251 - to write nanoGPT's meta.pkl
import re
import shlex
import shutil
import struct
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "tests" / ".cache"
SHOWN = 5  # differences of a file; of the others, the number

# What the redesign means to change: a pattern of the line of a difference, and the reason.
EXPECTED: dict[str, str] = {
    "*: *report.*: *cat gpt.py article/runs/*": "what decides a run stands in another folder",
    "*: *plots/*.svg: *": "charts are drawn by hand, no longer by matplotlib",
    "*: *index.html: *: '*<span>' → ''*": "what holds in a table of verdicts has no element of its own",
    "*: *index.html: *: '*</span>' → ''*": "what holds in a table of verdicts has no element of its own",
    "*: *index.html: *: '</span> <td> <span>' → '<td>'*": "what holds in a table of verdicts has no element of its own",
    "*: *index.html: *<h3 id=*<h3 class='part' id=*": "headings of parts are alike everywhere",
    'large: site/block-?.html: *"What enters", "file"*': "what is known of a file comes in another order",
    "*: *report.html: *GPT\\\\x02wzxhzdk*": "a description has no remains of Markdown",
    "large: site/index.html: *span*": "the pages of blocks are a value",
    "*: *gallery.html: *, side by side' *→*All figures*": "a page has its own title, whatever values its site has",
    "*: *embed/*: *, side by side' *": "a page has its own title, whatever values its site has",
    "*: *embed/*: *'Inside “{name}”'*": "the title of the article in a frame has its values",
    "spoilt: commands.json: *article/facts.py*": "claims and values stand in files of their own",
}

# What differs from run to run, or with every change of the program, and what stands in its place.
MASKS = {
    r"\?[0-9a-f]{10}(?=[\"'])": "",  # of an address, by the content of the file
    r"(?m)^seconds +\d.*$": "seconds …",
    r"which took [\d.]+ (s|min)\b[^.]*?(?=\.)": "which took …",
    r"(?m)^(\d+,(?:[^,\n]*,){4})\d[\d.e+]*": r"\1…",  # log.csv, tokens a second
    r"(?m)^(files +\d+), [\d,]+ bytes": r"\1, … bytes",
    r"Tokens a second: [^\"]*?(?=\.[\"<]|\.$|\.\])": "Tokens a second: …",
    r'(<span class="line">)\d+ ': r"\1… ",  # of gpt.py, on the pages of the flow
    r"(order of their names:(?:\s|<[^>]*>|[-`])*)[0-9a-f]{64}": r"\1…",  # of the program
}
VARYING = ("plots/speed.svg",)

PRODUCTS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


# --- What is given to both ----------------------------------------------------------------------------------------

CAT = "the cat sat on the mat, and the dog sat on the log;\n"
LETTERS = "zyx abcdefghijklmnopqrstuvw\n"


def give(folder: Path) -> None:
    """Writes texts and checkpoints with random weights: of nanoGPT, of GPT-2's family, and a large one of these."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    def weights(D: int, L: int, V: int) -> dict[str, torch.Tensor]:
        random = torch.Generator().manual_seed(1)
        shapes = {"wte.weight": (V, D), "wpe.weight": (16, D), "ln_f.weight": (D,), "ln_f.bias": (D,)}
        for block in (f"h.{l}." for l in range(L)):
            sizes = {"attn.c_attn": (D, 3 * D), "attn.c_proj": (D, D), "mlp.c_fc": (D, 4 * D), "mlp.c_proj": (4 * D, D)}
            for name, shape in sizes.items():
                shapes |= {f"{block}{name}.weight": shape, f"{block}{name}.bias": shape[1:]}
            shapes |= {f"{block}{name}.{kind}": (D,) for name in ("ln_1", "ln_2") for kind in ("weight", "bias")}
        return {name: torch.randn(shape, generator=random) * 0.6 for name, shape in shapes.items()}

    texts = {"text/train.txt": CAT * 60, "empty/train.txt": "", "bytes/train.txt": "\0 one two " * 20}
    for name, text in (texts | {"step.toml": "step = 5\n"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    (folder / "nano").mkdir()
    turned = {
        name: w.T.contiguous() if w.ndim == 2 and "c_" in name else w for name, w in weights(8, 2, len(LETTERS)).items()
    }
    state = {f"transformer.{name}": weight for name, weight in turned.items()}
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 8, "block_size": 16, "vocab_size": len(LETTERS), "dropout": 0.1}
    state["lm_head.weight"] = state["transformer.wte.weight"]
    torch.save({"model": state, "model_args": sizes | {"bias": True}, "iter_num": 5}, folder / "nano" / "ckpt.pt")
    meta = {"itos": dict(enumerate(LETTERS)), "stoi": {letter: id for id, letter in enumerate(LETTERS)}}
    (folder / "nano" / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": len(LETTERS)} | meta))

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator([CAT], trainers.BpeTrainer(vocab_size=270, initial_alphabet=alphabet, show_progress=False))
    for name, D, H in (("family", 8, 2), ("large", 72, 3)):
        (folder / name).mkdir()
        config = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "activation_function": "gelu_new"}
        config |= {"n_layer": 2, "n_head": H, "n_embd": D, "n_positions": 16, "vocab_size": bpe.get_vocab_size()}
        (folder / name / "config.json").write_text(json.dumps(config | {"layer_norm_epsilon": 1e-5}))
        save_file(weights(D, 2, bpe.get_vocab_size()), folder / name / "model.safetensors", {"format": "pt"})
        bpe.save(str(folder / name / "tokenizer.json"))


# --- Two states of the program, and what they make ----------------------------------------------------------------


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def reference(base: str) -> Path:
    """The program of a commit; it is extracted once, and again when it is given or asked otherwise."""
    commit = git("rev-parse", "--short=12", f"{base}^{{commit}}").decode().strip()
    tree = CACHE / f"reference-{commit}"
    key = hashlib.sha256((inspect.getsource(give) + inspect.getsource(Program)).encode()).hexdigest()
    if not (tree / key).is_file():
        shutil.rmtree(tree, ignore_errors=True)
        tree.mkdir(parents=True)
        archive = git("archive", commit, "gpt.py", "scenes", "article", "data")
        subprocess.run(["tar", "-x"], cwd=tree, input=archive, check=True)
        furnish(tree, ROOT / "article" / ".kept")
        (tree / key).touch()
    return tree


def working_tree(kept: Path) -> Path:
    """A copy of the working tree's program, without docs and tests."""
    tree, last = CACHE / "working-tree", CACHE / "kept"
    if (tree / "article" / ".kept").is_dir():
        shutil.rmtree(last, ignore_errors=True)
        (tree / "article" / ".kept").rename(last)
    shutil.rmtree(tree, ignore_errors=True)
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "gpt.py", "scenes", "article", "data")
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    furnish(tree, kept, last)
    return tree


def furnish(tree: Path, *kept: Path) -> None:
    """Adds what npm has installed, what was trained before (but no scenes, which are to be built), and inputs."""
    if (ROOT / "article" / "node_modules").is_dir():
        (tree / "article" / "node_modules").symlink_to(ROOT / "article" / "node_modules")
    for folder in filter(Path.is_dir, kept):
        skip = shutil.ignore_patterns("scenes", "landscape-*")
        shutil.copytree(folder, tree / "article" / ".kept", ignore=skip, dirs_exist_ok=True)
    give(tree / "given")


class Program:
    """gpt.py of a tree, run in its folder by `warm.py`, which has the libraries imported already."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        command = [sys.executable, "-B", "-W", "error", str(ROOT / "tests" / "warm.py")]
        self.warm = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.warm.communicate()

    def ask(self, **request: object) -> int:
        assert self.warm.stdin
        assert self.warm.stdout
        print(json.dumps(request), file=self.warm.stdin)
        return json.loads(self.warm.stdout.readline())

    def run(self, line: str) -> dict[str, object]:
        """Runs a line of PRODUCTS; gives its exit status, output and errors. A changed file is put back afterwards."""
        arguments, changed, before = shlex.split(line), self.tree / "gpt.py", None
        if arguments[1:2] in (["="], ["+="]):
            name, change, text, *arguments = arguments
            changed = self.tree / name
            before = changed.read_text("utf-8")
            changed.write_text((f"{before}\n" if change == "+=" else "") + (text and f"{text}\n"), "utf-8")
        streams = [os.devnull, *(str(self.tree / name) for name in (".stdout", ".stderr"))]
        for stream in streams[1:]:
            Path(stream).write_bytes(b"")
        variables = {"COLUMNS": "80", "PYTHONHASHSEED": "0"}
        try:
            child = self.ask(root=str(self.tree), arguments=arguments, variables=variables, streams=streams, most=-1)
            status = self.ask(ended=child, wait=True)
        finally:
            if before is not None:
                changed.write_text(before, "utf-8")
        out, err = (Path(stream).read_text("utf-8").replace(str(self.tree), "TREE") for stream in streams[1:])
        return {"status": status, "out": out, "err": err}

    def make(self, product: str, fresh: bool) -> None:
        """Makes a product anew, unless these commands have made it before."""
        folder = self.tree / "made" / product
        record = folder / "commands.json"
        if not fresh and record.is_file() and list(json.loads(record.read_text("utf-8"))) == PRODUCTS[product]:
            return
        begun = time.perf_counter()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        done = {line: self.run(line) for line in PRODUCTS[product]}
        record.write_text(json.dumps(done, indent=1), "utf-8")
        print(f"{self.tree.name}: {product} in {time.perf_counter() - begun:.1f} s", file=sys.stderr)


# --- What is compared: facts of a file, by their places ------------------------------------------------------------

Facts = Mapping[str, object] | list[str]


def masked(text: str) -> str:
    for pattern, replacement in MASKS.items():
        text = re.sub(pattern, replacement, text)
    return text


def flat(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """What is said in JSON, by place; entries of a list that have ids or names are found by these."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from flat(part, f"{place}/{key}")
    elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        names = [str(part.get("id", part.get("name", n))) for n, part in enumerate(value)]
        names = names if len(set(names)) == len(names) else list(map(str, range(len(names))))
        yield f"{place} order", names
        for name, part in zip(names, value, strict=True):
            yield from flat(part, f"{place}/{name}")
    else:
        yield place, masked(value) if isinstance(value, str) else value


TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def glb(data: bytes) -> dict[str, object]:
    """What a scene draws and says, by the paths of its nodes."""
    (length,) = struct.unpack_from("<I", data, 12)
    file = json.loads(data[20 : 20 + length])
    binary = data[28 + length :]
    said: dict[str, object] = dict(flat({key: file.get(key) for key in ("asset", "extensionsRequired", "scene")}))
    paths: dict[int, str] = {}

    def numbers(n: int) -> np.ndarray:
        accessor = file["accessors"][n]
        view, kind = file["bufferViews"][accessor["bufferView"]], np.dtype(TYPES[accessor["componentType"]])
        width, start = WIDTHS[accessor["type"]], view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        strides = (view.get("byteStride", width * kind.itemsize), kind.itemsize)
        return np.ndarray((accessor["count"], width), kind, binary, start, strides)

    def picture(n: int) -> str:
        texture = file["textures"][n]
        view = file["bufferViews"][file["images"][texture["source"]]["bufferView"]]
        pixels = binary[view.get("byteOffset", 0) :][: view["byteLength"]]
        return f"{hashlib.sha256(pixels).hexdigest()} {file['samplers'][texture['sampler']]}"

    def node(n: int, place: str) -> None:
        entry = file["nodes"][n]
        paths[n] = place
        said.update(flat({key: part for key, part in entry.items() if key not in ("mesh", "children")}, place))
        mesh = file["meshes"][entry["mesh"]] if "mesh" in entry else {"primitives": []}
        for p, primitive in enumerate(mesh["primitives"]):
            for name, accessor in (*primitive["attributes"].items(), ("triangles", primitive["indices"])):
                said[f"{place} {p} {name}"] = numbers(accessor)
                said[f"{place} {p} {name} normalized"] = file["accessors"][accessor].get("normalized", False)
            material = file["materials"][primitive["material"]]
            said.update(flat(material, f"{place} {p} material"))
            for name, part in material.get("pbrMetallicRoughness", {}).items():
                if name.endswith("Texture"):
                    said[f"{place} {p} {name}"] = picture(part["index"])
        for child, index in enumerate(entry.get("children", ())):
            node(index, f"{place}/{file['nodes'][index].get('name', child)}")

    for index in file["scenes"][file["scene"]]["nodes"]:
        node(index, file["nodes"][index].get("name", ""))
    for film in file.get("animations", ()):
        for channel in film["channels"]:
            sampler, target = film["samplers"][channel["sampler"]], channel["target"]
            place = f"{film.get('name')} of {paths[target['node']]} {target['path']}"
            said |= {f"{place} times": numbers(sampler["input"]), f"{place} values": numbers(sampler["output"])}
    return said


INLINE = set(
    re.findall(r"\w+", "a abbr b button code em i img input kbd label mark q s samp select small span strong sub sup")
)
VOID = set(re.findall(r"\w+", "area base br col embed hr img input link meta source track wbr"))


class Page(HTMLParser):
    """The tags and texts of a page, in their order; white space as a browser shows it, in any order of attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.every: list[str] = []
        self.kept = 0  # open elements in which white space is kept
        self.after_block = True
        self.feed(page)
        self.close()
        self.trim()

    def trim(self) -> None:
        """White space next to a block is not shown."""
        if self.every and not self.kept and not self.every[-1].startswith("<"):
            self.every[-1] = self.every[-1].rstrip()
            del self.every[len(self.every) - (not self.every[-1]) :]

    def tag(self, name: str, tag: str) -> None:
        if name not in INLINE:
            self.trim()
        self.every.append(tag)
        self.after_block = name not in INLINE

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = [f" {name}={' '.join((value or '').split())!r}" for name, value in sorted(attrs)]
        self.tag(tag, f"<{tag}{''.join(said)}>")
        self.kept += tag in ("pre", "textarea")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.kept -= tag in ("pre", "textarea")
            self.tag(tag, f"</{tag}>")

    def handle_data(self, data: str) -> None:
        text = data if self.kept else re.sub(r"\s+", " ", data)
        text = text.lstrip() if self.after_block and not self.kept else text
        if text:
            self.every.append(text)
            self.after_block = False


def arrays(data: bytes) -> dict[str, object]:
    read = np.load(io.BytesIO(data), allow_pickle=False)
    return dict(read) if isinstance(read, np.lib.npyio.NpzFile) else {"array": read}


def facts(name: str, data: bytes) -> Facts:
    """What a file says; whatever cannot be read is its bytes."""
    if name.endswith(".glb"):
        return glb(data)
    if name.endswith((".npy", ".npz")):
        return arrays(data)
    try:
        text = masked(data.decode())
    except UnicodeDecodeError:
        return {"bytes": hashlib.sha256(data).hexdigest()}
    if name.endswith(".html"):
        return Page(text).every
    return dict(flat(json.loads(text))) if name.endswith(".json") else text.split("\n")


# --- Differences --------------------------------------------------------------------------------------------------


def change(one: object, other: object) -> str:
    """Two values, from where they differ, if they are long."""
    both = [value if isinstance(value, str) else repr(value) for value in (one, other)]
    same = next((n for n, (a, b) in enumerate(zip(*both, strict=False)) if a != b), min(map(len, both)))
    start = same - 20 if same > 40 else 0
    cut = [f"{'…' if start else ''}{text[start : start + 80]}{'…' if len(text) > start + 80 else ''}" for text in both]
    return f"{cut[0]!r} → {cut[1]!r}"


def between(one: object, other: object) -> str | None:
    """What has become of a value, or nothing."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"{one.dtype} {one.shape} → {other.dtype} {other.shape}"
        changed = one != other
        if not changed.any():
            return None
        most = np.abs(one.astype(float) - other).max() if one.dtype.kind in "iuf" else "letters"
        return f"{changed.sum()} of {one.size} numbers, by at most {most}"
    if type(one) is type(other) and one == other:
        return None
    if isinstance(one, str) and isinstance(other, str) and "\n" in one + other:
        return next(iter(lines(one.split("\n"), other.split("\n"))), None)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        n = next(n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
        return f"[{n}] {change(one[n], other[n])}"
    return change(one, other)


def lines(one: list[str], other: list[str]) -> Iterator[str]:
    """What has become of lines, or of the parts of a page."""
    start = len(os.path.commonprefix([one, other]))  # noqa: RUF071 - of lists, it compares entries
    end = len(os.path.commonprefix([one[start:][::-1], other[start:][::-1]]))  # noqa: RUF071
    a, b = one[start : len(one) - end], other[start : len(other) - end]
    large = len(a) * len(b) > 4_000_000  # then what is frequent counts less, and the result may be longer than it must
    changes = difflib.SequenceMatcher(None, a, b, autojunk=large).get_opcodes()
    if len(a) == len(b):
        changes = [("" if a[n] != b[n] else "equal", n, n + 1, n, n + 1) for n in range(len(a))]
    for kind, i, j, k, l in changes:
        if kind != "equal":
            yield f"{start + i + 1}: {change(' '.join(a[i:j]), ' '.join(b[k:l]))}"


def differences(name: str, one: bytes, other: bytes) -> Iterator[str]:
    """What two files of a name say differently."""
    if one == other or name.endswith(VARYING):
        return
    a, b = facts(name, one), facts(name, other)
    if isinstance(a, list) or isinstance(b, list):
        assert isinstance(a, list)
        assert isinstance(b, list)
        yield from lines(a, b)
        return
    for place in dict.fromkeys([*a, *b]):
        if place not in a or place not in b:
            yield f"{place}: {'new' if place in b else 'lost'}"
        elif what := between(a[place], b[place]):
            yield f"{place}: {what}"


def compared(ours: Path, theirs: Path, products: list[str]) -> Iterator[str]:
    """The differences of two folders of products, the reference's first."""
    for product in products:
        one, other = (
            {str(path.relative_to(folder / product)): path for path in (folder / product).rglob("*") if path.is_file()}
            for folder in (ours, theirs)
        )
        for name in sorted({*one, *other}):
            if name not in one or name not in other:
                yield f"{product}: {name}: {'new' if name in other else 'lost'}"
                continue
            for what in differences(name, one[name].read_bytes(), other[name].read_bytes()):
                yield f"{product}: {name}: {what}"


def report(found: list[str]) -> int:
    """Prints differences: what is the same elsewhere, once, and of one file a few; gives the exit status."""
    unmeant = [line for line in found if not any(fnmatch.fnmatchcase(line, pattern) for pattern in EXPECTED)]
    alike = Counter(re.sub(r"^\d+: ", "", line.split(": ", 2)[2]) for line in unmeant)
    files: dict[str, list[str]] = {}
    for line in unmeant:
        product, name, what = line.split(": ", 2)
        if times := alike.pop(re.sub(r"^\d+: ", "", what), 0):
            more = f" (and {times - 1} times elsewhere)" if times > 1 else ""
            files.setdefault(f"{product}: {name}", []).append(f"{line}{more}")
    for file, some in files.items():
        print(*some[:SHOWN], *([f"{file}: and {len(some) - SHOWN} more"] if len(some) > SHOWN else []), sep="\n")
    print(f"{len(unmeant)} differences, and {len(found) - len(unmeant)} that are expected", file=sys.stderr)
    return 1 if unmeant else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compares what two states of the program make of the same commands.")
    parser.add_argument("--base", default="b2040c7", metavar="COMMIT", help="to compare the working tree with")
    parser.add_argument("--only", default=",".join(PRODUCTS), metavar="A,B", help=f"of {', '.join(PRODUCTS)}")
    parser.add_argument("--fresh", action="store_true", help="make the reference's products anew, too")
    options = parser.parse_args(arguments)
    products = options.only.split(",")
    if unknown := set(products) - set(PRODUCTS):
        parser.error(f"there is no product {', '.join(sorted(unknown))}")
    made = []
    old = reference(options.base)
    for tree, fresh in ((old, options.fresh), (None, True)):
        with Program(tree or working_tree(old / "article" / ".kept")) as program:
            for product in products:
                program.make(product, fresh)
            made.append(program.tree / "made")
    return report(list(compared(made[0], made[1], products)))


if __name__ == "__main__":
    sys.exit(main())
