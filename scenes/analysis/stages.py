"""The full flow: every number of one forward pass, stage by stage, with the lines of gpt.py that computed it.

The lines are cut from the source of the program that runs. A stage whose lines are not there is an error.
"""

import ast
import csv
import inspect
import io
import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np

import gpt
from article.escaping import to_cell

MOST = 1_000_000  # numbers in all files together, which are about 25 MB then
DECIMALS, DIGITS = 8, 9  # of the numbers to keep; further ones differ from processor to processor


class CodeError(ValueError):
    """The code of a stage is not in gpt.py; says which."""


class Group(NamedTuple):
    """Stages that open and close together."""

    id: str
    title: str
    why: str


class Step(NamedTuple):
    """What is known of a stage before there is a trace."""

    id: str
    title: str
    why: str
    axes: tuple[str, ...]  # names that LETTERS has
    code: tuple[str, ...]  # where to find it: a function, and what the statement there assigns, or "return"
    array: str = ""  # its name in the trace, if it is not the id


class Part(NamedTuple):
    """Lines of one function."""

    function: str  # "Attention.forward"
    lines: tuple[tuple[int, str], ...]  # number in gpt.py, and text


@dataclass(frozen=True)
class Stage:
    """One array on the way from the prompt to the prediction."""

    id: str
    title: str
    why: str
    group: Group
    array: str  # its name in the trace; nothing if it is not there as such
    index: tuple[int, ...]  # where in that array: the block, or the level of the residual stream
    axes: tuple[tuple[str, tuple[str, ...]], ...]  # name and labels of each
    values: np.ndarray  # of the axes' lengths
    code: tuple[Part, ...]

    @property
    def shape(self) -> str:
        """As letters and as numbers, such as "(H, T, D/H) = (2, 8, 10)"."""
        letters = ", ".join(LETTERS[name] for name, _ in self.axes)
        return f"({letters}) = ({', '.join(map(str, self.values.shape))})"

    @cached_property
    def numbers(self) -> np.ndarray:
        """The values to the digits that are the same on every processor; ids as they are."""
        if self.values.dtype.kind != "f":
            return self.values
        digits = [float(f"{round(value, DECIMALS):.{DIGITS}g}") for value in self.values.ravel().tolist()]
        return np.array(digits).reshape(self.values.shape) + 0.0  # which makes 0 of -0


LETTERS = {  # of each axis; they are those of gpt.py
    "token": "T",
    "query": "T",
    "key": "T",
    "component": "D",
    "component of the head": "D/H",
    "hidden unit": "M",
    "head": "H",
    "entry": "V",
    "next token": "V",
}
VECTORS = ("token", "component")
PARTS = ("head", "token", "component of the head")
PATTERNS = ("head", "query", "key")
UNITS = ("token", "hidden unit")

ENTRY = Group(
    "entry",
    "From text to vectors",
    "The model reads no letters. Each token becomes a vector, and each place in the sentence another; their sum enters "
    "the residual stream.",
)
ENTER = (
    Step(
        "ids",
        "Tokens and ids",
        "The text is cut at its spaces; the id of a token is its place in the vocabulary, counted from 0.",
        ("token",),
        ("Tokenizer.__init__/self.vocab", "Tokenizer.encode/return"),
    ),
    Step(
        "embedding",
        "Embedding",
        "What training has made of every token of the vocabulary: a vector that says how the token is used.",
        ("entry", "component"),
        ("GPT.__init__/self.embedding",),
    ),
    Step(
        "lookup",
        "Embedding of the prompt",
        "The vectors of the prompt's tokens, looked up by id.",
        VECTORS,
        ("GPT.forward/x",),
    ),
    Step(
        "position",
        "Position",
        "A vector for each place in the sentence, which tells the same token in two places apart.",
        VECTORS,
        ("GPT.__init__/self.position", "GPT.forward/x"),
    ),
    Step(
        "residual",
        "Residual stream",
        "Embedding and position, added up: what enters block 1.",
        VECTORS,
        ("GPT.forward/x",),
    ),
)
CUT = ENTER[0]._replace(  # by another tokenizer than that of gpt.py
    why="The text is cut into tokens; the id of a token is its place in the vocabulary, counted from 0.", code=()
)
BLOCK = "Attention reads from earlier tokens, the MLP works on each token alone; both add to the residual stream."
ROUND = (
    Step(
        "normed-1",
        "LayerNorm before attention",
        "Brings the vector of each token to one mean and one size, so that attention reads all of them alike.",
        VECTORS,
        ("Block.forward/normed_1",),
    ),
    *(
        Step(id, title, why, PARTS, ("Attention.forward/query, key, value", "Attention.heads/return"))
        for id, title, why in (
            ("query", "Queries", "What each token looks for, in each head."),
            ("key", "Keys", "What each token can be found by, in each head."),
            ("value", "Values", "What each token hands over to those that find it, in each head."),
        )
    ),
    Step(
        "score",
        "Scores",
        "How well each query fits each key: their product, made independent of their length. The future is not masked "
        "yet.",
        PATTERNS,
        ("Attention.forward/score",),
    ),
    Step(
        "attention",
        "Attention pattern",
        "The scores become weights: the future is masked, and softmax gives each query shares that sum to 1.",
        PATTERNS,
        ("Attention.forward/future", "Attention.forward/pattern"),
    ),
    Step(
        "mixed",
        "Mixed values",
        "What each token has read: its own value and those of earlier tokens, each by its weight.",
        PARTS,
        ("Attention.forward/mixed",),
    ),
    Step(
        "head-write",
        "Write of each head",
        "What each head adds to the residual stream: its mixed values through its part of the projection.",
        ("head", *VECTORS),
        ("trace/projects", "trace/inside['head_write']"),
    ),
    Step(
        "attention-write",
        "Write of attention",
        "What attention adds to the residual stream: the writes of its heads, and a bias.",
        VECTORS,
        ("Attention.forward/write", "Block.forward/attention_write"),
    ),
    Step(
        "middle",
        "Residual stream between attention and MLP",
        "What entered the block, and what attention wrote, added up.",
        VECTORS,
        ("Block.forward/middle",),
    ),
    Step(
        "normed-2",
        "LayerNorm before the MLP",
        "Brings the vector of each token to one mean and one size again, now for the MLP.",
        VECTORS,
        ("Block.forward/normed_2",),
    ),
    Step(
        "up",
        "Hidden units before {activation}",
        "How well the vector of each token fits what each hidden unit responds to.",
        UNITS,
        ("MLP.forward/up",),
    ),
    Step(
        "hidden",
        "Hidden units",
        "{responds}",
        UNITS,
        ("MLP.forward/hidden",),
    ),
    Step(
        "mlp-write",
        "Write of the MLP",
        "What the MLP adds to the residual stream: a vector for each hidden unit, by its response, and a bias.",
        VECTORS,
        ("MLP.forward/return", "Block.forward/mlp_write"),
    ),
    Step(
        "residual",
        "Residual stream after the block",
        "What stood between attention and MLP, and what the MLP wrote, added up.",
        VECTORS,
        ("Block.forward/return", "GPT.forward/x, computed"),
    ),
)
EXIT = Group(
    "exit",
    "From vectors to the next token",
    "The vector of each token is compared with the {table} of every token of the vocabulary: what it is most like is "
    "what the model expects next.",
)
UNEMBED = Step(
    "unembed",
    "Unembedding",
    "What training has made of every token of the vocabulary: a vector that says where the token is expected.",
    ("entry", "component"),
    ("GPT.__init__/self.unembed",),
)
READ = (
    Step(
        "normed",
        "Final LayerNorm",
        "Brings each vector to one mean and one size, then stretches each component by a gain and shifts it by a bias.",
        VECTORS,
        ("trace/normed",),
    ),
    Step(
        "lens",
        "Logits",
        "How well each vector fits the {table} of every token of the vocabulary: their product.",
        ("token", "next token"),
        ("trace/lens",),
    ),
)
LEAVE = (
    Step(
        "gain",
        "Gain of the final LayerNorm",
        "What training has found to stretch each component by, the same for all tokens.",
        ("component",),
        ("GPT.__init__/self.ln_f",),
    ),
    Step(
        "bias",
        "Bias of the final LayerNorm",
        "What training has found to shift each component by, the same for all tokens.",
        ("component",),
        ("GPT.__init__/self.ln_f",),
    ),
    READ[0]._replace(code=("GPT.forward/normed",)),
    READ[1]._replace(id="logits", array="lens", code=("Pass.logits/return",)),
    Step(
        "probabilities",
        "Probabilities",
        "The logits as shares that sum to 1, after each token of the prompt; what is most probable after the last one "
        "comes first.",
        ("token", "next token"),
        ("softmax/raised", "softmax/return"),
    ),
    Step(
        "prediction",
        "Prediction",
        "The answer: what is most probable after the last token.",
        ("next token",),
        ("Trace.prediction/return",),
    ),
)
NAMES = {
    "relu": "ReLU",
    "gelu": "GELU",
    "gelu_tanh": "GELU (approximated by tanh)",
    "gelu_clipped": "GELU (between −10 and 10)",
    "gelu_sigmoid": "GELU (approximated by a sigmoid)",
    "silu": "SiLU",
    "tanh": "tanh",
}
SOFTLY = (
    "{activation} lets the positive ones through, more fully the larger they are, and next to nothing of the others: "
    "mostly what fits responds."
)
RESPONDS = {  # what each activation does to the hidden units
    "relu": "ReLU lets the positive ones through and makes zero of the others: only what fits responds.",
    "tanh": "Each is brought between −1 and 1: what fits responds, and so does its opposite.",
}
ASIDE = Group(
    "logit-lens",
    "Aside: the logit lens",
    "What the model would answer if it stopped early: the same last steps, taken from the residual stream on its way.",
)


def stages(trace: gpt.Trace) -> list[Stage]:
    """Every stage of a forward pass, in order. Raises CodeError."""
    L = len(trace.query)
    ids = np.array([trace.id(token) for token in trace.tokens])
    likely = gpt.softmax(trace.lens[-1])  # (T, V)
    best = np.argsort(-likely[-1].round(DECIMALS), kind="stable")  # of two alike, the lower id
    derived = {
        "ids": ids,
        "lookup": trace.embedding[ids],
        "probabilities": likely[:, best],
        "prediction": likely[-1, [trace.id(trace.prediction)]],
    }
    tokens = tuple(f"{t} {token}" for t, token in enumerate(trace.tokens, 1))
    vocabs = {"probabilities": tuple(trace.vocab[id] for id in best), "prediction": (trace.prediction,)}
    words = {"activation": NAMES[trace.activation], "table": "embedding" if trace.unembed is None else "unembedding"}
    words["responds"] = RESPONDS.get(trace.activation, SOFTLY).format(activation=words["activation"].partition(" (")[0])

    def stage(group: Group, step: Step, level: int, prefix: str = "", suffix: str = "") -> Stage:
        array = step.array or step.id.replace("-", "_")
        whole = derived[array] if array in derived else getattr(trace, array)
        index = (level,) if whole.ndim > len(step.axes) else ()
        values = whole[index]
        labels = {"T": tokens, "V": vocabs.get(array, trace.vocab)}
        axes = tuple(
            (name, labels.get(LETTERS[name]) or tuple(str(n) for n in range(1, size + 1)))
            for name, size in zip(step.axes, values.shape, strict=True)
        )
        code = tuple(part(place) for place in step.code)
        title, why = step.title.format(**words), step.why.format(**words)
        known = "" if array in derived else array
        return Stage(prefix + step.id, title + suffix, why, group, known, index, axes, values, code)

    spaced = trace.tokens == tuple(trace.sentence.split())
    flow = [stage(ENTRY, step, 0) for step in (ENTER if spaced else (CUT, *ENTER[1:]))]
    for l in range(L):
        group = Group(f"block-{l + 1}", f"Block {l + 1}", BLOCK)
        flow += [stage(group, step, l + (step.id == "residual"), f"{group.id}-") for step in ROUND]
    leave = EXIT._replace(why=EXIT.why.format(**words))
    flow += [stage(leave, step, L) for step in (*LEAVE[:2], *([] if trace.unembed is None else [UNEMBED]), *LEAVE[2:])]
    for l in range(L):
        when = f" after block {l}" if l else " before block 1"
        flow += [stage(ASIDE, step, l, f"level-{l}-", when) for step in READ]
    return flow


@cache
def source() -> tuple[list[str], ast.Module]:
    """The source of the gpt.py that runs, as lines and parsed."""
    text = inspect.getsource(gpt)
    return text.splitlines(), ast.parse(text)


def part(place: str) -> Part:
    """The lines of a statement, by its function and what it assigns: "Attention.forward/score", "MLP.forward/return".

    Raises CodeError if there is no such statement, or more than one.
    """
    lines, node = source()
    function, target = place.split("/")
    for name in function.split("."):
        inner = [part for part in node.body if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name == name]
        if not inner:
            raise CodeError(f"gpt.py has no {function}, in which a stage is computed")
        node = inner[0]
    found = [part for part in ast.walk(node) if isinstance(part, ast.Assign | ast.Return) and target in targets(part)]
    if len(found) != 1:
        what = "return" if target == "return" else f"assign {target!r}"
        raise CodeError(f"{len(found)} statements in {function} of gpt.py {what}, and a stage is computed by one")
    first, last = found[0].lineno, found[0].end_lineno
    text = textwrap.dedent("\n".join(lines[first - 1 : last]))
    return Part(function, tuple(enumerate(text.split("\n"), first)))


def targets(statement: ast.Assign | ast.Return) -> list[str]:
    """What a statement assigns, as it is written; "return" if it returns."""
    if isinstance(statement, ast.Return):
        return ["return"]
    return [ast.unparse(target).strip("()") for target in statement.targets]


def kept(flow: Sequence[Stage]) -> set[str]:
    """The ids of the stages whose numbers are in files: all, or the smallest, with all that are of the same size.

    So a stage of one block is there if it is there of every block.
    """
    sizes = sorted(stage.values.size for stage in flow)
    total = dict(zip(sizes, accumulate(sizes), strict=True))  # with all of that size
    return {stage.id for stage in flow if total[stage.values.size] <= MOST}


def files(trace: gpt.Trace, flow: Sequence[Stage]) -> dict[str, bytes]:
    """The numbers of the stages by file name: each as CSV, and all together as JSON, a stage a line.

    Of stages that are too large, JSON has null for labels and values, and there is no CSV.
    """
    inside = kept(flow)
    head = {name: getattr(trace, name) for name in ("sentence", "tokens", "vocab", "weights", "prediction")}
    lines = [
        {
            "id": stage.id,
            "title": f"{stage.group.title}: {stage.title}",
            "array": stage.array or None,
            "index": stage.index,
            "axes": [{"name": name, "labels": labels if stage.id in inside else None} for name, labels in stage.axes],
            "shape": stage.values.shape,
            "values": stage.numbers.tolist() if stage.id in inside else None,
        }
        for stage in flow
    ]
    opening, *texts = (json.dumps(part, ensure_ascii=False, allow_nan=False) for part in (head, *lines))
    whole = f'{opening[:-1]}, "stages": [\n' + ",\n".join(texts) + "\n]}\n"
    tables = {f"flow/{stage.id}.csv": to_csv(stage).encode() for stage in flow if stage.id in inside}
    return {"flow.json": whole.encode()} | tables


def to_csv(stage: Stage) -> str:
    """The numbers of a stage, a vector a row: where it is along the leading axes, then its components."""
    *leading, (_, columns) = stage.axes if len(stage.axes) > 1 else (*stage.axes, ("", (stage.id,)))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*(name for name, _ in leading), *map(to_cell, columns)])
    places = np.ndindex(*(len(labels) for _, labels in leading))
    for place, row in zip(places, stage.numbers.reshape(-1, len(columns)).tolist(), strict=True):
        table.writerow([*(to_cell(labels[n]) for (_, labels), n in zip(leading, place, strict=True)), *row])
    return text.getvalue()
