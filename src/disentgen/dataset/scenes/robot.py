"""The stand-in of MPI3D: a robot arm that tilts and turns, and holds a convex object.

Unit of length: from the shoulder to the object. World axes: x right, y away from the camera, z up,
from the foot of the post; an arm beside the post swings about a level axis at the shoulder
(``horizontal_axis``) and turns about the upright (``vertical_axis``). All three versions share the
geometry and differ in their looks (`robot_looks`). Constants were fitted to published frames of
rr-learning/disentanglement_dataset (CC BY 4.0); no pixel is copied.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.images import Pixels
from disentgen.dataset.scenes.robot_camera import (
    FOCAL_LENGTH,
    look_through,
    place_camera,
    project,
)
from disentgen.dataset.scenes.robot_looks import LOOKS, light
from disentgen.dataset.scenes.robot_stage import paint_stages
from disentgen.dataset.scenes.sampling import SIDE, Array
from disentgen.dataset.scenes.solids import (
    cover_balls,
    cover_polyhedra,
    pad,
    prism,
    pyramid,
)

#: Classes of colour, shape, size, camera height, ring, tilt and turn.
FACTORS = (6, 6, 2, 3, 3, 40, 40)

SHOULDER = np.array([0, 0, 0.902], np.float32)
SIDEWAYS = -0.131  # the arm's distance from the post's axis
LARGEST_TILT, LARGEST_TURN, TURN_OFFSET = 90.0, 90.0, 16.2  # degrees
SHADOW_WIDTH = 0.2
SMALL = 0.68  # size of a small object, of a large one

#: Radius and half height of the large objects, and how much further out than 1 their middle is.
BODIES = {
    "cone": (0.221, 0.220, 0.032),
    "cube": (0.227, 0.231, 0.012),
    "cylinder": (0.208, 0.223, 0.015),
    "hexagonal": (0.224, 0.225, 0.012),
    "pyramid": (0.231, 0.232, 0.025),
    "sphere": (0.216, 0.216, 0.025),
}
SPHERE = list(BODIES).index("sphere")
FACETS = 16
FACES = FACETS + 2

#: Rows and columns of a window that holds any object, or the arm.
WINDOW = 28


@cache
def stack_solids() -> tuple[Array, Array]:
    """(5, 18, 3) normals and (5, 18) offsets of the faces of all objects but the sphere."""
    radius, half, _ = np.moveaxis(np.array(list(BODIES.values())), -1, 0)
    solids = [
        pyramid(FACETS, radius[0], half[0]),
        prism(4, radius[1], half[1]),
        prism(FACETS, radius[2], half[2]),
        prism(6, radius[3], half[3], np.pi / 6),
        pyramid(4, radius[4], half[4]),
    ]
    normals, offsets = zip(*(pad(solid, FACES) for solid in solids), strict=True)
    return np.stack(normals), np.stack(offsets)


def turn_arm(horizontal: NDArray[np.int64], vertical: NDArray[np.int64]) -> Array:
    """(n, 3, 3): the axis that the arm swings about, the third one, and the arm's direction."""
    middle = (FACTORS[-1] - 1) / 2
    tilt = np.radians(LARGEST_TILT * (horizontal - middle) / middle)
    turn = np.radians(LARGEST_TURN * (vertical - middle) / middle + TURN_OFFSET)
    arm = np.stack([np.sin(tilt) * np.sin(turn), np.sin(tilt) * np.cos(turn), np.cos(tilt)], -1)
    hinge = np.stack([np.cos(turn), -np.sin(turn), 0 * turn], -1)
    return np.stack([hinge, np.cross(arm, hinge), arm], axis=1).astype(np.float32)


def open_window(middle: NDArray[np.floating]) -> NDArray[np.int64]:
    """(n, 2) first column and row of windows about places, all within the picture."""
    return np.clip(np.rint(middle).astype(np.int64) - WINDOW // 2, 0, SIDE - WINDOW)


def blend(canvas: Array, corner: NDArray[np.int64], share: Array, colour: Array) -> None:
    """Lay a colour over windows of pictures, as far as they are covered."""
    steps = np.arange(WINDOW)
    columns = (corner[:, 0, None] + steps)[:, None, :]
    rows = (corner[:, 1, None] + steps)[:, :, None]
    places = np.arange(len(canvas))[:, None, None], rows, columns
    under = canvas[places]
    canvas[places] = under + share[..., None] * (colour - under)


class Scene:
    """Several images of one version, by the classes of their factors.

    Args:
        version: real, realistic or toy.
        classes: (n, 7).
    """

    def __init__(self, version: str, classes: NDArray[np.int64]) -> None:
        self.version = version
        self.look = look = LOOKS[version]
        self.colour, self.shape, self.size, self.height, self.ring = classes[:, :5].T
        self.camera = look.cameras[self.height]
        self.axes = turn_arm(classes[:, 5], classes[:, 6])
        self.eye, self.camera_axes = place_camera(self.camera)
        self.hub = SHOULDER + SIDEWAYS * self.axes[:, 0]
        radius, half, further = np.array(list(BODIES.values()), np.float32)[self.shape].T
        self.scale = np.where(self.size == 1, 1, SMALL).astype(np.float32)
        self.radius, reach = self.scale * radius, 1 + further
        self.middle = self.hub + reach[:, None] * self.axes[:, 2]
        self.grip = self.hub + (reach - self.scale * half)[:, None] * self.axes[:, 2]

    def paint(self) -> Array:
        """(n, 64, 64, 3) pictures in 0..255, before the camera's noise."""
        canvas = paint_stages(self.version)[self.height, self.ring]
        self.cast_shadow(canvas)
        # An arm that points away from the camera is in front of what it holds.
        away = np.vecdot(self.axes[:, 2], self.camera_axes[:, 2]) > 0
        arm = self.cover_arm()
        self.add_arm(canvas, *arm, ~away)
        self.add_object(canvas)
        self.add_arm(canvas, *arm, away)
        return canvas

    def cast_shadow(self, canvas: Array) -> None:
        """Darken the floor softly below the object."""
        ground = self.middle * np.array([1, 1, 0], np.float32)
        middle = project(self.camera, ground)
        corner = open_window(middle)
        steps = corner[..., None] + np.arange(WINDOW) - middle[..., None]
        width = SHADOW_WIDTH * FOCAL_LENGTH / self.camera[:, 0]
        height = width * np.sin(np.radians(self.camera[:, 1]))
        across, along = steps[:, 0] / width[:, None], steps[:, 1] / height[:, None]
        share = np.exp(-(across[:, None, :] ** 2 + along[:, :, None] ** 2) / 2)
        blend(canvas, corner, self.look.shadow * share, np.zeros(3, np.float32))

    def cover_arm(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Windows about the arms, and which pixels arm and hub cover in them."""
        start, end = project(self.camera, self.hub), project(self.camera, self.grip)
        corner = open_window((start + end) / 2)
        steps = corner[..., None] + np.arange(WINDOW) - start[..., None]
        x, y = steps[:, 0][:, None, :], steps[:, 1][:, :, None]
        dx, dy = (end - start).T[..., None, None]
        along = np.clip((x * dx + y * dy) / (dx**2 + dy**2), 0, 1)
        arm = np.clip(
            0.5 + self.look.arm_width / 2 - np.hypot(x - along * dx, y - along * dy), 0, 1
        )
        hub = np.clip(0.5 + self.look.hub_width / 2 - np.hypot(x, y), 0, 1)
        return corner, arm, hub

    def add_arm(
        self, canvas: Array, corner: NDArray[np.int64], arm: Array, hub: Array, where: Array
    ) -> None:
        """Draw arm and hub in some of the pictures."""
        shown = where[:, None, None]
        blend(canvas, corner, arm * shown, self.look.arm)
        blend(canvas, corner, hub * shown, self.look.hub)

    def add_object(self, canvas: Array) -> None:
        """Draw the objects."""
        corner = open_window(project(self.camera, self.middle))
        sight = look_through(self.camera, corner, WINDOW)
        middle = self.middle - self.eye
        share = np.empty((len(canvas), WINDOW, WINDOW), np.float32)
        lit = np.empty((*share.shape, 2), np.float32)
        ball = self.shape == SPHERE
        if ball.any():
            share[ball], normals = cover_balls(self.radius[ball], middle[ball], sight.select(ball))
            lit[ball] = light(self.look, normals)
        if not ball.all():
            normals, offsets = (table[self.shape[~ball]] for table in stack_solids())
            normals = normals @ self.axes[~ball]
            offsets = offsets * self.scale[~ball, None]
            share[~ball], face = cover_polyhedra(
                normals, offsets, middle[~ball], sight.select(~ball)
            )
            lit[~ball] = light(self.look, normals)[np.arange(len(face))[:, None, None], face]
        hue = self.look.colours[self.colour][:, None, None]
        blend(canvas, corner, share, np.clip(lit[..., :1] * hue + 255 * lit[..., 1:], 0, 255))


#: Noise is drawn once; an image takes a stretch of it that its index chooses.
NOISE_LENGTH = 1 << 20


@cache
def draw_noise(strength: float) -> Array:
    """Normal noise of a standard deviation, always the same."""
    return np.random.default_rng(0).normal(0, strength, NOISE_LENGTH).astype(np.float32)


def add_noise(pictures: Array, indices: NDArray[np.int64], strength: float) -> None:
    """Add the camera's noise, of which an image always gets the same."""
    length = pictures[0].size
    # Multiples of a large odd number spread neighbouring indices (Knuth, vol. 3, 6.4).
    start = indices.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
    start = start % np.uint64(NOISE_LENGTH - length)
    stretches = np.lib.stride_tricks.sliding_window_view(draw_noise(strength), length)
    pictures += stretches[start].reshape(pictures.shape)


def render(version: str, indices: NDArray[np.int64]) -> Pixels:
    """Draw a version's pictures: (n,) indices to (n, 64, 64, 3)."""
    classes = np.stack(np.unravel_index(indices, FACTORS), axis=1)
    images = np.empty((len(indices), SIDE, SIDE, 3), np.uint8)
    # A few at a time stay in the processor's cache.
    for start in range(0, len(indices), 32):
        part = slice(start, start + 32)
        pictures = Scene(version, classes[part]).paint()
        if LOOKS[version].noise:
            add_noise(pictures, indices[part], LOOKS[version].noise)
        images[part] = (pictures + 0.5).clip(0, 255)
    return images
