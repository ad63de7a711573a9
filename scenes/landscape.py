"""The landscape of the loss around the trained model, and the path of its training."""

import numpy as np
import pyvista as pv

from scenes import glyphs, style
from scenes.analysis.loss_landscape import LossLandscape
from scenes.style import Scale

SHOWS = "loss_landscape"


def build(landscape: LossLandscape) -> pv.MultiBlock:
    """The loss as height over the plane, beads where the training came by, and a stick for where it ended."""
    scale = Scale.of(landscape.height)
    scene = glyphs.start("landscape", landscape, scale, style.VIEW_OF_LAND)
    scene.user_dict |= {"glyphs": {"height": "surface", "path": "bead"}}
    half = style.LAND_SPAN + style.PLINTH
    low, high = (-half, -half, 0), (half, half, style.PLINTH_HEIGHT / 2)
    glyphs.ground(scene, glyphs.box(low, high, glyphs.to_bytes(style.STONE)))
    glyphs.mark(scene, glyphs.surface(landscape.height, scale), landscape, "height", ())
    n = len(landscape.height)
    for s, place in enumerate(landscape.path):
        # On the surface, at the height of the highest corner of the square of the grid that it lies in.
        i, j = np.clip((place[::-1] + 1) / 2 * (n - 1), 0, n - 2).astype(int)
        top = style.PLINTH_HEIGHT + style.LAND_HEIGHT * float(
            scale.fraction(landscape.height[i : i + 2, j : j + 2]).max()
        )
        glyphs.mark(scene, glyphs.bead(place, top + style.BEAD), landscape, "path", (s,))
        if s in (0, len(landscape.path) - 1):
            x, y = style.LAND_SPAN * place
            scene.append(glyphs.stick((x, y, top), (x, y, top + style.FLAG), style.SLATE), f"flag/{s}")
            glyphs.tag(scene, f"flag/{s}", "end" if s else "start", (x, y, top + 1.1 * style.FLAG))
    corner = (-half + style.PLINTH / 2, half - style.PLINTH / 2)
    end = style.PLINTH_HEIGHT + style.LAND_HEIGHT
    scene.append(glyphs.stick((*corner, style.PLINTH_HEIGHT), (*corner, end), style.SLATE), "legend/height")
    glyphs.tag(scene, "legend/height", glyphs.number(scale.limit), (*corner, end + style.LETTER))
    glyphs.tag(scene, "legend/quantity", "loss, nats a token", (*corner, end + 2.5 * style.LETTER))
    front = -half - style.TEXT_SIZE * style.LINE
    glyphs.label(scene, "axis/1", "direction 1 of the weights", (0, front))
    glyphs.label(scene, "axis/2", "direction 2", (half + style.PLINTH, -half / 2), align=0)
    return scene
