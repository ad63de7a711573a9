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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim.adamw import adamw
from tqdm import tqdm

import gpt
from article.build import RefusalError
from article.runs.settings import Settings
from article.survey import processors

EVALUATED = 20_000  # tokens, about, that a loss during training is measured on
AT_ONCE = 4096  # tokens, about, that are evaluated at once
ROWS = 400  # rows of the log, about
SMALL = 2**16  # numbers in a layer's output up to which one thread is the fastest


def stream(*names: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A source of random numbers of its own for what is named."""
    digest = hashlib.sha256(" ".join(map(str, names)).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8]) >> 1)


# --- What is read -------------------------------------------------------------------------------------------------


class Examples(NamedTuple):
    """What a model can be trained on: rows of ids and the ids that follow, or one long row to cut windows from.

    Each row has a target at least, so that every part of a batch has.
    """

    ids: Tensor  # (B, T), filled up on the right; or (N,)
    targets: Tensor  # (B, T), NO_TARGET where it is filled up; or (N,)
    n_context: int

    @classmethod
    def of_lines(cls, tokenizer: gpt.Tokenizer, lines: Sequence[str], n_context: int) -> "Examples":
        """Each line an example, but for those of a single token, which nothing follows.

        Raises RefusalError for lines with more than n_context + 1 tokens, and if no line has two.
        """
        ids, targets = gpt.batch(tokenizer, lines)
        if ids.shape[1] > n_context:
            raise RefusalError(
                f"a line has {ids.shape[1] + 1} tokens, but n_context = {n_context} lets the model read lines of at "
                f"most {n_context + 1}; raise n_context, or set examples = 'windows'."
            )
        follows = (targets != gpt.NO_TARGET).any(1)
        if not follows.any():
            raise RefusalError("no line has two tokens; there is nothing to predict.")
        return cls(ids[follows], targets[follows], n_context)

    @classmethod
    def of_text(cls, ids: Tensor, n_context: int) -> "Examples":
        """Every window of the ids (N,) an example; all of them, if they are fewer than n_context + 1.

        Raises RefusalError for fewer than two ids.
        """
        if len(ids) < 2:
            raise RefusalError(f"a text of {len(ids)} tokens is too short; there is nothing to predict.")
        return cls(ids[:-1], ids[1:], n_context)

    @property
    def tokens(self) -> int:
        """How many targets there are."""
        return count(self.targets)

    def draw(self, n: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """So many examples (n, T) at random, with repetition; all lines in order if n is 0."""
        if self.ids.ndim == 1:
            T = min(self.n_context, len(self.ids))
            starts = (torch.rand(n, generator=random, dtype=torch.float64) * (len(self.ids) - T + 1)).long()
            places = starts[:, None] + torch.arange(T)
            return self.ids[places], self.targets[places]
        if not n:
            return self.ids, self.targets
        rows = (torch.rand(n, generator=random, dtype=torch.float64) * len(self.ids)).long()
        return trim(self.ids[rows], self.targets[rows])

    def parts(self, most: float = math.inf) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples in turn, in batches (B, T): every line, or windows side by side and what is left at the end.

        Of more than `most` tokens, as many lines or windows as have about that many, evenly spaced.
        """
        ids, targets, rest = self.ids, self.targets, 0
        if ids.ndim == 1:
            T = min(self.n_context, len(ids))
            rest = len(ids) % T
            ids, targets = (x[: len(x) - rest].view(-1, T) for x in (ids, targets))
        if self.tokens > most:
            n = max(1, int(len(ids) * most / self.tokens))
            rows = torch.arange(n) * len(ids) // n
            ids, targets, rest = ids[rows], targets[rows], 0
        n = max(1, AT_ONCE // ids.shape[1])
        yield from map(trim, ids.split(n), targets.split(n))
        if rest:
            yield self.ids[None, -rest:], self.targets[None, -rest:]


def count(targets: Tensor) -> int:
    """How many targets there are, of any shape."""
    return int((targets != gpt.NO_TARGET).sum())


def trim(ids: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (B, T) as long as the longest of them."""
    T = int((targets != gpt.NO_TARGET).any(0).sum())
    return ids[:, :T], targets[:, :T]


@torch.no_grad()
def evaluate(model: nn.Module, examples: Examples, most: float = math.inf) -> float:
    """The mean loss in nats a token, without dropout, of all tokens or of about `most`."""
    device = next(model.parameters()).device
    total, n = 0.0, 0
    for ids, targets in examples.parts(most):
        total += float(gpt.loss(model(ids.to(device)).logits, targets.to(device))) * count(targets)
        n += count(targets)
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
        """The team of this process, for as long as it is needed. Each has a GPU, if there is one at all."""
        size, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
        gpus = torch.cuda.device_count()
        device = torch.device("cuda", local % gpus) if gpus else torch.device("cpu")
        if gpus:
            torch.cuda.set_device(device)
        if size == 1:
            yield cls(0, 1, device)
            return
        dist.init_process_group("nccl" if gpus >= neighbours() else "gloo")  # nccl wants a GPU for each process
        try:
            yield cls(dist.get_rank(), size, device)
        finally:
            dist.destroy_process_group()

    def sum(self, number: float) -> float:
        """The sum of the numbers that the processes have, the same for all of them."""
        if self.size == 1:
            return number
        total = torch.tensor(number, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total)

    def add_gradients(self, model: nn.Module) -> None:
        """Has each process hold the sums of the gradients that all of them have."""
        if self.size == 1:
            return
        gradients = [cast(Tensor, weight.grad) for weight in model.parameters()]
        total = nn.utils.parameters_to_vector(gradients)
        dist.all_reduce(total)
        for gradient, summed in zip(gradients, total.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def tell(self, data: bytes | None) -> bytes | None:
        """What the first process has, for all of them."""
        told = [data]
        if self.size > 1:
            dist.broadcast_object_list(told)
        return told[0]


ALONE = Team(0, 1, torch.device("cpu"))


def neighbours() -> int:
    """How many processes of the team are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def threads(settings: Settings, n: int) -> int:
    """How many threads make a step of n examples fastest: one for a model that is too small to share."""
    numbers = 4 * settings.n_embd * (settings.n_context or 1) * n
    return 1 if numbers < SMALL else max(1, processors() // neighbours())


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
    rising = (step + 1) / settings.warmup if step < settings.warmup else 1.0
    if settings.schedule == "linear":  # as in gpt.py
        return settings.learning_rate * min(rising, 1 - step / settings.steps)
    done = max(0, step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.learning_rate * min(rising, 0.1 + 0.9 * (1 + math.cos(math.pi * done)) / 2)


class AdamW:
    """AdamW by torch's own function for it, which is quick with many weights; what decays is what does in gpt.py.

    torch's class for it would first import a compiler, which takes as long as the first hundreds of steps.
    """

    def __init__(self, model: nn.Module, settings: Settings) -> None:
        named = sorted(model.named_parameters(), key=lambda item: gpt.decays(item[0]))  # what decays comes last
        self.weights: list[Tensor] = [weight for _, weight in named]
        self.constant = sum(not gpt.decays(name) for name, _ in named)  # how many do not decay
        self.decay = settings.weight_decay
        self.state = {
            "mean": [torch.zeros_like(weight) for weight in self.weights],  # of the gradients
            "square": [torch.zeros_like(weight) for weight in self.weights],  # the mean of their squares
            "steps": [torch.zeros((), device=weight.device) for weight in self.weights],
        }

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Each weight moves by about the learning rate, along its gradient."""
        for some, decay in ((slice(self.constant), 0.0), (slice(self.constant, None), self.decay)):
            mean, square, steps = (numbers[some] for numbers in self.state.values())
            weights = self.weights[some]
            adamw(
                weights,
                cast(list[Tensor], [weight.grad for weight in weights]),
                mean,
                square,
                [],
                steps,
                fused=True,
                amsgrad=False,
                maximize=False,
                beta1=gpt.BETA_1,
                beta2=gpt.BETA_2,
                eps=gpt.EPSILON,
                lr=rate,
                weight_decay=decay,
            )

    def load(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Goes on from a state. Raises ValueError for one of another model."""
        for name, numbers in self.state.items():
            for ours, kept in zip(numbers, state[name], strict=True):
                ours.copy_(kept)


def group(name: str) -> str:
    """The part of the model that a parameter belongs to: "block 1 attention", "embedding", "ln_f"."""
    parts = name.split(".")
    if parts[0] != "blocks":
        return parts[0]
    place = {"ln_1": "attention", "ln_2": "mlp"}.get(parts[2], parts[2])
    return f"block {int(parts[1]) + 1} {place}"


def norms(model: nn.Module) -> Row:
    """The norm of the gradients, of all and of each part of the model."""
    names, weights = zip(*model.named_parameters(), strict=True)
    squares: Row = {}
    for name, norm in zip(names, torch.stack([weight.grad.norm() for weight in weights]).tolist(), strict=True):
        squares[group(name)] = squares.get(group(name), 0.0) + norm * norm
    whole = math.sqrt(sum(squares.values()))
    return {"gradient": whole} | {f"gradient {part}": math.sqrt(square) for part, square in squares.items()}


def train(
    model: nn.Module,
    settings: Settings,
    train: Examples,
    held_out: Examples,
    sample: Callable[[nn.Module, int], str] = lambda *_: "",
    state: Path | None = None,
    team: Team = ALONE,
    name: str = "training",
) -> Course:
    """Trains a model, in place, and ends with its best weights; returns the course of it.

    The model maps ids (B, T), and an edit, to what has `logits` (B, T, V); it is moved to the device of the team.
    `sample` makes a text of it at a step. The `state` is a file that the first process of the team keeps the course in;
    if it has the beginning of this very training, all go on with that. Raises RefusalError for a state that is damaged,
    another's or cannot be written, for a loss that is no number any more, and for a batch that is too small to be cut.
    """
    parts = settings.accumulate * team.size
    torch.set_num_threads(threads(settings, (settings.batch_size or len(train.ids)) // parts))
    model.to(device=team.device, dtype=getattr(torch, settings.dtype))
    optimizer = AdamW(model, settings)
    whose = identity(settings, train, held_out)
    course = resume(state, model, optimizer, whose, team)
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
                keep(state, course, model, optimizer, whose)
            if step % settings.eval_every == 0 or last:
                row = look(model, course, train, held_out, sample, settings, team)
                last = last or course.stopped
                since = (step, time.perf_counter())
            if last:
                break
            rate = learning_rate(settings, step)
            loss, tokens = accumulate(model, settings, train, step, team)
            check(loss, step, settings)
            if step % every == 0 or row:
                now = time.perf_counter()
                speed = {"tokens a second": tokens * (step - since[0]) / (now - since[1])} if step > since[0] else {}
                since = (step, now)
                row |= {"step": step, "learning rate": rate, "loss": loss}
                row |= speed | norms(model)
                course.rows.append(row)
            if settings.clip:
                nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            optimizer.step(rate)
            course.step += 1
            bar.update()
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
    course.rows.append({"step": course.step} | row)
    model.load_state_dict(course.best)
    return course


def check(loss: float, step: int, settings: Settings) -> None:
    """Raises RefusalError for a loss that is no number any more."""
    if not math.isfinite(loss):
        raise RefusalError(
            f"the loss is {loss} at step {step}; lower learning_rate (now {settings.learning_rate:g}), "
            "or set clip, such as clip = 1."
        )


def accumulate(model: nn.Module, settings: Settings, train: Examples, step: int, team: Team) -> tuple[float, int]:
    """Computes the gradients of a step; returns its loss, in nats a token, and how many targets it had.

    The batch is cut in parts, which the processes of the team take in turn; each part counts by its targets, so that
    it does not matter who computed it. Raises RefusalError for a batch with fewer examples than parts.
    """
    ids, targets = train.draw(settings.batch_size, stream(settings.seed, step, "batch"))
    parts = settings.accumulate * team.size
    if parts > len(ids):
        raise RefusalError(
            f"a batch of {len(ids)} cannot be cut in {parts} parts, accumulate times processes; make it larger."
        )
    tokens, total = count(targets), 0.0
    cut = list(zip(ids.tensor_split(parts), targets.tensor_split(parts), strict=True))
    for weight in model.parameters():
        weight.grad = None
    for n in range(team.rank, parts, team.size):
        ids, targets = cut[n]
        logits = model(ids.to(team.device), dropout(settings, step, n, team.device)).logits
        loss = gpt.loss(logits, targets.to(team.device)) * (count(targets) / tokens)
        loss.backward()
        total += float(loss.detach())
    team.add_gradients(model)
    return team.sum(total), tokens


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
    team: Team,
) -> Row:
    """Evaluates the model, keeps it if it is the best so far, and lets it write; returns what the log has of that."""
    losses = {"train loss": evaluate(model, train, EVALUATED), "held-out loss": evaluate(model, held_out, EVALUATED)}
    # On other processors the last bits can differ; all go by the first one's, so that all stop at the same step.
    losses = {name: team.sum(loss if team.rank == 0 else 0.0) for name, loss in losses.items()}
    check(losses["held-out loss"], course.step, settings)
    if losses["held-out loss"] < course.best_loss:
        course.best_loss, course.best_step = losses["held-out loss"], course.step
        course.best = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    waited = (course.step - course.best_step) // settings.eval_every
    course.stopped = bool(settings.patience) and waited >= settings.patience
    course.samples.append((course.step, sample(model, course.step)))
    return {"step": course.step} | losses


# --- The state of a training --------------------------------------------------------------------------------------


def identity(settings: Settings, train: Examples, held_out: Examples) -> str:
    """What a training is known by: a digest of its settings and of what it reads."""
    digest = hashlib.sha256(repr((settings, train.n_context)).encode())
    for ids in (train.ids, train.targets, held_out.ids, held_out.targets):
        digest.update(repr(tuple(ids.shape)).encode() + ids.contiguous().numpy().data)
    return digest.hexdigest()


def keep(state: Path, course: Course, model: nn.Module, optimizer: AdamW, whose: str = "") -> None:
    """Keeps all that the training needs to go on, in one step. Raises RefusalError where it cannot be written."""
    kept = {"whose": whose, "course": vars(course), "model": model.state_dict(), "optimizer": optimizer.state}
    packed = io.BytesIO()
    torch.save(kept, packed)
    data = packed.getbuffer()
    beside = state.with_name(f"{state.name}.new")  # always the same: what is left of a killed run is written over
    try:
        with beside.open("wb") as file:
            file.write(hashlib.sha256(data).digest())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a power failure could leave an empty file behind the name
        os.replace(beside, state)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise RefusalError(f"{state} cannot be written: {error.strerror}; the training needs it to go on.") from None


def unpack(data: bytes) -> Mapping[str, Any]:
    """What was kept in a state. Raises an exception of any kind for data that are not as they were written."""
    digest, packed = data[:32], data[32:]
    if hashlib.sha256(packed).digest() != digest:
        raise ValueError
    return torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)


def resume(state: Path | None, model: nn.Module, optimizer: AdamW, whose: str = "", team: Team = ALONE) -> Course:
    """The course of a training up to where it was kept, with the model and the optimizer as they were then.

    A new one if there is no such file. Raises RefusalError for one that cannot be read, is damaged, or was kept by
    another training.
    """
    try:
        data = team.tell(state.read_bytes() if state and team.rank == 0 and state.exists() else None)
    except OSError as error:
        raise RefusalError(f"{state} cannot be read: {error.strerror}; begin anew with --fresh.") from None
    if data is None:
        return Course()
    try:
        kept = unpack(data)
        if kept["whose"] == whose:
            model.load_state_dict(kept["model"])
            optimizer.load(kept["optimizer"])
            return Course(**kept["course"])
    except Exception:  # whatever torch says of a file that is not one of its own
        raise RefusalError(f"{state} is damaged, or no state of a training; begin anew with --fresh.") from None
    raise RefusalError(f"{state} is of a training with other settings or another text; begin anew with --fresh.")
