"""Results that are measured once and kept in a JSON file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from disentgen.paths import write_whole
from disentgen.versions import list_versions

#: Libraries whose versions are kept beside a result, and the project's own.
LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "torch")


class Entry(BaseModel):
    """One result, the revision of the computation, and the versions of what computed it."""

    revision: int
    versions: dict[str, str]
    result: dict[str, Any] | list[dict[str, Any]]


class Content(BaseModel):
    """What the file holds: entries by name, then by the number of images asked for."""

    stamp: dict[str, Any]
    measured: dict[str, dict[str, Entry]]


class KeptResults:
    """Results by name and number of images; each is written as soon as it is there.

    A file that cannot be read, or has another stamp, is begun anew.

    Args:
        path: of the file.
        stamp: what the results depend on beside their name and number of images, as plain data.
    """

    def __init__(self, path: Path, stamp: dict[str, Any]):
        self.path = path
        self.stamp = stamp

    def recall(
        self, name: str, images: int, revision: int, measure: Callable[..., Any], *given: Any
    ) -> Any:
        """The result that is kept, as plain data; where there is none, measure and keep it.

        Args:
            name: of the result.
            images: that it is asked for; other numbers have results of their own.
            revision: of the computation; a result of another one is measured anew.
            measure: the computation.
            given: to it.
        """
        content = self._load()
        entries = content.measured.setdefault(name, {})
        entry = entries.get(str(images))
        if entry is None or entry.revision != revision:
            entry = Entry(
                revision=revision,
                versions=list_versions(LIBRARIES),
                result=as_plain(measure(*given)),
            )
            entries[str(images)] = entry
            text = content.model_dump_json(indent=1) + "\n"
            write_whole(self.path, lambda file: file.write_text(text, encoding="utf-8"))
        return entry.result

    def _load(self) -> Content:
        try:
            content = Content.model_validate_json(self.path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return Content(stamp=self.stamp, measured={})
        return content if content.stamp == self.stamp else Content(stamp=self.stamp, measured={})


def as_plain(value: Any) -> Any:
    """Arrays as lists, NaN as None: what JSON can hold."""
    if isinstance(value, dict):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return as_plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
