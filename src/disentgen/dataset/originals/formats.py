"""Archives of arrays in the formats of published files, chosen by the ending of the name."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from disentgen.errors import UsageError

#: Written into archives made here: such a file is never the original.
STAND_IN_MARK = "stand-in rendered by disent-and-gen; not the original images"

#: Rows of an array that are read or drawn at a time, where nothing else is more convenient.
BLOCK = 4096


@dataclass(frozen=True)
class StoredArray:
    """An array in an open archive; its rows are read from first to last, a block at a time."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Iterator[NDArray[Any]]


class ArchiveFormat(Protocol):
    """What a module must define to be the format of a published file."""

    def is_stand_in(self, path: Path) -> bool:
        """Whether a file bears the mark of a stand-in."""

    def open_array(self, path: Path, key: str) -> AbstractContextManager[StoredArray]:
        """Open an array of plain numbers; nothing in the file is ever unpickled.

        Raises:
            DataFileError: the archive is damaged, or holds no such array.
        """

    def write_stand_in(
        self,
        path: Path,
        key: str,
        shape: tuple[int, ...],
        blocks: Iterable[NDArray[np.uint8]],
        others: Mapping[str, NDArray[Any]],
    ) -> None:
        """Write an array of bytes, block by block, and other arrays beside it, with the mark."""


def find_format(path: Path) -> ArchiveFormat:
    """The format of an archive, by the ending of its name.

    Raises:
        UsageError: the name ends otherwise.
    """
    # Each format is imported on its own: h5py takes time to start.
    if path.suffix == ".npz":
        from disentgen.dataset.originals import npz

        return npz
    if path.suffix in (".h5", ".hdf5"):
        from disentgen.dataset.originals import hdf5

        return hdf5
    raise UsageError(f"{path}: expected a name that ends in .npz, .h5 or .hdf5.")
