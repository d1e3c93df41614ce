"""The specification that a ``dataset`` section means: a published one, or of a user's own file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from disentgen.dataset.originals.find import raw_folder
from disentgen.dataset.own.keep import open_spec
from disentgen.dataset.own.request import Request, name_dataset, split_names
from disentgen.dataset.spec import DatasetSpec, find_kept, find_spec, load_kept, load_specs
from disentgen.errors import DataFileError, UsageError
from disentgen.paths import expand

#: Settings of a ``dataset`` section that say what of a file is what.
KEYS = ("images_key", "factor_keys", "factor_names")


def choose_spec(section: Mapping[str, Any]) -> DatasetSpec:
    """The specification that a ``dataset`` section means.

    A file that was read before need not be there any more: its images are kept in the data folder,
    and the section's version says which they are.

    Args:
        section: checked; parameters of :func:`~disentgen.dataset.build.build_dataset`.

    Raises:
        UsageError: there is no such dataset, or settings exclude each other.
        DataFileError: a file of a user's own is not there, or holds no dataset, or another one
            than the section's version says.
    """
    if section["file"] is None:
        _refuse_keys(section)
        return find_spec(section["name"], section["version"])
    request, version = read_request(section), section["version"]
    if (kept := find_kept(request.name, version)) is not None:
        return load_kept(kept)
    spec = open_spec(request)
    if version not in (None, spec.version):
        raise DataFileError(
            f"{request.file} holds other images or factors than those of dataset.version={version}:"
            f" its version is {spec.version}."
        )
    return spec


def read_request(section: Mapping[str, Any]) -> Request:
    """What a ``dataset`` section with a file asks of it.

    Raises:
        UsageError: the dataset cannot be called as it would be.
    """
    file = locate_file(section["file"], section["root"])
    name = name_dataset(file, section["name"], frozenset(load_specs()))
    keys, names = (section[key] and tuple(split_names(section[key])) for key in KEYS[1:])
    return Request(file, name, section["images_key"], keys, names)


def locate_file(file: str, root: str | None) -> Path:
    """Where a user's file is: at its path, or else below the folder of raw data.

    Args:
        file: its path.
        root: folder of raw data; None for ``raw`` in the data folder.
    """
    path, below = expand(file), raw_folder(root)
    places = (path, below / file, below / path.name)
    return next((place for place in places if place.is_file()), path)


def _refuse_keys(section: Mapping[str, Any]) -> None:
    for key in KEYS:
        if section[key] is not None:
            raise UsageError(f"dataset.{key} needs dataset.file beside it, the file that it is of.")
