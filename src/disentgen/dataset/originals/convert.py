"""Published files as memory-mapped arrays, which they are converted to once.

A genuine file is verified and converted to packed bits or bytes beside it, from which any number of
processes read. Python objects inside a file are never unpickled.
"""

import json
import os
import shutil
from math import ceil, prod
from pathlib import Path

import numpy as np
from filelock import FileLock

from disentgen.dataset.images import (
    Images,
    Indices,
    MappedRows,
    Pixels,
    pack_bits,
    unpack_bits,
)
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.originals.verify import check_labels, open_images, verify
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, replaced_whole, sweep_temporaries, write_whole


def open_original(spec: DatasetSpec, path: Path) -> Images:
    """The images of the published file, from its converted form.

    The first call verifies the file against its hash and converts it; processes that come
    meanwhile wait. Later calls only map the converted file.

    Raises:
        DataFileError: the file is a stand-in, is damaged, or is not the published one.
    """
    place = _conversion_folder(spec, path) / path.stem
    converted = place.with_suffix(".converted.npy")
    if not _is_current(spec, path, converted):
        try:
            _convert_once(spec, path, converted)
        except DataFileError:
            raise
        except OSError as error:
            raise DataFileError(f"cannot convert {path}: {error.strerror or error}.") from error
    rows = MappedRows(converted)

    def fetch(indices: Indices) -> Pixels:
        stored = rows[indices]
        return unpack_bits(stored, spec.pixels_shape) if spec.maximum == 1 else stored

    return Images(spec.pixels_shape, spec.maximum, "original", fetch, rows.expect)


def _convert_once(spec: DatasetSpec, path: Path, converted: Path) -> None:
    """Verify and convert a file unless another process does so meanwhile; record what it was."""
    converted.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(converted.with_suffix("").with_suffix(".lock")):
        if _is_current(spec, path, converted):
            return
        verify(spec, path)
        sweep_temporaries(converted.parent)
        convert(spec, path, converted)
        stamp = json.dumps(_stamp(path))
        write_whole(converted.with_suffix(".json"), lambda file: file.write_text(stamp))


def convert(spec: DatasetSpec, path: Path, target: Path) -> None:
    """Write the images of a published file as a plain array that can be mapped.

    Binary images become packed bits (n, bytes), others bytes (n, height, width, channels). The
    target appears whole or not at all.

    Args:
        spec: what the file should hold.
        path: of the file.
        target: the ``.npy`` file to write.

    Raises:
        DataFileError: the file's layout, labels or pixels are not the dataset's, or the disk has
            no room.
    """
    check_labels(spec, path)
    _check_room(target.parent, converted_size(spec))
    with (
        replaced_whole(target) as temporary,
        temporary.open("wb") as file,
        open_images(spec, path) as images,
        show_progress(spec.grid.size, f"converting {path.name} (once)", " images") as bar,
    ):
        # Plain writing: pages of a mapping would count as memory of this process.
        header = {"descr": "|u1", "fortran_order": False}
        shape = (spec.grid.size, *_row_shape(spec))
        np.lib.format.write_array_header_1_0(file, {**header, "shape": shape})
        for block in images.blocks:
            pixels = block.reshape(-1, *spec.pixels_shape)
            _check_brightness(spec, path, pixels)
            stored = pack_bits(pixels) if spec.maximum == 1 else pixels
            file.write(np.ascontiguousarray(stored).data)
            bar.update(len(pixels))


def _check_brightness(spec: DatasetSpec, path: Path, pixels: Pixels) -> None:
    if (brightest := pixels.max(initial=0)) > spec.maximum:
        raise DataFileError(
            f"{path}: '{spec.original.key}' holds {brightest}; pixels of {spec.title} are at most "
            f"{spec.maximum}."
        )


def converted_size(spec: DatasetSpec) -> int:
    """Bytes of all images in their converted form."""
    return spec.grid.size * prod(_row_shape(spec))


def _row_shape(spec: DatasetSpec) -> tuple[int, ...]:
    """The shape of a converted image: whole bytes of bits, or its pixels."""
    return (ceil(prod(spec.pixels_shape) / 8),) if spec.maximum == 1 else spec.pixels_shape


def _conversion_folder(spec: DatasetSpec, path: Path) -> Path:
    """Beside the file, or in the data folder where the file's own cannot be written to."""
    beside = os.access(path.parent, os.W_OK)
    return path.parent if beside else data_folder() / "raw" / spec.original.folder


def _stamp(path: Path) -> dict[str, str | int]:
    status = path.stat()
    return {"path": str(path), "size": status.st_size, "modified": status.st_mtime_ns}


def _is_current(spec: DatasetSpec, path: Path, converted: Path) -> bool:
    """Whether a conversion is whole, and of the file as it is now."""
    record = converted.with_suffix(".json")
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
