"""The loss around a trained model, in the plane in which its training moved most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import gpt
from article.models.recording import EVERY, explored
from scenes.analysis.view import View
from scenes.analysis.words import WORDS
from scenes.words import Head, Table


def on_grid(shown: Any, _: object, n: int) -> tuple[Head, Head]:
    """Where the n-th height stands."""
    row, column = divmod(n, len(shown.height))
    return (row, str(row + 1)), (column, str(column + 1))


HEIGHTS = Table(lambda *_: "Loss", "second \\ first direction", on_grid)
HEIGHT = WORDS["loss_landscape"]["height"]._replace(table=HEIGHTS)


@dataclass(frozen=True)
class LossLandscape(View):
    """A trace, and the loss on the corpus in a plane through the weights of its model.

    The plane is that of the first two principal components of the path of training, laid through its end. A place in it
    is two numbers from -1 to 1, from one end of the drawn part to the other.
    """

    words = View.words | WORDS["loss_landscape"] | {"height": HEIGHT}
    height: np.ndarray  # (GRID, GRID); the loss at each place, by the second and the first number
    path: np.ndarray  # (S, 2); the places nearest to where the training was, every few steps
    path_loss: np.ndarray  # (S,); the loss where it was, which is beside the plane
    in_plane: float  # the share of the path's variance that the plane holds
    every: int = EVERY  # steps from one point of the path to the next


def loss_landscape(
    config: gpt.Config, tokenizer: gpt.Tokenizer, corpus: Sequence[str], trace: gpt.Trace
) -> LossLandscape:
    """The landscape of one training, whose trace of a sentence is given."""
    arrays = explored(config, tokenizer, corpus, trace.sentence)
    height, path = arrays["height"], arrays["path"]
    right, back = np.where(path[0] < 0, -1, 1)  # a principal component has no sign: the start is at the back
    return LossLandscape(
        trace,
        height=height[::back, ::right],
        path=path * [right, back],
        path_loss=arrays["path_loss"],
        in_plane=float(arrays["in_plane"]),
    )
