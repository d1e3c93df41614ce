"""What the text files of a run say: enough to list it, without torch."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from disentgen.errors import DataFileError, UsageError
from disentgen.history import Progress, read_history, read_progress
from disentgen.plain_files import read_saved
from disentgen.plugins import list_missing, list_named
from disentgen.record import Record
from disentgen.registry import read_constants
from disentgen.run_directory import RunDirectory
from disentgen.saved import LIVE, SavedModel, SavedResults
from disentgen.schema import flatten
from disentgen.text import make_visible
from disentgen.training.baseline import complete_saved

#: Packages whose modules are families of models and objectives.
FAMILIES, LOSSES = "disentgen.models.families", "disentgen.training.losses"
#: Settings that lists of runs compute with.
NUMBERS = ("training.epochs", "model.latent_size", "seed")


@dataclass(frozen=True)
class RunFiles(RunDirectory):
    """A run by its text files, each read once and not before it is asked for."""

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.path.name

    @property
    def experiment(self) -> str:
        """The experiment that the run is of; its parent folder's name where nothing says it."""
        return self.saved["experiment"] or self.path.parent.name

    @cached_property
    def saved(self) -> dict[str, Any]:
        """The configuration as it is saved, and what was in force for settings that it lacks.

        Values stand as they were saved: neither checked, nor in the one form that means the same.

        Raises:
            DataFileError: ``config.json`` is not there, or is damaged.
        """
        content = self.load_config()
        if content is None:
            raise DataFileError(f"{self.path / 'config.json'} is not there.")
        known = "experiment" in content and "family" in content.get("model", {})
        return complete_saved(content, *((None, None) if known else self._guess_earlier()))

    def _guess_earlier(self) -> tuple[str | None, str | None]:
        """Experiment and family of a run whose configuration does not yet say them."""
        described = str((read_saved(self.path / "model.json", SavedModel) or {}).get("family"))
        families = families_by_experiment()
        experiments = {family: name for name, family in families.items()}
        program = self.record.program
        ran = program if program in families else experiments.get(described)
        experiment = ran or self.path.parent.name
        return experiment, families.get(experiment, described)

    @cached_property
    def record(self) -> Record:
        """What Sacred keeps of the run; nothing where the library alone has trained it.

        Raises:
            DataFileError: ``run.json`` is damaged.
        """
        return Record(self.load_record())

    @cached_property
    def results(self) -> dict[str, Any] | None:
        """Scores and everything about the run; None until it has ended.

        Raises:
            DataFileError: ``results.json`` is damaged.
        """
        return read_saved(self.path / "results.json", SavedResults)

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each finished epoch.

        Raises:
            DataFileError: ``history.csv`` is damaged.
        """
        return read_history(self.path / "history.csv")

    @property
    def progress(self) -> Progress:
        """How far the run has come, as of now: of a run that is still training too.

        Raises:
            DataFileError: ``config.json`` or ``history.csv`` is damaged.
        """
        epochs = self.saved.get("training", {}).get("epochs")
        return read_progress(self.path / "history.csv", epochs)

    @cached_property
    def problem(self) -> str | None:
        """The first thing that is damaged in its text files; None where all of them can be read."""
        try:
            self._check_name()
            self._check_settings()
            _ = self.record, self.results, self.progress
            self.load_split()
            self.load_images()
        except DataFileError as error:
            return str(error).replace(f"{make_visible(self.path)}{os.sep}", "")
        return None

    def _check_name(self) -> None:
        try:
            str(self.path).encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataFileError(f"the name of {self.path} is not UTF-8.") from error

    def _check_settings(self) -> None:
        """Check the settings that lists and tables need, without what reads all of them."""
        settings, accepted = flatten(self.saved), {
            "training.loss.name": list_names(LOSSES),
            "model.family": list_names(FAMILIES),
        }  # fmt: skip
        # Names may be of a plugin that is not in use, or of an object of a program.
        is_known = not self.missing and settings.get("model.family") != LIVE
        problems = [
            f"{key} is '{settings[key]}'; accepted: {', '.join(names)}"
            for key, names in accepted.items()
            if is_known and settings.get(key) not in (None, *names)
        ]
        problems += [
            f"{key} is '{settings[key]}', where a whole number is expected"
            for key in NUMBERS
            if not _is_whole(settings.get(key))
        ]
        for problem in problems:
            raise DataFileError(f"{self.path / 'config.json'}: {problem}.")

    @cached_property
    def missing(self) -> list[str]:
        """The plugins that its settings name and that nobody has named in this process.

        Nothing that a run's files name is imported for that.

        Raises:
            DataFileError: ``config.json`` is not there, or is damaged.
        """
        return list_missing(list_named(self.saved))

    @property
    def status(self) -> str:
        """What lists say of it: :attr:`state`, unless it is DAMAGED or NEEDS plugins.

        It is DAMAGED if one of its text files is: :attr:`problem` says which. It NEEDS a package of
        somebody's own, and cannot be built again, where nobody has named that in this process.
        """
        if self.problem is not None:
            return "DAMAGED"
        return f"NEEDS {', '.join(self.missing)}" if self.missing else self.state

    @cached_property
    def state(self) -> str:
        """COMPLETED, FAILED, INTERRUPTED, RUNNING; DEAD if it says RUNNING and is not.

        A run that the library trains alone is COMPLETED once it has results; until then its lock
        says whether it is RUNNING.
        """
        if not self.record.content:
            held = self.is_held()
            if self.results:
                return "COMPLETED"
            return "UNKNOWN" if held is None else "RUNNING" if held else "DEAD"
        status = self.record.status
        if status == "RUNNING" and not self._is_alive():
            # It may have ended after its record was read, and before its lock was looked at.
            status = Record(self.load_record()).status
            return "DEAD" if status == "RUNNING" else status
        return status

    def _is_alive(self) -> bool:
        """Whether a run that says RUNNING is: its lock is held, or else it has beaten of late."""
        held = self.is_held()
        return self.record.beats if held is None else held


def families_by_experiment() -> dict[str, str]:
    """Families of models by the experiment whose runs are of them where they do not say so.

    They are read from the families' sources: to import these takes seconds, as torch does.

    Raises:
        UsageError: two of them have one experiment.
    """
    families: dict[str, str] = {}
    for constants in read_constants(FAMILIES, "name", "experiment"):
        name, experiment = constants.get("name"), constants.get("experiment")
        if experiment in families:
            raise UsageError(
                f"the families '{families[experiment]}' and '{name}' have the same experiment, "
                f"'{experiment}'; only one of them can."
            )
        if name is not None and experiment is not None:
            families[experiment] = name
    return families


def list_names(package: str) -> list[str]:
    """What the modules of a package call what they export, by their sources."""
    named = (constants.get("name") for constants in read_constants(package, "name"))
    return [name for name in named if name is not None]


def _is_whole(value: Any) -> bool:
    """Whether a setting is a whole number, or was saved as the text of one; None is not set."""
    try:
        return value is None or float(value).is_integer()
    except (TypeError, ValueError, OverflowError):
        return False
