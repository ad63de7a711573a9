"""What a page sends of a model, so that the reader's browser can ask it, and the bench where that is done."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from article import paths
from article.evidence.claim import Facts
from article.web import html
from article.web.html import Body
from article.web.markdown import Document

GRID = 2.0**16  # weights are multiples of 1 / GRID


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


@dataclass(frozen=True)
class Bench:
    """Where the reader of a page asks its model, switches parts of it off, and trains it: the first thing on the page.

    Without scripts it shows what the model answers to the page's prompt, and the still of a scene.
    """

    model: str  # JSON by `packed`, with corpus, prompt, answer (its next word), fingerprint (of the weights) and look
    tokens: Sequence[str]  # of the prompt
    answers: Sequence[tuple[float, str]]  # the most probable ones to it, with their probabilities
    blocks: int
    heads: int
    presets: Mapping[str, Sequence[str]]  # prompts by what they are
    seed: int  # of the model's training
    steps: int  # of it
    scene: str = "forward"  # which it shows, if the page has it

    def page(self, document: Document, facts: Facts) -> Body:
        """A document with the bench under its title. Raises UnknownNameError like `Document.body`."""
        body = document.body(facts)
        alt, caption = document.captions(facts.values).get(self.scene, ("", ""))
        bench = html.render(
            "bench.html",
            bench=self,
            parameters=facts.values["parameters"],
            data=facts.figures.get(f"{self.scene}.glb"),
            alt=alt,
            caption=caption,
            at=document.at,
            model=html.safe(self.model),
        )
        head, end, rest = body.html.partition("</h1>")
        return body._replace(html=head + end + bench + rest if end else bench + head)
