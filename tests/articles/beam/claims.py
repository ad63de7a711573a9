"""What the text claims."""

import numpy as np
from content.values import INERTIA, LENGTH, WEIGHT, WIDTH, beam, sag

from article.evidence.claim import Truth, claim


@claim("halfway it has gone down by 33 to 40 % of what its tip has", "{:.1%}".format)
def half_is_a_third(_: object) -> Truth:
    half, tip = sag(np.array([LENGTH / 2, LENGTH]))
    return half / tip, 0.33 < half / tip < 0.4


@claim("the largest stress of the mesh is q L² / 2 · h / 2 / I, within a thousandth", "{:.2f} MPa".format)
def stress_of_the_textbook(_: object) -> Truth:
    found, known = float(beam()["stress"].max()), WEIGHT * LENGTH**2 / 2 * WIDTH / 2 / INERTIA / 1e6
    return found, abs(found / known - 1) < 1e-3
