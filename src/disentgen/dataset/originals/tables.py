"""Copies of published images in tables: several files, whose rows are in any order.

Their factors alone show what they are: each combination of the grid must be there once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.images import Indices, Pixels, pack_bits
from disentgen.dataset.originals.conversions import converted_shape, list_parts
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.originals.progress import show_progress
from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError

#: Values are kept as 32-bit floats there.
_TOLERANCE = 1e-4


def check_tables(spec: DatasetSpec, path: Path) -> None:
    """Check by their headers alone that tables can be a copy of published images.

    Args:
        spec: of the dataset.
        path: of the first table.

    Raises:
        DataFileError: a table is damaged, lacks a column, or holds other images.
    """
    form, count = spec.original.choose_form(path), 0
    for part in list_parts(spec, path):
        headers = find_format(part).list_arrays(part)
        for key in (form.key, *(column for column, _ in form.columns.values())):
            if key not in headers:
                raise DataFileError(
                    f"{part} has no column '{key}', only {', '.join(list(headers)[:20])}."
                )
        shape = headers[form.key].shape
        if shape[1:] != spec.stored_shape:
            raise DataFileError(f"{part} has images of {shape[1:]}, expected {spec.stored_shape}.")
        count += shape[0]
    if count != spec.grid.size:
        raise DataFileError(
            f"{path.parent} has {count:,} images in tables, expected all {spec.grid.size:,} of "
            f"{spec.title}; some of the files may be missing."
        )


def convert_tables(spec: DatasetSpec, path: Path, target: Path) -> None:
    """Write the images of tables as a plain array in the order of the grid.

    Args:
        spec: what they should hold.
        path: of the first table.
        target: the ``.npy`` file to write.

    Raises:
        DataFileError: the tables are damaged, or do not hold each combination once.
    """
    indices = _read_indices(spec, path)
    rows = np.lib.format.open_memmap(target, "w+", np.uint8, converted_shape(spec))
    done = 0
    with show_progress(spec.grid.size, f"converting {path.name} (once)", " images") as bar:
        for pixels in _read_images(spec, path):
            stored = pack_bits(pixels) if spec.maximum == 1 else pixels
            rows[indices[done : done + len(stored)]] = stored
            done += len(stored)
            bar.update(len(stored))
    rows.flush()


def _read_indices(spec: DatasetSpec, path: Path) -> Indices:
    """The place on the grid of each row of all tables, (rows,)."""
    form, grid = spec.original.choose_form(path), spec.grid
    classes = np.stack(
        [_read_column(spec, path, form.columns[name][0]) for name in grid.names], axis=1
    )
    if ((classes < 0) | (classes >= grid.sizes)).any():
        raise DataFileError(f"{path}: its columns have classes that {spec.title} has not.")
    indices = grid.indices(classes.astype(np.int64))
    once = len(np.unique(indices))
    if len(indices) != grid.size or once != grid.size:
        raise DataFileError(
            f"{path} and the tables beside it have {len(indices):,} images of {once:,} "
            f"combinations, expected each of {grid.size:,} of {spec.title} once."
        )
    _check_values(spec, path, grid.values(indices))
    return indices


def _check_values(spec: DatasetSpec, path: Path, expected: NDArray[np.float64]) -> None:
    """Check the columns of values, (rows, factors), where there are any."""
    form = spec.original.choose_form(path)
    headers = find_format(path).list_arrays(path)
    for number, name in enumerate(spec.grid.names):
        column = form.columns[name][1]
        if column in headers:
            values = _read_column(spec, path, column)
            if not np.allclose(values, expected[:, number], rtol=0, atol=_TOLERANCE):
                raise DataFileError(f"{path}: '{column}' has not the values of {spec.title}.")


def _read_column(spec: DatasetSpec, path: Path, key: str) -> NDArray[Any]:
    """A column of all tables, (rows,)."""
    blocks = list[NDArray[Any]]()
    for part in list_parts(spec, path):
        with find_format(part).open_array(part, key) as column:
            blocks.extend(column.blocks)
    return np.concatenate(blocks)


def _read_images(spec: DatasetSpec, path: Path) -> Iterator[Pixels]:
    """The images of all tables in their order, (n, height, width, channels) at a time."""
    for part in list_parts(spec, path):
        with find_format(part).open_array(part, spec.original.choose_form(path).key) as images:
            for block in images.blocks:
                pixels = block.astype(np.uint8).reshape(-1, *spec.pixels_shape)
                if spec.maximum == 1:
                    # Pictures of two values have either white.
                    pixels = pixels // max(1, int(pixels.max(initial=0)))
                    if not np.isin(block, (0, block.max(initial=0))).all():
                        raise DataFileError(f"{part}: images are not black and white.")
                yield pixels
