"""Three clouds of points, drawn at random around what Fisher's irises measure on average."""

import numpy as np

SPECIES = ("setosa", "versicolor", "virginica")
MIDDLES = np.array([[5.0, 1.5, 0.25], [5.9, 4.3, 1.3], [6.6, 5.6, 2.0]])
SPREADS = np.array([[0.35, 0.17, 0.1], [0.52, 0.47, 0.2], [0.64, 0.55, 0.27]])
EACH = 50

kinds = np.repeat(np.arange(3), EACH)
points = MIDDLES[kinds] + SPREADS[kinds] * np.random.default_rng(1).normal(size=(3 * EACH, 3))


def values(_: object) -> dict[str, str]:
    return {"n": str(len(points)), "each": str(EACH)}
