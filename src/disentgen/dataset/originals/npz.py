"""Archives of NumPy arrays, read as streams and without unpickling, and written as stand-ins."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.originals.archive import (
    BLOCK,
    LARGEST_COUNT,
    NUMBERS,
    STAND_IN_MARK,
    Header,
    StoredArray,
    lacks_array,
    parsing,
)
from disentgen.errors import DataFileError

_KIND = "an npz file"
#: What NumPy writes; other methods of compression can ask for gigabytes before the first byte.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: More than NumPy accepts as the header of an array. What a header claims is never read beyond it:
#: a few bytes can inflate to gigabytes.
_HEADER_BYTES = 20_000


def is_stand_in(path: Path) -> bool:
    """Whether a file was written by :func:`write_stand_in`."""
    try:
        with parsing(path, _KIND), zipfile.ZipFile(path) as archive:
            return archive.comment == STAND_IN_MARK.encode()
    except DataFileError:
        return False


def describe_array(path: Path, key: str) -> tuple[tuple[int, ...], str]:
    """Shape and type of an array; see :func:`open_array`."""
    with open_array(path, key) as array:
        return array.shape, str(array.dtype)


def list_arrays(path: Path) -> dict[str, Header]:
    """All arrays of an archive by name, in its order.

    Raises:
        DataFileError: the archive is damaged.
    """
    headers = {}
    with parsing(path, _KIND), zipfile.ZipFile(path) as archive:
        for name in archive.namelist()[:LARGEST_COUNT]:
            if name.endswith(".npy") and archive.getinfo(name).compress_type in _METHODS:
                (shape, _, dtype), _ = _read_header(archive, name)
                headers[name.removesuffix(".npy")] = Header(shape, dtype.kind, str(dtype))
    return headers


@contextmanager
def open_array(
    path: Path, key: str, kinds: str = NUMBERS, any_order: bool = False
) -> Iterator[StoredArray]:
    """An array of an archive; one that would need unpickling is refused.

    Args:
        path: of the archive.
        key: name of the array.
        kinds: NumPy's letters of what it may hold.
        any_order: accept column-major arrays too, which are a single block.

    Raises:
        DataFileError: the archive is damaged, or holds no such array of plain numbers.
    """
    with parsing(path, _KIND):
        archive = zipfile.ZipFile(path)
    with archive:
        member = f"{key}.npy"
        if member not in archive.namelist():
            raise lacks_array(path, key, (name.removesuffix(".npy") for name in archive.namelist()))
        if (method := archive.getinfo(member).compress_type) not in _METHODS:
            raise DataFileError(f"{path}: '{key}' is compressed by method {method}, as no npz is.")
        with parsing(path, _KIND):
            (shape, fortran_order, dtype), offset = _read_header(archive, member)
            stream = archive.open(member)
            stream.read(offset)
        if dtype.kind not in kinds or (fortran_order and not any_order) or not shape:
            raise DataFileError(f"{path}: '{key}' is not a plain array in row-major order.")
        read = _read_whole if fortran_order else _read_blocks
        with stream:
            yield StoredArray(shape, dtype, read(path, stream, shape, dtype))


def _read_header(
    archive: zipfile.ZipFile, member: str
) -> tuple[tuple[tuple[int, ...], bool, np.dtype[Any]], int]:
    """Shape, order and type of an array, and the bytes that its header takes."""
    with archive.open(member) as stream:
        start = io.BytesIO(stream.read(_HEADER_BYTES))
    version = np.lib.format.read_magic(start)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"'{member}' is of version {version}")
    return read[version](start), start.tell()


def _read_blocks(
    path: Path, stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    for start in range(0, shape[0], BLOCK):
        block = (min(BLOCK, shape[0] - start), *shape[1:])
        yield _read_numbers(path, stream, prod(block), dtype).reshape(block)


def _read_whole(
    path: Path, stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """All of a column-major array."""
    yield _read_numbers(path, stream, prod(shape), dtype).reshape(shape, order="F")


def _read_numbers(path: Path, stream: IO[bytes], count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    with parsing(path, _KIND):
        data = stream.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise DataFileError(f"{path} is truncated.")
    return np.frombuffer(data, dtype)


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
