"""Every visual number of the scenes, from style.toml, and the scale that turns values into lengths and colours."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Color = tuple[float, float, float]  # sRGB
Stops = tuple[Color, ...]  # along a scale, at equal distances
NUMBERS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def __getattr__(name: str) -> Any:
    """The visual number of a name."""
    if name in NUMBERS:
        return NUMBERS[name]
    raise AttributeError(f"style.toml has no number of the name {name!r}")


@dataclass(frozen=True)
class Scale:
    """What values look like: lengths and colours, linear, symmetric about zero, the same for a whole scene."""

    limit: float

    @classmethod
    def of(cls, *values: ArrayLike) -> "Scale":
        """The scale that fits all the values: its limit is the largest magnitude, or 1 if there is none but zero.

        It has nine digits, which are the same on every processor.
        """
        largest = max(float(np.abs(v).max(initial=0)) for v in map(np.asarray, values))
        return cls(float(f"{largest:.9g}") or 1.0)

    def fraction(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values as fractions of the limit, -1 to 1, in the values' shape."""
        return np.asarray(values, float) / self.limit

    def length(self, values: ArrayLike) -> NDArray[np.float64]:
        """Half-widths of boxes, in units of the scene and the values' shape."""
        return NUMBERS["BASE"] + NUMBERS["SPAN"] * np.abs(self.fraction(values))

    def color(self, values: ArrayLike) -> NDArray[np.float64]:
        """Colours (..., 3) of values (...): warm where positive, cool where negative, darker with size."""
        return self.between(values, NUMBERS["NEGATIVE"], NUMBERS["POSITIVE"])

    def tint(self, differences: ArrayLike) -> NDArray[np.float64]:
        """Colours (..., 3) of differences (...): warm where positive, cool where negative, the paler the smaller."""
        return self.between(differences, NUMBERS["LESS"], NUMBERS["MORE"])

    def between(self, values: ArrayLike, negative: Stops, positive: Stops) -> NDArray[np.float64]:
        """Colours (..., 3) of values (...), from the stops at zero, at half the limit and at the limit."""
        part = self.fraction(values)
        rgb = [
            np.where(part < 0, *(np.interp(np.abs(part), np.linspace(0, 1, len(stops)), stops) for stops in channel))
            for channel in zip(np.transpose(negative), np.transpose(positive), strict=True)
        ]
        return np.stack(rgb, axis=-1)


def weight_color(weights: ArrayLike) -> NDArray[np.float64]:
    """Colours (..., 3) of attention weights (...): the darker, the larger."""
    return Scale(1.0).between(weights, NUMBERS["WEIGHT"], NUMBERS["WEIGHT"])
