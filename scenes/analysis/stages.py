"""The full flow: every number of one forward pass, stage by stage, with the lines of gpt.py that computed it.

The stages, and what is said of each, stand in stages.toml. The lines are cut from the source of the program that runs;
a stage whose lines are not there is an error.
"""

import ast
import csv
import inspect
import io
import json
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import numpy as np

import gpt
from article.errors import RefusalError
from article.escaping import to_cell

MOST = 1_000_000  # numbers in all files together, which are about 25 MB then
DECIMALS, DIGITS = 8, 9  # of the numbers to keep; further ones differ from processor to processor


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
    axes: list[str]  # names that LETTERS has
    code: list[str]  # where to find it: a function, and what the statement there assigns, or "return"
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


ASIDE = "logit-lens"  # the group of what the model would answer if it stopped early
TABLE = "scenes/analysis/stages.toml"  # as errors call it
TEXTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
LETTERS: dict[str, str] = TEXTS["letters"]  # of each axis
PLURALS: dict[str, str] = TEXTS["plurals"]  # of their names
CUT: str = TEXTS["cut"]  # why there are ids, whatever the tokenizer
STEPS = {id: [Step(**step) for step in TEXTS[id]["steps"]] for id in ("entry", "block", "exit", ASIDE)}


def stages(trace: gpt.Trace) -> list[Stage]:
    """Every stage of a forward pass, in order. Raises RefusalError for one whose code is not there."""
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
    names, responds = TEXTS["activations"], TEXTS["responds"]
    words = {"activation": names[trace.activation], "table": "embedding" if trace.unembed is None else "unembedding"}
    said = responds.get(trace.activation, responds["softly"])
    words["responds"] = said.format(activation=words["activation"].partition(" (")[0])
    groups = {id: Group(id, TEXTS[id]["title"], TEXTS[id]["why"].format(**words)) for id in STEPS}

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

    flow = [stage(groups["entry"], step, 0) for step in STEPS["entry"]]
    if trace.tokens != tuple(trace.sentence.split()):  # by another tokenizer than that of gpt.py
        flow[0] = replace(flow[0], why=CUT, code=())
    for l in range(L):
        block = groups["block"]._replace(id=f"block-{l + 1}", title=f"Block {l + 1}")
        flow += [stage(block, step, l + (step.id == "residual"), f"{block.id}-") for step in STEPS["block"]]
    tied = trace.unembed is None
    flow += [stage(groups["exit"], step, L) for step in STEPS["exit"] if not (tied and step.id == "unembed")]
    for l in range(L):
        when = f" after block {l}" if l else " before block 1"
        flow += [stage(groups[ASIDE], step, l, f"level-{l}-", when) for step in STEPS[ASIDE]]
    return flow


@cache
def source() -> tuple[list[str], ast.Module]:
    """The source of the gpt.py that runs, as lines and parsed."""
    text = inspect.getsource(gpt)
    return text.splitlines(), ast.parse(text)


def part(place: str) -> Part:
    """The lines of a statement, by its function and what it assigns: "Attention.forward/score", "MLP.forward/return".

    Raises RefusalError if there is no such statement, or more than one.
    """
    lines, node = source()
    function, target = place.split("/")
    for name in function.split("."):
        inner = [part for part in node.body if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name == name]
        if not inner:
            raise RefusalError(f"{TABLE}: gpt.py has no {function}, in which a stage is computed; change the stage.")
        node = inner[0]
    found = [part for part in ast.walk(node) if isinstance(part, ast.Assign | ast.Return) and target in targets(part)]
    if len(found) != 1:
        what = "return" if target == "return" else f"assign {target!r}"
        said = f"{len(found)} statements in {function} of gpt.py {what}, and a stage is computed by one"
        raise RefusalError(f"{TABLE}: {said}; change the stage.")
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
