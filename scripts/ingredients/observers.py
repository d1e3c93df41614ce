"""Where Sacred keeps a run: its own folder below ``data/sims/<experiment>``."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sacred.observers import FileStorageObserver
from sacred.serializer import flatten

from disentgen.errors import DataFileError
from disentgen.paths import FolderIdentity, write_whole


class RunFolderObserver(FileStorageObserver):
    """Sacred's file observer, with files that are always whole, and runs that can go on.

    Once a run has started, Sacred prints a traceback for a file that cannot be written, and then
    ends it well. Here it is remembered which files are not as they should be; see :meth:`check`.

    Args:
        basedir: the folder of an experiment's runs.
        goes_on: the run's folder is there already, and is to be continued.
    """

    def __init__(self, basedir: Path, goes_on: bool = False):
        super().__init__(basedir)
        self.goes_on = goes_on
        self.metrics: dict[str, dict[str, list[Any]]] = {}
        self.identity: FolderIdentity | None = None
        self.started = False
        self.problems: dict[str, OSError] = {}

    def _make_run_dir(self, _id: str | None) -> None:
        if self.goes_on:
            self.dir = str(Path(self.basedir) / str(_id))
        else:
            super()._make_run_dir(_id)
        self.identity = FolderIdentity.of(Path(str(self.dir)))

    def started_event(self, *args: Any, **options: Any) -> str:
        """Make the run's folder and write its first files.

        Raises:
            DataFileError: it cannot be written.
        """
        try:
            name = super().started_event(*args, **options)
        except OSError as error:
            raise self._explain(error) from error
        self.started = True
        return str(name)

    def check(self) -> None:
        """Check that all files of the run are as they should be.

        Raises:
            DataFileError: one was not written when it was last to be.
        """
        for problem in self.problems.values():
            raise self._explain(problem) from problem

    def _explain(self, error: OSError) -> DataFileError:
        if isinstance(error, DataFileError):
            return error
        return DataFileError(f"cannot write {self.dir or self.basedir}: {error.strerror or error}.")

    def _write(self, filename: str, write: Callable[[], object]) -> None:
        """Write a file, or remember why it was not written; at the start, fail."""
        try:
            if self.identity is not None:
                self.identity.check()
            write()
            self.problems.pop(filename, None)
        except OSError as error:
            if not self.started:
                raise
            self.problems[filename] = error

    def save_cout(self) -> None:
        """Add to ``cout.txt`` what was printed since the last time."""
        self._write("cout.txt", super().save_cout)

    def log_metrics(self, metrics_by_name: dict[str, Any], info: dict[str, Any]) -> None:
        """Add to ``metrics.json``; a run that goes on logs all its epochs anew."""
        for name, added in metrics_by_name.items():
            kept = self.metrics.setdefault(name, {"values": [], "steps": [], "timestamps": []})
            kept["values"] += added["values"]
            kept["steps"] += added["steps"]
            kept["timestamps"] += [moment.isoformat() for moment in added["timestamps"]]
        if metrics_by_name:
            self.save_json(self.metrics, "metrics.json")

    def save_json(self, obj: Any, filename: str) -> None:
        """Write plain data to a file of the run's folder."""
        text = json.dumps(flatten(obj), sort_keys=True, indent=2)
        path = Path(str(self.dir)) / filename
        self._write(filename, lambda: write_whole(path, lambda file: file.write_text(text)))


def check_writable(folder: Path, name: str | None) -> None:
    """Check, before any work, that a run can be written to a folder, without making it.

    Args:
        folder: of an experiment's runs.
        name: of the new run, where the user chose it.

    Raises:
        DataFileError: the folder cannot be made or written to, or the run is there already.
    """
    try:
        if name is not None and (folder / name).exists():
            raise DataFileError(f"there already is a run {folder / name}; choose another --id.")
        existing = next(place for place in (folder, *folder.parents) if place.exists())
    except PermissionError as error:
        raise DataFileError(f"cannot write runs to {folder}: {error.strerror}.") from error
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise DataFileError(
            f"cannot write runs to {folder}: {existing} is not a folder that can be written to. "
            "The environment variable DISENTGEN_DATA chooses another place."
        )
