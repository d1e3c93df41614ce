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
Places = NDArray[np.int32]
#: Height, width, channels: the order of the axes in files and renderers. Models have the channels
#: first, which is what ``image_shape`` means everywhere.
PixelsShape = tuple[int, int, int]
#: The published file's, those drawn in their place, those of a dataset that is defined by drawing.
Source = Literal["original", "stand-in", "drawn"]
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
        source: "original" only if read from the verified published file; "drawn" only of a
            dataset that is defined by its drawing.
        fetch: maps (n,) indices to (n, height, width, channels) uint8.
        expect: takes the indices that will be asked for next, so that a disk can read ahead.
        hash: ``algorithm:digest`` of the published file that they are of, or of the images and
            factors of a user's own; None for a stand-in, and for a file whose hash nobody knows.
        places: (grid.size,) where each image of the grid stands among those that there are, -1
            where its combination is missing; None where none is.
    """

    pixels_shape: PixelsShape
    maximum: int
    source: Source
    fetch: Callable[[Indices], Pixels]
    expect: Callable[[Indices], None] = _expect_nothing
    hash: str | None = None
    places: Places | None = None

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
        places: (grid.size,) of each image of the grid among the rows, where some are missing; see
            :class:`Images`.
    """

    rows: MappedRows
    pixels_shape: PixelsShape
    maximum: int
    places: Places | None = None

    def __call__(self, indices: Indices) -> Pixels:
        """Images: (n,) indices to (n, height, width, channels)."""
        stored = self.rows[find_places(self.places, indices)]
        return unpack_bits(stored, self.pixels_shape) if self.maximum == 1 else stored

    def expect(self, indices: Indices) -> None:
        """Let the system begin to read the images at (n,) indices."""
        self.rows.expect(find_places(self.places, indices))


def find_places(places: Places | None, indices: Indices) -> Indices:
    """Where (n,) images of a grid stand among those that there are.

    Args:
        places: of all images of the grid; None where they stand at their indices.
        indices: (n,) of the images.

    Raises:
        ValueError: there is no image of some combination.
    """
    if places is None:
        return indices
    there = places[indices].astype(np.int64)
    if (there < 0).any():
        raise ValueError(f"there is no image at index {int(np.asarray(indices)[there < 0][0])}.")
    return there


def place_present(present: NDArray[np.bool_]) -> Places:
    """Where each image stands among those that there are, -1 for the others: (images,)."""
    return np.where(present, np.cumsum(present) - 1, -1).astype(np.int32)


def unpack_bits(rows: Pixels, pixels_shape: PixelsShape) -> Pixels:
    """Binary images from packed bits: (n, bytes) to (n, height, width, channels) of 0 and 1."""
    return np.unpackbits(rows, axis=1, count=prod(pixels_shape)).reshape(-1, *pixels_shape)


def pack_bits(pixels: Pixels) -> Pixels:
    """Binary images (n, height, width, channels) to packed bits (n, bytes), in whole bytes."""
    return np.packbits(pixels.reshape(len(pixels), -1), axis=1)
