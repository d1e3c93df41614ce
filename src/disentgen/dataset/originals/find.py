"""Where published files lie, and whether they are there."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError
from disentgen.paths import data_folder, expand
from disentgen.text import shorten

#: Endings of archives that people convert published files to.
_ARCHIVES = (".npz", ".npy", ".h5", ".hdf5", ".zip", ".gz", ".tar", ".mat", ".pt", ".pkl")


def raw_folder(root: str | None) -> Path:
    """The folder of raw data files: the given one, else ``raw`` in the data folder.

    Raises:
        UsageError: there can be no such folder.
    """
    return expand(root) if root else data_folder() / "raw"


def check_root(root: str | None) -> None:
    """Check that a folder of raw data that was named is one.

    Raises:
        DataFileError: it is not there, or no folder.
    """
    if root is not None and not raw_folder(root).is_dir():
        raise DataFileError(f"the folder of raw data {shorten(root)} is not a folder.")


def list_places(spec: DatasetSpec, root: str | None) -> list[Path]:
    """Where a published file may lie: in its folder below the root, or in the root itself.

    Names that are patterns may be anybody's, and are looked for in the folder alone; where none is
    there, the pattern stands in their place.
    """
    folder = raw_folder(root)
    return [
        path
        for form in spec.original.forms
        for place in (folder / form.folder, folder)
        for name in form.names
        for path in (_match(place, name, form.folder) if "*" in name else [place / name])
    ]


def _match(place: Path, pattern: str, folder: str) -> list[Path]:
    if place.name != folder:
        return []
    return sorted(place.glob(pattern)) or [place / pattern]


def find_original(spec: DatasetSpec, root: str | None) -> Path | None:
    """A published file, if there is one; links to files are as good as files.

    Raises:
        DataFileError: its folder cannot be looked into, or in its place is a link to nowhere, or
            something else that is no file.
    """
    problem = None
    for path in list_places(spec, root):
        try:
            if is_file(path):
                return path
        except DataFileError as error:
            problem = problem or error
    if problem is not None:
        raise problem
    return None


def is_file(path: Path) -> bool:
    """Whether there is a file, by way of links.

    Raises:
        DataFileError: there is something else, or that cannot be seen.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataFileError(f"cannot look for {str(path)!r}: {reason}.") from error
    try:
        mode = path.stat().st_mode
    except OSError as error:
        target = os.path.realpath(path)
        reason = "which is not there" if isinstance(error, FileNotFoundError) else error.strerror
        raise DataFileError(f"{path} is a link to {target}, {reason}.") from error
    if not stat.S_ISREG(mode):
        raise DataFileError(f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'no file'}.")
    return True


def require_original(spec: DatasetSpec, root: str | None) -> Path:
    """A published file: below the root, or else below ``raw`` in the data folder.

    Its hash says what it is, so a file that was moved to the data folder is the same data.

    Raises:
        DataFileError: it is not there; the message names path, address and hash.
    """
    path = find_original(spec, root) or (find_original(spec, None) if root else None)
    if path is None:
        raise DataFileError(
            f"the original {spec.title} file is not at {list_places(spec, root)[0]}"
            f"{describe_near(spec, root)}; {_advise(spec)}"
            f"{', or use dataset.source=stand-in' if spec.render else ''}."
        )
    return path


def _advise(spec: DatasetSpec) -> str:
    """How the published file can be had."""
    original = spec.original
    if not original.urls:
        return "nobody has given an address that it can be fetched from"
    known = f" ({original.hash})" if original.hash else ""
    return (
        f"get it with 'python -m disentgen.dataset download {spec.words}' or from "
        f"{' or '.join(original.urls)}{known}"
    )


def describe_absence(spec: DatasetSpec, root: str | None) -> str:
    """Why a published file is not used, where a stand-in takes its place."""
    try:
        path = find_original(spec, root)
    except DataFileError as error:
        return str(error).removesuffix(".")
    if path is not None:
        return f"{path} is left aside"
    return f"no original at {list_places(spec, root)[0]}{describe_near(spec, root)}"


def describe_near(spec: DatasetSpec, root: str | None) -> str:
    """Words on a file that has a published file's name with another ending; none if none has."""
    for path in _list_near(spec, root):
        return (
            f" ({path} is not one of the published files, so nothing shows that its images are the "
            "original ones)"
        )
    return ""


def _list_near(spec: DatasetSpec, root: str | None) -> Iterator[Path]:
    places = list_places(spec, root)
    for place in places:
        for ending in _ARCHIVES:
            near = place.with_suffix(ending)
            if near not in places and near.is_file():
                yield near
