"""What an archive of arrays is, whatever its format."""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from disentgen.errors import DataFileError, UsageError

#: Written into archives made here: such a file is never the original.
STAND_IN_MARK = "stand-in rendered by disent-and-gen; not the original images"

#: Rows of an array that are read or drawn at a time, where nothing else is more convenient.
BLOCK = 4096

#: NumPy's letters of what is read: truth values, whole numbers, floats; and text.
NUMBERS, TEXT = "buif", "US"
#: More arrays than this are not a dataset.
LARGEST_COUNT = 1000

_KEYS_SHOWN = 8
#: Failures that say nothing of what is in a file.
_UNREADABLE = (errno.EACCES, errno.EPERM, errno.ENOENT, errno.EIO, errno.ESTALE)


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


class Header(NamedTuple):
    """What an archive says of an array, without reading it.

    Args:
        shape: of all of it.
        kind: NumPy's letter for what it holds; text of any length is ``U``, objects are ``O``.
        dtype: in words, such as ``uint8``.
    """

    shape: tuple[int, ...]
    kind: str
    dtype: str


class ArchiveFormat(Protocol):
    """What a module must define to be the format of a published file.

    A file whose hash is not the published one may hold anything: only :meth:`is_stand_in`,
    :meth:`describe_array` and :meth:`list_arrays` are asked about it, which end in seconds and in
    little memory; a file that is a user's own is read when these have ended well.
    """

    def is_stand_in(self, path: Path) -> bool:
        """Whether a file bears the mark of a stand-in."""

    def describe_array(self, path: Path, key: str) -> tuple[tuple[int, ...], str]:
        """Shape and type of an array, such as ``uint8``.

        Raises:
            DataFileError: the archive is damaged, cannot be read, or holds no such array.
        """

    def list_arrays(self, path: Path) -> dict[str, Header]:
        """All arrays by name, in the order of the file.

        Raises:
            DataFileError: the archive is damaged or cannot be read.
        """

    def open_array(
        self, path: Path, key: str, kinds: str = NUMBERS
    ) -> AbstractContextManager[StoredArray]:
        """Open an array of plain numbers, or of text; nothing in the file is ever unpickled.

        Args:
            path: of the archive.
            key: name of the array.
            kinds: NumPy's letters of what it may hold.

        Raises:
            DataFileError: the archive is damaged, cannot be read, or holds no such array.
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


def is_no_stand_in(path: Path) -> bool:
    """False: for formats in which no stand-in is written."""
    return False


def refuse_stand_in(
    path: Path,
    key: str,
    shape: tuple[int, ...],
    blocks: Iterable[NDArray[np.uint8]],
    others: Mapping[str, NDArray[Any]],
) -> None:
    """Refuse to write a stand-in in a format that none is written in.

    Args:
        path: of the file.
        key: name of the array of bytes.
        shape: of all of it.
        blocks: its rows in order, (rows, *shape[1:]) each.
        others: arrays beside it, by name.

    Raises:
        UsageError: always.
    """
    raise UsageError(f"{path}: stand-ins are written as .npz, .h5 or .hdf5.")


@contextmanager
def parsing(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever parsing a damaged archive raises into one line.

    Only calls of the format's library belong into the block. Damaged bytes make such libraries fail
    in every way there is: beside their own errors, those of numbers, text, memory and recursion.

    Args:
        path: of the archive.
        kind: what it should be, such as ``an npz file``.

    Raises:
        DataFileError: anything was raised inside the block; it says where the bytes are not to
            blame.
    """
    try:
        yield
    except DataFileError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _UNREADABLE:
            raise DataFileError(f"cannot read {path}: {os.strerror(error.errno)}.") from None
        reason = _in_a_line(str(error) or type(error).__name__, 200)
        raise DataFileError(f"{path} is truncated, damaged or not {kind}: {reason}") from None


def lacks_array(path: Path, key: str, keys: Iterable[str]) -> DataFileError:
    """The error of an archive without an array, with some of those that it has.

    Args:
        path: of the archive.
        key: name of the array.
        keys: names of all arrays.
    """
    names = [_in_a_line(name, 40) for name in islice(keys, _KEYS_SHOWN + 1)]
    shown = ", ".join(names[:_KEYS_SHOWN]) + (" and others" if len(names) > _KEYS_SHOWN else "")
    return DataFileError(f"{path} has no array '{key}', only {shown or 'nothing'}.")


def _in_a_line(text: str, limit: int) -> str:
    """Text from inside a file, shortened, without what ends a line or moves a cursor."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * limit])
    shortened = " ".join(printable.split())
    return shortened if len(shortened) <= limit else f"{shortened[:limit]}…"
