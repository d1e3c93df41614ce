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
                [5.50, 54.43, 30.15, 41.29],
                [5.20, 46.00, 30.97, 46.52],
                [5.20, 33.15, 30.07, 48.49],
            ]
        ),
        gains=_array(
            [
                [1.345, 1.161, 1.241],
                [1.000, 1.000, 1.000],
                [1.490, 1.232, 1.337],
            ]
        ),
        blacks=_array(
            [
                [-5.8, -2.4, -5.9],
                [0.0, 0.0, 0.0],
                [-17.8, -7.4, -16.4],
            ]
        ),
        colours=_array(
            [
                [186, 198, 191],
                [0, 135, 24],
                [145, 34, 33],
                [64, 103, 110],
                [48, 51, 51],
                [74, 95, 75],
            ]
        ),
        lamp=_array(
            [
                [0.397, -0.157, -0.415, 1.125, -0.276, -0.013, 0.761, 0.022, -0.159],
                [-0.015, -0.036, -0.105, -0.033, -0.072, 0.046, 0.025, 0.142, 0.052],
            ]
        ),
        platform=_array([2.359, 3.439, 2.815, 0.600]),
        floor=_array([44.5, 56.2, 49.4]),
        floor_tilt=_array([0.049, -0.017, -0.031]),
        floor_light=_array([-0.125, -0.089, -0.010, -0.017]),
        post_shadow=_array([0.15, -0.79, 0.45]),
        outside=0.87,
        wall=_array([20.0, 32.5, 24.8]),
        wall_light=_array([-0.032, 0.547, -0.130, -0.006, -0.117]),
        glow=_array([21.41, -0.19, 2.44, 1.23]),
        seams=_array([0.54, 0.13, 2.14]),
        vignette=0.094,
        rings=_array(
            [
                [108, 107, 168],
                [93, 141, 131],
                [110, 110, 110],
            ]
        ),
        ring_centre=_array([-0.046, 0.007]),
        disc=_array([36, 47, 42]),
        feet=_array(
            [
                [44, 54, 50],
                [50, 66, 59],
                [30, 41, 36],
            ]
        ),
        foot_radii=_array([0.26, 0.37]),
        post=_array(
            [
                [13, 16, 14],
                [17, 25, 20],
            ]
        ),
        post_shape=_array([0.134, -0.227, 1.090]),
        mount=_array([1.037, -0.145, 16.675, 3.706]),
        arm=_array([19, 24, 21]),
        hub=_array([17, 22, 18]),
        arm_width=1.5,
        hub_width=4.0,
        shadow=0.00,
        noise=1.0,
    ),
    "realistic": Look(
        cameras=_array(
            [
                [5.49, 53.31, 30.42, 41.13],
                [5.24, 44.07, 33.42, 44.69],
                [4.93, 33.95, 30.15, 50.48],
            ]
        ),
        gains=_array(
            [
                [0.969, 0.927, 0.977],
                [1.000, 1.000, 1.000],
                [1.096, 1.145, 1.105],
            ]
        ),
        blacks=_array(
            [
                [0.2, 2.6, -0.2],
                [0.0, 0.0, 0.0],
                [-1.6, -3.8, -1.9],
            ]
        ),
        colours=_array(
            [
                [196, 231, 195],
                [56, 113, 55],
                [172, 15, 9],
                [32, 92, 153],
                [55, 47, 38],
                [90, 96, 63],
            ]
        ),
        lamp=_array(
            [
                [1.168, -0.059, 0.987, 0.115, -0.089, -0.163, -1.113, -0.404, -0.156],
                [0.166, 0.017, 0.042, -0.140, 0.023, -0.008, 0.007, -0.004, 0.111],
            ]
        ),
        platform=_array([2.184, 3.431, 2.780, 0.614]),
        floor=_array([51.4, 59.1, 51.3]),
        floor_tilt=_array([0.002, 0.016, 0.015]),
        floor_light=_array([0.065, -0.030, 0.000, -0.011]),
        post_shadow=_array([0.12, -0.62, 0.38]),
        outside=0.82,
        wall=_array([20.4, 24.0, 20.7]),
        wall_light=_array([0.018, -0.321, -0.009, -0.017, 0.066]),
        glow=_array([-0.85, 5.95, -3.90, 1.17]),
        seams=_array([0.13, 1.96, 0.18]),
        vignette=-0.117,
        rings=_array(
            [
                [86, 80, 116],
                [70, 102, 85],
                [88, 85, 93],
            ]
        ),
        ring_centre=_array([0.002, 0.000]),
        disc=_array([53, 61, 54]),
        feet=_array(
            [
                [57, 66, 57],
                [56, 65, 56],
                [57, 66, 57],
            ]
        ),
        foot_radii=_array([0.01, 0.34]),
        post=_array(
            [
                [19, 21, 18],
                [57, 67, 57],
            ]
        ),
        post_shape=_array([0.123, -0.094, 1.093]),
        mount=_array([0.902, -0.131, 16.200, 0.000]),
        arm=_array([50, 51, 44]),
        hub=_array([25, 28, 25]),
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
