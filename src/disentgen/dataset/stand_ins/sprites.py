"""The stand-in of dSprites: binary pictures of a square, an ellipse or a heart.

A pixel is white where its centre is inside the shape, without anti-aliasing, as in the published
images. Rows grow downward; pixel k of a row has its centre at k.

Where the numbers come from: outlines and places were fitted to the frames of ``dsprites.gif`` of
google-deepmind/dsprites-dataset (Apache-2.0), pixel by pixel; no pixel is copied.
"""

from functools import cache
from math import pi

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices, Pixels, unpack_bits

SIDE = 64
PIXELS_SHAPE = (SIDE, SIDE, 1)

#: Classes of posX and of posY.
POSITIONS = 32
#: Rows that the largest sprite can cover, and how many runs of pixels it has in one row.
_WINDOW_ROWS = 30
_RUNS = 2

Points = NDArray[np.float64]


# The three outlines are at scale 1 about their middle, x to the right and y down, in pixels; their
# numbers were fitted to the frames' pixels.


def square() -> Points:
    """The square at scale 1, (4, 2): half a side of 9.6, less the rounding at pixel centres."""
    return 9.598 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def ellipse() -> Points:
    """The ellipse at scale 1, long axis horizontal: a polygon of 64 corners, (64, 2)."""
    angles = 2 * pi * np.arange(64) / 64
    return np.stack([12.78 * np.cos(angles), 7.22 * np.sin(angles)], axis=1)


def heart() -> Points:
    """The heart at scale 1, tip down: the classical heart curve as a polygon, (150, 2)."""
    a = 2 * pi * np.arange(150) / 150
    u = 0.600 * 16 * np.sin(a) ** 3
    v = -0.6623 * (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)) - 1.44
    return np.stack([u, v], axis=1)


def centre(position_class: NDArray[np.integer]) -> NDArray[np.float64]:
    """The column (row) of sprites' centres, in pixels, for (n,) classes 0..31 of posX (posY)."""
    return 15.5 + 32 * position_class / (POSITIONS - 1)


def turn(points: Points, scale: float, orientation: float) -> Points:
    """Scale a shape and turn it counter-clockwise on the screen (rows grow downward).

    Args:
        points: (corners, 2) as x, y.
        scale: factor on them.
        orientation: angle, in radians.

    Returns:
        (corners, 2).
    """
    cosine, sine = np.cos(orientation), np.sin(orientation)
    turned: Points = scale * points @ np.array([[cosine, -sine], [sine, cosine]])
    return turned


def cross_rows(polygon: Points, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where horizontal lines enter and leave a polygon.

    Args:
        polygon: (corners, 2) as x, y.
        rows: (n,) heights of the lines.

    Returns:
        (n, runs, 2): left and right end of each run inside; empty runs are (inf, -inf).
    """
    start, end = polygon, np.roll(polygon, -1, axis=0)
    below = start[:, 1] <= rows[:, None]
    line, edge = np.nonzero(below != np.roll(below, -1, axis=1))
    slope = (end - start)[edge]
    x = start[edge, 0] + (rows[line] - start[edge, 1]) * slope[:, 0] / slope[:, 1]
    order = np.lexsort((x, line))
    line, x = line[order], x[order]
    rank = np.arange(len(line)) - np.searchsorted(line, line)
    ends = np.tile([np.inf, -np.inf], (len(rows), _RUNS))
    ends[line, rank] = x
    return ends.reshape(len(rows), _RUNS, 2)


@cache
def tabulate_runs(
    scales: tuple[float, ...], orientations: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Runs of white pixels, relative to the sprite's centre, for all sprites and vertical places.

    Args:
        scales: the values of the factor, 1 for the outlines as they are.
        orientations: the values of the factor, in radians.

    Returns:
        (shape·scale·orientation, posY, window row, run, 2) left and right ends, in pixels from the
        centre's column, and the (posY,) first row of the window.
    """
    centres = centre(np.arange(POSITIONS))
    first_row = np.floor(centres).astype(np.int64) - _WINDOW_ROWS // 2 + 1
    rows = (first_row[:, None] + np.arange(_WINDOW_ROWS) - centres[:, None]).ravel()
    runs = [
        cross_rows(turn(outline(), scale, orientation), rows)
        for outline in (square, ellipse, heart)
        for scale in scales
        for orientation in orientations
    ]
    table = np.array(runs, dtype=np.float32)
    return table.reshape(len(runs), len(centres), _WINDOW_ROWS, _RUNS, 2), first_row


#: Word number k has its first k pixels (from the left) white.
_FIRST_PIXELS = np.array([(1 << SIDE) - (1 << (SIDE - k)) for k in range(SIDE + 1)], np.uint64)


def render_packed(grid: FactorGrid, indices: Indices) -> Pixels:
    """Draw sprites: (n,) indices to (n, 512) packed bits, a row of pixels in a 64-bit word."""
    _, scales, orientations, *_ = grid.factor_values.values()
    table, first_row = tabulate_runs(scales, orientations)
    sprite, pos_x, pos_y = np.unravel_index(indices, (len(table), POSITIONS, POSITIONS))
    ends = table[sprite, pos_y] + centre(pos_x).astype(np.float32)[:, None, None, None]
    left = np.clip(np.ceil(ends[..., 0]), 0, SIDE).astype(np.intp)
    stop = np.clip(np.floor(ends[..., 1]) + 1, 0, SIDE).astype(np.intp)
    words = _FIRST_PIXELS[stop] ^ _FIRST_PIXELS[np.minimum(left, stop)]
    canvas = np.zeros((len(indices), SIDE), np.uint64)
    rows = first_row[pos_y][:, None] + np.arange(_WINDOW_ROWS)
    canvas[np.arange(len(indices))[:, None], rows] = np.bitwise_or.reduce(words, axis=-1)
    return canvas.astype(">u8").view(np.uint8)


def render(grid: FactorGrid, indices: Indices) -> Pixels:
    """Draw sprites.

    Args:
        grid: shape (square, ellipse, heart), scale, orientation, posX, posY, in this order.
        indices: (n,) of the images in the grid.

    Returns:
        (n, 64, 64, 1) of 0 and 1.
    """
    return unpack_bits(render_packed(grid, indices), PIXELS_SHAPE)
