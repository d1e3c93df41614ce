"""The objects of the 3DShapes stand-in: where rays meet a cube, cylinder, sphere or capsule.

Places are in room axes, from the middle of the object's base; ``shape`` is 0 for the cube, 1 for
the cylinder, 2 for the sphere, 3 for the capsule, ``size`` the scale factor.
"""

from functools import reduce

import numpy as np

from disentgen.dataset.stand_ins.sampling import Array

# Sizes at scale 1 in halves of the room's width, fitted to the 25 frames that `room` names.
CUBE_HALF = 0.1227
CYLINDER_RADIUS, CYLINDER_HEIGHT = 0.1217, 0.248
SPHERE_RADIUS = 0.1393
CAPSULE_RADIUS, CAPSULE_HEIGHT = 0.1073, 0.4205

#: How far along rays they enter and leave, (...,) each; the first is the larger one of a miss.
Interval = tuple[Array, Array]


def cross_ball(origins: Array, rays: Array, radius: float) -> Interval:
    """Where rays enter and leave a ball; an endless upright cylinder, if given two axes.

    Args:
        origins: (..., axes) of the rays, from the ball's middle.
        rays: (..., axes) directions.
        radius: of the ball.
    """
    a, b = np.vecdot(rays, rays), np.vecdot(rays, origins)
    discriminant = b * b - a * (np.vecdot(origins, origins) - radius**2)
    root = np.sqrt(np.maximum(discriminant, 0))
    missed = discriminant <= 0
    return np.where(missed, np.inf, -b - root) / a, np.where(missed, -np.inf, root - b) / a


def cross_slab(origins: Array, rays: Array, low: float, high: float) -> Interval:
    """Where rays enter and leave the space between two planes across an axis.

    Args:
        origins: (...,) of the rays along the axis.
        rays: (...,) directions along the axis.
        low: place of one plane on the axis.
        high: of the other.
    """
    with np.errstate(divide="ignore", over="ignore"):
        first, second = (low - origins) / rays, (high - origins) / rays
    return np.minimum(first, second), np.maximum(first, second)


def cross_upright(
    origins: Array, rays: Array, radius: float, low: float, high: float
) -> list[Interval]:
    """The intervals whose overlap is an upright cylinder about the third axis.

    Args:
        origins: (..., 3) of the rays.
        rays: (..., 3) directions.
        radius: of the cylinder.
        low: height of its lower end.
        high: height of its upper end.
    """
    return [
        cross_ball(origins[..., :2], rays[..., :2], radius),
        cross_slab(origins[..., 2], rays[..., 2], low, high),
    ]


def cross_sphere(origins: Array, rays: Array, radius: float, height: float) -> list[Interval]:
    """Where rays enter and leave a sphere about a place above the origin.

    Args:
        origins: (..., 3) of the rays.
        rays: (..., 3) directions.
        radius: of the sphere.
        height: of its middle.
    """
    middle = np.array([0, 0, height], np.float32)
    return [cross_ball(origins - middle, rays, radius)]


def cross_cube(origins: Array, rays: Array, half: float) -> list[Interval]:
    """The intervals whose overlap is a cube that stands on the floor.

    Args:
        origins: (..., 3) of the rays.
        rays: (..., 3) directions.
        half: of the length of an edge.
    """
    return [
        cross_slab(origins[..., axis], rays[..., axis], low, low + 2 * half)
        for axis, low in enumerate((-half, -half, 0.0))
    ]


def cross_object(shape: int, size: float, origins: Array, rays: Array) -> list[list[Interval]]:
    """The parts of an object, each where some intervals overlap.

    Args:
        shape: 0 cube, 1 cylinder, 2 sphere, 3 capsule.
        size: scale factor.
        origins: (..., 3) room axes, from the middle of the object's base.
        rays: (..., 3) directions.
    """
    if shape == 0:
        return [cross_cube(origins, rays, size * CUBE_HALF)]
    if shape == 1:
        return [cross_upright(origins, rays, size * CYLINDER_RADIUS, 0, size * CYLINDER_HEIGHT)]
    if shape == 2:
        return [cross_sphere(origins, rays, size * SPHERE_RADIUS, size * SPHERE_RADIUS)]
    radius, top = size * CAPSULE_RADIUS, size * (CAPSULE_HEIGHT - CAPSULE_RADIUS)
    return [
        cross_upright(origins, rays, radius, radius, top),
        cross_sphere(origins, rays, radius, radius),
        cross_sphere(origins, rays, radius, top),
    ]


def find_entry(parts: list[list[Interval]]) -> Array:
    """How far along rays an object is entered, (...,), inf where it is missed."""
    entries = []
    for intervals in parts:
        enter = reduce(np.maximum, [interval[0] for interval in intervals])
        leave = reduce(np.minimum, [interval[1] for interval in intervals])
        entries.append(np.where(enter < leave, enter, np.inf))
    return reduce(np.minimum, entries)


def find_normals(shape: int, size: float, points: Array) -> Array:
    """(..., 3) outward normals at points of an object's surface, room axes, unit length.

    Args:
        shape: 0 cube, 1 cylinder, 2 sphere, 3 capsule.
        size: scale factor.
        points: (..., 3) on the surface, from the middle of the object's base.
    """
    if shape == 0:
        offset = points - np.array([0, 0, size * CUBE_HALF], np.float32)
        axis = np.abs(offset).argmax(axis=-1)
        normals: Array = np.sign(offset) * np.eye(3, dtype=np.float32)[axis]
        return normals
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
