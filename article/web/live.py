"""What a page sends of a model, so that the reader's browser can ask it, and the bench where that is done."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from article import paths
from article.evidence.claim import Facts
from article.web import html
from article.web.html import Body
from article.web.markdown import Document

GRID = 2.0**16  # weights are multiples of 1 / GRID
SCENE = "forward"  # that the bench shows, if the text has it


def packed(
    weights: Mapping[str, np.ndarray], config: Mapping[str, object], vocab: Sequence[str], **more: object
) -> str:
    """A trained model as JSON that may stand in a page: its weights in the order of their definition, float64 each.

    `more` stands beside it: what the page says of it.

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
    whole = {"config": dict(config), "vocab": list(vocab), "weights": text, **more}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def scripts() -> dict[str, bytes]:
    """The scripts of a page with a bench, by their names in its site."""
    return {f"live/{path.name}": path.read_bytes() for path in sorted((paths.ASSETS / "live").glob("*.js"))}


def page(bench: Mapping[str, Any], write: Callable[[Document, Facts], Body], document: Document, facts: Facts) -> Body:
    """What is written of a document, with the bench under its title.

    There the reader asks its model, cuts parts of it off, and trains it. Of the `bench` there are the model as JSON by
    `packed`, the tokens of its prompt, the most probable answers to it, each with its probability, the presets,
    prompts by what they are, and the numbers of blocks and heads, the seed and the steps. Without scripts it shows the
    answers, and the still of a scene, if that is in the text. Raises UnknownNameError.
    """
    body = write(document, facts)
    alt, caption = document.captions(facts.values).get(SCENE, ("", ""))
    shown = html.render(
        "bench.html",
        bench={**bench, "scene": SCENE},
        parameters=facts.values["parameters"],
        data=facts.figures.get(f"{SCENE}.glb") if SCENE in document.scenes else None,
        alt=alt,
        caption=caption,
        at=document.at,
        model=html.safe(bench["model"]),
    )
    head, end, rest = body.html.partition("</h1>")
    return body._replace(html=head + end + shown + rest if end else shown + head)
