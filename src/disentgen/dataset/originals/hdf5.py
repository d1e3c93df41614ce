"""Archives in HDF5, read a block of rows at a time, and written as stand-ins."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.originals.archive import BLOCK, STAND_IN_MARK, StoredArray
from disentgen.errors import DataFileError

_MARK_NAME = "origin"
#: Images to a compressed block of a file written here.
_STORED_ROWS = 64


def is_stand_in(path: Path) -> bool:
    """Whether a file was written by :func:`write_stand_in`."""
    try:
        with h5py.File(path, "r") as archive:
            return bool(archive.attrs.get(_MARK_NAME) == STAND_IN_MARK)
    except OSError:
        return False


@contextmanager
def open_array(path: Path, key: str) -> Iterator[StoredArray]:
    """An array of an archive.

    Raises:
        DataFileError: the archive is damaged, or holds no such array of plain numbers.
    """
    try:
        archive = h5py.File(path, "r")
    except OSError:
        raise DataFileError(f"{path} is truncated, damaged or not an HDF5 file.") from None
    with archive:
        # Links into other files are not followed.
        own = isinstance(archive.get(key, getlink=True), h5py.HardLink)
        array = archive[key] if own else None
        if not isinstance(array, h5py.Dataset):
            keys = ", ".join(archive) or "nothing"
            raise DataFileError(f"{path} has no array '{key}', only {keys}.")
        if array.dtype.kind not in "uif" or not array.shape:
            raise DataFileError(f"{path}: '{key}' is not an array of plain numbers.")
        yield StoredArray(array.shape, array.dtype, _read_blocks(path, array))


def _read_blocks(path: Path, array: h5py.Dataset) -> Iterator[NDArray[Any]]:
    # Whole rows of the file's own blocks, so that none of them is decompressed twice.
    stored = array.chunks[0] if array.chunks else 1
    step = stored * max(1, BLOCK // stored)
    for start in range(0, len(array), step):
        try:
            yield array[start : start + step]
        except OSError as error:
            raise DataFileError(f"{path} is damaged: {error}.") from None


def write_stand_in(
    path: Path,
    key: str,
    shape: tuple[int, ...],
    blocks: Iterable[NDArray[np.uint8]],
    others: Mapping[str, NDArray[Any]],
) -> None:
    """Write an array of bytes, block by block, and other arrays beside it, marked as a stand-in.

    Args:
        path: of the new file.
        key: name of the array of bytes.
        shape: of all of it.
        blocks: its rows in order, some at a time, (rows, *shape[1:]) each.
        others: arrays beside it, by name.
    """
    stored = (min(_STORED_ROWS, shape[0]), *shape[1:])
    with h5py.File(path, "w") as archive:
        archive.attrs[_MARK_NAME] = STAND_IN_MARK
        images = archive.create_dataset(
            key, shape, np.uint8, chunks=stored, compression="gzip", compression_opts=1
        )
        start = 0
        for block in blocks:
            images[start : start + len(block)] = block
            start += len(block)
        for name, array in others.items():
            archive.create_dataset(name, data=array)
