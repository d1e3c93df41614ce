"""The stand-in of 3DShapes: a cube, cylinder, sphere or capsule in a room, lit by one high lamp.

Unit of length: half the room's width. Room axes: x right, y toward the back wall, z up; the camera
goes round while it looks at the object. Camera axes: right, forward, up, not pitched; the object
stands straight ahead. Geometry was fitted to 25 published frames (example notebook of
google-deepmind/3d-shapes, Apache-2.0), light likewise (`room_light`); no pixel is copied.

An image is the sum of a few maps, each times one colour, so all 480,000 come from the maps of the
480 combinations of scale, shape and orientation.
"""

from colorsys import hsv_to_rgb
from functools import cache, reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.images import Pixels
from disentgen.dataset.stand_ins import room_light as light
from disentgen.dataset.stand_ins.sampling import SIDE, Array, place_samples, weigh_samples

HUES, SCALES, SHAPES, ORIENTATIONS = 10, 8, 4, 15

FOCAL_LENGTH = 52.74  # pixels
PITCH = 0.0532  # radians, downward
CAMERA_HEIGHT = 0.2791
CAMERA_RADIUS = 0.2996  # of its circle about the middle of the room
BACK_WALL, SIDE_WALL, WALL_HEIGHT = 1.0052, 1.0147, 0.5594
OBJECT_DISTANCE = 0.634

# Sizes at scale 1.
CUBE_HALF = 0.1227
CYLINDER_RADIUS, CYLINDER_HEIGHT = 0.1217, 0.248
SPHERE_RADIUS = 0.1393
CAPSULE_RADIUS, CAPSULE_HEIGHT = 0.1073, 0.4205

#: Room axes; the lamp is far away.
TOWARD_LAMP = np.array([-0.266, 0.048, 1.0], np.float32)

SKY = np.array([153, 226, 249], np.float32)
MATERIALS = 255 * np.array([hsv_to_rgb(hue / HUES, 1, 1) for hue in range(HUES)], np.float32)
WHITE = np.array([255, 255, 255], np.float32)

#: Samples among which object and shadow lie in every image: rows, columns.
WINDOW = slice(15, 192), slice(33, 174)


class View(NamedTuple):
    """What the samples see at one orientation, before the object is put in: room axes.

    Floor, wall and shadow are levels of light, 0 where none is seen; sky is 1 where it is seen.
    """

    rays: Array
    floor: Array
    wall: Array
    sky: Array
    shadow: Array
    floor_points: Array


def turn(orientation: int) -> float:
    """The angle of an orientation class, in radians."""
    return float(np.radians(-30 + 60 * orientation / (ORIENTATIONS - 1)))


def scale_of(scale: int) -> float:
    """The size factor of a scale class."""
    return 0.75 + 0.5 * scale / (SCALES - 1)


def turn_about_upright(vectors: Array, angle: float) -> Array:
    """Turn (..., 3) vectors by an angle about the third axis, counter-clockwise from above."""
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)
    return vectors @ matrix


@cache
def cast_rays() -> Array:
    """(192, 192, 3) directions of the samples' rays in camera axes."""
    centre = (SIDE - 1) / 2
    right = (place_samples() - centre) / FOCAL_LENGTH
    up = -right[:, None]
    cosine, sine = np.cos(PITCH), np.sin(PITCH)
    rays = np.broadcast_arrays(right[None], cosine + up * sine, up * cosine - sine)
    return np.stack(rays, axis=-1).astype(np.float32)


def stand_at(angle: float) -> Array:
    """The camera's place, as seen from the place of the object's base; room axes."""
    back = np.array([0, -OBJECT_DISTANCE, CAMERA_HEIGHT], np.float32)
    return turn_about_upright(back, angle)


@cache
def see_room(orientation: int) -> View:
    """Where sky, floor and walls are seen at an orientation, and how bright they are."""
    angle = turn(orientation)
    rays = turn_about_upright(cast_rays(), angle)
    eye = turn_about_upright(np.array([0, -CAMERA_RADIUS, CAMERA_HEIGHT], np.float32), angle)
    with np.errstate(divide="ignore"):
        to_back = (BACK_WALL - eye[1]) / rays[..., 1]
        to_side = (np.sign(rays[..., 0]) * SIDE_WALL - eye[0]) / rays[..., 0]
        to_floor = np.where(rays[..., 2] < 0, -eye[2] / rays[..., 2], np.inf)
    to_wall = np.minimum(to_back, to_side)
    on_floor = to_floor < to_wall
    path = np.minimum(to_floor, to_wall)[..., None] * rays
    across, ahead, _ = np.moveaxis(turn_about_upright(path, -angle), -1, 0)
    x, y, z = np.moveaxis(path + eye, -1, 0)
    on_sky = ~on_floor & (z > WALL_HEIGHT)
    on_wall = ~on_floor & ~on_sky
    wall_light = np.select(
        [to_back <= to_side, x < 0],
        [light.back_wall(x, z, angle), light.left_wall(y, z, angle)],
        light.right_wall(y, z, angle),
    )
    return View(
        rays=rays,
        floor=(on_floor * light.floor(across, ahead, angle)).astype(np.float32),
        wall=(on_wall * wall_light).astype(np.float32),
        sky=on_sky.astype(np.float32),
        shadow=(on_floor * light.shadow(across, ahead, angle)).astype(np.float32),
        floor_points=path + stand_at(angle),
    )


Interval = tuple[Array, Array]


def cross_ball(origins: Array, rays: Array, radius: float) -> Interval:
    """Where rays enter and leave a ball; an endless upright cylinder, if given two axes."""
    a, b = np.vecdot(rays, rays), np.vecdot(rays, origins)
    discriminant = b * b - a * (np.vecdot(origins, origins) - radius**2)
    root = np.sqrt(np.maximum(discriminant, 0))
    missed = discriminant <= 0
    return np.where(missed, np.inf, -b - root) / a, np.where(missed, -np.inf, root - b) / a


def cross_slab(origins: Array, rays: Array, low: float, high: float) -> Interval:
    """Where rays enter and leave the space between two planes across an axis."""
    with np.errstate(divide="ignore", over="ignore"):
        first, second = (low - origins) / rays, (high - origins) / rays
    return np.minimum(first, second), np.maximum(first, second)


def cross_object(shape: int, size: float, origins: Array, rays: Array) -> list[list[Interval]]:
    """The parts of an object, each where some intervals overlap.

    Args:
        shape: 0 cube, 1 cylinder, 2 sphere, 3 capsule.
        size: scale factor.
        origins: (..., 3) room axes, from the middle of the object's base.
        rays: (..., 3) directions.
    """

    def cross_upright(radius: float, low: float, high: float) -> list[Interval]:
        return [
            cross_ball(origins[..., :2], rays[..., :2], radius),
            cross_slab(origins[..., 2], rays[..., 2], low, high),
        ]

    def cross_sphere(radius: float, height: float) -> list[Interval]:
        middle = np.array([0, 0, height], np.float32)
        return [cross_ball(origins - middle, rays, radius)]

    if shape == 0:
        half = size * CUBE_HALF
        lows = (-half, -half, 0.0)
        return [
            [
                cross_slab(origins[..., axis], rays[..., axis], low, low + 2 * half)
                for axis, low in enumerate(lows)
            ]
        ]
    if shape == 1:
        return [cross_upright(size * CYLINDER_RADIUS, 0, size * CYLINDER_HEIGHT)]
    if shape == 2:
        return [cross_sphere(size * SPHERE_RADIUS, size * SPHERE_RADIUS)]
    radius, top = size * CAPSULE_RADIUS, size * (CAPSULE_HEIGHT - CAPSULE_RADIUS)
    return [
        cross_upright(radius, radius, top),
        cross_sphere(radius, radius),
        cross_sphere(radius, top),
    ]


def find_entry(parts: list[list[Interval]]) -> Array:
    """How far along rays an object is entered, inf where it is missed."""
    entries = []
    for intervals in parts:
        enter = reduce(np.maximum, [interval[0] for interval in intervals])
        leave = reduce(np.minimum, [interval[1] for interval in intervals])
        entries.append(np.where(enter < leave, enter, np.inf))
    return reduce(np.minimum, entries)


def find_normals(shape: int, size: float, points: Array) -> Array:
    """(..., 3) outward normals at points of an object's surface, room axes, unit length."""
    if shape == 0:
        offset = points - np.array([0, 0, size * CUBE_HALF], np.float32)
        axis = np.abs(offset).argmax(axis=-1)
        return np.sign(offset) * np.eye(3, dtype=np.float32)[axis]
    if shape == 1:
        on_top = points[..., 2] > size * CYLINDER_HEIGHT - 1e-5
        sideways = points * np.array([1, 1, 0], np.float32) / (size * CYLINDER_RADIUS)
        return np.where(on_top[..., None], np.array([0, 0, 1], np.float32), sideways)
    radius, height = (
        (SPHERE_RADIUS, 2 * SPHERE_RADIUS) if shape == 2 else (CAPSULE_RADIUS, CAPSULE_HEIGHT)
    )
    nearest = points * np.array([0, 0, 1], np.float32)
    nearest[..., 2] = np.clip(nearest[..., 2], size * radius, size * (height - radius))
    return (points - nearest) / (size * radius)


def draw_maps(scale: int, shape: int, orientation: int) -> Array:
    """(4096, 5): how much of floor, wall and object hue, of white and of sky each pixel shows."""
    angle, size = turn(orientation), scale_of(scale)
    view = see_room(orientation)
    rays, eye = view.rays[WINDOW], stand_at(angle)
    entry = find_entry(cross_object(shape, size, eye, rays))
    seen = np.isfinite(entry)
    normals = find_normals(shape, size, eye + entry[seen][:, None] * rays[seen])
    shaded = np.isfinite(
        find_entry(cross_object(shape, size, view.floor_points[WINDOW], TOWARD_LAMP))
    )
    nothing = np.zeros_like(view.sky)
    maps = np.stack([view.floor, view.wall, nothing, nothing, view.sky])
    window = maps[:, *WINDOW]
    window[0] = np.where(shaded, view.shadow[WINDOW], window[0])
    window[:, seen] = 0
    window[2, seen], window[3, seen] = light.object_surface(
        turn_about_upright(normals, -angle), normals
    )
    weights = weigh_samples()
    return (weights @ maps @ weights.T).reshape(len(maps), -1).T


@cache
def tabulate_maps() -> Array:
    """(480, 4096, 5): the maps of all combinations of scale, shape and orientation; 39 MB."""
    combinations = np.ndindex(SCALES, SHAPES, ORIENTATIONS)
    return np.array([draw_maps(*combination) for combination in combinations])


def render(indices: NDArray[np.int64]) -> Pixels:
    """Draw rooms: (n,) indices to (n, 64, 64, 3)."""
    maps = tabulate_maps()
    floor, wall, body, geometry = np.unravel_index(indices, (HUES, HUES, HUES, len(maps)))
    fixed = np.broadcast_to(np.stack([WHITE, SKY]), (len(indices), 2, 3))
    hues = MATERIALS[np.stack([floor, wall, body], axis=1)]
    colours = np.concatenate([hues, fixed], axis=1)
    images = np.empty((len(indices), SIDE * SIDE, 3), np.uint8)
    # A few at a time stay in the processor's cache.
    for start in range(0, len(indices), 8):
        part = slice(start, start + 8)
        images[part] = (maps[geometry[part]] @ colours[part] + 0.5).clip(0, 255)
    return images.reshape(-1, SIDE, SIDE, 3)
