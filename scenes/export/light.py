"""The light of the scenes: a soft studio, as a panorama for the viewer and as the shade of a surface for the stills."""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenes import style

WIDTH, HEIGHT = 64, 32  # narrower panoramas turn the model black in model-viewer


def directions() -> NDArray[np.float64]:
    """The direction (HEIGHT, WIDTH, 3) of each pixel of the panorama; z up, its middle along x, as viewers have it."""
    polar = (np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi
    around = ((np.arange(WIDTH) + 0.5) / WIDTH - 0.5) * 2 * np.pi
    level = np.sin(polar)[:, None]
    height = np.broadcast_to(np.cos(polar)[:, None], (HEIGHT, WIDTH))
    return np.stack([level * np.cos(around), -level * np.sin(around), height], axis=-1)


def panorama() -> NDArray[np.float64]:
    """The brightness (HEIGHT, WIDTH) that comes from each direction: a sky, a floor and a few large soft lamps."""
    look = directions()
    light = np.where(look[..., 2] > 0, style.SKY, style.FLOOR).astype(float)
    for azimuth, elevation, size, strength in style.LAMPS:
        a, e = np.radians([azimuth, elevation])
        lamp = np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])
        light += strength * np.exp((look @ lamp - 1) / size)
    return light


def shade(normals: ArrayLike) -> NDArray[np.float64]:
    """How bright a matt white surface looks in this light (n,), for normals (n, 3): the cosine-weighted mean."""
    look = directions().reshape(-1, 3)
    weight = panorama().ravel() * np.sin(np.arccos(look[:, 2])) * (np.pi / HEIGHT) * (2 * np.pi / WIDTH) / np.pi
    return np.array([(np.maximum((look * normal).sum(axis=1), 0) * weight).sum() for normal in np.asarray(normals)])


@cache
def harmonics() -> NDArray[np.float64]:
    """The same as nine numbers: factors of 1, x, y, z, xy, yz, 3yy-1, xz, xx-zz of a normal with y up, as in glTF.

    More than these a matt surface does not show of any light (Ramamoorthi and Hanrahan, SIGGRAPH 2001).
    """
    normals = directions()[::4, ::4].reshape(-1, 3)
    x, y, z = normals[:, 0], normals[:, 2], -normals[:, 1]
    basis = np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * y * y - 1, x * z, x * x - z * z], axis=1)
    return np.asarray(np.linalg.lstsq(basis, shade(normals), rcond=None)[0], float)


def to_hdr() -> bytes:
    """The panorama as a Radiance picture (.hdr), uncompressed: three mantissas and a common exponent a pixel."""
    mantissa, exponent = np.frexp(panorama())
    byte = np.clip(np.floor(mantissa * 256), 0, 255).astype(np.uint8)
    pixels = np.stack([byte, byte, byte, (exponent + 128).astype(np.uint8)], axis=-1)
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (HEIGHT, WIDTH) + pixels.tobytes()
