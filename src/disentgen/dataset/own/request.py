"""What is asked of a user's own file: which of its arrays are images, and which are factors."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disentgen.errors import UsageError
from disentgen.text import shorten

#: Of a dataset, which names folders.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Request:
    """A file, and what of it makes a dataset.

    Args:
        file: path of it.
        name: of the dataset.
        images_key: the array of images; None where the file leaves no doubt.
        factor_keys: the arrays of factors, one for each factor, or a single one with a column for
            each; None likewise.
        factor_names: what the factors are called; by default as their arrays.
    """

    file: Path
    name: str
    images_key: str | None = None
    factor_keys: tuple[str, ...] | None = None
    factor_names: tuple[str, ...] | None = None

    @property
    def asked(self) -> list[object]:
        """All but the file, as plain data."""
        keys, names = self.factor_keys, self.factor_names
        return [self.images_key, keys and list(keys), names and list(names)]


def split_names(given: Any) -> Any:
    """Names as a list, where they are given with commas between them as a command line has them."""
    if not isinstance(given, str):
        return given
    return [word.strip(" '\"") for word in given.strip("[]() ").split(",") if word.strip()]


def name_dataset(file: Path, given: str | None, published: frozenset[str]) -> str:
    """The name of a file's dataset: the one that was given, or else the file's own.

    Args:
        file: path of it.
        given: the name that a user gave, if any.
        published: the names of other datasets.

    Raises:
        UsageError: it is another dataset's, or cannot name a folder.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.stem).lstrip("_.-") if given is None else given
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"dataset.name={shorten(name)!r} cannot name a dataset: give letters, digits, _, - and "
            "dots, the first one a letter or digit."
        )
    if name in published:
        raise UsageError(
            f"{file.name} would be called '{name}' as the published dataset is; give another "
            "dataset.name beside dataset.file."
        )
    return name
