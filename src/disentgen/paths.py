"""Where data lies: ``$DISENTGEN_DATA``, else ``data/`` of the checkout, else ``./data``."""

import contextlib
import errno
import math
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from disentgen.errors import DataFileError, UsageError
from disentgen.text import shorten

#: Bytes of a path that a command is given: those of the files below it are longer.
MAXIMUM_PATH = 3_500

#: The file of weights of an exported model, whose folder has a ``config.json`` too, and is no run.
EXPORTED = "model.safetensors"

#: A folder of experiments that a link stands for holds experiments, and these hold runs.
_LEVELS_BELOW_LINKS = 2


def data_folder() -> Path:
    """The folder that holds ``raw``, ``sims`` and ``results``."""
    if chosen := os.environ.get("DISENTGEN_DATA"):
        return expand(chosen)
    checkout = Path(__file__).parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / "data"


def expand(path: str | Path) -> Path:
    """An absolute path, in which ``~`` is the home of a user.

    Raises:
        UsageError: there can be no such file: it is too long, say, or a circle of links.
    """
    try:
        expanded = Path(path).expanduser().absolute()
        expanded.stat()
    except (RuntimeError, ValueError) as error:  # no such user; an impossible character
        raise UsageError(f"{shorten(str(path))!r} is no path: {error}") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise UsageError(f"{shorten(str(path))} is no path: {error.strerror}.") from None
    if len(os.fsencode(expanded)) > MAXIMUM_PATH:
        raise UsageError(f"{shorten(str(path))} is too long a path.")
    return expanded


def make_folder(folder: Path) -> Path:
    """A folder, made if need be, with those that it is in.

    Raises:
        DataFileError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFileError(f"cannot write into {folder}: {error.strerror}.") from error
    return folder


def can_be_written(path: Path) -> bool:
    """Whether a file or folder can be written to; of one that is not there, whether it can be made.

    Access is asked for rather than modes read: file systems may be read-only for everybody.
    """
    there = next(place for place in (path, *path.absolute().parents) if place.exists())
    return os.access(there, os.W_OK)


@dataclass(frozen=True)
class FolderIdentity:
    """Which folder a path leads to, so that another one of its name is not taken for it.

    Args:
        path: of the folder.
        device: that it lies on.
        inode: its number there.
    """

    path: Path
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The folder that lies at a path."""
        known = path.stat()
        return cls(path, known.st_dev, known.st_ino)

    def check(self) -> None:
        """Check that the folder is where it was.

        Raises:
            DataFileError: it was deleted or renamed; in the latter case, where it is, if near.
        """
        if self._is_at(self.path):
            return
        beside = self.path.parent.glob("*") if self.path.parent.is_dir() else ()
        now = next(filter(self._is_at, beside), None)
        fate = "was deleted or moved" if now is None else f"is called {now} now"
        raise DataFileError(f"the folder {self.path} {fate}, so nothing more is written to it.")

    def _is_at(self, path: Path) -> bool:
        try:
            known = path.stat()
        except OSError:
            return False
        return (known.st_dev, known.st_ino) == (self.device, self.inode)


def walk_runs(folder: Path) -> Iterator[Path]:
    """The folders of runs below a folder, each once, by whatever links they are reached.

    A link may stand for a run, an experiment's folder or a folder of experiments: below it, runs
    are looked for two levels down, so that a link to a whole disk ends as a circle of links does.
    Links inside a run, or in folders of it, are not followed. A run that is there itself and by a
    link goes by its own path; folders that cannot be looked into are passed over.

    Args:
        folder: to look below; it may be a run itself.
    """
    # Links wait until all that is really there was seen.
    seen, links = set[tuple[int, int]](), list[tuple[Path, float, bool]]()
    waiting = [(folder, math.inf, False)]
    while waiting or links:
        place, depth, in_run = waiting.pop() if waiting else links.pop(0)
        with contextlib.suppress(OSError):
            status = place.stat()
            identity = status.st_dev, status.st_ino
            if identity in seen:
                continue
            seen.add(identity)
            with os.scandir(place) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
            names = {entry.name for entry in inside}
            is_run = "config.json" in names and EXPORTED not in names
            if is_run:
                yield place
            in_run = in_run or is_run
            for entry in inside if depth > 0 else ():
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), depth - 1, in_run))
                elif entry.is_symlink() and not in_run:
                    links.append((Path(entry.path), min(depth - 1, _LEVELS_BELOW_LINKS), False))


@contextlib.contextmanager
def replaced_whole(path: Path, check: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place once the block has ended well.

    A killed process therefore leaves either the old file or the new one, never half of one. A link
    at ``path`` is replaced, not followed; an empty file lies at the temporary path, which nobody
    else can have named before. The folder must be there: one that was deleted is not to come back
    as a folder of a single file.

    Args:
        path: of the file.
        check: raises an error where the file must stay as it is; called last of all, since writing
            and a process that sleeps take time.

    Raises:
        DataFileError: the folder is not there, or cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        check()
        temporary.replace(path)
    except DataFileError:
        raise
    except OSError as error:
        raise DataFileError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):  # the folder itself may not be there
            temporary.unlink()


def sweep_temporaries(folder: Path) -> None:
    """Remove what killed processes were writing into a folder that is this process's now.

    Only files are removed, and what cannot be is passed over.
    """
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            is_own = path.suffixes[-3:-2] == [f".{os.getpid()}"]  # another thread may be writing
            if stat.S_ISREG(path.lstat().st_mode) and not is_own:
                path.unlink()


def write_whole(
    path: Path, write: Callable[[Path], object], check: Callable[[], object] = lambda: None
) -> None:
    """Let ``write`` fill a temporary path, then put it in the place of ``path``.

    Args:
        path: of the file.
        write: fills the file at the path that it is called with.
        check: see :func:`replaced_whole`.
    """
    with replaced_whole(path, check) as temporary:
        write(temporary)
