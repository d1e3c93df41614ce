"""The stand-in of 3DShapes: a cube, cylinder, sphere or capsule in a room, lit by one high lamp.

Unit of length: half the room's width. Room axes: x right, y toward the back wall, z up; the camera
goes round while it looks at the object. Camera axes: right, forward, up, not pitched; the object
stands straight ahead.

Where the numbers come from: camera, room, sizes (`room_objects`) and light (`room_light`) were
fitted to the 25 frames of a figure in the example notebook of google-deepmind/3d-shapes
(Apache-2.0); no pixel is copied.

An image is the sum of a few maps, each times one colour, so all 480,000 come from the maps of the
480 combinations of scale, shape and orientation.
"""

from colorsys import hsv_to_rgb
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.images import Pixels
from disentgen.dataset.stand_ins import room_light as light
from disentgen.dataset.stand_ins.room_objects import cross_object, find_entry, find_normals
from disentgen.dataset.stand_ins.sampling import SIDE, Array, place_samples, weigh_samples

HUES, SCALES, SHAPES, ORIENTATIONS = 10, 8, 4, 15

# Camera and room, fitted to those frames.
FOCAL_LENGTH = 52.74  # pixels
PITCH = 0.0532  # radians, downward
CAMERA_HEIGHT = 0.2791
CAMERA_RADIUS = 0.2996  # of its circle about the middle of the room
BACK_WALL, SIDE_WALL, WALL_HEIGHT = 1.0052, 1.0147, 0.5594
OBJECT_DISTANCE = 0.634

#: Room axes; the lamp is far away. Fitted to the shadows in those frames.
TOWARD_LAMP = np.array([-0.266, 0.048, 1.0], np.float32)

#: As the frames show it, the same in all of them.
SKY = np.array([153, 226, 249], np.float32)
MATERIALS = 255 * np.array([hsv_to_rgb(hue / HUES, 1, 1) for hue in range(HUES)], np.float32)
WHITE = np.array([255, 255, 255], np.float32)

#: Samples among which object and shadow lie in every image: rows, columns.
WINDOW = slice(15, 192), slice(33, 174)


class Room(NamedTuple):
    """What the samples see at one orientation, before the object is put in: room axes.

    Args:
        rays: (192, 192, 3) directions in which the samples look.
        floor: (192, 192) how bright the floor is where the lamp lights it; 0 where none is seen.
        wall: (192, 192) how bright the wall is; 0 where none is seen.
        sky: (192, 192) 1 where the sky is seen, else 0.
        shadow: (192, 192) how bright the floor would be in shadow; 0 where none is seen.
        floor_points: (192, 192, 3) what is seen of floor or wall, from the object's base.
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
    """The camera's place, (3,), as seen from the place of the object's base; room axes."""
    back = np.array([0, -OBJECT_DISTANCE, CAMERA_HEIGHT], np.float32)
    return turn_about_upright(back, angle)


@cache
def see_room(orientation: int) -> Room:
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
    places = path + eye
    on_sky = ~on_floor & (places[..., 2] > WALL_HEIGHT)
    on_wall = ~on_floor & ~on_sky
    wall_light = light_walls(places, to_back <= to_side, angle)
    return Room(
        rays=rays,
        floor=(on_floor * light.floor(across, ahead, angle)).astype(np.float32),
        wall=(on_wall * wall_light).astype(np.float32),
        sky=on_sky.astype(np.float32),
        shadow=(on_floor * light.shadow(across, ahead, angle)).astype(np.float32),
        floor_points=path + stand_at(angle),
    )


def light_walls(places: Array, on_back: NDArray[np.bool_], angle: float) -> Array:
    """How bright the walls are, (...,).

    Args:
        places: (..., 3) on the walls, in room axes.
        on_back: (...,) whether a place is on the wall opposite the camera.
        angle: the camera's, in radians.
    """
    x, y, z = np.moveaxis(places, -1, 0)
    return np.select(
        [on_back, x < 0],
        [light.back_wall(x, z, angle), light.left_wall(y, z, angle)],
        light.right_wall(y, z, angle),
    )


def draw_maps(scale: int, shape: int, orientation: int) -> Array:
    """(4096, 5): how much of floor, wall and object hue, of white and of sky each pixel shows.

    Args:
        scale: class of the object's size.
        shape: class of the object's shape.
        orientation: class of the camera's angle.
    """
    angle, size = turn(orientation), scale_of(scale)
    room = see_room(orientation)
    rays, eye = room.rays[WINDOW], stand_at(angle)
    entry = find_entry(cross_object(shape, size, eye, rays))
    seen = np.isfinite(entry)
    normals = find_normals(shape, size, eye + entry[seen][:, None] * rays[seen])
    shaded = np.isfinite(
        find_entry(cross_object(shape, size, room.floor_points[WINDOW], TOWARD_LAMP))
    )
    nothing = np.zeros_like(room.sky)
    maps = np.stack([room.floor, room.wall, nothing, nothing, room.sky])
    window = maps[:, *WINDOW]
    window[0] = np.where(shaded, room.shadow[WINDOW], window[0])
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
