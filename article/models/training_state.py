"""The state of a training, kept so that a killed one goes on where it was."""

import contextlib
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from article import cache
from article.errors import RefusalError
from article.models.dataset import Examples
from article.models.optimizer import AdamW, Row
from article.models.processes import ALONE, Team
from article.models.settings import Settings


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


def identity(settings: Settings, train: Examples, held_out: Examples) -> str:
    """What a training is known by: a digest of its settings and of what it reads."""
    ids = (train.ids, train.targets, held_out.ids, held_out.targets)
    shapes = [tuple(some.shape) for some in ids]
    return cache.key((settings, train.n_context, shapes), *(some.numpy() for some in ids))


def keep_state(state: Path, course: Course, model: nn.Module, optimizer: AdamW, whose: str = "") -> None:
    """Keeps all that the training needs to go on, in one step. Raises RefusalError where it cannot be written."""
    kept = {"whose": whose, "course": vars(course), "model": model.state_dict(), "optimizer": optimizer.state}
    packed = io.BytesIO()
    torch.save(kept, packed)
    data = packed.getbuffer()
    beside = state.with_name(f"{state.name}.new")  # always the same: what is left of a killed run is written over
    try:
        with beside.open("wb") as file:
            file.writelines([cache.seal(data), data])
            file.flush()
            os.fsync(file.fileno())  # or a power failure could leave an empty file behind the name
        os.replace(beside, state)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise RefusalError(f"{state} cannot be written: {error.strerror}; the training needs it to go on.") from None


def unpack(data: bytes) -> Mapping[str, Any]:
    """What was kept in a state. Raises an exception of any kind for data that are not as they were written."""
    packed = cache.opened(data)
    if packed is None:
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
