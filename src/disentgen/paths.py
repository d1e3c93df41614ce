"""Where data lies: ``$DISENTGEN_DATA``, else ``data/`` of the checkout, else ``./data``."""

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from disentgen.errors import DataFileError, UsageError
from disentgen.text import shorten

#: Bytes of a path that a command is given: those of the files below it are longer.
MAXIMUM_PATH = 3_500


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


@contextlib.contextmanager
def replaced_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place once the block has ended well.

    A killed process therefore leaves either the old file or the new one, never half of one.

    Raises:
        DataFileError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except DataFileError:
        raise
    except OSError as error:
        raise DataFileError(f"cannot write {path}: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):  # the folder itself may not be there
            temporary.unlink()


def sweep_temporaries(folder: Path) -> None:
    """Remove what killed processes were writing into a folder that is this process's now."""
    for path in folder.glob(".*.tmp"):
        if path.suffixes[-3:-2] != [f".{os.getpid()}"]:  # another thread may be writing
            path.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary path, then put it in the place of ``path``."""
    with replaced_whole(path) as temporary:
        write(temporary)
