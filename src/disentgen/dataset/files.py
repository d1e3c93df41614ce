"""Published dataset files: finding, verifying, converting, downloading, writing them.

A genuine file is converted once to a memory-mapped array of packed bits or bytes beside it. Python
objects inside a file are never unpickled.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from disentgen.dataset import npz
from disentgen.dataset.images import Images, Pixels, pack_bits, unpack_bits
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, replaced_whole, sweep_temporaries, write_whole

_CHUNK = 4096


def raw_folder(root: str | None) -> Path:
    """The folder of raw data files: the given one, else ``raw`` in the data folder."""
    return Path(root).expanduser().absolute() if root else data_folder() / "raw"


def candidates(spec: DatasetSpec, root: str | None) -> list[Path]:
    """Where the published file may lie: in its folder below the root, or in the root itself."""
    folder = raw_folder(root)
    return [
        place / name for place in (folder / spec.original.folder, folder)
        for name in spec.original.names
    ]  # fmt: skip


def find_original(spec: DatasetSpec, root: str | None) -> Path | None:
    """The published file, if there is one.

    Raises:
        DataFileError: its folder cannot be looked into.
    """
    try:
        return next((path for path in candidates(spec, root) if path.exists()), None)
    except OSError as error:
        raise DataFileError(f"cannot look for {error.filename}: {error.strerror}.") from error


def require_original(spec: DatasetSpec, root: str | None) -> Path:
    """The published file.

    Raises:
        DataFileError: it is not there; the message names path, address and hash.
    """
    path = find_original(spec, root)
    if path is None:
        raise DataFileError(
            f"the original {spec.title} file is not at {candidates(spec, root)[0]}; get it with "
            f"'python -m disentgen.dataset download {spec.name}' or from {spec.original.url} "
            f"({spec.original.hash}), or use dataset.source=stand-in."
        )
    return path


def open_original(spec: DatasetSpec, path: Path) -> Images:
    """The images of the published file, from its converted form.

    The first call verifies the file against its hash and converts it; processes that come
    meanwhile wait. Later calls only map the converted file.

    Raises:
        DataFileError: the file is a stand-in, is damaged, or is not the published one.
    """
    place = _conversion_folder(spec, path) / path.stem
    converted = place.with_suffix(".converted.npy")
    record = place.with_suffix(".converted.json")
    if not _is_current(path, converted, record):
        try:
            converted.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(place.with_suffix(".lock")):
                if not _is_current(path, converted, record):
                    verify(spec, path)
                    sweep_temporaries(converted.parent)
                    convert(spec, path, converted)
                    write_whole(record, lambda file: file.write_text(json.dumps(_stamp(path))))
        except OSError as error:
            if isinstance(error, DataFileError):
                raise
            raise DataFileError(f"cannot convert {path}: {error.strerror or error}.") from error
    return Images(spec.image_shape, spec.maximum, "original", _fetch_from(spec, converted))


def verify(spec: DatasetSpec, path: Path) -> None:
    """Check that a file is the published one.

    Raises:
        DataFileError: it is a stand-in, is damaged, has another layout or another hash.
    """
    import pooch

    if npz.is_stand_in(path):
        raise DataFileError(
            f"{path} holds {npz.STAND_IN_MARK.decode()}; use dataset.source=stand-in, or put the "
            f"file from {spec.original.url} there."
        )
    with _open_images(spec, path):
        pass
    algorithm, expected = spec.original.hash.split(":")
    found = pooch.file_hash(str(path), alg=algorithm)
    if found != expected:
        raise DataFileError(
            f"{path} is not the published {spec.title} file: its {algorithm} is {found}, expected "
            f"{expected}. Get it anew from {spec.original.url}."
        )


def convert(spec: DatasetSpec, path: Path, target: Path) -> None:
    """Write the images of a published file as a plain array that can be mapped.

    Binary images become packed bits (n, bytes), others bytes (n, height, width, channels). The
    target appears whole or not at all.

    Raises:
        DataFileError: the file's layout, labels or pixels are not the dataset's.
    """
    _check_labels(spec, path)
    with replaced_whole(target) as temporary:
        # numpy.save would add .npy to the temporary name, so the array is mapped and filled.
        rows = np.lib.format.open_memmap(
            temporary, mode="w+", dtype=np.uint8, shape=(spec.grid.size, *_row_shape(spec))
        )
        start = 0
        for pixels in _read_images(spec, path):
            if pixels.max(initial=0) > spec.maximum:
                raise DataFileError(
                    f"{path}: '{spec.original.key}' holds {pixels.max()}; pixels of {spec.title} "
                    f"are at most {spec.maximum}."
                )
            stored = pack_bits(pixels) if spec.maximum == 1 else pixels
            rows[start : start + len(pixels)] = stored
            start += len(pixels)
        rows.flush()
        del rows


def download(spec: DatasetSpec, root: str | None) -> Path:
    """Fetch the published file, showing progress, and verify its hash.

    Raises:
        DataFileError: the address cannot be reached, or sends another file.
    """
    import pooch
    import requests

    path = candidates(spec, root)[0]
    try:
        pooch.retrieve(
            spec.original.url, spec.original.hash, path.name, path.parent, progressbar=True
        )
    except (requests.RequestException, ValueError, OSError) as error:
        raise DataFileError(
            f"cannot download {spec.title}: {error}. Fetch {spec.original.url} by other means, "
            f"check that its {spec.original.hash.replace(':', ' is ')}, and put it at {path}."
        ) from error
    return path


def export_stand_in(spec: DatasetSpec, path: Path) -> None:
    """Write the stand-in under the published file's keys, types and order, marked as a stand-in.

    Raises:
        DataFileError: the file cannot be written.
    """
    chunks = (
        spec.render(np.arange(start, min(start + _CHUNK, spec.grid.size)))
        for start in _chunk_starts(spec, "writing images")
    )
    shape = (spec.grid.size, *_stored_shape(spec))
    with replaced_whole(path) as temporary:
        npz.write_stand_in(temporary, spec.original.key, shape, chunks, spec.original.labels())


def _stored_shape(spec: DatasetSpec) -> tuple[int, ...]:
    """The shape of an image in the published file: without the channel axis where there is one."""
    height, width, channels = spec.image_shape
    return (height, width) if channels == 1 else (height, width, channels)


def _row_shape(spec: DatasetSpec) -> tuple[int, ...]:
    return (int(np.prod(spec.image_shape)) // 8,) if spec.maximum == 1 else spec.image_shape


def _fetch_from(spec: DatasetSpec, converted: Path) -> Any:
    rows = np.load(converted, mmap_mode="r")
    if spec.maximum == 1:
        return lambda indices: unpack_bits(rows[indices], spec.image_shape)
    return lambda indices: rows[indices]


def _conversion_folder(spec: DatasetSpec, path: Path) -> Path:
    """Beside the file, or in the data folder where the file's own cannot be written to."""
    beside = os.access(path.parent, os.W_OK)
    return path.parent if beside else data_folder() / "raw" / spec.original.folder


def _stamp(path: Path) -> dict[str, str | int]:
    status = path.stat()
    return {"path": str(path), "size": status.st_size, "modified": status.st_mtime_ns}


def _is_current(path: Path, converted: Path, record: Path) -> bool:
    return (
        converted.exists()
        and record.exists()
        and json.loads(record.read_text()) == _stamp(path)
    )  # fmt: skip


def _open_images(spec: DatasetSpec, path: Path) -> IO[bytes]:
    """A stream of a file's pixels, its header checked."""
    stream, shape, dtype = npz.open_array(path, spec.original.key)
    expected = (spec.grid.size, *_stored_shape(spec))
    if shape != expected or dtype != np.uint8:
        stream.close()
        raise DataFileError(
            f"{path}: '{spec.original.key}' is {dtype} of shape {shape}, expected uint8 of "
            f"{expected}."
        )
    return stream


def _read_images(spec: DatasetSpec, path: Path) -> Iterator[Pixels]:
    size = int(np.prod(spec.image_shape))
    with _open_images(spec, path) as stream:
        for start in _chunk_starts(spec, f"converting {path.name} (once)"):
            count = min(_CHUNK, spec.grid.size - start)
            data = npz.read_exactly(path, stream, count * size)
            yield np.frombuffer(data, np.uint8).reshape(count, *spec.image_shape)


def _check_labels(spec: DatasetSpec, path: Path) -> None:
    for name, expected in spec.original.labels().items():
        if expected.dtype.hasobject:
            continue
        stream, shape, dtype = npz.open_array(path, name)
        with stream:
            if shape != expected.shape:
                raise DataFileError(
                    f"{path}: '{name}' has shape {shape}, expected {expected.shape}."
                )
            data = npz.read_exactly(path, stream, expected.size * dtype.itemsize)
        found: NDArray = np.frombuffer(data, dtype).reshape(shape)
        if not np.allclose(found, expected, rtol=0, atol=1e-6):
            raise DataFileError(
                f"{path}: '{name}' does not list the factor grid of {spec.title} in its order."
            )


def _chunk_starts(spec: DatasetSpec, what: str) -> Iterator[int]:
    with tqdm(total=spec.grid.size, desc=what, unit=" images", disable=None, leave=False) as bar:
        for start in range(0, spec.grid.size, _CHUNK):
            yield start
            bar.update(min(_CHUNK, spec.grid.size - start))
