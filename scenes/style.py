"""Every visual number of the scenes, and the scale that turns values into lengths and colours.

Scenes are built in a right-handed frame with z up: tokens along x, blocks into the depth along y, components upwards
along z, the floor at z = 0. One unit is about the width of a small box. Colours are sRGB, 0 to 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Color = tuple[float, float, float]  # sRGB
Stops = tuple[Color, ...]  # along a scale, at equal distances

METER = 0.025  # metres that a unit measures in the file, so that a scene fits on a table in AR

# --- Boxes --------------------------------------------------------------------------------------------------------

BASE = 0.075  # half-width of a box that stands for zero
SPAN = 1.0  # what the scale's limit adds to it
PITCH = 0.24  # from one box of a column to the next
GAP = 0.04  # the air between them
PITCH_STEPS = 12  # of the file's grid in a pitch; a whole number of them makes the gap

BAR = 0.55  # half-width of a bar
BAR_BASE = 0.06  # height of a bar that stands for zero
BAR_SPAN = 6.0  # what the scale's limit adds to it
BAR_LEGEND_ROW = -8.6  # where the legend of bars stands along y
BAR_LEGEND_SPACING = 2.6  # from one of its bars to the next
BAR_PITCH = 2.3  # from token to token, where a row shows the whole vocabulary
BAR_SPACING = 1.5  # from a bar to the one beside it

POINT = 0.4  # half-width of a point on a map
FAINT = 0.65  # of the size of others, that of points that the map is not about
MAP_SPAN = 9.0  # how far from the middle of a map its limit is
MAP_DISTANCE = 145.0  # from which it is seen, about
MAP_HEIGHT = 10.5  # of that middle over the floor
STICK = 0.07  # half-width of a stick that joins points
LAND_SPAN = 12.0  # from the middle of a landscape to its ends
LAND_HEIGHT = 9.0  # of the scale's limit over the floor
FLAG = 3.5  # height of the sticks at its start and its end
BEAD = 0.22  # half-width of a bead of the path on it
TAG_SIZE = 1.0  # font size of what stands upright without a plate
POINT_NAME = 1.1  # font size of a point's name
LETTER = 0.75  # height of a letter, in font sizes

FRAME = 0.2  # seconds from one recorded step of a film to the next

# --- Ground -------------------------------------------------------------------------------------------------------

SPACING = 3.4  # from token to token
DEPTH = 9.2  # from block to block
BAR_DEPTH = 3.9  # from a row of bars to the next
BAR_APART = 7.6  # where a bar may be as high as the scale, so that none hides another
PLINTH = 1.12  # half-width of a column's plinth
PLINTH_HEIGHT = 0.3
PLATE_GAP = 0.12  # between a plinth and its plate
PLATE_SLOPE = 0.55  # rise over run of a name plate, towards the eye
TEXT_SHRINK = 0.6  # how far a long text makes the others of its row smaller; beyond it, it is cut
TEXT_SIZE = 0.82  # font size of the labels
TEXT_MARGIN = 0.2  # between a label and the sides of its plate
TEXT_LIFT = 0.015  # of a label over its plate
TEXT_TOLERANCE = 0.08  # how far the outline of a letter may be off its curve, in font sizes
LINE = 1.25  # depth of a plate, in font sizes
BASELINE = 0.36  # of a label on its plate, in font sizes
PLATE_LIP = 0.12  # height of a plate at its front

# --- Large models -------------------------------------------------------------------------------------------------

CROWD_PITCH = 0.6  # from one box of a column to the next, at least, where a box stands for several components
CROWD_HEIGHT = 6.5  # of a column, at least
CROWD_GAP = 0.12  # of a pitch, the air between them
CROWD_DEPTH = 15.0  # from one row of columns to the next, with a pattern between them
CROWD_STEP = 1.3  # from a row to the next one, without; in heights of a column
TILE_LIFT = 0.02  # over the floor
SIGN_SIZE = (0.82, 3.2)  # font size of what is written beside few and many columns, to be read from afar
SIGN_SPACING = 4.0  # from one box of the legend to the next, in font sizes
SIGN_MANY = 64  # columns
SIGN_TOLERANCE = 0.3  # how far the outline of such a letter may be off its curve, in font sizes
SIGN_EVERY = 8  # tokens, of which the first has a sign

# --- Legend -------------------------------------------------------------------------------------------------------

LEGEND_ROW = -4.3  # where it stands along y, before the first row
LEGEND_GAP = 0.1  # between its plinth and its name plates
LEGEND_SPACING = 2.4  # from box to box
LEGEND_SIZE = 0.62  # font size of its labels
LEGEND_BELOW = 1.6  # from its numbers to what they are of
GROUP_BELOW = 3.4  # from a row of plinths to what a group of it is
LEGEND_PARTS = (-0.5, 0.0, 0.5)  # of the limit: smaller than the data
LEGEND_WEIGHTS = (1.0,)  # of ribbons
LEGEND_TILES = (0.0, 0.5, 1.0)  # weights told by colours
LEGEND_DIFFERENCES = (-1.0, -0.5, 0.0, 0.5, 1.0)  # of their limit, told by colours
LEGEND_RIBBON = 1.7  # from ribbon to ribbon
LEGEND_DEPTH = 4.2  # from one of its rows to the next
LEGEND_NARROW = 1.7  # from box to box, where all are of one size
DECIMALS = 4  # of the numbers that travel with the marks, on a scale whose limit is 0.1 or more

# --- Attention ----------------------------------------------------------------------------------------------------

HAIR = 0.04  # width of a ribbon of weight 0
RIBBON = 0.75  # what a weight of 1 adds to it
RIBBON_GAP = 0.05  # between two heads' ribbons, where they meet a plinth
RIBBON_ROOM = 2.3  # for the ribbons of all heads at a plinth
RIBBON_STEPS = (6, 9)  # points along a thin and along a wide ribbon that bends
RIBBON_THIN = 0.1  # weight up to which a ribbon is thin
RIBBON_LOW, RIBBON_HIGH = 0.02, 0.24  # the ribbons of a block lie between, so that none cuts through another

STRIP = 7.6  # from the keys of a head to its queries, where each head has a strip of its own
STRIP_PITCH = 9.8  # from one strip to the next
STRIP_EDGE = 0.35  # half the depth of what its ribbons begin and end at
STRIP_WIDER = 2.0  # ribbons there, at most; they have a plinth for themselves

# --- Colours ------------------------------------------------------------------------------------------------------

POSITIVE = ((0.97, 0.85, 0.66), (0.91, 0.55, 0.20), (0.60, 0.20, 0.07))  # warm: zero, half, limit
NEGATIVE = ((0.76, 0.86, 0.91), (0.25, 0.56, 0.74), (0.06, 0.24, 0.45))  # cool
HEADS = (  # neither warm nor cool; the article's model has two heads
    (0.56, 0.30, 0.62),  # plum
    (0.28, 0.60, 0.42),  # green
    (0.88, 0.56, 0.72),  # rose
    (0.16, 0.36, 0.32),  # fir
    (0.66, 0.70, 0.30),  # moss
    (0.36, 0.32, 0.42),  # slate
    (0.72, 0.66, 0.86),  # lilac
    (0.52, 0.80, 0.70),  # mint
)
WEIGHT = ((0.87, 0.86, 0.84), (0.62, 0.38, 0.68), (0.24, 0.06, 0.30))  # of a tile: zero, half, one
SAME = (0.70, 0.69, 0.67)  # of a difference of zero
MORE, LESS = (SAME, *POSITIVE[1:]), (SAME, *NEGATIVE[1:])  # of a difference: zero, half, limit
STONE = (0.87, 0.86, 0.84)  # plinths and plates
INK = (0.13, 0.13, 0.15)
SLATE = (0.46, 0.46, 0.5)  # of what stands without a plate, to be seen on a light and on a dark page

# --- Light --------------------------------------------------------------------------------------------------------

SKY, FLOOR = 0.45, 0.32  # brightness from above and below the horizon
LAMPS = (  # azimuth and elevation in degrees, size, strength
    (0.0, 80.0, 0.25, 0.8),  # from above
    (-150.0, 30.0, 0.2, 1.15),  # from the front, left of the default camera
    (130.0, 20.0, 0.2, 0.5),  # from the front, right of it
)

# --- Camera -------------------------------------------------------------------------------------------------------

# Degrees to the left of straight ahead, and from straight above.
VIEW_OF_CROWD = (-14.0, 44.0)
VIEW_OF_GRID = (-14.0, 51.0)
VIEW_OF_LAND = (-24.0, 62.0)
VIEW_OF_MAP = (-26.0, 79.0)
VIEW_OF_BARS = (-12.0, 46.0)
VIEW_OF_MATRIX = (-14.0, 40.0)
VIEW_OF_ROW = (-20.0, 70.0)
FIELD_OF_VIEW = 10.0  # degrees, vertical: a long lens, by which equal boxes look equal, and bars stand upright
ASPECTS = (1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.8, 3.2)  # that a figure may have, width over height
MARGIN = 0.03  # free on each side of a figure
STILL_WIDTH = 1200  # pixels


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
        return BASE + SPAN * np.abs(self.fraction(values))

    def color(self, values: ArrayLike) -> NDArray[np.float64]:
        """Colours (..., 3) of values (...): warm where positive, cool where negative, darker with size."""
        return self.between(values, NEGATIVE, POSITIVE)

    def tint(self, differences: ArrayLike) -> NDArray[np.float64]:
        """Colours (..., 3) of differences (...): warm where positive, cool where negative, the paler the smaller."""
        return self.between(differences, LESS, MORE)

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
    return Scale(1.0).between(weights, WEIGHT, WEIGHT)
