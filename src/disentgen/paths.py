"""Where data lies: ``$DISENTGEN_DATA``, else ``data/`` of the checkout, else ``./data``."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from disentgen.errors import DataFileError


def data_folder() -> Path:
    """The folder that holds ``raw``, ``sims`` and ``results``."""
    if chosen := os.environ.get("DISENTGEN_DATA"):
        return Path(chosen).expanduser().absolute()
    checkout = Path(__file__).parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / "data"


@contextlib.contextmanager
def replaced_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place once the block has ended well.

    A killed process therefore leaves either the old file or the new one, never half of one. A link
    at ``path`` is replaced, not followed; an empty file lies at the temporary path, which nobody
    else can have named before.

    Raises:
        DataFileError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
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
