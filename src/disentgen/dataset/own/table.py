"""The factor grid of a user's file: from a column of values for each factor."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices
from disentgen.dataset.originals.archive import NUMBERS, TEXT
from disentgen.dataset.originals.formats import find_format
from disentgen.dataset.own.layout import Column, Layout
from disentgen.errors import DataFileError
from disentgen.text import join_lines

#: Masks over more combinations, and counts for each of them, would not fit into memory.
LARGEST_GRID = 1 << 24
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Table:
    """What a file says of its images' factors.

    Args:
        grid: the product of the values that occur.
        indices: (rows,) the place on the grid of each image of the file.
        constant: factors of a single value, which are left out.
    """

    grid: FactorGrid
    indices: Indices
    constant: tuple[str, ...]


def read_table(file: Path, layout: Layout) -> Table:
    """Read the factors of all images.

    Raises:
        DataFileError: a value is no number, a combination is there twice, all images have the same
            factors, or there are too many combinations.
    """
    classes, values, names = [], {}, {}
    constant = []
    for column in layout.columns:
        given = _read_column(file, column, layout.count)
        distinct, of = np.unique(given, return_inverse=True)
        if len(distinct) == 1:
            constant.append(column.name)
            continue
        classes.append(of.reshape(-1))
        is_text = given.dtype.kind in TEXT
        values[column.name] = tuple(map(float, range(len(distinct)) if is_text else distinct))
        if is_text:
            names[column.name] = tuple(map(str, distinct))
        elif len(set(values[column.name])) < len(distinct):
            raise DataFileError(f"{file}: {column.name} has numbers that are one as floats.")
    grid = _make_grid(file, values, names)
    indices = grid.indices(np.stack(classes, axis=1))
    _check_single(file, grid, indices)
    return Table(grid, indices, tuple(constant))


def _read_column(file: Path, column: Column, count: int) -> NDArray[Any]:
    """The values of a factor, (rows,), numbers or text."""
    with find_format(file).open_array(file, column.key, NUMBERS + TEXT) as array:
        if array.shape[:1] != (count,):
            raise DataFileError(f"{file}: '{column.key}' has another length than before.")
        if array.dtype.kind in TEXT and array.dtype.itemsize > 4 * _LONGEST_TEXT:
            raise DataFileError(
                f"{file}: '{column.key}' has texts of over {_LONGEST_TEXT} letters."
            )
        number = column.number
        blocks = [block if number is None else block[:, number] for block in array.blocks]
    values = np.concatenate(blocks)
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataFileError(f"{file}: {column.name} is {values[row]} in row {row}, no number.")
    return values


def _make_grid(
    file: Path, values: dict[str, tuple[float, ...]], names: dict[str, tuple[str, ...]]
) -> FactorGrid:
    if not values:
        raise DataFileError(f"{file}: all images have the same factors; there is nothing to vary.")
    size = 1
    for of in values.values():
        size *= len(of)
    if size > LARGEST_GRID:
        longest = max(values, key=lambda name: len(values[name]))
        raise DataFileError(
            f"{file}: its factors have {size:,} combinations, at most {LARGEST_GRID:,} are "
            f"taken; {longest} has {len(values[longest]):,} values. Round it, or leave it out by "
            "dataset.factor_keys."
        )
    return FactorGrid(values, names)


def _check_single(file: Path, grid: FactorGrid, indices: Indices) -> None:
    """Check that no combination is there twice."""
    order = np.argsort(indices, kind="stable")
    again = np.flatnonzero(np.diff(indices[order]) == 0)
    if len(again):
        first, second = order[again[0]], order[again[0] + 1]
        classes = grid.classes(indices[first : first + 1])[0]
        words = [
            f"{name}={grid.name_value(name, int(number))}"
            for name, number in zip(grid.names, classes, strict=True)
        ]
        raise DataFileError(
            f"{file}: rows {first} and {second} (counted from 0) have the same factors, "
            f"{join_lines(', '.join(words), 150)}; {len(again):,} images are of combinations that "
            "are there already. Every combination may be there once."
        )
