"""Training on any text, in batches: what the first chapter does with twenty sentences, for longer ones.

Every random number of a step comes from a stream of its own, named by the seed, the step and what it is for. So a run
that was killed goes on exactly where its last state was kept, and processes that share a batch draw the same one.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

import gpt
from article.errors import RefusalError
from article.models.dataset import Examples, count, evaluate, stream
from article.models.optimizer import AdamW, Row, learning_rate, norms
from article.models.processes import ALONE, Team, threads
from article.models.settings import Settings
from article.models.training_state import Course, identity, keep, resume

EVALUATED = 20_000  # tokens, about, that a loss during training is measured on
ROWS = 400  # rows of the log, about


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
