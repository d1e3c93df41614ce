"""The camera of MPI3D: it looks at the foot of the post from one of three heights.

World axes: x right, y away from the camera, z up, from the foot. A camera is four numbers: its
distance, its elevation in degrees, and the column and row in which it sees the foot.
"""

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.stand_ins.sampling import Array
from disentgen.dataset.stand_ins.solids import Sight

#: Pixels. The frames show only its ratio to the cameras' distances (`robot_versions`), so that
#: another value with other distances would draw the same pictures.
FOCAL_LENGTH = 93.0


def place_camera(camera: Array) -> tuple[Array, Array]:
    """Where (n, 4) cameras stand, (n, 3), and their axes, (n, 3, 3): right, up, forward."""
    elevation = np.radians(camera[:, 1])
    none, cosine, sine = 0 * elevation, np.cos(elevation), np.sin(elevation)
    right = np.stack([none + 1, none, none], -1)
    up = np.stack([none, sine, cosine], -1)
    forward = np.stack([none, cosine, -sine], -1)
    axes = np.stack([right, up, forward], axis=1).astype(np.float32)
    return -camera[:, :1] * axes[:, 2], axes


def project(camera: Array, points: Array) -> Array:
    """(n, 2) columns and rows in which (n, 4) cameras see (n, 3) points of the world."""
    eye, axes = place_camera(camera)
    right, up, depth = np.moveaxis((axes @ (points - eye)[..., None])[..., 0], -1, 0)
    x = camera[:, 2] + FOCAL_LENGTH * right / depth
    return np.stack([x, camera[:, 3] - FOCAL_LENGTH * up / depth], axis=1)


def look_through(camera: Array, corner: NDArray[np.int64], window: int) -> Sight:
    """How cameras see through square windows.

    Args:
        camera: (n, 4).
        corner: (n, 2) first column and row of each one's window.
        window: rows and columns of a window.
    """
    _, axes = place_camera(camera)
    steps = (corner[..., None] + np.arange(window)).astype(np.float32)
    x = (steps[:, 0] - camera[:, 2:3]) / FOCAL_LENGTH
    y = (camera[:, 3:4] - steps[:, 1]) / FOCAL_LENGTH
    return Sight(axes, x, y)
