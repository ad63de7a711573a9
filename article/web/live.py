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
from scenes.glyphs.text import letters

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


# The words for what is drawn, in live/scenes.js as in scenes/.
NAMES = """embedding alone position block head final LayerNorm entering after attention MLP stream last vector
probability for logit bias query key × score: their sum score masked weight (head values, mixed all write hidden ReLU
less its mean to one size component component, weight, share before unit times gain plus product the best, with logits"""


def look(words: Sequence[str]) -> dict[str, Any]:
    """What scenes are drawn by, as JSON, for scripts that draw them, too.

    The numbers of `scenes.style` by name; the shapes of letters, each its flat points and its triangles; and words,
    those of scenes and single letters, each as how far it goes, and the shapes and places of its letters.
    """
    shapes: dict[bytes, list] = {}

    def placed(text: str) -> list:
        for (points, faces), _ in letters(text):
            shapes.setdefault(points.tobytes(), [np.round(points, 5).ravel().tolist(), faces.ravel().tolist()])
        *known, (_, far) = letters(f"{text}0")
        return [round(far, 5), [[[*shapes].index(points.tobytes()), round(x, 5)] for (points, _), x in known]]

    whole = {f"{word} ": placed(f"{word} ") for word in [*words, *NAMES.split()]}
    single = {letter: placed(letter) for letter in sorted({*"".join(words), *" .,…+=)−0123456789"})}
    constants = {name: value for name, value in vars(style).items() if name.isupper()}
    return {"style": constants, "texts": whole | single, "shapes": [*shapes.values()]}


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
