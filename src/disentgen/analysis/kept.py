"""Results that are measured once and kept: plain data in one JSON file, arrays in a file each."""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from disentgen.errors import DataFileError
from disentgen.files import ARRAY_BYTES, check_archive, open_regular, read_regular
from disentgen.paths import make_folder, write_whole
from disentgen.versions import list_versions

#: Libraries whose versions are kept beside a result, and the project's own.
LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "torch")


class Entry(BaseModel):
    """One result, and what computed it.

    Args:
        revision: of the computation.
        versions: of the project and of libraries, by name.
        result: as plain data.
    """

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
        writable: whether more can be kept.
    """

    def __init__(self, path: Path, stamp: dict[str, Any], writable: bool = True):
        self.path = path
        self.stamp = stamp
        self.writable = writable

    def recall(
        self,
        name: str,
        images: int,
        revision: int,
        measure: Callable[..., Any],
        *given: Any,
        fits: Callable[[Any], bool] = lambda result: True,
    ) -> Any:
        """The result that is kept, as plain data; where there is none, measure and keep it.

        Args:
            name: of the result.
            images: that it is asked for; other numbers have results of their own.
            revision: of the computation; a result of another one is measured anew.
            measure: the computation.
            given: to it.
            fits: whether a kept result has the shape of what is computed; one of another shape is
                measured anew.
        """
        entry = self._load().measured.get(name, {}).get(str(images))
        if entry is None or entry.revision != revision or not fits(entry.result):
            entry = Entry(
                revision=revision,
                versions=list_versions(LIBRARIES),
                result=as_plain(measure(*given)),
            )
            if self.writable:
                self._keep(name, images, entry)
        return entry.result

    def has(self, name: str, images: int, revision: int) -> bool:
        """Whether a result is kept.

        Args:
            name: of the result.
            images: that it is asked for.
            revision: of the computation.
        """
        entry = self._load().measured.get(name, {}).get(str(images))
        return entry is not None and entry.revision == revision

    def _keep(self, name: str, images: int, entry: Entry) -> None:
        # Read again: other results may have been kept while this one was measured.
        content = self._load()
        content.measured.setdefault(name, {})[str(images)] = entry
        text = content.model_dump_json(indent=1) + "\n"
        make_folder(self.path.parent)
        write_whole(self.path, lambda file: file.write_text(text, encoding="utf-8"))

    def _load(self) -> Content:
        empty = Content(stamp=self.stamp, measured={})
        try:
            kept = read_regular(self.path)
            content = empty if kept is None else Content.model_validate_json(kept)
        except (DataFileError, ValidationError):
            return empty
        return content if content.stamp == self.stamp else empty


def list_kept(path: Path) -> list[str]:
    """The names of the results in a file of :class:`KeptResults`, whatever they were made from."""
    try:
        content = read_regular(path)
        return [] if content is None else list(Content.model_validate_json(content).measured)
    except (DataFileError, ValidationError):
        return []


class KeptArrays:
    """Named arrays by name and number of images, in a file ``<name>_<images>.npz`` each.

    A file that cannot be read, or has another stamp, is written anew.

    Args:
        folder: of the files.
        stamp: what the arrays depend on beside their name and number of images, as plain data.
        writable: whether more can be kept.
    """

    def __init__(self, folder: Path, stamp: dict[str, Any], writable: bool = True):
        self.folder = folder
        self.stamp = stamp
        self.writable = writable

    def recall(
        self,
        name: str,
        images: int,
        revision: int,
        measure: Callable[[], Mapping[str, NDArray[Any]]],
        load: Callable[[Mapping[str, NDArray[Any]]], Any] = dict,
    ) -> Any:
        """What kept arrays, of any shapes, stand for; where there are none, measure and keep them.

        Args:
            name: of the arrays together.
            images: that they are asked for; other numbers have files of their own.
            revision: of the computation; arrays of another one are measured anew.
            measure: the computation, of named arrays.
            load: makes the result of named arrays, (n, …) each; those that it cannot be made of
                are measured anew. By default the arrays themselves.
        """
        path = self.folder / f"{name}_{images}.npz"
        kept = self._load(path, revision)
        if kept is not None:
            with contextlib.suppress(LookupError, TypeError, ValueError):
                return load(kept)
        arrays = measure()
        if self.writable:
            make_folder(path.parent)
            write_whole(path, lambda file: self._save(file, revision, arrays))
        return load(arrays)

    def _load(self, path: Path, revision: int) -> Mapping[str, NDArray[Any]] | None:
        try:
            with open_regular(path, ARRAY_BYTES) as opened:
                check_archive(opened, path)
                with np.load(opened) as file:
                    kept = {name: file[name] for name in file.files}
            # Files of the first revision need not say so.
            same = int(kept.pop("revision", 1)) == revision
            return kept if str(kept.pop("stamp")) == json.dumps(self.stamp) and same else None
        except Exception:  # damaged bytes make their readers raise whatever they meet
            return None

    def _save(self, path: Path, revision: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        content: dict[str, Any] = {"stamp": json.dumps(self.stamp), "revision": revision, **arrays}
        with path.open("wb") as file:
            np.savez(file, **content)


def has_numbers(names: Iterable[str], result: Any) -> bool:
    """Whether a result has all of some names, and under each a number, or None where it is none.

    Args:
        names: that are looked for.
        result: as plain data.
    """
    return isinstance(result, dict) and all(
        name in result
        and (result[name] is None or type(result[name]) in (int, float))  # True is no number
        for name in names
    )


def as_plain(value: Any) -> Any:
    """Arrays as lists, NaN as None: what JSON can hold."""
    if isinstance(value, dict):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return as_plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
