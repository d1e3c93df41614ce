"""Two sprites in colour on black, the first in front of the second (Wiedemer et al. 2023).

Their renderer is Spriteworld's: regular polygons of area size² in a picture of 1 × 1, at full
saturation and brightness, without anti-aliasing. A pixel is coloured here where its centre is
inside; rows grow downward, y grows upward.
"""

import colorsys
from functools import cache

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices, Pixels

Words = NDArray[np.uint64]
SIDE = 64
PIXELS_SHAPE = (SIDE, SIDE, 3)
#: Corners of each shape, and the direction of the first of them, in radians.
SHAPES = {"triangle": (3, np.pi / 2), "square": (4, np.pi / 4), "circle": (30, 0.0)}


def render(sprite: FactorGrid, indices: Indices) -> Pixels:
    """Draw pairs of sprites.

    Args:
        sprite: x, y, shape, size and hue of one sprite, in this order. The grid of pairs has those
            of the first sprite, then those of the second.
        indices: (n,) of the images in the grid of pairs.

    Returns:
        (n, 64, 64, 3) of 0 to 255.
    """
    pictures, around = draw_alone(tuple(sprite.factor_values.items()))
    first, second = np.unravel_index(indices, (sprite.size, sprite.size))
    words = (pictures[second] & around[first]) | pictures[first]
    return words.view(np.uint8).reshape(-1, *PIXELS_SHAPE)


@cache
def draw_alone(values: tuple[tuple[str, tuple[float, ...]], ...]) -> tuple[Words, Words]:
    """Every sprite on its own, and a mask of what is around it, eight bytes of pixels in a word.

    Args:
        values: names and values of the factors of one sprite; see :func:`render`.

    Returns:
        (sprites, words) of pixels of 0 to 255, black around the sprite; and the same of 255 where
        the sprite is not, and 0 where it is.
    """
    sprite = FactorGrid(dict(values))
    x, y, shape, size, hue = sprite.values(np.arange(sprite.size)).T
    places = zip(x, y, shape.astype(int), size, strict=True)
    covered = np.stack([cover_pixels(*place) for place in places])[..., None]
    colours = np.array([colorsys.hsv_to_rgb(one, 1.0, 1.0) for one in hue])
    pixels = (255 * colours).round().astype(np.uint8)[:, None, None]
    pictures, around = (
        np.where(covered, inside, outside).astype(np.uint8).reshape(sprite.size, -1)
        for inside, outside in ((pixels, 0), (np.zeros_like(pixels), 255))
    )
    return pictures.view(np.uint64), around.view(np.uint64)


def cover_pixels(x: float, y: float, shape: int, size: float) -> NDArray[np.bool_]:
    """The pixels whose centres are inside a sprite, (64, 64).

    Args:
        x: of its middle, 0 at the left edge of the picture, 1 at the right one.
        y: of its middle, 0 at the lower edge, 1 at the upper one.
        shape: its position in ``SHAPES``.
        size: the root of its area, where the picture has area 1.
    """
    corners, first = list(SHAPES.values())[shape]
    half = np.pi / corners
    # A regular polygon of circumradius 1 has the area corners · sin(half) · cos(half).
    apothem = size * np.cos(half) / np.sqrt(corners * np.sin(half) * np.cos(half))
    normals = first + half + 2 * half * np.arange(corners)
    centres = (np.arange(SIDE) + 0.5) / SIDE
    across, up = centres - x, centres[::-1, None] - y
    distances = across * np.cos(normals)[:, None, None] + up * np.sin(normals)[:, None, None]
    inside: NDArray[np.bool_] = (distances <= apothem).all(axis=0)
    return inside
