"""How the three versions of MPI3D look: cameras, colours, light and platform.

Where the numbers come from: each version's were fitted to published frames of that version, of the
sample animations of rr-learning/disentanglement_dataset (CC BY 4.0).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.stand_ins.sampling import Array, expand_harmonics


@dataclass(frozen=True, eq=False)
class Look:
    """How one version looks; colours are RGB in 0..255, as the middle camera shows them.

    The three cameras see one scene in one light: ``cameras``, ``gains`` and ``blacks`` are all
    that a camera height has of its own.

    Args:
        cameras: (3, 4) by height: distance, elevation in degrees, column and row of the foot.
        gains: (3, 3) by height: what each channel is multiplied by.
        blacks: (3, 3) by height: what is then added to it.
        colours: (6, 3) of the object.
        lamp: (2, 9) light on the object in spherical harmonics of its normal: on its colour, white.
        platform: (4,) its half width, its far edge, and the radius and the width of the ring on it,
            in lengths of the arm, as all lengths that are not in pixels.
        floor: (3,) of the platform at the foot.
        floor_tilt: (3,) by ring: logarithm of the platform's light, by place to the right. (Where
            rings were changed, the light was, too.)
        floor_light: (4,) the further terms of that logarithm that `find_light` takes.
        post_shadow: (3,) on the platform, before the post: share of light lost, place, width.
        outside: share of that light that there is outside of the ring.
        wall: (3,) behind the platform, at the middle of its lower edge.
        wall_light: (5,) logarithm of the wall's light, by place to the right and up.
        glow: (4,) of the lamp's reflection on the wall: strength, place to the right and up, width.
        seams: share of the light lost in the wall's two upright seams, their distance from its
            middle, half their width.
        vignette: share of the light lost at the middle of the picture's sides.
        rings: (3, 3) on the platform.
        ring_centre: (2,) of ring and platform, from the foot.
        disc: (3,) on which the post stands.
        feet: (3, 3) of the ring around that disc, by the large ring's colour.
        foot_radii: inner and outer radius of the ring around the disc.
        post: (2, 3) side and top.
        post_shape: its radius, its lower end and its top.
        mount: (4,) of the arm: height of its shoulder, distance from the post's axis, turn of the
            middle class and turn of the object about the arm, both in degrees.
        arm: (3,) of the arm.
        hub: (3,) of the joint at its shoulder.
        arm_width: in pixels.
        hub_width: diameter of the joint, in pixels.
        shadow: how much of the floor's light is lost below the object.
        noise: standard deviation of the camera's noise.
    """

    cameras: Array
    gains: Array
    blacks: Array
    colours: Array
    lamp: Array
    platform: Array
    floor: Array
    floor_tilt: Array
    floor_light: Array
    post_shadow: Array
    outside: float
    wall: Array
    wall_light: Array
    glow: Array
    seams: Array
    vignette: float
    rings: Array
    ring_centre: Array
    disc: Array
    feet: Array
    foot_radii: Array
    post: Array
    post_shape: Array
    mount: Array
    arm: Array
    hub: Array
    arm_width: float
    hub_width: float
    shadow: float
    noise: float


def expose(look: Look, height: NDArray[np.int64], colour: Array) -> Array:
    """What cameras make of colours: (n, ..., 3) RGB in 0..255.

    Args:
        look: with the cameras' gains and blacks.
        height: (n,) classes of the cameras' heights.
        colour: (n, ..., 3), or what broadcasts to it.
    """
    axes = tuple(range(1, colour.ndim - 1))
    gains, blacks = (np.expand_dims(of[height], axes) for of in (look.gains, look.blacks))
    exposed: Array = (gains * colour + blacks).clip(0, 255)
    return exposed


def shade(look: Look, normals: Array, hue: Array) -> Array:
    """(..., 3): the colours of surfaces of a hue, RGB in 0..255 and above.

    Args:
        look: with the light.
        normals: (..., 3) of length 1.
        hue: RGB in 0..255, (..., 3) or what broadcasts to it.
    """
    constant = np.ones((*normals.shape[:-1], 1), np.float32)
    terms = np.concatenate([constant, expand_harmonics(normals)], axis=-1)
    on_hue, white = np.moveaxis(np.maximum(terms @ look.lamp.T, 0), -1, 0)
    colours: Array = on_hue[..., None] * hue + 255 * white[..., None]
    return colours


def _array(numbers: Sequence[object]) -> Array:
    return np.array(numbers, np.float32)


#: By version. Zeros and ones of ``toy`` are what its frames show: a flat floor, neither wall nor
#: shadow nor noise.
LOOKS = {
    "real": Look(
        cameras=_array(
            [
                [5.46, 54.40, 30.19, 41.16],
                [5.17, 45.90, 30.99, 46.33],
                [5.19, 32.98, 30.09, 48.26],
            ]
        ),
        gains=_array(
            [
                [1.346, 1.173, 1.243],
                [1.000, 1.000, 1.000],
                [1.512, 1.241, 1.337],
            ]
        ),
        blacks=_array(
            [
                [-5.8, -2.9, -6.1],
                [0.0, 0.0, 0.0],
                [-18.8, -7.8, -16.5],
            ]
        ),
        colours=_array(
            [
                [187, 198, 191],
                [0, 136, 24],
                [145, 33, 32],
                [64, 103, 110],
                [48, 51, 51],
                [73, 95, 75],
            ]
        ),
        lamp=_array(
            [
                [0.348, -0.114, -0.349, 1.244, -0.304, -0.169, 0.770, -0.048, -0.207],
                [-0.022, -0.033, -0.142, -0.031, -0.049, 0.079, 0.058, 0.168, 0.061],
            ]
        ),
        platform=_array([2.225, 3.402, 2.783, 0.599]),
        floor=_array([44.4, 56.0, 49.3]),
        floor_tilt=_array([0.049, -0.017, -0.031]),
        floor_light=_array([-0.123, -0.090, -0.011, -0.018]),
        post_shadow=_array([0.16, -0.75, 0.41]),
        outside=0.88,
        wall=_array([17.1, 30.5, 22.2]),
        wall_light=_array([-0.018, 0.194, -0.097, -0.013, 0.041]),
        glow=_array([22.08, -0.18, 2.19, 1.39]),
        seams=_array([0.53, 0.13, 2.12]),
        vignette=0.094,
        rings=_array(
            [
                [108, 106, 168],
                [93, 140, 130],
                [109, 109, 110],
            ]
        ),
        ring_centre=_array([-0.047, 0.007]),
        disc=_array([36, 47, 41]),
        feet=_array(
            [
                [44, 54, 50],
                [50, 65, 58],
                [30, 41, 36],
            ]
        ),
        foot_radii=_array([0.26, 0.36]),
        post=_array(
            [
                [13, 16, 14],
                [19, 27, 21],
            ]
        ),
        post_shape=_array([0.136, -0.199, 1.082]),
        mount=_array([1.018, -0.143, 16.654, 3.728]),
        arm=_array([20, 24, 21]),
        hub=_array([17, 21, 18]),
        arm_width=1.5,
        hub_width=4.0,
        shadow=0.00,
        noise=1.0,
    ),
    "realistic": Look(
        cameras=_array(
            [
                [5.44, 52.85, 30.17, 40.44],
                [5.19, 43.82, 32.92, 44.17],
                [5.01, 33.20, 30.17, 49.23],
            ]
        ),
        gains=_array(
            [
                [1.000, 1.000, 1.000],
                [1.000, 1.000, 1.000],
                [1.000, 1.000, 1.000],
            ]
        ),
        blacks=_array(
            [
                [0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0],
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
        platform=_array([2.100, 3.400, 2.705, 0.610]),
        floor=_array([50.4, 58.2, 50.4]),
        floor_tilt=_array([0.000, 0.000, 0.000]),
        floor_light=_array([0.000, 0.000, 0.000, 0.000]),
        post_shadow=_array([0.00, -0.30, 0.20]),
        outside=0.90,
        wall=_array([22.0, 25.0, 22.0]),
        wall_light=_array([0.000, 0.000, 0.000, 0.000, 0.000]),
        glow=_array([5.00, 0.00, 2.30, 1.60]),
        seams=_array([0.30, 2.00, 0.15]),
        vignette=0.000,
        rings=_array(
            [
                [93, 87, 126],
                [72, 101, 87],
                [94, 84, 87],
            ]
        ),
        ring_centre=_array([0.000, 0.000]),
        disc=_array([50, 58, 50]),
        feet=_array(
            [
                [60, 67, 60],
                [60, 67, 60],
                [60, 67, 60],
            ]
        ),
        foot_radii=_array([0.16, 0.32]),
        post=_array(
            [
                [21, 23, 21],
                [64, 75, 68],
            ]
        ),
        post_shape=_array([0.110, -0.120, 1.050]),
        mount=_array([0.902, -0.131, 16.200, 0.000]),
        arm=_array([40, 44, 40]),
        hub=_array([50, 58, 50]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.20,
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
        gains=_array(
            [
                [1.000, 1.000, 1.000],
                [1.000, 1.000, 1.000],
                [1.000, 1.000, 1.000],
            ]
        ),
        blacks=_array(
            [
                [0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0],
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
                [0.070, 0.000, 0.068, -0.068, 0.003, -0.008, -0.057, -0.014, 0.021],
            ]
        ),
        platform=_array([2.100, 3.400, 2.705, 0.610]),
        floor=_array([52.0, 52.0, 52.0]),
        floor_tilt=_array([0.000, 0.000, 0.000]),
        floor_light=_array([0.000, 0.000, 0.000, 0.000]),
        post_shadow=_array([0.00, -0.30, 0.20]),
        outside=1.00,
        wall=_array([52.0, 52.0, 52.0]),
        wall_light=_array([0.000, 0.000, 0.000, 0.000, 0.000]),
        glow=_array([0.00, 0.00, 2.30, 1.60]),
        seams=_array([0.00, 2.00, 0.15]),
        vignette=0.000,
        rings=_array(
            [
                [93, 70, 132],
                [66, 91, 87],
                [100, 71, 79],
            ]
        ),
        ring_centre=_array([0.000, 0.000]),
        disc=_array([52, 52, 52]),
        feet=_array(
            [
                [160, 160, 160],
                [160, 160, 160],
                [160, 160, 160],
            ]
        ),
        foot_radii=_array([0.15, 0.26]),
        post=_array(
            [
                [78, 78, 78],
                [172, 172, 172],
            ]
        ),
        post_shape=_array([0.110, -0.120, 1.050]),
        mount=_array([0.902, -0.131, 16.200, 0.000]),
        arm=_array([130, 130, 130]),
        hub=_array([135, 135, 135]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.00,
        noise=0.0,
    ),
}
