"""Images by index: stored in a memory-mapped array, or rendered."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Pixels = NDArray[np.uint8]
#: Height, width, channels: the order of the axes in files and renderers. Models have the channels
#: first, which is what ``image_shape`` means everywhere.
PixelsShape = tuple[int, int, int]
Source = Literal["original", "stand-in"]
#: Whether images are held on the device that batches are wanted on.
Resident = Literal["auto", "yes", "no"]


def _expect_nothing(indices: Indices) -> None:
    pass


@dataclass(frozen=True)
class Images:
    """All images of a grid, computed or read for the indices that are asked for.

    Args:
        pixels_shape: height, width, channels of an image.
        maximum: the value of a fully bright pixel; pixels are integers in 0..maximum.
        source: "original" only if read from the verified published file.
        fetch: maps (n,) indices to (n, height, width, channels) uint8.
        expect: takes the indices that will be asked for next, so that a disk can read ahead.
        hash: ``algorithm:digest`` of the published file that they are of; None for a stand-in.
    """

    pixels_shape: PixelsShape
    maximum: int
    source: Source
    fetch: Callable[[Indices], Pixels]
    expect: Callable[[Indices], None] = _expect_nothing
    hash: str | None = None

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.pixels_shape))
        return f"Images({self.source}, {size}, 0..{self.maximum})"

    def __call__(self, indices: Indices) -> Pixels:
        """Images: (n,) indices to (n, height, width, channels)."""
        return self.fetch(indices)


class MappedRows:
    """Rows of an array in a file, larger than memory perhaps, read in any order.

    The system reads just the pages that are asked for, ahead of time where they were announced,
    and keeps them in its own cache; the process lets go of them every so many rows. Another process
    that it is sent to maps the file anew.
    """

    #: A row may bring its neighbours with it, some 64 KB: this many keep below 200 MB.
    _RELEASE_AFTER = 2048

    def __init__(self, path: Path):
        self.path = path
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            self._offset = file.tell()
            self._mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._mapping.madvise(mmap.MADV_RANDOM)
        self._rows: Pixels = np.ndarray(shape, dtype, self._mapping, self._offset)
        self._touched = 0

    def __reduce__(self) -> tuple[type["MappedRows"], tuple[Path]]:
        return MappedRows, (self.path,)

    def __getitem__(self, indices: Indices) -> Pixels:
        rows = self._rows[indices]
        self._touched += len(rows)
        if self._touched >= self._RELEASE_AFTER:
            self._mapping.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return rows

    def expect(self, indices: Indices) -> None:
        """Let the system begin to read the rows of (n,) indices."""
        row_bytes = self._rows.strides[0]
        starts = self._offset + indices * row_bytes
        pages = starts // mmap.PAGESIZE * mmap.PAGESIZE
        lengths = starts + row_bytes - pages
        for page, length in zip(pages.tolist(), lengths.tolist(), strict=True):
            self._mapping.madvise(mmap.MADV_WILLNEED, page, length)


@dataclass(frozen=True)
class StoredImages:
    """Images as they are kept in an array: packed bits of binary ones, else bytes.

    Args:
        rows: an image each.
        pixels_shape: height, width, channels of an image.
        maximum: the value of a fully bright pixel.
    """

    rows: MappedRows
    pixels_shape: PixelsShape
    maximum: int

    def __call__(self, indices: Indices) -> Pixels:
        """Images: (n,) indices to (n, height, width, channels)."""
        stored = self.rows[indices]
        return unpack_bits(stored, self.pixels_shape) if self.maximum == 1 else stored


def unpack_bits(rows: Pixels, pixels_shape: PixelsShape) -> Pixels:
    """Binary images from packed bits: (n, bytes) to (n, height, width, channels) of 0 and 1."""
    return np.unpackbits(rows, axis=1, count=prod(pixels_shape)).reshape(-1, *pixels_shape)


def pack_bits(pixels: Pixels) -> Pixels:
    """Binary images (n, height, width, channels) to packed bits (n, bytes), in whole bytes."""
    return np.packbits(pixels.reshape(len(pixels), -1), axis=1)
