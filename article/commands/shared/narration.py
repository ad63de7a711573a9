"""What happens inside a model, told on the terminal: from the numbers that it computed, never from others.

Each function gives sections, which are lists of lines: what stands between two presses of a key.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from rich.text import Text

import gpt
from article.commands.shared.terminal import (
    CELL,
    LABEL,
    QUIET,
    SHARE,
    STRONG,
    Line,
    fit,
    head,
    heading,
    right,
    row,
    table,
    visible,
)
from article.models.model import OpenedModel
from article.models.prompts import Prompt
from article.models.sampling import Draw
from scenes.analysis import stages
from scenes.analysis.stages import Stage

Section = list[Line]

MOST = 8  # rows or columns of a table
HEADS = 2  # of a block
LAST = {"token", "query", "key"}  # of these, the last ones are shown, because the answer comes after them
SHARED = {"key", "next token"}  # along these, shares sum to 1
TOP = 5  # predictions
SENTENCES = 64  # of a training step
EPSILON = 1e-12  # of a gradient's norm; a mean below it is rounding
LATE = 95  # percent of the training; a trained model loses by steps as long as the early ones
FINE = 11  # columns on the screen of a share that has more decimals

# --- A draw -------------------------------------------------------------------------------------------------------


def drawn(draw: Draw, n: int, tokenizer: gpt.Tokenizer) -> Section:
    """How token number n was chosen: the candidates, their shares after each change, and where u falls."""
    vocab, order = tokenizer.vocab, draw.order.tolist()
    place = order.index(draw.id)
    names = [*draw.shares, *([] if draw.u is None else ["up to"])]
    columns = [share[draw.order].tolist() for share in draw.shares.values()]
    up_to = draw.up_to.tolist()

    def line(mark: str, label: str, first: int, last: int) -> Text:
        """The row of the candidates from `first` to before `last`, taken together."""
        sums = [sum(column[first:last]) for column in columns]
        cells = [
            "cut" if name.startswith("top-") and not share else f"{share:.4f}"
            for name, share in zip(draw.shares, sums, strict=True)
        ]
        cells += [] if draw.u is None else [f"{up_to[last - 1]:.6f}" if sums[-1] else ""]
        style = STRONG if mark else QUIET if cells[-1] in ("", "cut") else ""
        return Text(f"{mark:2}{fit(label, 16)}" + "".join(right(cell, FINE) for cell in cells), style)

    shown = sorted({*range(min(MOST, len(order))), place})
    lines: Section = [heading(f"Token {n}"), f"after: {visible(tokenizer.decode(draw.context))}"]
    lines.append(Text(f"  {fit('candidate', 16)}" + "".join(right(name, FINE) for name in names), QUIET))
    end = 0
    for rank in [*shown, len(order)]:
        if rank > end:
            lines.append(line("", f"… {rank - end} more", end, rank))
        if rank < len(order):
            lines.append(line("►" if rank == place else "", vocab[order[rank]], rank, rank + 1))
        end = rank + 1
    token = visible(vocab[draw.id])
    if draw.u is None:
        lines.append(f"Temperature 0 takes the most probable token, and nothing is drawn: {token}")
    else:
        low = up_to[place - 1] if place else 0.0
        lines.append(f"u = {draw.u:.6f} falls between {low:.6f} and {up_to[place]:.6f}: {token}")
    return lines


# --- The forward pass ---------------------------------------------------------------------------------------------


def forward(trace: gpt.Trace, notes: Sequence[str] = ()) -> Iterator[Section]:
    """The forward pass, stage by stage; `notes` are sentences to begin with."""
    L, H, T, size = trace.query.shape
    lines: Section = [heading("The prompt"), f"The model reads: {visible(trace.sentence)}"]
    sizes = (
        f"In the shapes, T = {T} tokens; V = {len(trace.vocab)} tokens in the vocabulary; "
        f"D = {H * size} components of a vector; L = {L} blocks; H = {H} heads."
    )
    yield [*lines, *notes, sizes]
    for stage in stages.stages(trace):
        if stage.group.id != stages.ASIDE:
            step = stage.id.removeprefix(f"{stage.group.id}-")
            told = TOLD[step](trace, stage) if step in TOLD else tables(stage)
            lines = [heading(f"{stage.group.title}: {stage.title}"), stages.CUT if step == "ids" else stage.why]
            yield [*lines, f"Shape {stage.shape}: {', '.join(name for name, _ in stage.axes)}.", *told]


def shown(name: str, size: int) -> list[int]:
    """Which entries of an axis are shown: the first ones, or the last."""
    most = HEADS if name == "head" else MOST
    if size > MOST and name in SHARED:
        most -= 1  # the sum of the others takes a column
    return list(range(max(0, size - most), size) if name in LAST else range(min(size, most)))


def left_out(stage: "Stage") -> Section:
    """What the tables of a stage leave out, in a sentence; nothing if they show all of it."""
    parts = [
        f"{'last' if name in LAST else 'first'} {n} of {len(labels)} {stages.PLURALS[name]}"
        for name, labels in stage.axes
        if (n := len(shown(name, len(labels)))) < len(labels)
    ]
    return [f"Shown: {', '.join(parts)}."] if parts else []


def tables(stage: "Stage", matrix: "Callable[[str, Stage, tuple[int, ...]], Section] | None" = None) -> Section:
    """The tables of a stage, each of one head, and what they leave out."""
    *leading, (name, labels) = stage.axes
    leading, rows = leading[:-1], leading[-1:]
    lines: Section = left_out(stage)
    for place in np.ndindex(*(len(shown(name, len(labels))) for name, labels in leading)):
        corner = " ".join(f"{name} {n + 1}" for (name, _), n in zip(leading, place, strict=True)) or name
        if matrix:
            lines += matrix(corner, stage, place)
            continue
        columns = shown(name, len(labels))
        down = shown(rows[0][0], len(rows[0][1])) if rows else [0]
        values = np.atleast_2d(stage.values[place])[np.ix_(down, columns)]
        names = [rows[0][1][n] for n in down] if rows else [stage.id]
        lines += table(corner, [labels[n] for n in columns], names, values)
    return lines


def ids(_: gpt.Trace, stage: "Stage") -> Section:
    """Every token with its id."""
    return [Text(f"{id:>{CELL}}  {visible(label)}") for label, id in zip(stage.axes[0][1], stage.values, strict=True)]


def spread(trace: gpt.Trace, stage: "Stage") -> Section:
    """What LayerNorm does to each vector's mean and deviation."""
    before = {"normed_1": trace.residual, "normed_2": trace.middle, "normed": trace.residual}
    x, y = before[stage.array][stage.index], stage.values
    rows = shown("token", len(x))
    moments = np.stack([x.mean(-1), x.std(-1), y.mean(-1), y.std(-1)], -1)[rows]
    labels = [stage.axes[0][1][n] for n in rows]
    lines: Section = ["Mean and deviation of each vector before it and after, gain and bias included:"]
    return [*lines, *table("", ["mean", "dev.", "→ mean", "→ dev."], labels, moments), *tables(stage)]


def shares(corner: str, stage: "Stage", place: tuple[int, ...]) -> Section:
    """A table whose rows sum to 1: what it leaves out is there as a sum, and what is masked is a dot."""
    (down, rows), (across, columns) = stage.axes[-2:]
    values, masks = stage.values[place], across == "key"
    seen = shown(across, len(columns))
    rest = [n for n in range(len(columns)) if n not in seen]
    lines: Section = [head(corner, [*(["others"] if rest else []), *(columns[n] for n in seen), "sum"], SHARE)]
    for n in shown(down, len(rows)):
        cells = [values[n, m] if not masks or m <= n else "·" for m in seen]
        sums = [values[n, rest].sum()] if rest else []
        lines.append(row(rows[n], [*sums, *cells, values[n].sum()], SHARE))
    return lines


def pattern(trace: gpt.Trace, stage: "Stage") -> Section:
    """The attention pattern, and the way to its last row."""
    T, keys = len(trace.tokens), shown("key", len(trace.tokens))
    lines: Section = [
        f"The mask leaves each query the keys up to its own: of the {T * T} cells, the {T * (T - 1) // 2} of the "
        f"future are exactly 0, a dot here.",
        *tables(stage, shares),
    ]
    score, weight = trace.score[stage.index][0, -1], stage.values[0, -1]
    e = np.exp(score - score.max())
    rows = [stage.axes[2][1][n] for n in keys]
    lines.append(f"Softmax of the last query in head 1: powers of e, divided by their sum, {e.sum():.3f}:")
    steps = np.stack([score, score - score.max(), e, weight], 1)[keys]
    return [*lines, *table("key", ["score", "− max", "e^", "share"], rows, steps)]


def added(*parts: tuple[str, str, int]) -> "Callable[[gpt.Trace, Stage], Section]":
    """Tells a stage that is a sum: names, arrays of the trace, and how far from the stage's place in them."""

    def tell(trace: gpt.Trace, stage: "Stage") -> Section:
        l = stage.index[0]
        return total([(f"+ {name}", getattr(trace, array)[l + offset][-1]) for name, array, offset in parts], stage)

    return tell


def total(terms: Sequence[tuple[str, np.ndarray]], stage: "Stage") -> Section:
    """The tables, and the sum of vectors (D,) that the last token's vector is."""
    components = shown("component", stage.values.shape[-1])
    names, vectors = zip(*terms, ("= sum", stage.values[-1]), strict=True)
    lines: Section = [*tables(stage), f"The last of them, {visible(stage.axes[-2][1][-1])}, is a sum:"]
    labels = [stage.axes[-1][1][n] for n in components]
    return [*lines, *table("", labels, names, np.stack(vectors)[:, components])]


def entrance(trace: gpt.Trace, stage: "Stage") -> Section:
    """The sum that enters block 1, or leaves a block."""
    if stage.index == (0,):
        terms = [("+ embedding", trace.embedding[trace.id(trace.tokens[-1])]), ("+ position", trace.position[-1])]
        return total(terms, stage)
    return added(("middle", "middle", -1), ("MLP's write", "mlp_write", -1))(trace, stage)


def heads_and_bias(trace: gpt.Trace, stage: "Stage") -> Section:
    """The heads' writes, and the bias, which is what else there is."""
    writes = trace.head_write[stage.index][:, -1]
    terms = [(f"+ head {h}", write) for h, write in enumerate(writes, 1)]
    return total([*terms, ("+ bias", stage.values[-1] - writes.sum(0))], stage)


def active(trace: gpt.Trace, stage: "Stage") -> Section:
    """How many hidden units respond to each token."""
    units = trace.up[stage.index] > 0
    lines: Section = [
        Text(f"{fit(stage.axes[0][1][n], LABEL)} active: {units[n].sum():>4} of {units.shape[1]}")
        for n in shown("token", len(units))
    ]
    return [*lines, *tables(stage)]


def answer(trace: gpt.Trace, _: "Stage") -> Section:
    """The most probable next tokens."""
    logits = trace.lens[-1, -1]
    best = np.argsort(-logits, kind="stable")[:TOP]
    lines: Section = [head("top five" if len(best) == TOP else "all", ["id", "logit", "prob."])]
    for id in best.tolist():
        lines.append(row(trace.vocab[id], [str(id), logits[id], trace.probability(trace.vocab[id])]))
    return [*lines, Text(f"The model answers: {visible(trace.prediction)}", STRONG)]


TOLD: "dict[str, Callable[[gpt.Trace, Stage], Section]]" = {  # by the step's id, where it's more than tables
    "ids": ids,
    "residual": entrance,
    "normed-1": spread,
    "attention": pattern,
    "attention-write": heads_and_bias,
    "middle": added(("residual", "residual", 0), ("att.'s write", "attention_write", 0)),
    "normed-2": spread,
    "hidden": active,
    "normed": spread,
    "probabilities": lambda _, stage: tables(stage, shares),  # they sum to 1
    "prediction": answer,
}


# --- A step of the training ---------------------------------------------------------------------------------------


def training(run: OpenedModel, prompt: Prompt) -> Iterator[Section]:
    """One more step of the training, taken by a copy of the model: losses, gradients, updates, and what they did.

    The corpus is to be known.
    """
    config, model = run.config, copy.deepcopy(run.model)
    corpus = run.corpus[:SENTENCES]
    whole = gpt.batch(run.tokenizer, corpus)
    ids, targets = (part[:, : config.n_context] for part in whole)
    step = config.steps * LATE // 100
    adamw = gpt.AdamW(dict(model.named_parameters()), config)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    logits = model(ids).logits
    loss = gpt.loss(logits, targets)
    gradients = torch.autograd.grad(loss, adamw.weights)

    part = f"the first {len(corpus)} of {len(run.corpus)}" if len(corpus) < len(run.corpus) else f"all {len(corpus)}"
    cut = f", of longer ones on the first {config.n_context + 1} tokens" if whole[0].shape > ids.shape else ""
    lines: Section = [
        heading("Training: the loss"),
        f"A copy of the model takes one more step on {part} sentences of its corpus{cut}, at the learning rate of "
        f"step {step + 1} of {config.steps}. Nothing is dropped out, so that the numbers are the same each time.",
        f"Mean surprise at the next token: {loss.item():.4f} nats; guessing has ln V = {np.log(config.n_vocab):.4f}.",
        Text(f"{'position':>10}{'targets':>10}{'loss':>10}", QUIET),
    ]
    for t in range(ids.shape[1]):
        if n := int((targets[:, t] != gpt.NO_TARGET).sum()):
            lines.append(Text(f"{t + 1:>10}{n:>10}{gpt.loss(logits[:, t], targets[:, t]).item():>10.4f}"))
    yield lines

    adamw.step(step, gradients)
    lines = [
        heading("Training: gradients and updates"),
        "Each parameter moves against its gradient, about as far as the learning rate, "
        f"{gpt.learning_rate(config, step):g}, whatever the gradient's size: AdamW divides by it. Some weights decay "
        f"besides, and all are rounded to multiples of {1 / gpt.GRID:.1e}.",
        Text(f"{'parameter':<34}{'shape':>12}{'gradient:':>12}{'':>11}{'update:':>11}", QUIET),
        Text(f"{'':<46}{'mean':>12}{'norm':>11}{'norm':>11}", QUIET),
    ]
    for (name, weight), gradient in zip(model.named_parameters(), gradients, strict=True):
        change = weight.detach() - before[name]
        mean, norm = gradient.mean().item(), gradient.norm().item()
        known = f"{mean:.2e}" if abs(mean) > EPSILON * norm else "≈ 0"  # what is left of a sum that cancels is noise
        sizes = f"{known:>12}{norm:>11.2e}{change.norm().item():>11.2e}"
        lines.append(Text(f"{name:<34}{'×'.join(map(str, weight.shape)):>12}{sizes}"))
    yield lines

    with torch.no_grad():
        after = gpt.loss(model(ids).logits, targets).item()
        asked = torch.tensor([prompt.read])
        was, now = (one(asked).logits[0, -1].softmax(-1) for one in (run.model, model))
    best = int(was.argmax())
    yield [
        heading("Training: what the step did"),
        f"Loss {loss.item():.4f} → {after:.4f}. After the prompt, {visible(run.tokenizer.vocab[best])} had a "
        f"probability of {was[best]:.4f} and has {now[best]:.4f} now.",
        "AdamW's first step is as long for a small gradient as for a large one; where there was little to gain, the "
        "loss may rise by it. The model that was asked is as it was.",
    ]
