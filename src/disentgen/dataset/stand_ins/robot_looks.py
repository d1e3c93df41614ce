"""How the three versions of MPI3D look: cameras, colours, light and platform.

Where the numbers come from: each version's were fitted to published frames of that version, of the
sample animations of rr-learning/disentanglement_dataset (CC BY 4.0).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disentgen.dataset.stand_ins.sampling import Array, expand_harmonics


@dataclass(frozen=True)
class Look:
    """How one version looks; colours are RGB in 0..255.

    Args:
        cameras: (3, 4) by height: distance, elevation in degrees, column and row of the foot.
        colours: (6, 3) of the object.
        lamp: (2, 9) light on the object in spherical harmonics of its normal: on its colour, white.
        floor: (3, 8) by camera height: green of the platform as a polynomial of degree 2 in column
            and row (-1 to 1 over the picture), then red and blue as parts of it.
        wall: (3, 8) the same behind the platform.
        rings: (3, 3) on the platform.
        foot: (3,) around the post's lower end.
        foot_radii: its inner and outer radius, in lengths of the arm.
        post: (2, 3) side and top.
        arm: (3,) of the arm.
        hub: (3,) of the joint at its shoulder.
        arm_width: in pixels.
        hub_width: diameter of the joint, in pixels.
        shadow: how much of the floor's light is lost below the object.
        noise: standard deviation of the camera's noise.
    """

    cameras: Array
    colours: Array
    lamp: Array
    floor: Array
    wall: Array
    rings: Array
    foot: Array
    foot_radii: tuple[float, float]
    post: Array
    arm: Array
    hub: Array
    arm_width: float
    hub_width: float
    shadow: float
    noise: float


def shade(look: Look, normals: Array, hue: Array) -> Array:
    """(..., 3): the colours of surfaces of a hue, RGB in 0..255.

    Args:
        look: with the light.
        normals: (..., 3) of length 1.
        hue: RGB in 0..255, (..., 3) or what broadcasts to it.
    """
    constant = np.ones((*normals.shape[:-1], 1), np.float32)
    terms = np.concatenate([constant, expand_harmonics(normals)], axis=-1)
    on_hue, white = np.moveaxis(np.maximum(terms @ look.lamp.T, 0), -1, 0)
    colours: Array = np.minimum(on_hue[..., None] * hue + 255 * white[..., None], 255)
    return colours


def _array(numbers: Sequence[object]) -> Array:
    return np.array(numbers, np.float32)


#: By version. Zeros and ones of ``toy`` are what its frames show: a flat floor, neither wall nor
#: shadow nor noise.
LOOKS = {
    "real": Look(
        cameras=_array(
            [
                [5.36, 52.73, 29.96, 40.23],
                [4.98, 43.65, 30.97, 45.41],
                [5.13, 30.72, 29.74, 46.92],
            ]
        ),
        colours=_array(
            [
                [182, 192, 184],
                [41, 99, 56],
                [180, 35, 34],
                [55, 90, 126],
                [47, 45, 49],
                [75, 82, 71],
            ]
        ),
        lamp=_array(
            [
                [0.503, -0.003, -0.038, 0.734, -0.022, 0.002, -0.122, 0.043, -0.170],
                [0.156, -0.025, 0.136, -0.155, -0.036, 0.027, -0.129, -0.032, 0.048],
            ]
        ),
        floor=_array(
            [
                [52.300, 0.900, 21.400, -13.800, -0.100, -9.900, 0.856, 0.883],
                [43.300, 2.900, 23.400, -14.000, -0.600, -9.000, 0.776, 0.870],
                [35.700, 2.700, 59.200, -17.400, 0.600, -37.800, 0.730, 0.773],
            ]
        ),
        wall=_array(
            [
                [59.100, 8.900, 100.400, -5.800, 11.500, 53.900, 0.446, 0.579],
                [28.000, 1.000, 27.600, -8.300, 2.900, 24.000, 0.614, 0.774],
                [9.700, 0.200, -29.400, -16.200, 4.300, -3.000, 0.295, 0.363],
            ]
        ),
        rings=_array(
            [
                [80, 77, 125],
                [65, 97, 92],
                [94, 70, 88],
            ]
        ),
        post=_array([[8, 15, 11], [45, 60, 50]]),
        foot=_array([40, 50, 44]),
        foot_radii=(0.18, 0.3),
        arm=_array([20, 24, 20]),
        hub=_array([20, 26, 22]),
        arm_width=1.5,
        hub_width=4.0,
        shadow=0.0,
        noise=2.0,
    ),
    "realistic": Look(
        cameras=_array(
            [
                [5.44, 52.85, 30.17, 40.44],
                [5.19, 43.82, 32.92, 44.17],
                [5.01, 33.20, 30.17, 49.23],
            ]
        ),
        colours=_array(
            [
                [200, 216, 201],
                [50, 99, 50],
                [185, 16, 12],
                [39, 90, 152],
                [52, 50, 41],
                [84, 93, 70],
            ]
        ),
        lamp=_array(
            [
                [0.685, 0.010, 0.178, 0.436, -0.029, -0.163, -0.256, -0.076, -0.086],
                [0.193, 0.017, 0.123, -0.152, 0.027, -0.005, -0.081, -0.025, 0.076],
            ]
        ),
        floor=_array(
            [
                [58.500, 1.400, 1.100, 0.300, -0.100, -3.600, 0.867, 0.866],
                [58.200, -3.800, 5.900, 3.700, 3.500, -6.900, 0.866, 0.866],
                [64.500, -0.200, 7.100, 7.900, 2.000, -10.500, 0.871, 0.870],
            ]
        ),
        wall=_array(
            [
                [89.800, 14.600, 139.800, 2.900, 15.200, 73.200, 0.852, 0.856],
                [33.800, -1.500, 33.300, 1.000, -0.600, 21.300, 0.858, 0.863],
                [21.700, 3.500, -3.100, -3.500, 4.400, -10.200, 0.862, 0.863],
            ]
        ),
        rings=_array(
            [
                [93, 87, 126],
                [72, 101, 87],
                [94, 84, 87],
            ]
        ),
        post=_array([[21, 23, 21], [64, 75, 68]]),
        foot=_array([60, 67, 60]),
        foot_radii=(0.16, 0.32),
        arm=_array([40, 44, 40]),
        hub=_array([50, 58, 50]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.2,
        noise=0.0,
    ),
    "toy": Look(
        cameras=_array(
            [
                [5.37, 53.57, 30.24, 40.11],
                [5.06, 43.85, 32.71, 43.63],
                [4.88, 33.34, 28.95, 49.21],
            ]
        ),
        colours=_array(
            [
                [221, 221, 221],
                [36, 149, 35],
                [204, 0, 0],
                [38, 104, 204],
                [78, 47, 30],
                [114, 113, 46],
            ]
        ),
        lamp=_array(
            [
                [0.429, 0.016, -0.180, 0.765, 0.096, 0.003, 0.098, -0.015, -0.088],
                [0.070, -0.000, 0.068, -0.068, 0.003, -0.008, -0.057, -0.014, 0.021],
            ]
        ),
        floor=_array(
            [
                [52.000, 0.000, 0.000, 0.000, 0.000, 0.000, 1.000, 1.000],
                [52.000, 0.000, 0.000, 0.000, 0.000, 0.000, 1.000, 1.000],
                [52.000, 0.000, 0.000, 0.000, 0.000, 0.000, 1.000, 1.000],
            ]
        ),
        wall=_array(
            [
                [52.000, 0.000, 0.000, 0.000, 0.000, 0.000, 1.000, 1.000],
                [52.000, 0.000, 0.000, 0.000, 0.000, 0.000, 1.000, 1.000],
                [52.000, 0.000, 0.000, 0.000, 0.000, 0.000, 1.000, 1.000],
            ]
        ),
        rings=_array(
            [
                [93, 70, 132],
                [66, 91, 87],
                [100, 71, 79],
            ]
        ),
        post=_array([[78, 78, 78], [172, 172, 172]]),
        foot=_array([160, 160, 160]),
        foot_radii=(0.15, 0.26),
        arm=_array([130, 130, 130]),
        hub=_array([135, 135, 135]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.0,
        noise=0.0,
    ),
}
