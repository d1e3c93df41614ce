"""Whether a file is the published one: its layout, its labels, its hash."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from disentgen.dataset.originals.archive import STAND_IN_MARK, StoredArray
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError

_HASH_BYTES = 1 << 20


def verify(spec: DatasetSpec, path: Path) -> None:
    """Check that a file is the published one.

    Raises:
        DataFileError: it is a stand-in, is damaged, has another layout or another hash.
    """
    check_layout(spec, path)
    algorithm, expected = spec.original.hash.split(":")
    digest = compute_hash(path, algorithm)
    if digest != expected:
        raise DataFileError(
            f"{path} is not the published {spec.title} file: its {algorithm} is {digest}, expected "
            f"{expected}. Get it anew from {spec.original.url}."
        )


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
    with open_images(spec, path):
        pass


def check_labels(spec: DatasetSpec, path: Path) -> None:
    """Check that the arrays beside the images list the dataset's factors in the grid's order.

    Raises:
        DataFileError: an array is not there, or is another one.
    """
    for name, expected in spec.original.labels().items():
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
    expected = (spec.grid.size, *spec.stored_shape)
    with find_format(path).open_array(path, spec.original.key) as images:
        if images.shape != expected or images.dtype != np.uint8:
            raise DataFileError(
                f"{path}: '{spec.original.key}' is {images.dtype} of shape {images.shape}, "
                f"expected uint8 of {expected}."
            )
        yield images
