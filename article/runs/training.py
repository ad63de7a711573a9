"""Training on any text, in batches: what the first chapter does with twenty sentences, for longer ones.

Every random number of a step comes from a stream of its own, named by the seed, the step and what it is for. So a run
that was killed goes on exactly where its last state was kept, and processes that share a batch draw the same one.
"""

import contextlib
import hashlib
import io
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from tqdm import tqdm

import gpt
from article.build import RefusalError
from article.runs.settings import Settings
from article.survey import processors, replace_file

EVALUATED = 20_000  # tokens, at most, that a loss during training is measured on
ROWS = 400  # rows of the log, about
SMALL = 2**20  # numbers in a layer's output up to which one thread is the fastest


def stream(*names: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A source of random numbers of its own for what is named."""
    digest = hashlib.sha256(" ".join(map(str, names)).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


# --- What is read -------------------------------------------------------------------------------------------------


class Examples(NamedTuple):
    """What a model can be trained on: rows of ids and the ids that follow, or one long row to cut windows from."""

    ids: Tensor  # (B, T), filled up on the right; or (N,)
    targets: Tensor  # (B, T), NO_TARGET where it is filled up; or (N,)
    n_context: int

    @classmethod
    def of_lines(cls, tokenizer: gpt.Tokenizer, lines: Sequence[str], n_context: int) -> "Examples":
        """Each line an example."""
        return cls(*gpt.batch(tokenizer, lines), n_context)

    @classmethod
    def of_text(cls, ids: Tensor, n_context: int) -> "Examples":
        """Every window of the ids (N,) an example."""
        return cls(ids[:-1], ids[1:], n_context)

    @property
    def tokens(self) -> int:
        """How many targets there are."""
        return int((self.targets != gpt.NO_TARGET).sum())

    def draw(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """So many examples (n, T) at random, with repetition; all of them in order if n is 0."""
        if self.ids.ndim == 1:
            T = min(self.n_context, len(self.ids))
            starts = (torch.rand(n, generator=random, dtype=torch.float64) * (len(self.ids) - T + 1)).long()
            places = starts[:, None] + torch.arange(T)
            return self.ids[places], self.targets[places]
        if not n:
            return self.ids, self.targets
        rows = (torch.rand(n, generator=random, dtype=torch.float64) * len(self.ids)).long()
        return self.ids[rows], self.targets[rows]

    def parts(self, most: float = math.inf) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples in turn, in batches (B, T): every line, or windows side by side. Of more than `most` tokens, as
        many windows as that allows, evenly spaced."""
        ids, targets = self.ids, self.targets
        if ids.ndim == 1:
            T = min(self.n_context, len(ids))
            whole = len(ids) // T
            rows = torch.linspace(0, whole - 1, int(min(whole, max(1, most / T))), dtype=torch.float64).long()
            ids, targets = (x[: whole * T].view(whole, T)[rows] for x in (ids, targets))
        yield from zip(ids.split(64), targets.split(64), strict=True)


@torch.no_grad()
def evaluate(model: nn.Module, examples: Examples, most: float = math.inf) -> float:
    """The mean loss in nats a token, without dropout."""
    device = next(model.parameters()).device
    total, n = 0.0, 0
    for ids, targets in examples.parts(most):
        count = int((targets != gpt.NO_TARGET).sum())
        total += float(gpt.loss(model(ids.to(device)).logits, targets.to(device))) * count
        n += count
    return total / n


# --- Where it runs ------------------------------------------------------------------------------------------------


class Team(NamedTuple):
    """The processes that train one model together, as torchrun starts them; alone, one."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    @contextlib.contextmanager
    def gather(cls) -> Iterator["Team"]:
        """The team of this process, for as long as it is needed."""
        cuda = torch.cuda.is_available()
        size = int(os.environ.get("WORLD_SIZE", "1"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        device = torch.device("cuda", local % torch.cuda.device_count()) if cuda else torch.device("cpu")
        if size == 1:
            yield cls(0, 1, device)
            return
        dist.init_process_group("nccl" if cuda and torch.cuda.device_count() >= size else "gloo")
        try:
            yield cls(dist.get_rank(), size, device)
        finally:
            dist.destroy_process_group()


def threads(settings: Settings, n: int) -> int:
    """How many threads make a step of n examples fastest: one for a model that is too small to share."""
    numbers = 4 * settings.n_embd * (settings.n_context or 1) * n
    return 1 if numbers < SMALL else processors()


# --- The course of a training -------------------------------------------------------------------------------------

Row = dict[str, float]  # what the log has of a step, by column


@dataclass
class Course:
    """What a training has come to so far: all that a killed one needs to go on, but for the model and the optimizer."""

    step: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    samples: list[tuple[int, str]] = field(default_factory=list)  # (step, text)
    best_step: int = 0
    best_loss: float = math.inf
    best: dict[str, Tensor] = field(default_factory=dict)  # the weights with the lowest held-out loss, by name
    stopped: bool = False  # because nothing got better any more


def learning_rate(settings: Settings, step: int) -> float:
    """The learning rate of a step, counted from 0: it rises over the warm-up, then falls along a line or a cosine."""
    rising = (step + 1) / settings.warmup if settings.warmup else 1.0
    if settings.schedule == "linear":
        return settings.learning_rate * min(rising, 1 - step / settings.steps)
    if rising < 1:
        return settings.learning_rate * rising
    done = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.learning_rate * (0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


def group(name: str) -> str:
    """The part of the model that a parameter belongs to: "block 1 attention", "embedding", "ln_f"."""
    parts = name.split(".")
    if parts[0] != "blocks":
        return parts[0]
    place = {"ln_1": "attention", "ln_2": "mlp"}.get(parts[2], parts[2])
    return f"block {int(parts[1]) + 1} {place}"


def norms(model: nn.Module) -> Row:
    """The norm of the gradients of each part of the model."""
    squares: dict[str, Tensor] = {}
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            square = weight.grad.double().square().sum()
            squares[group(name)] = squares.get(group(name), 0) + square
    return {f"gradient {part}": math.sqrt(square) for part, square in squares.items()}


def train(
    model: nn.Module,
    settings: Settings,
    train: Examples,
    held_out: Examples,
    sample: Callable[[nn.Module, int], str] = lambda *_: "",
    state: Path | None = None,
    team: Team = Team(0, 1, torch.device("cpu")),
    name: str = "training",
) -> Course:
    """Trains a model, in place, and ends with its best weights; returns the course of it.

    The model maps ids (B, T), and an edit, to what has `logits` (B, T, V). `sample` makes a text of it at a step. The
    `state` is a file that the course is kept in; if it has the beginning of this very training, that is gone on with.
    Raises RefusalError for a state that is damaged or another's, and for a loss that is no number any more.
    """
    dtype = getattr(torch, settings.dtype)
    torch.set_num_threads(threads(settings, settings.batch_size or len(train.ids)))
    model.to(device=team.device, dtype=dtype)
    weights = dict(model.named_parameters())
    optimizer = gpt.optimizer_for(weights, settings.config(1))
    course = Course()
    if state is not None and state.exists():
        course = resume(state, model, optimizer)
    shared = model if team.size == 1 else nn.parallel.DistributedDataParallel(model)
    bar = tqdm(
        total=settings.steps,
        initial=course.step,
        desc=name,
        unit=" steps",
        leave=False,
        disable=None if team.rank == 0 else True,
    )
    begun = time.perf_counter() - course.seconds
    every = max(1, settings.steps // ROWS)
    since = (course.step, time.perf_counter())
    with bar:
        while True:
            step = course.step
            last = step == settings.steps
            row: Row = {}
            course.seconds = time.perf_counter() - begun
            if state is not None and team.rank == 0 and step % settings.save_every == 0 and not last:
                keep(state, course, model, optimizer)
            if step % settings.eval_every == 0 or last:
                row = look(model, course, train, held_out, sample, settings)
                last = last or course.stopped
                since = (step, time.perf_counter())
            if last:
                break
            rate = learning_rate(settings, step)
            for part in optimizer.param_groups:
                part["lr"] = rate
            loss, tokens = accumulate(shared, settings, train, step, team)
            if not math.isfinite(loss):
                raise RefusalError(
                    f"the loss is {loss} at step {step}; lower learning_rate (now {settings.learning_rate:g}), "
                    "or set clip, such as clip = 1."
                )
            whole = nn.utils.clip_grad_norm_(weights.values(), settings.clip or math.inf)
            if step % every == 0 or row:
                now = time.perf_counter()
                speed = {"tokens a second": tokens * (step - since[0]) / (now - since[1])} if step > since[0] else {}
                since = (step, now)
                row |= {"step": step, "learning rate": rate, "loss": loss, "gradient": float(whole)}
                row |= speed | norms(model)
                course.rows.append(row)
            optimizer.step()
            course.step += 1
            bar.update()
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
    course.rows.append({"step": course.step} | row)
    model.load_state_dict(course.best)
    return course


def accumulate(model: nn.Module, settings: Settings, train: Examples, step: int, team: Team) -> tuple[float, int]:
    """Computes the gradients of a step; returns its loss and how many targets it had.

    The batch is cut in parts, which the processes of the team take in turn; each part counts by its targets, so that
    it does not matter who computed it.
    """
    ids, targets = train.draw(settings.batch_size, stream(settings.seed, step, "batch"))
    parts = settings.accumulate * team.size
    if parts > len(ids):
        raise RefusalError(
            f"a batch of {len(ids)} cannot be cut in {parts} parts, accumulate times processes; make it larger."
        )
    tokens = int((targets != gpt.NO_TARGET).sum())
    cut = list(zip(ids.tensor_split(parts), targets.tensor_split(parts), strict=True))
    total = torch.zeros((), dtype=torch.float64)
    for weight in model.parameters():
        weight.grad = None
    for n in range(team.rank, parts, team.size):
        ids, targets = (part.to(team.device) for part in cut[n])
        share = float((targets != gpt.NO_TARGET).sum()) / tokens
        alone = isinstance(model, nn.parallel.DistributedDataParallel) and n + team.size < parts
        hold: AbstractContextManager = model.no_sync() if alone else contextlib.nullcontext()  # type: ignore[operator]
        with hold:
            loss = gpt.loss(model(ids, dropout(settings, step, n, team.device)).logits, targets) * share
            (loss * team.size).backward()  # which DDP divides by the size again
        total += float(loss.detach())
    if team.size > 1:
        dist.all_reduce(whole := total.to(team.device))
        total = whole
    return float(total), tokens


def dropout(settings: Settings, step: int, part: int, device: torch.device) -> gpt.Edit:
    """What drops numbers out, where gpt.py does."""
    if not settings.dropout:
        return lambda _, x: x
    random = stream(settings.seed, step, "dropout", part, device=device)

    def drop(place: str, x: Tensor) -> Tensor:
        if place.startswith("mixed"):
            return x
        kept = torch.rand(x.shape, generator=random, dtype=x.dtype, device=device) >= settings.dropout
        return x * (kept.to(x.dtype) / (1 - settings.dropout))

    return drop


def look(
    model: nn.Module,
    course: Course,
    train: Examples,
    held_out: Examples,
    sample: Callable[[nn.Module, int], str],
    settings: Settings,
) -> Row:
    """Evaluates the model, keeps it if it is the best so far, and lets it write; returns what the log has of that."""
    losses = {"train loss": evaluate(model, train, EVALUATED), "held-out loss": evaluate(model, held_out, EVALUATED)}
    if losses["held-out loss"] < course.best_loss or not course.best:
        course.best_loss, course.best_step = losses["held-out loss"], course.step
        course.best = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    waited = (course.step - course.best_step) // settings.eval_every
    course.stopped = bool(settings.patience) and waited >= settings.patience
    course.samples.append((course.step, sample(model, course.step)))
    return {"step": course.step} | losses


# --- The state of a training --------------------------------------------------------------------------------------


def keep(state: Path, course: Course, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Keeps all that the training needs to go on, in one step. Raises RefusalError where it cannot be written."""
    data = io.BytesIO()
    torch.save({"course": vars(course), "model": model.state_dict(), "optimizer": optimizer.state_dict()}, data)
    try:
        replace_file(state, data.getvalue())
    except OSError as error:
        raise RefusalError(f"{state} cannot be written: {error.strerror}; the training needs it to go on.") from None


def resume(state: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Course:
    """The course of a training up to where it was kept, with the model and the optimizer as they were then.

    Raises RefusalError for a file that is damaged or another's.
    """
    try:
        kept: Mapping[str, Any] = torch.load(state, map_location="cpu", weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        return Course(**kept["course"])
    except Exception as error:  # whatever torch says of a file that is not one of its own
        said = str(error).split("\n")[0]
        raise RefusalError(f"{state} is damaged ({said}); begin anew with --fresh.") from None
