"""Training on any text, in batches: what the first chapter does with twenty sentences, for longer ones.

Every random number of a step comes from a stream of its own, named by the seed, the step and what it is for. So a run
that was killed goes on exactly where its last state was kept, and processes that share a batch draw the same one.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

import gpt
from article.errors import RefusalError
from article.models.dataset import Examples, count_targets, evaluate, stream
from article.models.optimizer import AdamW, Row, learning_rate, norms
from article.models.processes import ALONE, Team, threads
from article.models.settings import Settings
from article.models.training_state import Course, identity, keep_state, resume

EVALUATED = 20_000  # tokens, about, that a loss during training is measured on
ROWS = 400  # rows of the log, about


@dataclass(frozen=True)
class Training:
    """What a model is trained on, how, and by whom."""

    settings: Settings
    train: Examples
    held_out: Examples
    sample: Callable[[nn.Module, int], str] = lambda *_: ""  # makes a text of the model at a step
    state: Path | None = None  # the file that the first process of the team keeps the course in
    team: Team = ALONE
    name: str = "training"

    @property
    def parts(self) -> int:
        """How many parts a batch is cut in."""
        return self.settings.accumulate * self.team.size


class Log:
    """What is written down of a training: rows about some of its steps, with the time that it takes."""

    def __init__(self, training: Training, course: Course) -> None:
        self.training, self.course = training, course
        self.begun = time.perf_counter() - course.seconds
        self.mark()

    def mark(self) -> None:
        """Begins to measure the speed from here."""
        self.since, self.step = time.perf_counter(), self.course.step

    def add(self, model: nn.Module, row: Row, rate: float, loss: float, tokens: int) -> None:
        """A row about a step of so many tokens, with what a look at the model has found, or now and then."""
        settings, step = self.training.settings, self.course.step
        if row or step % max(1, settings.steps // ROWS) == 0:
            steps, seconds = step - self.step, time.perf_counter() - self.since
            speed = {"tokens a second": tokens * steps / seconds} if steps else {}
            self.mark()
            row |= {"step": step, "learning rate": rate, "loss": loss}
            self.course.rows.append(row | speed | norms(model))


def train(model: nn.Module, training: Training) -> Course:
    """Trains a model, in place, and ends with its best weights; returns the course of it.

    The model maps ids (B, T), and an edit, to what has `logits` (B, T, V); it is moved to the device of the team. If
    the state has the beginning of this very training, all processes go on with that. Raises RefusalError for a state
    that is damaged, another's or cannot be written, for a loss that is no number any more, and for a batch that is too
    small to be cut.
    """
    settings, team = training.settings, training.team
    torch.set_num_threads(threads(settings, (settings.batch_size or len(training.train.ids)) // training.parts))
    model.to(device=team.device, dtype=getattr(torch, settings.dtype))
    optimizer = AdamW(model, settings)
    whose = identity(settings, training.train, training.held_out)
    course = resume(training.state, model, optimizer, whose, team)
    log = Log(training, course)
    quiet = True if team.rank else None  # None is quiet where there is no terminal
    bar = tqdm(total=settings.steps, initial=course.step, desc=training.name, unit=" steps", leave=False, disable=quiet)
    with bar:
        while True:
            course.seconds = time.perf_counter() - log.begun
            ends = course.step == settings.steps
            if training.state and team.rank == 0 and course.step % settings.save_every == 0 and not ends:
                keep_state(training.state, course, model, optimizer, whose)
            row: Row = {}
            if course.step % settings.eval_every == 0 or ends:
                row = look(model, training, course)
                log.mark()
            if ends or course.stopped:
                break
            rate = learning_rate(settings, course.step)
            loss, tokens = accumulate(model, training, course.step)
            check(loss, course.step, settings)
            log.add(model, row, rate, loss, tokens)
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


def accumulate(model: nn.Module, training: Training, step: int) -> tuple[float, int]:
    """Computes the gradients of a step; returns its loss, in nats a token, and how many targets it had.

    The batch is cut in parts, which the processes of the team take in turn; each part counts by its targets, so that
    it does not matter who computed it. Raises RefusalError for a batch with fewer examples than parts.
    """
    settings, team, parts = training.settings, training.team, training.parts
    ids, targets = training.train.draw(settings.batch_size, stream(settings.seed, step, "batch"))
    if parts > len(ids):
        raise RefusalError(
            f"a batch of {len(ids)} cannot be cut in {parts} parts, accumulate times processes; make it larger."
        )
    tokens, total = count_targets(targets), 0.0
    cut = list(zip(ids.tensor_split(parts), targets.tensor_split(parts), strict=True))
    for weight in model.parameters():
        weight.grad = None
    for n in range(team.rank, parts, team.size):
        ids, targets = cut[n]
        logits = model(ids.to(team.device), dropout(settings, step, n, team.device)).logits
        loss = gpt.loss(logits, targets.to(team.device)) * (count_targets(targets) / tokens)
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


def look(model: nn.Module, training: Training, course: Course) -> Row:
    """Evaluates the model, keeps it if it is the best so far, and lets it write; returns what the log has of that."""
    settings, team = training.settings, training.team
    examples = {"train loss": training.train, "held-out loss": training.held_out}
    losses = {name: evaluate(model, some, EVALUATED) for name, some in examples.items()}
    # On other processors the last bits can differ; all go by the first one's, so that all stop at the same step.
    losses = {name: team.sum(loss if team.rank == 0 else 0.0) for name, loss in losses.items()}
    check(losses["held-out loss"], course.step, settings)
    if losses["held-out loss"] < course.best_loss:
        course.best_loss, course.best_step = losses["held-out loss"], course.step
        course.best = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    waited = (course.step - course.best_step) // settings.eval_every
    course.stopped = bool(settings.patience) and waited >= settings.patience
    course.samples.append((course.step, training.sample(model, course.step)))
    return {"step": course.step} | losses
