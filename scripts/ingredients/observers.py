"""Where Sacred keeps a run: its own folder below ``data/sims/<experiment>``."""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

from sacred.observers import FileStorageObserver
from sacred.serializer import flatten

from disentgen.errors import DataFileError
from disentgen.paths import write_whole


class RunFolderObserver(FileStorageObserver):
    """Sacred's file observer, with files that are always whole, and runs that can go on.

    Args:
        basedir: the folder of an experiment's runs.
        goes_on: the run's folder is there already, and is to be continued.
    """

    def __init__(self, basedir: Path, goes_on: bool = False):
        super().__init__(basedir)
        self.goes_on = goes_on
        self.metrics: dict[str, dict[str, list[Any]]] = {}

    def make_folder(self, run_id: str) -> Path:
        """Make the folder of a new run before Sacred starts it.

        Raises:
            FileExistsError: there is a run of that id.
        """
        path = self.path_of(run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir()
        self.goes_on = True
        return path

    def path_of(self, run_id: str) -> Path:
        """The folder of a run."""
        return Path(self.basedir) / run_id

    def find_highest(self) -> int:
        """The highest number that is the name of a folder; 0 if there is none."""
        return self._maximum_existing_run_id() if Path(self.basedir).exists() else 0

    def started_event(self, ex_info: dict[str, Any], *args: Any, **given: Any) -> Any:
        """Sacred's event; its list of sources is changed in a copy that other observers never see.

        Args:
            ex_info: the experiment, with its sources.
            args: as Sacred hands them over.
            given: likewise.
        """
        return super().started_event(deepcopy(ex_info), *args, **given)

    def _make_run_dir(self, _id: str | None) -> None:
        if self.goes_on:
            self.dir = str(Path(self.basedir) / str(_id))
            return
        super()._make_run_dir(_id)

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
        write_whole(Path(str(self.dir)) / filename, lambda file: file.write_text(text))


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
