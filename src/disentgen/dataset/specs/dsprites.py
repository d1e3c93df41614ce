"""dSprites (Matthey et al. 2017): binary 64×64 images of a square, ellipse or heart.

Its stand-in draws the same shapes at the same places: a pixel is white where its centre is inside
the shape, without anti-aliasing, as in the original. Constants were fitted to published frames.
"""

from functools import cache
from math import pi

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Pixels, unpack_bits
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.dataset.split import Variant, published

GRID = FactorGrid(
    {
        "shape": (1.0, 2.0, 3.0),
        "scale": tuple(np.linspace(0.5, 1.0, 6).tolist()),
        "orientation": tuple(np.linspace(0.0, 2 * pi, 40).tolist()),
        "posX": tuple(np.linspace(0.0, 1.0, 32).tolist()),
        "posY": tuple(np.linspace(0.0, 1.0, 32).tolist()),
    },
    value_names={"shape": ("square", "ellipse", "heart")},
)

#: Of leave1out, apart from the shape.
_LEFT_OUT = "scale > 0.6 & 2*pi/3 < orientation < 4*pi/3 & posX > 0.66 & posY > 0.66"

VARIANTS = {
    "blank_side": published("extrp", "posX > 0.5", held_in="posX < 0.5"),
    "shape2tx": published("recomb2range", "shape == 1 & posX > 0.5"),
    # The published filter tests the *class* 1 here, the value 1 in shape2tx.
    "leave1out": published(
        "recomb2element",
        f"shape == 2 & {_LEFT_OUT}",
        note="ellipses look the same after half a turn: the nearest training image of the same "
        "scale and place differs in 11 pixels (median)",
    ),
    "leave1out_heart": Variant(
        "recomb2element",
        f"shape == 'heart' & {_LEFT_OUT}",
        note="leave1out with hearts, which look the same only after a whole turn: the nearest "
        "training image of the same scale and place differs in 59 pixels (median)",
    ),
}

SIDE = 64
IMAGE_SHAPE = (SIDE, SIDE, 1)

#: Rows that the largest sprite can cover, and how many runs of pixels it has in one row.
_WINDOW_ROWS = 30
_RUNS = 2

Points = NDArray[np.float64]


def square() -> Points:
    """Corners of the square at scale 1: half a side of 9.6, less the rounding at pixel centres."""
    return 9.598 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def ellipse() -> Points:
    """The ellipse at scale 1, long axis horizontal: a polygon of 64 corners."""
    angles = 2 * pi * np.arange(64) / 64
    return np.stack([12.78 * np.cos(angles), 7.22 * np.sin(angles)], axis=1)


def heart() -> Points:
    """The heart at scale 1, tip down: the classical heart curve as a polygon of 150 corners."""
    a = 2 * pi * np.arange(150) / 150
    u = 0.600 * 16 * np.sin(a) ** 3
    v = -0.6623 * (13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)) - 1.44
    return np.stack([u, v], axis=1)


def centre(position_class: NDArray[np.integer]) -> NDArray[np.float64]:
    """The column (row) of a sprite's centre, in pixels, for classes 0..31 of posX (posY)."""
    return 15.5 + 32 * position_class / 31


def turn(points: Points, scale: float, orientation: float) -> Points:
    """Scale a shape and turn it counter-clockwise on the screen (rows grow downward)."""
    cosine, sine = np.cos(orientation), np.sin(orientation)
    return scale * points @ np.array([[cosine, -sine], [sine, cosine]])


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
def tabulate_runs() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Runs of white pixels, relative to the sprite's centre, for all sprites and vertical places.

    Returns:
        (shape·scale·orientation, posY, window row, run, 2) left and right ends, in pixels from the
        centre's column, and the (posY,) first row of the window.
    """
    centres = centre(np.arange(GRID.sizes[4]))
    first_row = np.floor(centres).astype(np.int64) - _WINDOW_ROWS // 2 + 1
    rows = (first_row[:, None] + np.arange(_WINDOW_ROWS) - centres[:, None]).ravel()
    runs = [
        cross_rows(turn(outline(), scale, orientation), rows)
        for outline in (square, ellipse, heart)
        for scale in GRID.factors["scale"]
        for orientation in GRID.factors["orientation"]
    ]
    table = np.array(runs, dtype=np.float32)
    return table.reshape(len(runs), len(centres), _WINDOW_ROWS, _RUNS, 2), first_row


#: Word number k has its first k pixels (from the left) white.
_FIRST_PIXELS = np.array([(1 << SIDE) - (1 << (SIDE - k)) for k in range(SIDE + 1)], np.uint64)


def render_packed(indices: NDArray[np.int64]) -> Pixels:
    """Draw sprites: (n,) indices to (n, 512) packed bits, a row of pixels in a 64-bit word."""
    table, first_row = tabulate_runs()
    sprite, pos_x, pos_y = np.unravel_index(indices, (len(table), *GRID.sizes[3:]))
    ends = table[sprite, pos_y] + centre(pos_x).astype(np.float32)[:, None, None, None]
    left = np.clip(np.ceil(ends[..., 0]), 0, SIDE).astype(np.intp)
    stop = np.clip(np.floor(ends[..., 1]) + 1, 0, SIDE).astype(np.intp)
    words = _FIRST_PIXELS[stop] ^ _FIRST_PIXELS[np.minimum(left, stop)]
    canvas = np.zeros((len(indices), SIDE), np.uint64)
    rows = first_row[pos_y][:, None] + np.arange(_WINDOW_ROWS)
    canvas[np.arange(len(indices))[:, None], rows] = np.bitwise_or.reduce(words, axis=-1)
    return canvas.astype(">u8").view(np.uint8)


def render(indices: NDArray[np.int64]) -> Pixels:
    """Draw sprites: (n,) indices to (n, 64, 64, 1) of 0 and 1."""
    return unpack_bits(render_packed(indices), IMAGE_SHAPE)


def label() -> dict[str, NDArray]:
    """The arrays beside the images in the published file; its first factor is a constant color."""
    indices = np.arange(GRID.size)
    sizes = np.array([1, *GRID.sizes])
    names = ("color", *GRID.names)
    possible = {"color": np.array([1.0])} | {
        name: np.array(values) for name, values in GRID.factors.items()
    }
    metadata = {
        "title": "dSprites factor grid, stand-in images rendered by disent-and-gen",
        "description": "Not the published images: a rendering of the same factor grid.",
        "latents_names": names,
        "latents_sizes": sizes,
        "latents_possible_values": possible,
    }
    return {
        "latents_classes": np.insert(GRID.classes(indices), 0, 0, axis=1),
        "latents_values": np.insert(GRID.values(indices), 0, 1.0, axis=1),
        "metadata": np.array(metadata, dtype=object),
    }


SPECS = (
    DatasetSpec(
        name="dsprites",
        title="dSprites",
        grid=GRID,
        image_shape=IMAGE_SHAPE,
        maximum=1,
        variants=VARIANTS,
        original=OriginalFile(
            folder="dsprites",
            names=("dsprite_train.npz", "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"),
            url="https://github.com/deepmind/dsprites-dataset/raw/master/"
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            # As recorded by the Latte library (Watcharasupat & Lerch 2021).
            hash="md5:7da33b31b13a06f4b04a70402ce90c2e",
            licence="Apache-2.0",
            key="imgs",
            labels=label,
        ),
        render=render,
    ),
)
