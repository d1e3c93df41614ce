"""The stand-in of MPI3D: a robot arm that tilts and turns, and holds a convex object.

Unit of length: from the shoulder to the object. World axes: x right, y away from the camera, z up,
from the foot of the post; an arm beside the post swings about a level axis at the shoulder
(``horizontal_axis``) and turns about the upright (``vertical_axis``). All three versions share the
geometry and differ in their looks (`robot_versions`).

Where the numbers come from: geometry and looks were fitted to published frames, of the sample
animations of rr-learning/disentanglement_dataset (CC BY 4.0); no pixel is copied.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.images import Pixels
from disentgen.dataset.stand_ins.robot_camera import (
    FOCAL_LENGTH,
    look_through,
    place_camera,
    project,
)
from disentgen.dataset.stand_ins.robot_looks import Look, expose, shade
from disentgen.dataset.stand_ins.robot_stage import paint_stages
from disentgen.dataset.stand_ins.robot_versions import LOOKS
from disentgen.dataset.stand_ins.sampling import SIDE, Array
from disentgen.dataset.stand_ins.solids import (
    Solid,
    cover_balls,
    cover_polyhedra,
    prism,
    pyramid,
)

#: Classes of colour, shape, size, camera height, ring, tilt and turn.
FACTORS = (6, 6, 2, 3, 3, 40, 40)

LARGEST_TILT, LARGEST_TURN = 90.0, 90.0  # degrees, of the arm
SHADOW_WIDTH = 0.3  # of the soft shadow, in the realistic version
SMALL = 0.68  # size of a small object, of a large one

#: Radius and half height of the large objects, and how much further out than 1 their middle is;
#: fitted to the outlines of objects in the frames.
BODIES = {
    "cone": (0.221, 0.220, 0.032),
    "cube": (0.227, 0.231, 0.012),
    "cylinder": (0.208, 0.223, 0.015),
    "hexagonal": (0.224, 0.225, 0.012),
    "pyramid": (0.231, 0.232, 0.025),
    "sphere": (0.216, 0.216, 0.025),
}
SPHERE = list(BODIES).index("sphere")
#: Flat sides that stand for a round one.
FACETS = 12

#: Rows and columns of the windows that hold any object, any arm, or nearly all of a shadow.
OBJECT_WINDOW, ARM_WINDOW, SHADOW_WINDOW = 24, 28, 36


@cache
def shape_solid(shape: int) -> Solid:
    """A large object, about its middle, its axis along the arm; not for the sphere."""
    name, (radius, half, _) = list(BODIES.items())[shape]
    if name in ("cone", "pyramid"):
        return pyramid(FACETS if name == "cone" else 4, radius, half)
    if name == "hexagonal":
        return prism(6, radius, half, turn=np.pi / 6)
    return prism(4 if name == "cube" else FACETS, radius, half)


def turn_arm(horizontal: NDArray[np.int64], vertical: NDArray[np.int64], offset: float) -> Array:
    """(n, 3, 3): the axis that the arm swings about, the third one, and the arm's direction.

    Args:
        horizontal: (n,) classes of the tilt.
        vertical: (n,) classes of the turn.
        offset: turn of the middle class, in degrees.
    """
    middle = (FACTORS[-1] - 1) / 2
    tilt = np.radians(LARGEST_TILT * (horizontal - middle) / middle)
    turn = np.radians(LARGEST_TURN * (vertical - middle) / middle + offset)
    arm = np.stack([np.sin(tilt) * np.sin(turn), np.sin(tilt) * np.cos(turn), np.cos(tilt)], -1)
    hinge = np.stack([np.cos(turn), -np.sin(turn), 0 * turn], -1)
    return np.stack([hinge, np.cross(arm, hinge), arm], axis=1).astype(np.float32)


def roll_about_arm(axes: Array, angle: float) -> Array:
    """(n, 3, 3): axes, of which the third is the arm, turned about it by an angle in degrees."""
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    roll = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float32)
    return roll @ axes


def open_window(middle: NDArray[np.floating], window: int) -> NDArray[np.int64]:
    """(n, 2) first column and row of windows about places, all within the picture."""
    corner: NDArray[np.int64] = np.rint(middle).astype(np.int64) - window // 2
    return corner.clip(0, SIDE - window)


class Overlay(NamedTuple):
    """What lies over windows of pictures.

    Args:
        share: (n, window, window) of each pixel that is covered.
        colour: (n, window, window, 3) RGB in 0..255, or (3,) of all pixels.
    """

    share: Array
    colour: Array


def blend(
    canvas: Array, images: NDArray[np.int64], corner: NDArray[np.int64], layers: list[Overlay]
) -> None:
    """Lay layers over windows of some of the pictures, as far as they cover.

    Args:
        canvas: (pictures, 64, 64, 3) in 0..255; changed in place.
        images: (n,) places on the canvas of the pictures that are drawn on.
        corner: (n, 2) first column and row of each one's window.
        layers: from the lowest to the topmost.
    """
    window = layers[0].share.shape[1]
    rows = canvas.reshape(len(canvas), SIDE, 3 * SIDE)
    windows = np.lib.stride_tricks.sliding_window_view(
        rows, (window, 3 * window), axis=(1, 2), writeable=True
    )
    places = images, corner[:, 1], 3 * corner[:, 0]
    pictures = windows[places].reshape(len(images), window, window, 3)
    for share, colour in layers:
        pictures += share[..., None] * (colour - pictures)
    windows[places] = pictures.reshape(len(images), window, 3 * window)


def measure_from(place: Array, corner: NDArray[np.int64], window: int) -> tuple[Array, Array]:
    """How far the pixels of windows are from places, in pixels.

    Args:
        place: (n, 2) column and row.
        corner: (n, 2) first column and row of each window.
        window: rows and columns of a window.

    Returns:
        (n, 1, window) of columns and (n, window, 1) of rows.
    """
    steps = (corner[..., None] + np.arange(window)).astype(np.float32) - place[..., None]
    return steps[:, 0, None, :], steps[:, 1, :, None]


class Scene:
    """Several images of one version, by the classes of their factors.

    Args:
        look: of the version.
        classes: (n, 7).
    """

    def __init__(self, look: Look, classes: NDArray[np.int64]) -> None:
        self.look = look
        self.colour, self.shape, self.size, self.height, self.ring = classes[:, :5].T
        self.camera = look.cameras[self.height]
        shoulder, sideways, offset, roll = look.mount
        self.axes = turn_arm(classes[:, 5], classes[:, 6], offset)
        self.eye, self.camera_axes = place_camera(self.camera)
        self.hub = sideways * self.axes[:, 0] + np.array([0, 0, shoulder], np.float32)
        self.object_axes = roll_about_arm(self.axes, roll)
        radius, half, further = np.array(list(BODIES.values()), np.float32)[self.shape].T
        self.scale = np.where(self.size == 1, 1, SMALL).astype(np.float32)
        self.radius, reach = self.scale * radius, 1 + further
        self.middle = self.hub + reach[:, None] * self.axes[:, 2]
        self.grip = self.hub + (reach - self.scale * half)[:, None] * self.axes[:, 2]

    def paint(self) -> Array:
        """(n, 64, 64, 3) pictures in 0..255, before the camera's noise."""
        canvas: Array = paint_stages(self.look)[self.height, self.ring]
        if self.look.shadow:
            self.cast_shadow(canvas)
        # An arm that points away from the camera is in front of what it holds.
        away = np.vecdot(self.axes[:, 2], self.camera_axes[:, 2]) > 0
        self.add_arm(canvas, np.flatnonzero(~away))
        self.add_object(canvas)
        self.add_arm(canvas, np.flatnonzero(away))
        return canvas

    def cast_shadow(self, canvas: Array) -> None:
        """Darken the floor softly below the object, on (n, 64, 64, 3) pictures, in place."""
        below = project(self.camera, self.middle * np.array([1, 1, 0], np.float32))
        corner = open_window(below, SHADOW_WINDOW)
        x, y = measure_from(below, corner, SHADOW_WINDOW)
        width = (SHADOW_WIDTH * FOCAL_LENGTH / self.camera[:, 0])[:, None, None]
        height = width * np.sin(np.radians(self.camera[:, 1]))[:, None, None]
        share = self.look.shadow * np.exp(-((x / width) ** 2 + (y / height) ** 2) / 2)
        black = np.zeros(3, np.float32)
        blend(canvas, np.arange(len(canvas)), corner, [Overlay(share, black)])

    def add_arm(self, canvas: Array, images: NDArray[np.int64]) -> None:
        """Draw the arms of some of the pictures, and the hubs that they swing about.

        Args:
            canvas: (n, 64, 64, 3) pictures of the scene; changed in place.
            images: (some,) places of those that are drawn on.
        """
        camera = self.camera[images]
        start, end = project(camera, self.hub[images]), project(camera, self.grip[images])
        corner = open_window((start + end) / 2, ARM_WINDOW)
        x, y = measure_from(start, corner, ARM_WINDOW)
        dx, dy = (end - start).T[..., None, None]
        along = np.clip((x * dx + y * dy) / (dx**2 + dy**2), 0, 1)
        from_arm = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2)
        arm = np.clip(0.5 + self.look.arm_width / 2 - from_arm, 0, 1)
        hub = np.clip(0.5 + self.look.hub_width / 2 - np.sqrt(x**2 + y**2), 0, 1)
        height = self.height[images]
        layers = [
            Overlay(arm, expose(self.look, height, self.look.arm[None, None, None])),
            Overlay(hub, expose(self.look, height, self.look.hub[None, None, None])),
        ]
        blend(canvas, images, corner, layers)

    def add_object(self, canvas: Array) -> None:
        """Draw the objects on (n, 64, 64, 3) pictures, in place."""
        for shape in np.unique(self.shape):
            images = np.flatnonzero(self.shape == shape)
            camera, hue = self.camera[images], self.look.colours[self.colour[images]]
            corner = open_window(project(camera, self.middle[images]), OBJECT_WINDOW)
            sight = look_through(camera, corner, OBJECT_WINDOW)
            middle = self.middle[images] - self.eye[images]
            height = self.height[images]
            if shape == SPHERE:
                share, normals = cover_balls(self.radius[images], middle, sight)
                colour = expose(self.look, height, shade(self.look, normals, hue[:, None, None]))
            else:
                solid = shape_solid(shape)
                normals = solid.normals @ self.object_axes[images]
                offsets = solid.offsets * self.scale[images, None]
                share, face = cover_polyhedra(solid, normals, offsets, middle, sight)
                colours = expose(self.look, height, shade(self.look, normals, hue[:, None]))
                colour = colours[np.arange(len(face))[:, None, None], face]
            blend(canvas, images, corner, [Overlay(share, colour)])


#: Noise is drawn once; an image takes a stretch of it that its index chooses.
NOISE_LENGTH = 1 << 20


@cache
def draw_noise(strength: float) -> Array:
    """(2²⁰,) normal noise of a standard deviation, always the same."""
    return np.random.default_rng(0).normal(0, strength, NOISE_LENGTH).astype(np.float32)


def add_noise(pictures: Array, indices: NDArray[np.int64], strength: float) -> None:
    """Add the camera's noise, of which an image always gets the same.

    Args:
        pictures: (n, 64, 64, 3) in 0..255; changed in place.
        indices: (n,) of the images in the grid.
        strength: standard deviation of the noise.
    """
    length = pictures[0].size
    # Multiples of a large odd number spread neighbouring indices (Knuth, vol. 3, 6.4).
    start = indices.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
    start = start % np.uint64(NOISE_LENGTH - length)
    stretches = np.lib.stride_tricks.sliding_window_view(draw_noise(strength), length)
    pictures += stretches[start].reshape(pictures.shape)


def draw_look(look: Look, indices: NDArray[np.int64]) -> Pixels:
    """Draw pictures of a look: (n,) indices to (n, 64, 64, 3)."""
    classes = np.stack(np.unravel_index(indices, FACTORS), axis=1)
    images = np.empty((len(indices), SIDE, SIDE, 3), np.uint8)
    # A few at a time stay in the processor's cache.
    for start in range(0, len(indices), 64):
        part = slice(start, start + 64)
        pictures = Scene(look, classes[part]).paint()
        if look.noise:
            add_noise(pictures, indices[part], look.noise)
        images[part] = (pictures + 0.5).clip(0, 255)
    return images


def render(version: str, indices: NDArray[np.int64]) -> Pixels:
    """Draw a version's pictures: (n,) indices to (n, 64, 64, 3)."""
    return draw_look(LOOKS[version], indices)
