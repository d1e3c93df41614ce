"""What an archive of arrays is, whatever its format."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

#: Written into archives made here: such a file is never the original.
STAND_IN_MARK = "stand-in rendered by disent-and-gen; not the original images"

#: Rows of an array that are read or drawn at a time, where nothing else is more convenient.
BLOCK = 4096


@dataclass(frozen=True)
class StoredArray:
    """An array in an open archive; its rows are read from first to last, a block at a time.

    Args:
        shape: of all of it.
        dtype: of its numbers.
        blocks: its rows in order, some at a time, (rows, *shape[1:]) each.
    """

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
        """Write an array of bytes, block by block, and other arrays beside it, with the mark.

        Args:
            path: of the new file.
            key: name of the array of bytes.
            shape: of all of it.
            blocks: its rows in order, some at a time, (rows, *shape[1:]) each.
            others: arrays beside it, by name.
        """
