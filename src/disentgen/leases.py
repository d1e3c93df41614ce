"""What a machine holds on a file system that it shares, and loses when its signs of life stop.

A lease is a folder with one file, named after who has it. It is taken and taken over by renaming,
which one of several machines succeeds in, and renewed by the file's time of change, which the file
system's own clock gives: those of the machines need not agree. An empty folder is nobody's.
"""

import contextlib
import errno
import os
import platform
import stat
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote
from uuid import uuid4

from disentgen.files import OPENING
from disentgen.record import STALE_SECONDS
from disentgen.text import make_visible

#: Seconds between signs of life; ten that are missing end a lease.
BEAT_SECONDS = STALE_SECONDS / 10
#: Taking a lease lasts less than a second, and clocks of machines differ by less than this.
_FORGOTTEN_SECONDS = 24 * 3600


class LeasedError(Exception):
    """A process of another machine has the lease."""


@cache
def identify_machine() -> str:
    """A name of this machine as long as it runs; containers that share its kernel share it."""
    with contextlib.suppress(OSError):  # there on Linux alone
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return platform.node()


@dataclass(frozen=True)
class Holder:
    """Who has a lease.

    Args:
        file: whose name says it.
        beat: when the file was last changed, by the file system's clock.
    """

    file: Path
    beat: float

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Who has the lease of a folder; None if nobody.

        Raises:
            OSError: it is no lease's folder.
        """
        for file in _list(folder):
            with contextlib.suppress(FileNotFoundError):
                return cls(file, _read_time(file))
        return None

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, whose locks are seen here."""
        return self.file.name.startswith(f"{_quote(identify_machine())}_")

    def has_lost(self, now: float) -> bool:
        """Whether there has been no sign of life for so long that the lease is lost.

        Args:
            now: by the file system's clock.
        """
        return now - self.beat > STALE_SECONDS

    def __str__(self) -> str:
        _, host, pid, *_ = [*map(unquote, self.file.name.split("_")), "", ""]
        return make_visible(f"process {pid} on {host}")


@dataclass
class Lease:
    """A folder that this machine has, renewed by a thread as long as the process lives.

    Args:
        folder: the lease's.
        name: of the file in it.
    """

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        threading.Thread(target=self._beat, name="lease", daemon=True).start()

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Take a lease that nobody has, or that another machine has lost.

        Processes of one machine see each other's locks: between them, a lease decides nothing.

        Args:
            folder: of the lease, which need not be there; the one that it is in is.

        Raises:
            LeasedError: a process of another machine has it.
            OSError: the file system does not let it be taken.
        """
        name = "_".join(map(_quote, (identify_machine(), platform.node(), str(os.getpid()))))
        name = f"{name}_{uuid4().hex}"
        own = folder.with_name(f".{name[-32:]}.lease")
        own.mkdir()
        try:
            (own / name).touch()
            while not _rename(own, folder):
                holder = Holder.find(folder)
                if holder is None:  # some file systems rename to no folder that is there
                    _remove_empty(folder)
                    continue
                if not holder.is_here and not holder.has_lost((own / name).stat().st_mtime):
                    raise LeasedError(str(holder))
                if _take_over(holder.file, name):
                    break
                os.utime(own / name)
            _sweep(folder.parent, time.time())
        finally:
            _remove(own, name)
        return cls(folder, name)

    @property
    def is_lost(self) -> bool:
        """Whether another machine has taken the lease over.

        Raises:
            OSError: it cannot be seen.
        """
        try:
            (self.folder / self.name).lstat()
        except FileNotFoundError:
            return True
        return False

    def release(self) -> None:
        """Give the lease back; one that is lost stays whoever's it is.

        One that cannot be given back, in a folder that cannot be written to any more, is lost by
        and by.
        """
        self._ended.set()
        _remove(self.folder, self.name)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            # A file system that does not answer once may do so the next time.
            with contextlib.suppress(OSError):
                os.utime(self.folder / self.name)


def is_leased_elsewhere(folder: Path) -> bool:
    """Whether a process of another machine has a lease, as far as can be seen without writing.

    Args:
        folder: of the lease.
    """
    try:
        holder = Holder.find(folder)
    except OSError:
        return False
    return holder is not None and not holder.is_here and not holder.has_lost(time.time())


def _quote(text: str) -> str:
    """Text as a part of a file's name."""
    return quote(text, safe="").replace("_", "%5F")


def _list(folder: Path) -> list[Path]:
    if folder.is_symlink():
        raise OSError(errno.ELOOP, f"{folder} is a link")
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _read_time(file: Path) -> float:
    """When a file was last changed; a network file system is asked again when it is opened."""
    descriptor = os.open(file, os.O_RDONLY | OPENING)
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"{file} is no regular file")
    return status.st_mtime


def _rename(own: Path, folder: Path) -> bool:
    """Put a folder with its file in the place of none, or of an empty one, if it can be done."""
    try:
        own.rename(folder)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _take_over(file: Path, name: str) -> bool:
    """Give a holder's file another name, unless someone else has done so.

    Its time is renewed before, so that nobody sees the new name with the old time.
    """
    try:
        os.utime(file)
        file.rename(file.with_name(name))
    except FileNotFoundError:
        return False
    return True


def _sweep(parent: Path, now: float) -> None:
    """Remove what processes have left that were killed while they took a lease, long ago.

    Args:
        parent: of leases.
        now: by this machine's clock.
    """
    for own in parent.glob(".*.lease"):
        with contextlib.suppress(OSError):
            if now - own.lstat().st_mtime > _FORGOTTEN_SECONDS:
                for file in _list(own):
                    _remove(own, file.name)
                _remove_empty(own)


def _remove(folder: Path, name: str) -> None:
    """Remove a file and its folder; the folder stays where it is somebody else's by now."""
    with contextlib.suppress(OSError):
        (folder / name).unlink()
    _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Remove a folder unless it is not empty, or not there."""
    with contextlib.suppress(OSError):
        folder.rmdir()
