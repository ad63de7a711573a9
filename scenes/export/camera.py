"""The eye that looks at a scene, as model-viewer describes it."""

import math
from dataclasses import dataclass

import numpy as np
import pyvista as pv
from numpy.typing import ArrayLike, NDArray

from scenes import style
from scenes.export.glb import leaves


@dataclass(frozen=True)
class Camera:
    """An eye that looks at a target, in the frame of the scene (z up), as model-viewer describes it.

    Azimuth in degrees from straight ahead (looking along y), to the right; zenith in degrees from straight above; the
    field of view is vertical, in degrees; the aspect of the picture is its width over its height.
    """

    target: tuple[float, float, float]
    distance: float
    azimuth: float
    zenith: float
    aspect: float
    field_of_view: float = style.FIELD_OF_VIEW

    @property
    def pixels(self) -> tuple[int, int]:
        """The width and height of a still."""
        return style.STILL_WIDTH, round(style.STILL_WIDTH / self.aspect)

    def axes(self) -> NDArray[np.float64]:
        """The directions to the right, upwards and forwards of the picture, as rows (3, 3)."""
        a, z = np.radians([self.azimuth, self.zenith])
        forward = -np.array([np.sin(z) * np.sin(a), -np.sin(z) * np.cos(a), np.cos(z)])
        right = np.array([np.cos(a), np.sin(a), 0])
        return np.array([right, np.cross(right, forward), forward])

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (n, 3) of the scene as (n, 3): x and y in half-heights of the picture, y up, and the distance."""
        from_target = np.asarray(points, float) - self.target
        # By hand, because matrix routines differ in the last digits: which of two things is farther must not.
        seen = (from_target[:, None, :] * self.axes()).sum(axis=2)
        depth = seen[:, 2] + self.distance
        return np.column_stack([seen[:, :2] / (depth * np.tan(np.radians(self.field_of_view / 2)))[:, None], depth])


def frame(scene: pv.MultiBlock) -> Camera:
    """The nearest camera that sees the whole scene, with a margin, from the side that its `user_dict` names."""
    azimuth, zenith = scene.user_dict["view"]
    points = np.concatenate([np.asarray(shape.points, float) for shape in leaves(scene)])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    axes = Camera((0, 0, 0), 1, azimuth, zenith, 1).axes()
    x, y, z = axes @ (points - middle).T
    high = math.tan(math.radians(style.FIELD_OF_VIEW / 2)) * (1 - 2 * style.MARGIN)
    # The eye (a, b, c) sees a point if |x - a| <= wide (z - c) and |y - b| <= high (z - c): four planes, each as near
    # as its nearest point allows. Of the aspects, that one is best in which both directions ask for the same distance.
    top, bottom = (y - high * z).max(), (-y - high * z).max()
    sides = {a: ((x - high * a * z).max(), (-x - high * a * z).max()) for a in style.ASPECTS}
    depths = {a: (-(right + left) / (2 * high * a), -(top + bottom) / (2 * high)) for a, (right, left) in sides.items()}
    aspect = min(style.ASPECTS, key=lambda a: abs(depths[a][0] - depths[a][1]))
    (right, left), depth = sides[aspect], min(depths[aspect])
    target = middle + np.array([(right - left) / 2, (top - bottom) / 2, 0]) @ axes
    x, y, z = target.tolist()
    return Camera((x, y, z), float(-depth), azimuth, zenith, aspect)
