"""Archives in HDF5, read a block of rows at a time, and written as stand-ins."""

import errno
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
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

_KIND = "an HDF5 file"
_MARK_NAME = "origin"
#: Images to a compressed block of a file written here.
_STORED_ROWS = 64
#: Of blocks of a file that is read: no published one has blocks nearly as large.
_LARGEST_BLOCK = 1 << 29


#: The mark of a stand-in is written first, and lies among the first bytes.
_MARKED_BYTES = 1 << 16
_PROBE_SECONDS = 10
_PROBE_BYTES = 4 << 30
_PROBE = """
import json, resource, sys
sys.path[:] = json.loads(sys.argv[1])
limit, (_, hard) = int(sys.argv[2]), resource.getrlimit(resource.RLIMIT_AS)
if hard == resource.RLIM_INFINITY or limit < hard:
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
from disentgen.dataset.originals.hdf5 import probe
print(json.dumps(probe(*sys.argv[3:])))
"""


def is_stand_in(path: Path) -> bool:
    """Whether a file was written by :func:`write_stand_in`."""
    try:
        with path.open("rb") as file:
            return STAND_IN_MARK.encode() in file.read(_MARKED_BYTES)
    except OSError:
        return False


def describe_array(path: Path, key: str) -> tuple[tuple[int, ...], str]:
    """Shape and type of an array.

    A process of its own reads them: on damaged bytes the HDF5 library may loop for ever or crash.

    Raises:
        DataFileError: the archive is damaged, cannot be read, or holds no such array.
    """
    answer = _ask(path, key)
    return tuple(answer["shape"]), answer["dtype"]


def list_arrays(path: Path) -> dict[str, Header]:
    """All arrays by name; see :func:`describe_array` for how they are read.

    Raises:
        DataFileError: the archive is damaged or cannot be read.
    """
    answer = _ask(path)
    return {
        name: Header(tuple(shape), kind, dtype) for name, (shape, kind, dtype) in answer.items()
    }


def _ask(path: Path, *key: str) -> dict[str, Any]:
    """What :func:`probe` answers in a process of its own."""
    words = [json.dumps(sys.path), str(_PROBE_BYTES), str(path), *key]
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, *words],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=_PROBE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DataFileError(
            f"{path} is truncated, damaged or not {_KIND}: reading it does not end."
        ) from None
    if done.returncode != 0:
        raise DataFileError(f"{path} is damaged: the HDF5 library fails on it.")
    answer: dict[str, Any] = json.loads(done.stdout)
    if isinstance(answer.get("error"), str):
        raise DataFileError(answer["error"])
    return answer


def probe(path: str, key: str | None = None) -> dict[str, Any]:
    """Shape and type of an array as plain data, or of all arrays by name, or why there is none.

    Args:
        path: of the archive.
        key: name of the array; all by default.
    """
    try:
        if key is None:
            return {name: list(header) for name, header in _list_headers(Path(path)).items()}
        with open_array(Path(path), key) as array:
            return {"shape": array.shape, "dtype": str(array.dtype)}
    except DataFileError as error:
        return {"error": str(error)}


def _list_headers(path: Path) -> dict[str, Header]:
    """What all arrays of an archive hold, by name; links are not followed."""
    headers: dict[str, Header] = {}

    def add(name: Any, item: object) -> bool | None:
        if isinstance(item, h5py.Dataset) and isinstance(name, str):
            text = h5py.check_string_dtype(item.dtype) is not None
            headers[name] = Header(item.shape, "U" if text else item.dtype.kind, str(item.dtype))
        return True if len(headers) >= LARGEST_COUNT else None

    with _open(path) as archive, parsing(path, _KIND):
        archive.visititems(add)
    return headers


@contextmanager
def open_array(path: Path, key: str, kinds: str = NUMBERS) -> Iterator[StoredArray]:
    """An array of an archive.

    Args:
        path: of the archive.
        key: name of the array.
        kinds: NumPy's letters of what it may hold; text is ``U``.

    Raises:
        DataFileError: the archive is damaged, is being written, lacks a filter, or holds no such
            array of what it may hold.
    """
    with _open(path) as archive:
        with parsing(path, _KIND):
            array = _find(archive, key)
            # Names that are not text are bytes.
            keys = [name if isinstance(name, str) else repr(name) for name in archive]
        if not isinstance(array, h5py.Dataset):
            raise lacks_array(path, key, keys)
        with parsing(path, _KIND):
            text = h5py.check_string_dtype(array.dtype) is not None
            shape, dtype, kind = array.shape, array.dtype, "U" if text else array.dtype.kind
            _check_stored(path, array)
        if kind not in kinds or not shape:
            raise DataFileError(f"{path}: '{key}' is not an array of plain numbers.")
        yield StoredArray(shape, np.dtype(str) if text else dtype, _read_blocks(path, array, text))


def _open(path: Path) -> h5py.File:
    """The open file.

    Raises:
        DataFileError: it is damaged, or a process holds it for writing.
    """
    with parsing(path, _KIND):
        try:
            return h5py.File(path, "r")
        except OSError as error:
            if "unable to lock file" not in str(error):
                raise
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise DataFileError(
                    f"{path} is locked: another process is writing it. Try again when it is "
                    "finished."
                ) from None
        # File systems without locks. A published file is only read here.
        return h5py.File(path, "r", locking=False)


def _find(archive: h5py.File, key: str) -> Any:
    """What lies under a key; None for nothing, and for links, which may lead out of the file."""
    place: Any = archive
    for name in key.split("/"):
        is_group = isinstance(place, h5py.Group)
        if not is_group or not isinstance(place.get(name, getlink=True), h5py.HardLink):
            return None
        place = place[name]
    return place


def _check_stored(path: Path, array: h5py.Dataset) -> None:
    """Check that the blocks of an array can be read, and in memory, and lie in this file.

    Raises:
        DataFileError: they cannot.
    """
    if array.is_virtual or array.external:
        raise DataFileError(f"{path}: '{array.name}' lies in other files, which are not followed.")
    properties = array.id.get_create_plist()
    for place in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(place)
        if not h5py.h5z.filter_avail(code):
            with suppress(ImportError):
                import_module("hdf5plugin")  # registers the filters that it has
        if not h5py.h5z.filter_avail(code):
            label = name.decode(errors="replace").split(";")[0].strip() or "unnamed"
            raise DataFileError(
                f"{path}: '{array.name}' is compressed by the HDF5 filter {code} ({label!a}), "
                "which is not installed here; the package hdf5plugin has the common ones."
            )
    if array.chunks and np.prod(array.chunks, dtype=float) * array.dtype.itemsize > _LARGEST_BLOCK:
        raise DataFileError(f"{path}: '{array.name}' is stored in blocks of {array.chunks}.")


def _read_blocks(path: Path, array: h5py.Dataset, text: bool) -> Iterator[NDArray[Any]]:
    # Whole rows of the file's own blocks, so that none of them is decompressed twice.
    stored = array.chunks[0] if array.chunks else 1
    step = stored * max(1, BLOCK // stored)
    for start in range(0, len(array), step):
        with parsing(path, _KIND):
            rows = array[start : start + step]
            if text:
                rows = np.array([word.decode() for word in rows.ravel()]).reshape(rows.shape)
        yield rows


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
