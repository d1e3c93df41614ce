"""How a version of MPI3D looks: cameras, exposure, colours, light and platform."""

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
