"""Convex solids, seen in perspective: which pixels they cover, and which way their faces point."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.stand_ins.sampling import Array

#: Coefficients of a plane that no ray reaches.
NOWHERE = np.array([0, 0, np.inf], np.float32)


class Solid(NamedTuple):
    """The space where every face's ``normals @ point <= offsets``.

    Args:
        normals: (faces, 3) outward, of length 1.
        offsets: (faces,).
        edges: (edges, 2) the faces that meet in each edge.
    """

    normals: Array
    offsets: Array
    edges: NDArray[np.int64]


def prism(sides: int, radius: float, half_height: float, turn: float = 0) -> Solid:
    """An upright prism about the third axis, about its middle.

    Args:
        sides: how many.
        radius: of the circle inside its base.
        half_height: half of its height.
        turn: angle of the first side's normal from the first axis, in radians.
    """
    angles = turn + 2 * np.pi * np.arange(sides) / sides
    around = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    normals = np.vstack([around, [[0, 0, 1], [0, 0, -1]]])
    offsets = np.concatenate([np.full(sides, radius), [half_height, half_height]])
    edges = np.vstack([join_sides(sides), join_face(sides, sides), join_face(sides, sides + 1)])
    return Solid(normals.astype(np.float32), offsets.astype(np.float32), edges)


def pyramid(sides: int, radius: float, half_height: float) -> Solid:
    """A pyramid about the third axis, its tip up, the origin half-way up.

    Args:
        sides: how many.
        radius: of the circle inside its base.
        half_height: half of its height.
    """
    angles = 2 * np.pi * np.arange(sides) / sides
    height = 2 * half_height
    slant = np.hypot(height, radius)
    around = [height * np.cos(angles), height * np.sin(angles), radius + 0 * angles]
    normals = np.vstack([np.stack(around, axis=1) / slant, [[0, 0, -1]]])
    offsets = np.concatenate([np.full(sides, radius * half_height / slant), [half_height]])
    edges = np.vstack([join_sides(sides), join_face(sides, sides)])
    return Solid(normals.astype(np.float32), offsets.astype(np.float32), edges)


def join_sides(sides: int) -> NDArray[np.int64]:
    """The edges between sides that follow each other around: (sides, 2) numbers of faces."""
    return np.stack([np.arange(sides), (np.arange(sides) + 1) % sides], axis=1)


def join_face(sides: int, face: int) -> NDArray[np.int64]:
    """The edges between all sides and another face: (sides, 2) numbers of faces."""
    return np.stack([np.arange(sides), np.full(sides, face)], axis=1)


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

    @property
    def pixel(self) -> float:
        """The size of a pixel on the plane at distance 1."""
        return float(self.x[0, 1] - self.x[0, 0])


def cover_polyhedra(
    solid: Solid, normals: Array, offsets: Array, middle: Array, sight: Sight
) -> tuple[Array, Array]:
    """Draw a convex solid in each image, turned and scaled as its normals and offsets say.

    Its outline are the edges between a face turned to the camera and one turned away: how far a
    pixel is inside all of them gives the share of it that is covered.

    Args:
        solid: which faces there are, and which of them meet.
        normals: (n, faces, 3) in world axes.
        offsets: (n, faces) distances of the faces from the middle.
        middle: (n, 3) of the solid, as seen from the camera, in world axes.
        sight: how each image sees.

    Returns:
        (n, window, window) share of each pixel that is covered, and the face that it shows.
    """
    # A ray meets a face after 1 / (a·x + b·y + c) of its length.
    distances = offsets + np.vecdot(normals, middle[:, None])
    planes = normals @ np.swapaxes(sight.axes, 1, 2) / distances[..., None]
    front = distances < 0
    lines = find_outlines(solid, planes, front)
    inside = evaluate_planes(lines, sight).min(axis=1) / sight.pixel
    planes[~front] = NOWHERE
    return np.clip(0.5 + inside, 0, 1), evaluate_planes(planes, sight).argmin(axis=1)


def evaluate_planes(planes: Array, sight: Sight) -> Array:
    """(n, planes, window, window): a·x + b·y + c of (n, planes, 3) coefficients."""
    a, b, c = np.moveaxis(planes, -1, 0)[..., None]
    along_y = b * sight.y[:, None] + c
    values: Array = along_y[..., None] + (a * sight.x[:, None])[:, :, None]
    return values


def find_outlines(solid: Solid, planes: Array, front: NDArray[np.bool_]) -> Array:
    """(n, lines, 3): how far inside each line of its outline a place is, negative outside.

    Lines that an image lacks are infinitely far outside of its solid.

    Args:
        solid: whose edges are looked at.
        planes: (n, faces, 3) coefficients of one over the distance at which rays meet each face.
        front: (n, faces) whether a face is turned to the camera.
    """
    first, second = solid.edges.T
    bounds = front[:, first] != front[:, second]
    # The front plane is met first inside the outline.
    sign = np.where(front[:, first], 1, -1)[..., None]
    lines = sign * (planes[:, first] - planes[:, second])
    lines /= np.hypot(lines[..., 0], lines[..., 1])[..., None]
    lines[~bounds] = NOWHERE
    order = np.argsort(~bounds, axis=1, kind="stable")[:, : bounds.sum(axis=1).max()]
    return np.take_along_axis(lines, order[..., None], axis=1)


def cover_balls(radius: Array, middle: Array, sight: Sight) -> tuple[Array, Array]:
    """Draw one ball in each image.

    Args:
        radius: (n,) of the balls.
        middle: (n, 3) of the balls, as seen from the camera, in world axes.
        sight: how each image sees.

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
