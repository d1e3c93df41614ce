"""What stands still in MPI3D's pictures: platform with its ring, wall, post and its foot."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.stand_ins.robot_camera import FOCAL_LENGTH, look_through, place_camera
from disentgen.dataset.stand_ins.robot_looks import Look, expose
from disentgen.dataset.stand_ins.sampling import SAMPLES, SIDE, Array, place_samples
from disentgen.dataset.stand_ins.solids import cover_polyhedra, prism

FACETS = 16
#: Beyond which the ground's light no longer changes.
FAR = 4.0


@cache
def paint_stages(look: Look) -> Array:
    """(3, 3, 64, 64, 3): a version's pictures without arm and object, by camera height and ring."""
    return np.array([paint_stage(look, height) for height in range(3)], np.float32)


def paint_stage(look: Look, height: int) -> Array:
    """(3, 64, 64, 3): the pictures of a camera without arm and object, by ring.

    Args:
        look: of the version.
        height: class of the camera's height, 0 to 2.
    """
    camera = look.cameras[height]
    x, y = find_ground(camera)
    from_foot = np.hypot(x, y)
    x, y = x - look.ring_centre[0], y - look.ring_centre[1]
    half_width, edge, ring_radius, ring_width = look.platform
    from_ring = np.hypot(x, y) - ring_radius
    on_platform = (np.abs(x) < half_width) & (y < edge)
    light = light_floor(look, *(np.clip(at_pixels(of), -FAR, FAR) for of in (x, y)))
    pictures = paint_wall(look, camera)
    for where, colour in (
        (on_platform, look.outside * light * look.floor),
        (on_platform & (from_ring < 0), light * look.floor),
        (np.abs(from_ring) < ring_width / 2, np.sqrt(light) * look.rings[:, None, None]),
        (from_foot < look.foot_radii[1], look.feet[:, None, None]),
        (from_foot < look.foot_radii[0], look.disc),
    ):
        pictures = pictures + cover(where)[..., None] * (colour - pictures)
    share, colour = paint_post(look, height)
    pictures = (pictures + share[..., None] * (colour - pictures)) * fall_off(look.vignette)
    return expose(look, np.full(3, height), pictures)


def cover(where: NDArray[np.bool_]) -> Array:
    """(64, 64): the share of each pixel's samples, (192, 192), that are in a region."""
    share: Array = where.reshape(SIDE, SAMPLES, SIDE, SAMPLES).mean(axis=(1, 3), dtype=np.float32)
    return share


def at_pixels(samples: Array) -> Array:
    """(64, 64): what the middle sample of each pixel has, of (192, 192)."""
    return samples[SAMPLES // 2 :: SAMPLES, SAMPLES // 2 :: SAMPLES]


def find_light(coefficients: Array, x: Array, y: Array) -> Array:
    """(..., 64, 64, 1): light, 1 at the origin; its logarithm is of degree 2 in place.

    Args:
        coefficients: (..., 5) of x, y, x², x·y, y².
        x: (64, 64).
        y: (64, 64).
    """
    terms = np.stack([x, y, x * x, x * y, y * y])
    light: Array = np.exp(np.tensordot(coefficients, terms, 1))[..., None].astype(np.float32)
    return light


def fall_off(vignette: float) -> Array:
    """(64, 64, 1): the light that a lens leaves toward the picture's corners, 1 at its middle."""
    place = (np.arange(SIDE, dtype=np.float32) + 0.5) / (SIDE / 2) - 1
    left = 1 - vignette * (place[:, None, None] ** 2 + place[:, None] ** 2)
    return left.astype(np.float32)


def light_floor(look: Look, x: Array, y: Array) -> Array:
    """(3, 64, 64, 1): light on the platform by ring, with the soft shadow in front of the post.

    Args:
        look: of the version.
        x: (64, 64), from the ring's centre.
        y: (64, 64), the same.
    """
    further = np.tile(look.floor_light, (3, 1))
    light = find_light(np.column_stack([look.floor_tilt, further]), x, y)
    loss, place, width = look.post_shadow
    shadow = loss * np.exp(-((x + look.ring_centre[0]) ** 2 + (y - place) ** 2) / width**2)
    lit: Array = light * (1 - shadow[..., None])
    return lit


def look_out(camera: Array) -> tuple[Array, Array]:
    """Where a camera stands, (3,), and the directions of its samples, (192, 192, 3)."""
    eye, axes = place_camera(camera[None])
    places = place_samples()
    right = (places[None] - camera[2]) / FOCAL_LENGTH
    up = (camera[3] - places[:, None]) / FOCAL_LENGTH
    return eye[0], np.stack(np.broadcast_arrays(right, up, np.float32(1)), axis=-1) @ axes[0]


def find_ground(camera: Array) -> tuple[Array, Array]:
    """(192, 192) x and y of the ground that each sample sees, inf where it sees none."""
    eye, directions = look_out(camera)
    down = -directions[..., 2]
    reach = np.where(down > 0, eye[2] / np.where(down > 0, down, 1), np.inf)
    return reach * directions[..., 0], eye[1] + reach * directions[..., 1]


def paint_wall(look: Look, camera: Array) -> Array:
    """(64, 64, 3): the wall, as if nothing stood before it, at the platform's far edge.

    Args:
        look: of the version.
        camera: (4,).
    """
    eye, directions = look_out(camera)
    reach = (look.platform[1] - eye[1]) / directions[..., 1]
    x, z = reach * directions[..., 0], eye[2] + reach * directions[..., 2]
    loss, distance, half_width = look.seams
    seams = loss * cover(np.abs(np.abs(x) - distance) < half_width)
    x, z = at_pixels(x), at_pixels(z)
    light = find_light(look.wall_light, x, z) * (1 - seams[..., None])
    strength, across, up, width = look.glow
    glow = strength * np.exp(-((x - across) ** 2 + (z - up) ** 2) / width**2)
    wall: Array = light * look.wall + glow[..., None]
    return wall


def paint_post(look: Look, height: int) -> tuple[Array, Array]:
    """Share of each pixel that the post covers, (64, 64), and its colour there, (64, 64, 3)."""
    camera = look.cameras[height][None]
    sight = look_through(camera, np.zeros((1, 2), np.int64), SIDE)
    radius, bottom, top = look.post_shape
    solid = prism(FACETS, radius, (top - bottom) / 2)
    middle = np.array([0, 0, (top + bottom) / 2], np.float32) - place_camera(camera)[0]
    share, face = cover_polyhedra(solid, solid.normals[None], solid.offsets[None], middle, sight)
    return share[0], look.post[(face[0] >= FACETS).astype(int)]
