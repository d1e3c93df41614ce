"""What the renderers of scenes share: samples of pixels, and light on surfaces."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

#: Samples along a side of a pixel; the edges of the genuine 3DShapes lie at thirds of a pixel.
SAMPLES = 3
SIDE = 64


def place_samples() -> Array:
    """(192,) coordinates of the samples along a row; pixel k has its centre at k."""
    return ((np.arange(SIDE * SAMPLES) + 0.5) / SAMPLES - 0.5).astype(np.float32)


@cache
def weigh_samples() -> Array:
    """(64, 192): how much each sample of a row counts in each pixel, by Lanczos's kernel.

    The genuine 3DShapes were brought down by it, as their overshoot at edges shows (Lanczos 1956;
    kernel of three lobes).
    """
    lobes = 3
    distance = place_samples()[None] - np.arange(SIDE)[:, None]
    kernel = np.sinc(distance) * np.sinc(distance / lobes) * (np.abs(distance) < lobes)
    weights: Array = (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


def expand_harmonics(normals: Array) -> Array:
    """(..., 8) spherical harmonics of degrees 1 and 2 of (..., 3) normals, not normalised.

    What any lamps leave on a matt surface follows its normal in harmonics up to this degree
    (Ramamoorthi & Hanrahan 2001).
    """
    x, y, z = np.moveaxis(normals, -1, 0)
    return np.stack([x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], axis=-1)
