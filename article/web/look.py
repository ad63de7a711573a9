"""What scenes look like, as a page tells it to scripts that draw them, too."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenes import style
from scenes.glyphs.text import letters

# The words for what is drawn, in live/scenes.js as in scenes/.
NAMES = """embedding alone position block head final LayerNorm entering after attention MLP stream last vector
probability for logit bias query key × score: their sum score masked weight (head values, mixed all write hidden ReLU
less its mean to one size component component, weight, share before unit times gain plus product the best, with
logits"""


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
