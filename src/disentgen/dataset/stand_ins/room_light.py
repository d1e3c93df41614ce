"""How bright the surfaces of the 3DShapes stand-in are; 1 shows a hue as it is.

Walls, floor and shadow: polynomials in the place and in the camera's angle. Object: what any lamps,
fixed in the room or to the camera, leave on a matt surface follows its normal in spherical
harmonics up to degree 2 (Ramamoorthi & Hanrahan 2001). The published walls also bear faint marks
and a pattern, which are left out.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations_with_replacement

import numpy as np

from disentgen.dataset.stand_ins.sampling import Array, expand_harmonics

#: The camera's angle where it is turned most, in radians.
LARGEST_ANGLE = np.pi / 6

# Coefficients in the order of `evaluate`, fitted to the brightness of floor, shadow and walls in
# the 25 frames that `room` names.
_FLOOR = (
    1.078,
    -0.586,
    -0.312,
    0.089,
    -0.285,
    0.217,
    0.035,
    -1.146,
    0.344,
    -0.003,
    0.262,
    -0.027,
    -0.092,
    0.924,
    -0.357,
    0.065,
    0.343,
    -0.260,
    0.011,
    -0.005,
)
_SHADOW = (
    0.315,
    0.077,
    -0.056,
    -0.001,
)
_BACK_WALL = (
    1.043,
    -0.086,
    -0.024,
    -0.009,
    -0.029,
    -0.068,
    0.038,
    -0.005,
    -0.004,
    -0.051,
    0.063,
    -0.005,
    -0.007,
    0.052,
    -0.026,
    -0.005,
    0.013,
    0.004,
    -0.024,
    0.008,
)
_LEFT_WALL = (
    0.572,
    -0.100,
    0.003,
    0.284,
    -0.039,
    -0.052,
    0.010,
    0.019,
    -0.004,
    -0.006,
)
_RIGHT_WALL = (
    0.488,
    -0.088,
    -0.124,
    -0.269,
    -0.001,
    0.045,
    -0.029,
    0.047,
    -0.007,
    -0.008,
)

#: One, the harmonics in camera axes, the harmonics in room axes; fitted to the frames' objects.
_HUE = (
    0.203,
    -0.025,
    -1.316,
    0.245,
    -0.016,
    0.064,
    -0.042,
    0.215,
    0.079,
    -0.059,
    0.284,
    0.245,
    -0.056,
    -0.274,
    0.401,
    -0.078,
    0.079,
)
_WHITE = (
    0.145,
    -0.010,
    0.298,
    -0.081,
    -0.011,
    0.037,
    -0.207,
    -0.077,
    0.009,
    -0.063,
    -0.202,
    -0.081,
    -0.019,
    -0.061,
    -0.131,
    0.108,
    0.009,
)


def evaluate(coefficients: Sequence[float], *variables: Array | float) -> Array:
    """A polynomial: coefficients in the order 1, x, y, x², xy, y², x³, …

    Args:
        coefficients: of all terms up to some degree.
        variables: (...,) each, or a scalar.

    Returns:
        (...,) values.

    Raises:
        ValueError: the coefficients do not fill a degree.
    """
    terms: list[Array] = [np.ones(1, np.float32)]
    degree = 0
    while len(terms) < len(coefficients):
        degree += 1
        terms += [
            reduce(np.multiply, factors, terms[0])
            for factors in combinations_with_replacement(variables, degree)
        ]
    return reduce(np.add, [c * term for c, term in zip(coefficients, terms, strict=True)])


def floor(across: Array, ahead: Array, angle: float) -> Array:
    """The lit floor at places given in camera axes, from below the camera.

    Args:
        across: (...,) to the right, in halves of the room's width.
        ahead: likewise, straight ahead.
        angle: the camera's, in radians.

    Returns:
        (...,) brightness.
    """
    return evaluate(_FLOOR, across, ahead - 0.8, angle / LARGEST_ANGLE)


def shadow(across: Array, ahead: Array, angle: float) -> Array:
    """The floor where the lamp does not reach it, at places in camera axes.

    Args:
        across: (...,) to the right, in halves of the room's width.
        ahead: likewise, straight ahead.
        angle: the camera's, in radians.

    Returns:
        (...,) brightness.
    """
    return evaluate(_SHADOW, across, ahead - 0.8, angle / LARGEST_ANGLE)


def back_wall(along: Array, height: Array, angle: float) -> Array:
    """The wall opposite the camera.

    Args:
        along: (...,) to the right from its middle, in halves of the room's width.
        height: likewise, above the floor.
        angle: the camera's, in radians.

    Returns:
        (...,) brightness.
    """
    return evaluate(_BACK_WALL, along, height / 0.56, angle / LARGEST_ANGLE)


def left_wall(along: Array, height: Array, angle: float) -> Array:
    """The left wall.

    Args:
        along: (...,) toward the back wall from its middle, in halves of the room's width.
        height: likewise, above the floor.
        angle: the camera's, in radians.

    Returns:
        (...,) brightness.
    """
    return evaluate(_LEFT_WALL, along, height / 0.56, angle / LARGEST_ANGLE)


def right_wall(along: Array, height: Array, angle: float) -> Array:
    """The right wall.

    Args:
        along: (...,) toward the back wall from its middle, in halves of the room's width.
        height: likewise, above the floor.
        angle: the camera's, in radians.

    Returns:
        (...,) brightness.
    """
    return evaluate(_RIGHT_WALL, along, height / 0.56, angle / LARGEST_ANGLE)


def object_surface(in_camera: Array, in_room: Array) -> tuple[Array, Array]:
    """How much of its hue, and how much white, an object shows.

    Args:
        in_camera: (n, 3) normals of its surface in camera axes.
        in_room: the same in room axes.
    """
    constant = np.ones((len(in_camera), 1), np.float32)
    terms = np.concatenate(
        [constant, expand_harmonics(in_camera), expand_harmonics(in_room)], axis=1
    )
    hue, white = np.array([_HUE, _WHITE], np.float32) @ terms.T
    return np.maximum(hue, 0), np.maximum(white, 0)
