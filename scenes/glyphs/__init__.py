"""The words that a scene is written in: what draws numbers, and what puts them into a scene."""

from scenes.glyphs.aggregate import carpets, crowd, crowd_pitch, crowd_signs, crowds
from scenes.glyphs.animation import growing, posed, roll
from scenes.glyphs.legends import bar_legend, legend
from scenes.glyphs.maps import atlas
from scenes.glyphs.scene import arrivals, ground, heights_of, level_row, line, mark, matrix

# isort: split
from scenes.glyphs.scene import names, pattern, row, side, stand, start, stream, unembedding
from scenes.glyphs.shapes import Point, bar, bead, box, column, foot, post, ribbon, stick, surface, to_bytes
from scenes.glyphs.text import label, lacking, number, signs, tag, width_of
from scenes.glyphs.whole import alone, side_by_side
