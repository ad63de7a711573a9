"""What a page sends of a model, so that the reader's browser can ask it, and the bench where that is done."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from article import paths
from article.evidence.claim import Facts
from article.web import html
from article.web.html import Body
from article.web.markdown import Document
from scenes import style
from scenes.glyphs.text import fitted, letters

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


def names(blocks: int, heads: int) -> list[str]:
    """What the parts of a forward pass are called in its scene, and in what live/forward.js draws."""
    numbered = [f"{part} {n + 1}" for part, count in (("block", blocks), ("weight, head", heads)) for n in range(count)]
    return ["embedding + position", "embedding alone", *numbered, "final LayerNorm", "component"]


def look(words: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """What scenes are drawn by, as JSON, for scripts that draw them, too.

    The numbers of `scenes.style` by name; the shapes of letters, each its flat points and its triangles; each of the
    words and names, as the shapes and places of its letters; and of each digit the shape, and how far it goes. Long
    words are cut as in the rows of scenes.
    """
    shapes: dict[bytes, list] = {}

    def placed(text: str) -> list[list[float]]:
        for (points, faces), _ in letters(text):
            shapes.setdefault(points.tobytes(), [np.round(points, 5).ravel().tolist(), faces.ravel().tolist()])
        return [[[*shapes].index(points.tobytes()), round(x, 5)] for (points, _), x in letters(text)]

    digits = {digit: [placed(digit)[0][0], placed(f"{digit}0")[1][1]] for digit in "0123456789.\N{MINUS SIGN}"}
    constants = {name: value for name, value in vars(style).items() if name.isupper()}
    known = {word: placed(fitted([word])[0][0]) for word in words} | {name: placed(name) for name in names}
    return {"style": constants, "texts": known, "digits": digits, "shapes": [*shapes.values()]}


def scripts() -> dict[str, bytes]:
    """The scripts of a page with a bench, by their names in its site."""
    return {f"live/{path.name}": path.read_bytes() for path in sorted((paths.ASSETS / "live").glob("*.js"))}


@dataclass(frozen=True)
class Bench:
    """Where the reader of a page asks its model, switches parts of it off, and trains it: the first thing on the page.

    Without scripts it shows what the model answers to the page's prompt, and the still of a scene.
    """

    model: str  # JSON by `packed`, with corpus, prompt, answer (its next word), fingerprint (of the weights) and look
    trace: Any  # of the prompt
    presets: Mapping[str, Sequence[str]]  # prompts by what they are
    seed: int  # of the model's training
    steps: int  # of it
    scene: str = "forward"  # which it shows, if the page has it

    def page(self, document: Document, facts: Facts) -> Body:
        """A document with the bench under its title. Raises UnknownNameError like `Document.body`."""
        body, chances = document.body(facts), self.trace.probabilities[-1, -1]
        L, H, *_ = self.trace.attention.shape
        best = sorted(zip(chances.tolist(), self.trace.vocab, strict=True), reverse=True)[:5]
        alt, caption = document.captions(facts.values).get(self.scene, ("", ""))
        bench = html.render(
            "bench.html",
            bench=self,
            blocks=L,
            heads=H,
            seed=self.seed,
            steps=self.steps,
            answers=best,
            parameters=facts.values["parameters"],
            data=facts.figures.get(f"{self.scene}.glb"),
            alt=alt,
            caption=caption,
            at=document.at,
            model=html.safe(self.model),
        )
        head, end, rest = body.html.partition("</h1>")
        return body._replace(html=head + end + bench + rest if end else bench + head)
