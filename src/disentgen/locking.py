"""Files that one process at a time holds, and that are free again should it die.

Between processes of one machine the system's locks decide. Those of other machines may not be seen,
even on a file system that they share: between machines a lease decides, beside the file. A file
that is held is not written to, so that nothing is lost whatever stands in its place.
"""

import contextlib
import errno
import fcntl
import os
import random
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

from disentgen.errors import DataFileError, warn
from disentgen.files import OPENING
from disentgen.leases import Lease, LeasedError, is_leased_elsewhere
from disentgen.record import STALE_SECONDS

#: Of the pauses between attempts; leaves the generators of a training alone.
JITTER = random.SystemRandom()
#: Seconds that another machine is waited for without a word.
PATIENCE = 5.0


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
    #: By which other machines see that it is held.
    lease: Lease = field(init=False)

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
                if lock._lock(wait) and lock._take_lease(wait):
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

    def _take_lease(self, wait: bool) -> bool:
        """Keep other machines away; False where one has removed the file meanwhile.

        A wait that is not over soon is spoken of: it may be for a machine that was lost.
        """
        begun, is_said = time.monotonic(), False
        while True:
            try:
                self.lease = Lease.take(name_lease(self.path))
            except LeasedError as error:
                if not wait:
                    raise HeldError from error
                if not is_said and time.monotonic() - begun > PATIENCE:
                    is_said = True
                    warn(
                        f"waiting for {error}, which has {self.path}; {STALE_SECONDS} s at most if "
                        "it was lost."
                    )
                time.sleep(JITTER.uniform(0.1, 0.5))
            except OSError as error:
                raise DataFileError(f"cannot lock {self.path}: {_explain(error)}.") from error
            else:
                if not _is_at(self.path, self.descriptor):
                    self.lease.release()
                    return False
                return True

    def check(self) -> None:
        """Check that the file is still held.

        Raises:
            DataFileError: another machine has taken it over, or that cannot be seen.
        """
        try:
            is_lost = self.lease.is_lost
        except OSError as error:
            raise DataFileError(f"cannot read {self.path.parent}: {_explain(error)}.") from error
        if is_lost:
            raise DataFileError(
                f"{self.path.parent} has been taken over by another machine, which saw no sign of "
                f"life of this process for {STALE_SECONDS} s; nothing more is written to it."
            )

    def release(self) -> None:
        """Let go of the file."""
        self.lease.release()
        os.close(self.descriptor)

    def withdraw(self) -> None:
        """Let go of the file as if it had never been held: one that was made for this is removed.

        A process that opened it meanwhile sees that it is gone, and makes it anew. What cannot be
        removed, or is another machine's by now, stays.
        """
        with contextlib.suppress(OSError):
            if self.is_new and not self.lease.is_lost:
                self.path.unlink()
        self.release()


def name_lease(path: Path) -> Path:
    """The folder of the lease beside a file that can be held."""
    return path.with_suffix(".lease")


def is_held(path: Path) -> bool | None:
    """Whether a process holds a file, here or on another machine; nothing is changed.

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
        return not _try(descriptor, fcntl.LOCK_SH) or is_leased_elsewhere(name_lease(path))
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
