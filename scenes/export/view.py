"""How a plotter looks at its scene: which way is up, where the eye is, and what model-viewer calls that."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PARALLEL = 1.0  # degrees, the field of view that stands for a parallel projection


@dataclass(frozen=True)
class View:
    """An eye in the frame of the caller that looks at a target; the field of view is vertical, in degrees."""

    eye: NDArray[np.float64]
    target: NDArray[np.float64]
    up: NDArray[np.float64]
    angle: float
    window: tuple[int, int]  # pixels

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.eye - self.target))

    @property
    def pixel(self) -> float:
        """What a pixel measures where the target is."""
        return 2 * self.distance * np.tan(np.radians(self.angle / 2)) / self.window[1]

    def axes(self) -> NDArray[np.float64]:
        """The directions to the right, upwards and forwards of the picture, as rows (3, 3)."""
        forward = (self.target - self.eye) / self.distance
        right = np.cross(forward, self.up)
        right /= np.linalg.norm(right)
        return np.array([right, np.cross(right, forward), forward])

    def at(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """The points (n, 3) of the target's plane that are seen at pixels (n, 2) from the lower left."""
        from_middle = np.asarray(pixels, float) - np.array(self.window) / 2
        return self.target + self.pixel * from_middle @ self.axes()[:2]

    def nearer(self, points: NDArray[np.float64]) -> "View":
        """The same view of a target that is before all points (n, 3), so that none hides what stands there."""
        forward = self.axes()[2]
        near = ((points - self.eye) @ forward).min()
        return replace(self, target=self.eye + forward * max(0.98 * near, self.distance / 10))

    def said(self) -> dict[str, Any]:
        """The view as model-viewer's attributes, which keep it as it is."""
        turn = upright(self.up)
        (x, y, z), target = turn @ (self.eye - self.target), turn @ self.target
        azimuth, zenith = np.degrees(np.arctan2(x, z)), np.degrees(np.arccos(np.clip(y / self.distance, -1, 1)))
        return {
            "camera-orbit": f"{azimuth:.3f}deg {zenith:.3f}deg {self.distance:.6g}m",
            "camera-target": " ".join(f"{length:.6g}m" for length in target),
            "field-of-view": f"{self.angle:.4g}deg",
            "min-camera-orbit": f"auto auto {self.distance / 20:.6g}m",
            "max-camera-orbit": f"auto auto {self.distance * 4:.6g}m",
            "min-field-of-view": f"{self.angle / 10:.4g}deg",
            "max-field-of-view": f"{self.angle:.4g}deg",
        }

    def node(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The view as a glTF camera, and where its node is, by a matrix in columns."""
        right, up, forward = self.axes() @ upright(self.up).T
        place = upright(self.up) @ self.eye
        matrix = [*right, 0, *up, 0, *-forward, 0, *place, 1]
        near = {"yfov": float(np.radians(self.angle)), "znear": self.distance / 1000}
        near |= {"aspectRatio": self.window[0] / self.window[1]}
        return {"type": "perspective", "perspective": near}, {"matrix": [float(f"{length:.9g}") for length in matrix]}


def upright(up: ArrayLike) -> NDArray[np.float64]:
    """The shortest turn (3, 3) of a direction to y, which is up in glTF; of an axis, it only exchanges coordinates."""
    up = np.asarray(up, float) / np.linalg.norm(up)
    if up[1] < -1 + 1e-9:
        return np.diag([1.0, -1, -1])
    x, _, z = axis = np.cross(up, [0, 1, 0])
    about = np.array([[0, -z, axis[1]], [z, 0, -x], [-axis[1], x, 0]])
    return np.round(np.eye(3) + about + about @ about / (1 + up[1]), 15) + 0.0


def view_of(renderer: Any, window: tuple[int, int], ends: NDArray[np.float64], up: ArrayLike | None) -> View:
    """The view of a renderer's camera; if that is not set, the one that PyVista would set for a scene between ends."""
    camera = renderer.camera
    middle, length = ends.mean(axis=0), float(np.linalg.norm(np.ptp(ends, axis=0))) or 1.0
    if renderer.camera_set:
        eye, target, angle = np.array(camera.position), np.array(camera.focal_point), camera.view_angle
        up, half = up if up is not None else camera.up, camera.parallel_scale
    else:
        up = np.asarray((0, 0, 1) if up is None else up, float)
        toward = np.ones(3) / np.sqrt(3)
        angle, target, half = 30.0, middle, length / 2
        eye = middle + toward * half / np.sin(np.radians(15))
    if camera.parallel_projection:
        away = (eye - target) / np.linalg.norm(eye - target)
        angle, eye = PARALLEL, target + away * half / np.tan(np.radians(PARALLEL / 2))
    return View(eye, target, np.asarray(up, float), angle, window)
