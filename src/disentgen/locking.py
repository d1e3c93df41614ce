"""Files that one process at a time holds; the system lets go of them should the process die.

A file that is held is never deleted, so that all processes lock the same one, nor written to, so
that nothing is lost whatever stands in its place.
"""

import errno
import fcntl
import os
import random
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from disentgen.errors import DataFileError
from disentgen.files import OPENING

#: Of the pauses between attempts; leaves the generators of a training alone.
JITTER = random.SystemRandom()


class HeldError(Exception):
    """Another process holds the file."""


@dataclass
class Lock:
    """A file that this process holds.

    Args:
        path: of the file.
        descriptor: by which it is held.
        is_new: the file was made for this.
    """

    path: Path
    descriptor: int
    is_new: bool

    @classmethod
    def take(cls, path: Path, wait: bool = False) -> "Lock":
        """Hold a file, which is made if it is not there, in a folder that is.

        Args:
            path: of the file.
            wait: until no other process holds it.

        Raises:
            HeldError: another process holds it, and this one is not to wait.
            DataFileError: it cannot be made or locked.
        """
        while True:
            try:
                descriptor, is_new = _open(path)
            except OSError as error:
                raise DataFileError(f"cannot lock {path}: {_explain(error)}.") from error
            lock = cls(path, descriptor, is_new)
            try:
                if lock._lock(wait):
                    return lock
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # of a file that was removed meanwhile

    def _lock(self, wait: bool) -> bool:
        """Lock the file; False where it is not the one at its path any more."""
        try:
            while not _try(self.descriptor, fcntl.LOCK_EX):
                # Processes that only look hold it together, and for microseconds.
                if not _try(self.descriptor, fcntl.LOCK_SH) and not wait:
                    raise HeldError
                fcntl.flock(self.descriptor, fcntl.LOCK_UN)
                time.sleep(JITTER.uniform(0.001, 0.01))
        except OSError as error:
            raise DataFileError(f"cannot lock {self.path}: {_explain(error)}.") from error
        return _is_at(self.path, self.descriptor)

    def release(self) -> None:
        """Let go of the file."""
        os.close(self.descriptor)

    def withdraw(self) -> None:
        """Let go of the file as if it had never been held: one that was made for this is removed.

        A process that opened it meanwhile sees that it is gone, and makes it anew.
        """
        if self.is_new:
            self.path.unlink(missing_ok=True)
        self.release()


def is_held(path: Path) -> bool | None:
    """Whether a process of this machine holds a file, which is left as it is.

    Args:
        path: of the file.

    Returns:
        None where the file is not there, cannot be read or is none that can be held.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | OPENING)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return not _try(descriptor, fcntl.LOCK_SH)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    """A descriptor of a file that can be held, and whether it was made for this."""
    while True:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | OPENING, 0o666), True
        except FileExistsError:
            pass
        try:
            descriptor = os.open(path, os.O_RDWR | OPENING)
        except FileNotFoundError:
            if path.parent.is_dir():
                continue  # removed between the two attempts
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "it is no regular file")
        return descriptor, False


def _try(descriptor: int, kind: int) -> bool:
    """Lock a file if it can be done at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _explain(error: OSError) -> str:
    return "it is a link" if error.errno == errno.ELOOP else error.strerror or str(error)
