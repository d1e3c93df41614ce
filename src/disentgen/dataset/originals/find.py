"""Where published files lie, and whether they are there."""

import os
from pathlib import Path

from disentgen.dataset.spec import DatasetSpec
from disentgen.errors import DataFileError
from disentgen.paths import data_folder


def raw_folder(root: str | None) -> Path:
    """The folder of raw data files: the given one, else ``raw`` in the data folder."""
    # Of a user who is not there, Path.expanduser makes an error of its own.
    return Path(os.path.expanduser(root)).absolute() if root else data_folder() / "raw"  # noqa: PTH111


def list_places(spec: DatasetSpec, root: str | None) -> list[Path]:
    """Where the published file may lie: in its folder below the root, or in the root itself."""
    folder = raw_folder(root)
    return [
        place / name for place in (folder / spec.original.folder, folder)
        for name in spec.original.names
    ]  # fmt: skip


def find_original(spec: DatasetSpec, root: str | None) -> Path | None:
    """The published file, if there is one.

    Raises:
        DataFileError: its folder cannot be looked into.
    """
    try:
        return next((path for path in list_places(spec, root) if path.exists()), None)
    except OSError as error:
        raise DataFileError(f"cannot look for {error.filename}: {error.strerror}.") from error


def require_original(spec: DatasetSpec, root: str | None) -> Path:
    """The published file.

    Raises:
        DataFileError: it is not there; the message names path, address and hash.
    """
    path = find_original(spec, root)
    if path is None:
        raise DataFileError(
            f"the original {spec.title} file is not at {list_places(spec, root)[0]}; get it with "
            f"'python -m disentgen.dataset download {spec.words}' or from {spec.original.url} "
            f"({spec.original.hash}){', or use dataset.source=stand-in' if spec.render else ''}."
        )
    return path
