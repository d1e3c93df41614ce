"""Convex solids, seen in perspective: which pixels they cover, and which way their faces point."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.scenes.sampling import Array


class Solid(NamedTuple):
    """The space where every face's ``normals @ point <= offsets``: (faces, 3) and (faces,)."""

    normals: Array
    offsets: Array


def prism(sides: int, radius: float, half_height: float, turn: float = 0) -> Solid:
    """An upright prism about the third axis; ``radius`` is that of the circle in its base."""
    angles = turn + 2 * np.pi * np.arange(sides) / sides
    around = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    normals = np.vstack([around, [[0, 0, 1], [0, 0, -1]]])
    offsets = np.concatenate([np.full(sides, radius), [half_height, half_height]])
    return Solid(normals.astype(np.float32), offsets.astype(np.float32))


def pyramid(sides: int, radius: float, half_height: float) -> Solid:
    """A pyramid about the third axis, its tip up, the origin half-way up."""
    angles = 2 * np.pi * np.arange(sides) / sides
    height = 2 * half_height
    slant = np.hypot(height, radius)
    around = [height * np.cos(angles), height * np.sin(angles), radius + 0 * angles]
    normals = np.vstack([np.stack(around, axis=1) / slant, [[0, 0, -1]]])
    offsets = np.concatenate([np.full(sides, radius * half_height / slant), [half_height]])
    return Solid(normals.astype(np.float32), offsets.astype(np.float32))


def pad(solid: Solid, faces: int) -> Solid:
    """The same solid with so many faces, its last one repeated, so that solids can be stacked."""
    missing = faces - len(solid.offsets)
    return Solid(
        np.pad(solid.normals, ((0, missing), (0, 0)), mode="edge"),
        np.pad(solid.offsets, (0, missing), mode="edge"),
    )


class Sight(NamedTuple):
    """How images see space.

    Args:
        axes: (n, 3, 3) right, up and forward of the camera, in world axes.
        x: (n, window) places of a window's columns on the plane at distance 1.
        y: (n, window) places of its rows.
    """

    axes: Array
    x: Array
    y: Array

    def select(self, images: NDArray[np.bool_]) -> "Sight":
        """Some of the images."""
        return Sight(*(part[images] for part in self))

    @property
    def pixel(self) -> float:
        """The size of a pixel on the plane at distance 1."""
        return float(self.x[0, 1] - self.x[0, 0])


def cover_polyhedra(
    normals: Array, offsets: Array, middle: Array, sight: Sight
) -> tuple[Array, Array]:
    """Draw one convex solid in each image.

    A ray is inside from the last front face it meets to the first back face; where that stretch
    shrinks to nothing lies the outline, and how fast it shrinks tells the share of a pixel.

    Args:
        normals: (n, faces, 3) of the faces, in world axes.
        offsets: (n, faces) distances of the faces from the middle.
        middle: (n, 3) of the solid, as seen from the camera, in world axes.
        sight: how each image sees.

    Returns:
        (n, window, window) share of each pixel that is covered, and the face that it shows.
    """
    # A ray meets a face at 1 / (a·x + b·y + c) of its length.
    distances = offsets + np.vecdot(normals, middle[:, None])
    planes = normals @ np.swapaxes(sight.axes, 1, 2) / distances[..., None]
    a, b, c = np.moveaxis(planes, -1, 0)
    along_x = a[:, :, None] * sight.x[:, None]
    along_y = b[:, :, None] * sight.y[:, None] + c[:, :, None]
    front = (distances < 0)[:, :, None]
    entries = np.where(front, along_y, np.inf)[..., None] + along_x[:, :, None]
    exits = np.where(front, -np.inf, along_y)[..., None] + along_x[:, :, None]
    first, last = entries.argmin(axis=1), exits.argmax(axis=1)
    stretch = entries.min(axis=1) - exits.max(axis=1)
    image = np.arange(len(a))[:, None, None]
    slope = np.hypot(a[image, first] - a[image, last], b[image, first] - b[image, last])
    return np.clip(0.5 + stretch / (slope * sight.pixel), 0, 1), first


def cover_balls(radius: Array, middle: Array, sight: Sight) -> tuple[Array, Array]:
    """Draw one ball in each image.

    Returns:
        (n, window, window) share of each pixel that is covered, and (n, window, window, 3) normals
        in world axes.
    """
    right, up, forward = np.moveaxis(sight.axes @ middle[..., None], 1, 0)[..., None, :]
    x, y = sight.x[:, None, :], sight.y[:, :, None]
    along = x * right + y * up + forward
    length = 1 + x * x + y * y
    excess = (np.vecdot(middle, middle) - radius**2)[:, None, None]
    discriminant = along**2 - length * excess
    slope = np.hypot(2 * along * right - 2 * x * excess, 2 * along * up - 2 * y * excess)
    reach = (along - np.sqrt(np.maximum(discriminant, 0))) / length
    directions = np.stack(np.broadcast_arrays(x, y, np.float32(1)), axis=-1)
    points = (reach[..., None] * directions) @ sight.axes[:, None]
    normals = (points - middle[:, None, None]) / radius[:, None, None, None]
    return np.clip(0.5 + discriminant / (slope * sight.pixel), 0, 1), normals
