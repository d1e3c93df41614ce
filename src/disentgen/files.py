"""Files of a run's folder, which may come from anybody: regular ones inside it, of bounded sizes.

Symbolic links, pipes, sockets and devices are neither read nor written, and nothing waits for
them. The folder itself may be reached by a link.
"""

import contextlib
import os
import stat
import zipfile
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from disentgen.errors import DataFileError
from disentgen.text import join_lines

#: Bytes that a file may have: plain data as JSON or CSV, pictures, arrays, weights.
TEXT_BYTES = 64 * 2**20
PICTURE_BYTES = 256 * 2**20
ARRAY_BYTES = 4 * 2**30
#: Neither follows a link, which could stand for any file, nor waits for the end of a pipe.
OPENING = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
KINDS = {
    stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


def measure_memory() -> int:
    """The bytes of this machine's memory; weights that are larger cannot be used on it."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@contextlib.contextmanager
def open_regular(path: Path, limit: int) -> Iterator[BufferedReader]:
    """Open a regular file for reading.

    Args:
        path: of the file.
        limit: the bytes that it may have.

    Raises:
        FileNotFoundError: there is none.
        DataFileError: it is no regular file, is too large, or cannot be read.
    """
    with _named(path):
        _require_kind(path, path.lstat())
        # What became a link or a pipe since is neither followed nor waited for.
        file = os.open(path, os.O_RDONLY | OPENING)
    with os.fdopen(file, "rb") as opened, _named(path):
        status = os.fstat(file)
        _require_kind(path, status)
        if status.st_size > limit:
            raise DataFileError(
                f"{path} has {status.st_size:,} bytes; {limit:,} are accepted of such a file."
            )
        yield opened


def read_regular(path: Path, limit: int = TEXT_BYTES) -> bytes | None:
    """The content of a regular file; None where there is none.

    Args:
        path: of the file.
        limit: the bytes that it may have.

    Raises:
        DataFileError: it is no regular file, is too large, or cannot be read.
    """
    try:
        with open_regular(path, limit) as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        return None


def exists(path: Path) -> bool:
    """Whether there is something of that name, be it usable or not."""
    return os.path.lexists(path)


def check_regular(path: Path) -> None:
    """Check that there is a regular file of that name, or nothing.

    Raises:
        DataFileError: there is something else, which leads elsewhere.
    """
    with _named(path):
        if exists(path):
            _require_kind(path, path.lstat())


def append_regular(path: Path, content: bytes) -> None:
    """Append to a regular file that has no other name, or make one.

    Args:
        path: of the file.
        content: to be added.

    Raises:
        DataFileError: there is something else of that name, or it cannot be written to.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | OPENING
    check_regular(path)
    with _named(path, "written"):
        file = os.open(path, flags, 0o666)
        with os.fdopen(file, "ab") as opened:
            status = os.fstat(file)
            _require_kind(path, status)
            if status.st_nlink > 1:
                raise DataFileError(f"{path} is another file too: it has several names.")
            opened.write(content)


def remove_file(path: Path) -> None:
    """Remove a file of a run's folder, or a link of its name, if there is one.

    Raises:
        DataFileError: it is a folder, or cannot be removed.
    """
    with _named(path, "removed"):
        path.unlink(missing_ok=True)


def check_tree(folder: Path) -> None:
    """Check that whatever is written to files below a folder stays there.

    Args:
        folder: of which another program writes the files; it need not be there.

    Raises:
        DataFileError: a link leads elsewhere, or a file is there by another name too.
    """
    root = folder.resolve()
    for path in folder.rglob("*"):
        status = path.lstat()
        leads_away = stat.S_ISLNK(status.st_mode) and not path.resolve().is_relative_to(root)
        if leads_away or (not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1):
            raise DataFileError(f"{path} leads out of {folder}, so nothing is written there.")


def own_folder(path: Path) -> Path:
    """The path of a folder inside a run's, which is there or can be made.

    Raises:
        DataFileError: it is a link, or no folder.
    """
    with _named(path):
        if exists(path) and not stat.S_ISDIR(mode := path.lstat().st_mode):
            raise DataFileError(f"{path} is {_name_kind(mode)}, where a folder is expected.")
    return path


def check_archive(file: BufferedReader, path: Path) -> None:
    """Check that a zip archive holds no more than its own bytes: nothing is packed or shared.

    Args:
        file: opened at its start, where it is left.
        path: of the file, for messages.

    Raises:
        DataFileError: it is no archive, is cut off, or would unpack to more than it is.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise DataFileError(f"{path} is damaged: {error}") from error
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > os.fstat(file.fileno()).st_size:
        raise DataFileError(f"{path} is damaged: its parts are not those that were stored in it.")
    file.seek(0)


@contextlib.contextmanager
def _named(path: Path, done: str = "read") -> Iterator[None]:
    """Any failure of the system as one of the file's; what is not there stays a matter of its own.

    Args:
        path: of the file.
        done: what is being done to it.
    """
    try:
        yield
    except (FileNotFoundError, DataFileError):
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataFileError(f"{path} cannot be {done}: {join_lines(reason or error)}.") from error


def _require_kind(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise DataFileError(
            f"{path} is {_name_kind(status.st_mode)}, where a regular file is expected."
        )


def _name_kind(mode: int) -> str:
    return KINDS.get(stat.S_IFMT(mode), "a file" if stat.S_ISREG(mode) else "no regular file")
