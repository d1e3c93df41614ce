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
                [5.53, 54.44, 30.14, 41.40],
                [5.22, 46.09, 30.97, 46.70],
                [5.21, 33.27, 30.05, 48.66],
            ]
        ),
        gains=_array(
            [
                [1.322, 1.158, 1.231],
                [1.000, 1.000, 1.000],
                [1.423, 1.237, 1.323],
            ]
        ),
        blacks=_array(
            [
                [-4.7, -2.0, -5.3],
                [0.0, 0.0, 0.0],
                [-14.8, -7.4, -15.5],
            ]
        ),
        colours=_array(
            [
                [181, 197, 190],
                [0, 136, 24],
                [155, 34, 32],
                [64, 101, 111],
                [47, 49, 49],
                [75, 94, 74],
            ]
        ),
        lamp=_array(
            [
                [0.724, -0.190, 0.104, 0.737, -0.239, 0.099, 0.193, -0.113, -0.150],
                [-0.015, 0.009, -0.101, -0.003, 0.001, -0.004, 0.008, 0.099, 0.040],
            ]
        ),
        platform=_array([2.446, 3.471, 2.840, 0.598]),
        floor=_array([44.0, 56.0, 49.0]),
        floor_tilt=_array([0.059, -0.016, -0.024]),
        floor_light=_array([-0.106, -0.101, -0.013, -0.027]),
        post_shadow=_array([0.17, -0.71, 0.35]),
        outside=0.92,
        wall=_array([21.8, 35.7, 27.5]),
        wall_light=_array([-0.041, 0.475, -0.144, -0.003, -0.102]),
        glow=_array([22.14, -0.17, 2.50, 1.06]),
        seams=_array([0.52, 0.13, 2.16]),
        vignette=0.067,
        rings=_array(
            [
                [112, 108, 172],
                [96, 143, 133],
                [114, 110, 113],
            ]
        ),
        ring_centre=_array([-0.046, 0.007]),
        disc=_array([34, 45, 40]),
        feet=_array(
            [
                [43, 53, 48],
                [51, 65, 59],
                [31, 42, 37],
            ]
        ),
        foot_radii=_array([0.26, 0.38]),
        post=_array(
            [
                [12, 16, 13],
                [13, 20, 15],
            ]
        ),
        post_shape=_array([0.134, -0.215, 1.095]),
        mount=_array([1.052, -0.145, 16.352, 4.695]),
        arm=_array([19, 25, 21]),
        hub=_array([16, 23, 19]),
        arm_width=1.5,
        hub_width=4.0,
        shadow=0.00,
        noise=1.0,
    ),
    "realistic": Look(
        cameras=_array(
            [
                [5.63, 53.73, 30.46, 41.98],
                [5.27, 44.82, 33.38, 46.04],
                [4.88, 35.34, 30.03, 52.36],
            ]
        ),
        gains=_array(
            [
                [0.991, 0.936, 0.973],
                [1.000, 1.000, 1.000],
                [1.096, 1.127, 1.099],
            ]
        ),
        blacks=_array(
            [
                [-0.6, 2.2, 0.2],
                [0.0, 0.0, 0.0],
                [-1.9, -3.2, -1.9],
            ]
        ),
        colours=_array(
            [
                [189, 237, 193],
                [59, 116, 58],
                [172, 17, 13],
                [34, 94, 153],
                [57, 49, 35],
                [91, 99, 64],
            ]
        ),
        lamp=_array(
            [
                [1.023, -0.092, 0.802, 0.310, -0.120, -0.149, -0.888, -0.350, -0.176],
                [0.202, 0.042, 0.090, -0.214, 0.049, -0.014, -0.057, -0.012, 0.119],
            ]
        ),
        platform=_array([2.297, 3.628, 2.915, 0.649]),
        floor=_array([51.1, 59.1, 51.1]),
        floor_tilt=_array([0.010, 0.015, 0.014]),
        floor_light=_array([0.066, -0.038, 0.001, -0.017]),
        post_shadow=_array([0.13, -0.51, 0.35]),
        outside=0.86,
        wall=_array([21.3, 24.2, 21.1]),
        wall_light=_array([0.032, -0.331, -0.004, -0.033, 0.072]),
        glow=_array([-0.85, 5.95, -3.90, 1.14]),
        seams=_array([0.15, 1.80, 0.40]),
        vignette=-0.130,
        rings=_array(
            [
                [88, 82, 120],
                [70, 103, 86],
                [89, 86, 94],
            ]
        ),
        ring_centre=_array([0.005, 0.000]),
        disc=_array([53, 61, 54]),
        feet=_array(
            [
                [53, 61, 53],
                [53, 62, 53],
                [54, 63, 54],
            ]
        ),
        foot_radii=_array([0.01, 0.29]),
        post=_array(
            [
                [21, 23, 20],
                [55, 64, 55],
            ]
        ),
        post_shape=_array([0.122, -0.009, 1.179]),
        mount=_array([1.027, -0.142, 15.426, 0.262]),
        arm=_array([48, 51, 44]),
        hub=_array([32, 36, 32]),
        arm_width=1.3,
        hub_width=3.0,
        shadow=0.19,
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
