"""A fortnight of tides from two constituents: those of the moon (M2) and of the sun (S2)."""

from types import SimpleNamespace

import numpy as np

from scenes.words import Words

DAYS, HOURS = 15, 24
MOON, SUN = (1.2, 12.4206), (0.5, 12.0)  # amplitude in metres, period in hours

hours = np.arange(DAYS * HOURS).reshape(DAYS, HOURS)
moons, suns = (size * np.cos(2 * np.pi * hours / period) for size, period in (MOON, SUN))
height = moons + suns
spread = np.ptp(height, axis=1)  # from low to high water, a day

# What the scenes draw, and what a reader is told of each number.
DATA = SimpleNamespace(
    sentence="A fortnight of tides",
    weights="",
    height=height,
    spread=spread,
    words={
        "height": Words(
            lambda _, i: f"day {i[0] + 1}",
            "metres above the mean, from the moon's and the sun's tide",
            parts=lambda _, n: [f"{hour} o'clock" for hour in range(n)],
            title="Height of the water",
        ),
        "spread": Words(lambda _, i: f"day {i[0] + 1}", "the highest water of the day less the lowest", title="Range"),
    },
)


def values(_: object) -> dict[str, str]:
    """What the text fills in, by its name in braces."""
    return {"days": str(DAYS), "springs": f"{spread.max():.1f}", "neaps": f"{spread.min():.1f}"}
