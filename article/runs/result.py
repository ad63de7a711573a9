"""What a run has come to, for its report."""

from dataclasses import dataclass, field
from typing import NamedTuple

import gpt
from article.runs.settings import Settings
from article.runs.training import Course, Examples


class Rung(NamedTuple):
    """What a model of the ladder came to."""

    name: str
    parameters: int
    loss: float  # on the held-out text, in nats a token
    sample: str


@dataclass(frozen=True)
class Result:
    """All that a run knows at its end."""

    settings: Settings  # as they were settled: n_context and n_vocab are numbers other than 0
    tokenizer: gpt.Tokenizer
    name: str  # of the text's folder
    train_text: str
    held_out_text: str
    train: Examples
    held_out: Examples
    course: Course
    model: gpt.GPT  # with the best weights, in float64
    train_loss: float  # in nats a token, on all of the text
    held_out_loss: float
    bigram: tuple[float, float]  # train and held-out loss of the counted bigram
    floor: float  # what no model with this context can go below on the training text
    ladder: list[Rung] = field(default_factory=list)  # empty if it was not asked for
