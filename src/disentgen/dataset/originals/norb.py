"""SmallNORB as it is published: three matrices of bytes and whole numbers for each of two halves.

A file that ends in ``-dat.mat`` holds images of two cameras, of which the first is read, rescaled
to 64 × 64; those beside it that end in ``-cat.mat`` and ``-info.mat`` hold the factors. A matrix
begins with a number that says its type, the number of its axes, and their lengths (three at least).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.originals.archive import (
    NUMBERS,
    Header,
    StoredArray,
    lacks_array,
    parsing,
)
from disentgen.dataset.originals.archive import is_no_stand_in as is_stand_in
from disentgen.dataset.originals.archive import refuse_stand_in as write_stand_in
from disentgen.dataset.originals.resizing import resize
from disentgen.errors import DataFileError

__all__ = ["describe_array", "is_stand_in", "list_arrays", "open_array", "write_stand_in"]

_KIND = "a matrix of SmallNORB"
_DTYPES: dict[int, np.dtype[Any]] = {0x1E3D4C55: np.dtype("u1"), 0x1E3D4C54: np.dtype("<i4")}
_SIZE = 64
_ROWS = 1024
_IMAGES = "image"
#: The columns of the matrix of further factors.
_INFO = ("instance", "elevation", "azimuth", "lighting")
#: An azimuth is counted in tens of degrees, of which only every second occurs.
_STEPS = {"azimuth": 2}


def describe_array(path: Path, key: str) -> tuple[tuple[int, ...], str]:
    """Shape and type of an array; see :func:`open_array`."""
    headers = list_arrays(path)
    if key not in headers:
        raise lacks_array(path, key, headers)
    return headers[key].shape, headers[key].dtype


def list_arrays(path: Path) -> dict[str, Header]:
    """Images and factors by name.

    Raises:
        DataFileError: a matrix is damaged, or not there.
    """
    count = _map(path, 4).shape[0]
    factors = {name: Header((count,), "i", "int32") for name in ("category", *_INFO)}
    return {_IMAGES: Header((count, _SIZE, _SIZE), "u", "uint8"), **factors}


@contextmanager
def open_array(path: Path, key: str, kinds: str = NUMBERS) -> Iterator[StoredArray]:
    """Images, or the classes of a factor.

    Args:
        path: of the matrix of images.
        key: ``image``, or a factor.
        kinds: NumPy's letters of what it may hold.

    Raises:
        DataFileError: a matrix is damaged, or not there, or has no such factor.
    """
    header = list_arrays(path).get(key)
    if header is None:
        raise lacks_array(path, key, list_arrays(path))
    blocks = _read_images(path) if key == _IMAGES else iter([_read_factor(path, key)])
    yield StoredArray(header.shape, np.dtype(header.dtype), blocks)


def _read_images(path: Path) -> Iterator[NDArray[np.uint8]]:
    rows = _map(path, 4)
    for start in range(0, len(rows), _ROWS):
        yield resize(np.asarray(rows[start : start + _ROWS, 0]), _SIZE)


def _read_factor(path: Path, name: str) -> NDArray[Any]:
    """The classes of a factor, (rows,)."""
    end = "-dat.mat"
    if name == "category":
        return np.asarray(_map(path.with_name(path.name.replace(end, "-cat.mat")), 1))
    info = _map(path.with_name(path.name.replace(end, "-info.mat")), 2)
    return np.asarray(info[:, _INFO.index(name)]) // _STEPS.get(name, 1)


def _map(path: Path, axes: int) -> NDArray[Any]:
    """A matrix, whose length is that of its file.

    Args:
        path: of the file.
        axes: how many it must have.

    Raises:
        DataFileError: it is not there, is damaged, or has others.
    """
    with parsing(path, _KIND):
        with path.open("rb") as file:
            code, count = np.frombuffer(file.read(8), "<i4").tolist()
            lengths = np.frombuffer(file.read(4 * max(3, axes)), "<i4")
        dtype, shape = _DTYPES.get(code), tuple(map(int, lengths[:axes]))
        offset = 8 + 4 * max(3, axes)
        if dtype is None or count != axes or min(shape, default=0) < 1:
            raise DataFileError(f"{path} is not {_KIND} of {axes} axes.")
        if path.stat().st_size != offset + prod(shape) * dtype.itemsize:
            raise DataFileError(f"{path} is truncated, or not {_KIND}.")
        matrix: NDArray[Any] = np.memmap(path, dtype, "r", offset, shape)
        return matrix
