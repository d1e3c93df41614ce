"""Archives of NumPy arrays, read as streams and without unpickling, and written as stand-ins."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.originals.archive import BLOCK, STAND_IN_MARK, StoredArray
from disentgen.errors import DataFileError


def is_stand_in(path: Path) -> bool:
    """Whether a file was written by :func:`write_stand_in`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == STAND_IN_MARK.encode()
    except (zipfile.BadZipFile, OSError):
        return False


@contextmanager
def open_array(path: Path, key: str) -> Iterator[StoredArray]:
    """An array of an archive; one that would need unpickling is refused.

    Raises:
        DataFileError: the archive is damaged, or holds no such array of plain numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            keys = [name.removesuffix(".npy") for name in archive.namelist()]
            stream = archive.open(f"{key}.npy") if key in keys else None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise DataFileError(f"{path} is truncated, damaged or not an npz file.") from None
    if stream is None:
        raise DataFileError(f"{path} has no array '{key}', only {', '.join(keys) or 'nothing'}.")
    with stream:
        try:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran_order, dtype = read(stream)
        except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            raise DataFileError(f"{path}: cannot read '{key}': {error}.") from None
        if dtype.hasobject or fortran_order:
            raise DataFileError(f"{path}: '{key}' is not a plain array in row-major order.")
        yield StoredArray(shape, dtype, _read_blocks(path, stream, shape, dtype))


def _read_blocks(
    path: Path, stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    for start in range(0, shape[0], BLOCK):
        block = (min(BLOCK, shape[0] - start), *shape[1:])
        try:
            data = stream.read(prod(block) * dtype.itemsize)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise DataFileError(f"{path} is damaged: {error}.") from None
        if len(data) != prod(block) * dtype.itemsize:
            raise DataFileError(f"{path} is truncated.")
        yield np.frombuffer(data, dtype).reshape(block)


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
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.comment = STAND_IN_MARK.encode()
        with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for block in blocks:
                member.write(block.tobytes())
        for name, array in others.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=array.dtype.hasobject)
