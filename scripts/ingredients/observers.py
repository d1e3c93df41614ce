"""Where Sacred keeps a run: its own folder below ``data/sims/<experiment>``."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from disentgen.errors import DataFileError
from disentgen.files import append_regular, check_regular, exists, own_folder
from disentgen.paths import make_folder, write_whole
from disentgen.run_directory import RunDirectory
from disentgen.training.signals import signals_held_back
from sacred_compat import FileStorageObserver, flatten, get_digest


class RunFolderObserver(FileStorageObserver):
    """Sacred's file observer, with files that are always whole, and runs that can go on.

    Once a run has started, Sacred prints a traceback for a file that cannot be written, and then
    ends it well. Here it is remembered which files are not as they should be; see :meth:`check`.

    Args:
        basedir: the folder of an experiment's runs.
    """

    def __init__(self, basedir: Path):
        super().__init__(basedir)
        # A template that lies beside a run holds code, and may be anybody's.
        self.template = None
        self.metrics: dict[str, dict[str, list[Any]]] = {}
        self.directory: RunDirectory | None = None
        self.started = False
        self.problems: dict[str, OSError] = {}

    def keep_in(self, directory: RunDirectory) -> None:
        """Keep the run in a prepared folder; another run may have begun there."""
        self.basedir, self.dir = str(directory.path.parent), str(directory.path)
        self.directory = directory

    def _make_run_dir(self, _id: str | None) -> None:
        """The folder is made before Sacred starts the run."""

    def started_event(self, ex_info: dict[str, Any], *args: Any, **given: Any) -> str:
        """Write all files of the start, or none where a signal comes in between.

        The sources are listed anew, in a copy: other observers have what Sacred has listed.

        Args:
            ex_info: the experiment, with its sources.
            args: as Sacred hands them over.
            given: likewise.

        Raises:
            DataFileError: one cannot be written.
        """
        try:
            with signals_held_back():
                name = super().started_event(deepcopy(ex_info), *args, **given)
        except OSError as error:
            raise self._explain(error) from error
        self.started = True
        return str(name)

    def failed_event(self, *args: Any, **options: Any) -> None:
        """Note the failure, unless it is that the run could not be started here."""
        if self.started:
            super().failed_event(*args, **options)

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

    def _write(self, filename: str, write: Callable[[], object]) -> bool:
        """Whether a file was written; it is remembered why it was not. At the start, fail."""
        try:
            self._check_folder()
            write()
            self.problems.pop(filename, None)
        except OSError as error:
            if not self.started:
                raise
            self.problems[filename] = error
        return filename not in self.problems

    def _check_folder(self) -> None:
        if self.directory is not None:
            self.directory.check()

    def log_metrics(self, metrics_by_name: dict[str, Any], info: dict[str, Any]) -> None:
        """Add to ``metrics.json``; a run that goes on logs all its epochs anew."""
        for name, added in metrics_by_name.items():
            kept = self.metrics.setdefault(name, {"values": [], "steps": [], "timestamps": []})
            kept["values"] += added["values"]
            kept["steps"] += added["steps"]
            kept["timestamps"] += [moment.isoformat() for moment in added["timestamps"]]
        if metrics_by_name:
            self.save_json(self.metrics, "metrics.json")

    def save_cout(self) -> None:
        """Append what has been printed since to ``cout.txt``."""
        printed = self.cout[self.cout_write_cursor :].encode("utf-8", "backslashreplace")
        path = Path(str(self.dir)) / "cout.txt"
        if self._write(path.name, lambda: append_regular(path, printed)):
            self.cout_write_cursor = len(self.cout)

    def save_file(self, filename: str, target_name: str | None = None) -> None:
        """Copy a file into the run's folder."""
        check_regular(Path(str(self.dir)) / (target_name or Path(filename).name))
        super().save_file(filename, target_name)

    def find_or_save(self, filename: str, store_dir: Path) -> Path:
        """Copy a source beside the runs, unless there is one of its content."""
        source, folder = Path(filename), make_folder(own_folder(Path(store_dir)))
        path = folder / f"{source.stem}_{get_digest(filename)}{source.suffix}"
        if not exists(path):
            content = source.read_bytes()
            write_whole(path, lambda file: file.write_bytes(content))
        return path

    def save_json(self, obj: Any, filename: str) -> None:
        """Write plain data to a file of the run's folder."""
        text = json.dumps(flatten(obj), sort_keys=True, indent=2)
        path = Path(str(self.dir)) / filename
        check = self._check_folder
        self._write(filename, lambda: write_whole(path, lambda file: file.write_text(text), check))


def check_writable(folder: Path) -> None:
    """Check, before any work, that a run can be written to a folder, without making it.

    Args:
        folder: of an experiment's runs.

    Raises:
        DataFileError: the folder cannot be made or written to.
    """
    try:
        existing = next(place for place in (folder, *folder.parents) if place.exists())
    except PermissionError as error:
        raise DataFileError(f"cannot write runs to {folder}: {error.strerror}.") from error
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise DataFileError(
            f"cannot write runs to {folder}: {existing} is not a folder that can be written to. "
            "The environment variable DISENTGEN_DATA chooses another place."
        )
