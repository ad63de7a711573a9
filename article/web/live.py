"""What a page sends of a model, so that the reader's browser can ask it: `live.js` reads it."""

import base64
import json
from collections.abc import Mapping, Sequence

import numpy as np

GRID = 2.0**16  # weights are multiples of 1 / GRID


def packed(weights: Mapping[str, np.ndarray], config: Mapping[str, object], vocab: Sequence[str]) -> str:
    """A trained model as JSON that may stand in a page: its weights in the order of their definition, float64 each.

    A weight is a whole number of steps of the grid; it takes three bytes, twice its size and 1 if it is negative, and
    so zero keeps its sign. First come the lowest bytes of all, then the middle ones, then the highest, in base64.
    Raises ValueError for weights that are not on the grid, or 128 or more in size.
    """
    vector = np.concatenate([np.asarray(weight, np.float64).ravel() for weight in weights.values()])
    steps = np.abs(vector) * GRID
    if not (np.all(steps == np.rint(steps)) and np.all(steps < 2**23)):  # which NaN is not, either
        raise ValueError("the weights are not those of a training: multiples of 2**-16 below 128")
    codes = (2 * steps).astype("<u4") + np.signbit(vector)
    planes = codes.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].T
    text = base64.b64encode(planes.tobytes()).decode()
    whole = {"config": dict(config), "vocab": list(vocab), "weights": text}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
