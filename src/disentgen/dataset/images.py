"""Images by index: stored in a memory-mapped array, or rendered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Source = Literal["original", "stand-in"]


@dataclass(frozen=True)
class Images:
    """All images of a grid, computed or read for the indices that are asked for.

    Args:
        shape: height, width, channels of an image.
        maximum: the value of a fully bright pixel; pixels are integers in 0..maximum.
        source: "original" only if read from the verified published file.
        fetch: maps (n,) indices to (n, height, width, channels) uint8.
    """

    shape: tuple[int, int, int]
    maximum: int
    source: Source
    fetch: Callable[[NDArray[np.int64]], Pixels]

    def __call__(self, indices: NDArray[np.int64]) -> Pixels:
        return self.fetch(indices)


def unpack_bits(rows: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Binary images from packed bits: (n, bytes) to (n, height, width, channels) of 0 and 1."""
    return np.unpackbits(rows, axis=1).reshape(-1, *shape)


def pack_bits(pixels: Pixels) -> Pixels:
    """Binary images to packed bits, the reverse of :func:`unpack_bits`."""
    return np.packbits(pixels.reshape(len(pixels), -1), axis=1)
