"""Whether a file is the published one: its layout, its labels, its hash."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from disentgen.dataset.originals.archive import STAND_IN_MARK, StoredArray
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.originals.tables import check_tables
from disentgen.dataset.spec import DatasetSpec, OriginalFile
from disentgen.errors import DataFileError

_HASH_BYTES = 1 << 20
#: What a published file may hold beside its images: labels, and the format's own tables.
_SPARE_BYTES = 1 << 30


def verify(spec: DatasetSpec, path: Path) -> None:
    """Check that a file is a published one.

    Raises:
        DataFileError: it is a stand-in, is damaged, has another layout or another hash.
    """
    form = spec.original.choose_form(path)
    size, images = path.stat().st_size, spec.grid.size * prod(spec.pixels_shape)
    if size > 2 * images + _SPARE_BYTES:  # a hash of it would take for ever
        raise DataFileError(
            f"{path} is not the published {spec.title} file: it has {size / 1e9:,.1f} GB, "
            f"and all images together take {images / 1e9:.1f}."
        )
    if form.hash is None:  # nothing else says which file it is
        check_layout(spec, path)
        return
    algorithm, expected = form.hash.split(":")
    digest = compute_hash(path, algorithm)
    if digest != expected:
        check_layout(spec, path)  # often says more of what it is instead
        raise DataFileError(
            f"{path} is not the published {spec.title} file: its {algorithm} is {digest}, expected "
            f"{expected}. Get it anew{_from(form)}."
        )


def check_layout(spec: DatasetSpec, path: Path) -> None:
    """Check by its header alone that a file can be a published one, whatever else it may be.

    Raises:
        DataFileError: it is a stand-in, is damaged, or has another layout.
    """
    form, archive = spec.original.choose_form(path), find_format(path)
    if form.columns:
        check_tables(spec, path)
        return
    if archive.is_stand_in(path):
        raise DataFileError(
            f"{path} holds a {STAND_IN_MARK}; use dataset.source=stand-in, or put the "
            f"file{_from(form)} there."
        )
    _check_images(spec, path, *archive.describe_array(path, form.key))


def _from(form: OriginalFile) -> str:
    return f" from {form.urls[0]}" if form.urls else ""


def _check_images(spec: DatasetSpec, path: Path, shape: tuple[int, ...], dtype: str) -> None:
    expected = (spec.grid.size, *spec.stored_shape)
    if shape != expected or dtype != "uint8":
        raise DataFileError(
            f"{path}: '{spec.original.choose_form(path).key}' is {dtype} of shape {shape}, "
            f"expected uint8 of {expected}."
        )


def check_labels(spec: DatasetSpec, path: Path) -> None:
    """Check that the arrays beside the images list the dataset's factors in the grid's order.

    Raises:
        DataFileError: an array is not there, or is another one.
    """
    for name, expected in spec.original.choose_form(path).labels().items():
        if expected.dtype.hasobject:
            continue
        with find_format(path).open_array(path, name) as labels:
            if labels.shape != expected.shape:
                raise DataFileError(
                    f"{path}: '{name}' has shape {labels.shape}, expected {expected.shape}."
                )
            stored = np.concatenate(list(labels.blocks))
        if not np.allclose(stored, expected, rtol=0, atol=1e-6):
            raise DataFileError(
                f"{path}: '{name}' does not list the factor grid of {spec.title} in its order."
            )


def compute_hash(path: Path, algorithm: str) -> str:
    """The hash of a file, showing progress."""
    digest = hashlib.new(algorithm)
    with (
        path.open("rb") as file,
        show_progress(path.stat().st_size, f"checking {path.name}", "B", unit_scale=True) as bar,
    ):
        while block := file.read(_HASH_BYTES):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


@contextmanager
def open_images(spec: DatasetSpec, path: Path) -> Iterator[StoredArray]:
    """Open the array of images in a file, its shape and type checked.

    Raises:
        DataFileError: the file is damaged, or holds other images.
    """
    with find_format(path).open_array(path, spec.original.choose_form(path).key) as images:
        _check_images(spec, path, images.shape, str(images.dtype))
        yield images
