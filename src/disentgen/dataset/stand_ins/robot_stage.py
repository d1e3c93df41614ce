"""What stands still in MPI3D's pictures: platform with its ring, wall, post and its foot."""

from functools import cache

import numpy as np

from disentgen.dataset.stand_ins.robot_camera import FOCAL_LENGTH, look_through, place_camera
from disentgen.dataset.stand_ins.robot_looks import LOOKS, Look
from disentgen.dataset.stand_ins.sampling import SAMPLES, SIDE, Array, place_samples
from disentgen.dataset.stand_ins.solids import cover_polyhedra, prism

# In arm lengths, fitted to the frames that `robot` names: the platform's half width and its far
# edge, and the ring on it.
PLATFORM_HALF_WIDTH, PLATFORM_EDGE = 2.1, 3.4
RING_RADIUS, RING_WIDTH = 2.705, 0.61
POST_RADIUS, POST_BOTTOM, POST_TOP = 0.11, -0.12, 1.05
FACETS = 16


@cache
def paint_stages(version: str) -> Array:
    """(3, 3, 64, 64, 3): a version's pictures without arm and object, by camera height and ring."""
    look = LOOKS[version]
    stages = [[paint_stage(look, height, ring) for ring in range(3)] for height in range(3)]
    return np.array(stages, np.float32)


def paint_stage(look: Look, height: int, ring: int) -> Array:
    """(64, 64, 3): the picture of a camera without arm and object.

    Args:
        look: of the version.
        height: class of the camera's height, 0 to 2.
        ring: class of the ring's colour, 0 to 2.
    """
    x, y = find_ground(look.cameras[height])
    radius = np.hypot(x, y)
    on_platform = (np.abs(x) < PLATFORM_HALF_WIDTH) & (y < PLATFORM_EDGE)
    picture = paint_gradient(look.wall[height])
    for where, colour in (
        (on_platform, paint_gradient(look.floor[height])),
        (np.abs(radius - RING_RADIUS) < RING_WIDTH / 2, look.rings[ring]),
        ((radius > look.foot_radii[0]) & (radius < look.foot_radii[1]), np.array(look.foot)),
    ):
        share = where.reshape(SIDE, SAMPLES, SIDE, SAMPLES).mean(axis=(1, 3))[..., None]
        picture = picture + share * (colour - picture)
    share, colour = paint_post(look, height)
    return picture + share[..., None] * (colour - picture)


def find_ground(camera: Array) -> tuple[Array, Array]:
    """(192, 192) x and y of the ground that each sample sees, inf where it sees none."""
    eye, axes = place_camera(camera[None])
    places = place_samples()
    right = (places[None] - camera[2]) / FOCAL_LENGTH
    up = (camera[3] - places[:, None]) / FOCAL_LENGTH
    directions = np.stack(np.broadcast_arrays(right, up, np.float32(1)), axis=-1) @ axes[0]
    down = -directions[..., 2]
    reach = np.where(down > 0, eye[0, 2] / np.where(down > 0, down, 1), np.inf)
    return reach * directions[..., 0], eye[0, 1] + reach * directions[..., 1]


def paint_gradient(coefficients: Array) -> Array:
    """(64, 64, 3): green as a polynomial of degree 2 in place, red and blue as parts of it."""
    column = np.linspace(-1, 1, SIDE)[None] * (SIDE - 1) / SIDE
    row = column.T
    terms = np.broadcast_arrays(1.0, column, row, column**2, column * row, row**2)
    green = np.maximum(sum(c * term for c, term in zip(coefficients, terms, strict=False)), 0)
    return np.stack([coefficients[6] * green, green, coefficients[7] * green], axis=-1)


def paint_post(look: Look, height: int) -> tuple[Array, Array]:
    """Share of each pixel that the post covers, (64, 64), and its colour there, (64, 64, 3)."""
    camera = look.cameras[height][None]
    sight = look_through(camera, np.zeros((1, 2), np.int64), SIDE)
    solid = prism(FACETS, POST_RADIUS, (POST_TOP - POST_BOTTOM) / 2)
    middle = np.array([0, 0, (POST_TOP + POST_BOTTOM) / 2], np.float32) - place_camera(camera)[0]
    share, face = cover_polyhedra(solid, solid.normals[None], solid.offsets[None], middle, sight)
    return share[0], look.post[(face[0] >= FACETS).astype(int)]
