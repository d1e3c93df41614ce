"""Published dataset files: finding, verifying, converting, writing them.

A genuine file is converted once to a memory-mapped array of packed bits or bytes beside it. Python
objects inside a file are never unpickled.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from disentgen.dataset.images import Images, MappedRows, Pixels, pack_bits, unpack_bits
from disentgen.dataset.originals.archives import BLOCK, STAND_IN_MARK, StoredArray, find_format
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, replaced_whole, sweep_temporaries, write_whole

_HASH_BYTES = 1 << 20


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
            f"'python -m disentgen.dataset download {spec.words}' or from {spec.original.url} "
            f"({spec.original.hash}){', or use dataset.source=stand-in' if spec.render else ''}."
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
    if not _is_current(spec, path, converted, record):
        try:
            converted.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(place.with_suffix(".lock")):
                if not _is_current(spec, path, converted, record):
                    verify(spec, path)
                    sweep_temporaries(converted.parent)
                    convert(spec, path, converted)
                    write_whole(record, lambda file: file.write_text(json.dumps(_stamp(path))))
        except OSError as error:
            if isinstance(error, DataFileError):
                raise
            raise DataFileError(f"cannot convert {path}: {error.strerror or error}.") from error
    rows = MappedRows(converted)

    def fetch(indices: NDArray[np.int64]) -> Pixels:
        found = rows[indices]
        return unpack_bits(found, spec.image_shape) if spec.maximum == 1 else found

    return Images(spec.image_shape, spec.maximum, "original", fetch, rows.expect)


def check_layout(spec: DatasetSpec, path: Path) -> None:
    """Check by its header alone that a file can be the published one.

    Raises:
        DataFileError: it is a stand-in, is damaged, or has another layout.
    """
    if find_format(path).is_stand_in(path):
        raise DataFileError(
            f"{path} holds a {STAND_IN_MARK}; use dataset.source=stand-in, or put the "
            f"file from {spec.original.url} there."
        )
    with _open_images(spec, path):
        pass


def verify(spec: DatasetSpec, path: Path) -> None:
    """Check that a file is the published one.

    Raises:
        DataFileError: it is a stand-in, is damaged, has another layout or another hash.
    """
    check_layout(spec, path)
    algorithm, expected = spec.original.hash.split(":")
    found = compute_hash(path, algorithm)
    if found != expected:
        raise DataFileError(
            f"{path} is not the published {spec.title} file: its {algorithm} is {found}, expected "
            f"{expected}. Get it anew from {spec.original.url}."
        )


def compute_hash(path: Path, algorithm: str) -> str:
    """The hash of a file, showing progress."""
    digest = hashlib.new(algorithm)
    with (
        path.open("rb") as file,
        _progress(path.stat().st_size, f"checking {path.name}", "B", unit_scale=True) as bar,
    ):
        while block := file.read(_HASH_BYTES):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


def convert(spec: DatasetSpec, path: Path, target: Path) -> None:
    """Write the images of a published file as a plain array that can be mapped.

    Binary images become packed bits (n, bytes), others bytes (n, height, width, channels). The
    target appears whole or not at all.

    Raises:
        DataFileError: the file's layout, labels or pixels are not the dataset's, or the disk has
            no room.
    """
    _check_labels(spec, path)
    _check_room(target.parent, converted_size(spec))
    with (
        replaced_whole(target) as temporary,
        temporary.open("wb") as file,
        _open_images(spec, path) as images,
        _progress(spec.grid.size, f"converting {path.name} (once)", " images") as bar,
    ):
        # Plain writing: pages of a mapping would count as memory of this process.
        header = {"descr": "|u1", "fortran_order": False}
        shape = (spec.grid.size, *_row_shape(spec))
        np.lib.format.write_array_header_1_0(file, {**header, "shape": shape})
        for block in images.blocks:
            pixels = block.reshape(-1, *spec.image_shape)
            if pixels.max(initial=0) > spec.maximum:
                raise DataFileError(
                    f"{path}: '{spec.original.key}' holds {pixels.max()}; pixels of {spec.title} "
                    f"are at most {spec.maximum}."
                )
            stored = pack_bits(pixels) if spec.maximum == 1 else pixels
            file.write(np.ascontiguousarray(stored).data)
            bar.update(len(pixels))


def converted_size(spec: DatasetSpec) -> int:
    """Bytes of all images in their converted form."""
    return spec.grid.size * prod(_row_shape(spec))


def export_stand_in(spec: DatasetSpec, path: Path) -> None:
    """Write the stand-in under the published file's keys, types and order, marked as a stand-in.

    Raises:
        DataFileError: the file cannot be written.
        UsageError: its name does not end as a format's does, or there is no stand-in.
    """
    write, render = find_format(path).write_stand_in, spec.require_renderer()
    shape = (spec.grid.size, *_stored_shape(spec))
    with (
        replaced_whole(path) as temporary,
        _progress(spec.grid.size, f"writing {path.name}", " images") as bar,
    ):

        def draw_blocks() -> Iterator[Pixels]:
            for start in range(0, spec.grid.size, BLOCK):
                indices = np.arange(start, min(start + BLOCK, spec.grid.size))
                yield render(indices).reshape(-1, *shape[1:])
                bar.update(len(indices))

        write(temporary, spec.original.key, shape, draw_blocks(), spec.original.labels())


def _stored_shape(spec: DatasetSpec) -> tuple[int, ...]:
    """The shape of an image in the published file: without the channel axis where there is one."""
    height, width, channels = spec.image_shape
    return (height, width) if channels == 1 else (height, width, channels)


def _row_shape(spec: DatasetSpec) -> tuple[int, ...]:
    return (prod(spec.image_shape) // 8,) if spec.maximum == 1 else spec.image_shape


def _conversion_folder(spec: DatasetSpec, path: Path) -> Path:
    """Beside the file, or in the data folder where the file's own cannot be written to."""
    beside = os.access(path.parent, os.W_OK)
    return path.parent if beside else data_folder() / "raw" / spec.original.folder


def _stamp(path: Path) -> dict[str, str | int]:
    status = path.stat()
    return {"path": str(path), "size": status.st_size, "modified": status.st_mtime_ns}


def _is_current(spec: DatasetSpec, path: Path, converted: Path, record: Path) -> bool:
    return (
        converted.exists()
        and converted.stat().st_size > converted_size(spec)
        and record.exists()
        and json.loads(record.read_text()) == _stamp(path)
    )


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataFileError(
            f"{folder} has {free / 1e9:.1f} GB left; the converted images need {needed / 1e9:.1f}."
        )


@contextmanager
def _open_images(spec: DatasetSpec, path: Path) -> Iterator[StoredArray]:
    """The array of images in a file, its shape and type checked."""
    expected = (spec.grid.size, *_stored_shape(spec))
    with find_format(path).open_array(path, spec.original.key) as images:
        if images.shape != expected or images.dtype != np.uint8:
            raise DataFileError(
                f"{path}: '{spec.original.key}' is {images.dtype} of shape {images.shape}, "
                f"expected uint8 of {expected}."
            )
        yield images


def _check_labels(spec: DatasetSpec, path: Path) -> None:
    for name, expected in spec.original.labels().items():
        if expected.dtype.hasobject:
            continue
        with find_format(path).open_array(path, name) as labels:
            if labels.shape != expected.shape:
                raise DataFileError(
                    f"{path}: '{name}' has shape {labels.shape}, expected {expected.shape}."
                )
            found = np.concatenate(list(labels.blocks))
        if not np.allclose(found, expected, rtol=0, atol=1e-6):
            raise DataFileError(
                f"{path}: '{name}' does not list the factor grid of {spec.title} in its order."
            )


def _progress(total: int, what: str, unit: str, **options: bool) -> tqdm:
    """A progress bar, shown on terminals only."""
    return tqdm(total=total, desc=what, unit=unit, disable=None, leave=False, **options)
