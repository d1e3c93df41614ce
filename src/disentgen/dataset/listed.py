"""Combinations listed in a file: a row of classes, or an index, for each image."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices
from disentgen.dataset.originals.npz import open_array
from disentgen.dataset.sides import Mask, Sides
from disentgen.errors import DataFileError
from disentgen.files import open_regular
from disentgen.paths import expand

#: The array of an npz file, as :func:`numpy.savez` calls one without a name, and so the published
#: lists of Schott et al. 2022.
KEY = "arr_0"
#: Bytes that a file may have: the largest grid as 64-bit classes takes 58 MB.
_BYTES = 256 * 2**20
#: The word that heads a column of indices.
INDEX = "index"
#: Digits of a file's hash in words.
_DIGITS = 16


def sides_from_files(grid: FactorGrid, held_in_file: str, held_out_file: str | None) -> Sides:
    """Sides that files list.

    Args:
        grid: the factor grid.
        held_in_file: of the images that may be shown.
        held_out_file: of those that are held out; by default all others.

    Raises:
        DataFileError: a file is not there, or does not list images of the grid, each once.
    """
    held_in, shown = read_listed(expand(held_in_file), grid)
    if held_out_file is None:
        return Sides(held_in, ~held_in, {"held_out": f"not {shown}", "held_in": shown})
    held_out, kept = read_listed(expand(held_out_file), grid)
    return Sides(held_in, held_out, {"held_out": kept, "held_in": shown})


def read_listed(path: Path, grid: FactorGrid) -> tuple[Mask, str]:
    """The images that a file lists.

    Args:
        path: of an npz file with one array ``arr_0``, or a CSV file with or without a line of
            names. Rows are classes of all factors (in the grid's order, or by name), or a single
            column is indices.
        grid: the factor grid.

    Returns:
        (images,) whether each is listed; and a line on the file, with its hash.

    Raises:
        DataFileError: the file is not there, damaged, or does not list images of the grid, each
            once.
    """
    readers = {".npz": _read_npz, ".csv": _read_csv}
    if path.suffix not in readers:
        raise DataFileError(f"{path} is neither of {', '.join(readers)}, which list images.")
    try:
        with open_regular(path, _BYTES) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise DataFileError(f"{path} is not there; it should list the images of a side.") from None
    indices = _find_indices(path, grid, readers[path.suffix](path, grid))
    mask = np.zeros(grid.size, dtype=bool)
    mask[indices] = True
    return mask, f"listed in {path.name} (sha256 {digest[:_DIGITS]})"


def write_listed(path: Path, indices: Indices) -> None:
    """Write a file that :func:`read_listed` reads.

    Args:
        path: of the new file.
        indices: (n,) of the images to list.
    """
    with path.open("wb") as file:
        np.savez_compressed(file, indices)  # called arr_0


def _read_npz(path: Path, grid: FactorGrid) -> NDArray[Any]:
    with open_array(path, KEY, any_order=True) as array:  # as transposed tables are saved
        fits = len(array.shape) == 1 or array.shape[1:] in ((1,), (len(grid.names),))
        if not fits or array.shape[0] > grid.size:
            raise DataFileError(
                f"{path}: {KEY} has the shape {array.shape}; expected is (images, "
                f"{len(grid.names)}) of classes or (images,) of indices, of at most "
                f"{grid.size:,} images."
            )
        rows = [*array.blocks]
    return np.concatenate(rows) if rows else np.empty((0, len(grid.names)))


def _read_csv(path: Path, grid: FactorGrid) -> NDArray[Any]:
    with open_regular(path, _BYTES) as file:
        content = file.read()
    try:
        text = content.decode("utf-8-sig")
        first, _, rest = text.partition("\n")
        names = [name.strip().strip('"') for name in first.split(",")]
        has_names = not all(_is_number(name) for name in names)
        rows = _read_numbers(rest if has_names else text)
    except ValueError as error:
        raise DataFileError(f"{path} is no table of numbers: {error}") from None
    return rows[:, _order_columns(path, grid, names)] if has_names else rows


def _read_numbers(text: str) -> NDArray[Any]:
    if not text.strip():
        raise ValueError("it lists no images")
    return np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2, comments=None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _order_columns(path: Path, grid: FactorGrid, names: Sequence[str]) -> list[int]:
    """The places of the columns in the grid's order."""
    if list(names) == [INDEX]:
        return [0]
    if sorted(names) != sorted(grid.names):
        raise DataFileError(
            f"{path} has the columns {', '.join(names)}; expected are {', '.join(grid.names)}, or "
            f"{INDEX} alone."
        )
    return [list(names).index(name) for name in grid.names]


def _find_indices(path: Path, grid: FactorGrid, rows: NDArray[Any]) -> Indices:
    """The images of rows of classes (n, factors) or of indices (n,) or (n, 1)."""
    columns = 1 if rows.ndim == 1 else rows.shape[1]
    if columns not in (1, len(grid.names)):
        raise DataFileError(
            f"{path} has {columns} columns; expected are the classes of {', '.join(grid.names)}, "
            "or indices."
        )
    table = rows.reshape(len(rows), columns)
    limits = np.array([grid.size] if columns == 1 < len(grid.names) else grid.sizes)
    bad = ~((table >= 0) & (table < limits) & (table == np.floor(table))).all(axis=1)
    if bad.any():
        row = int(bad.argmax())
        raise DataFileError(
            f"{path}: row {row} ({', '.join(f'{number:g}' for number in table[row])}) is not of "
            f"the grid; whole numbers from 0 to below {', '.join(map(str, limits))} are."
        )
    whole = table.astype(np.int64)
    indices = whole[:, 0] if columns == 1 else grid.indices(whole)
    first, counts = np.unique(indices, return_counts=True)
    if len(first) < len(indices):
        twice = np.flatnonzero(indices == first[counts.argmax()])[:2]
        raise DataFileError(f"{path}: rows {twice[0]} and {twice[1]} are the same image.")
    return indices
