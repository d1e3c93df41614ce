"""Runs: what a training has left behind, found and opened again."""

import functools
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock, Timeout

from disentgen.dataset import Dataset
from disentgen.dataset.split import Split
from disentgen.dataset.tasks import Task
from disentgen.errors import DataFileError, UsageError
from disentgen.models import FAMILIES, Model
from disentgen.paths import data_folder
from disentgen.record import EARLIER_FAMILIES, Record
from disentgen.run_directory import RunDirectory
from disentgen.run_names import locate_run
from disentgen.schema import flatten
from disentgen.training.baseline import list_lacking
from disentgen.training.config import Config, open_split

if TYPE_CHECKING:  # Ignite takes seconds to start
    from disentgen.training.assembly import Training

#: Where a run's lock cannot tell, a run whose last sign of life is older than this is dead.
STALE_SECONDS = 60


@dataclass(frozen=True)
class Run(RunDirectory):
    """A run as its directory describes it; nothing is read before it is asked for."""

    _tasks: dict[str, Task] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.path.name

    @property
    def experiment(self) -> str:
        """The experiment that the run is of."""
        return self.settings.experiment or self.path.parent.name

    @property
    def family(self) -> str:
        """The family of the run's model."""
        return self.settings.family

    @cached_property
    def settings(self) -> Config:
        """The configuration.

        Raises:
            DataFileError: ``config.json`` is not readable, or not by this version.
        """
        saved = self.load_config()
        if not isinstance(saved, Mapping):
            raise DataFileError(f"{self.path} has no readable config.json.")
        experiment, family = self._guess_earlier()
        try:
            return Config.read_saved(saved, experiment, family)
        except UsageError as error:
            raise DataFileError(f"{self.path / 'config.json'}: {error}") from error

    def _guess_earlier(self) -> tuple[str | None, str | None]:
        """Experiment and family of a run whose configuration does not yet say them."""
        described = str((self._load_json("model.json") or {}).get("family"))
        experiments = {family: name for name, family in EARLIER_FAMILIES.items()}
        experiment = self.record.experiment or experiments.get(described) or self.path.parent.name
        return experiment, EARLIER_FAMILIES.get(experiment, described)

    @property
    def lacks_settings(self) -> bool:
        """Whether the run was made before all of today's settings were there."""
        return bool(list_lacking(self.load_config() or {}, self.family))

    @cached_property
    def config(self) -> dict[str, Any]:
        """The same as plain data, with the defaults of the time filled in."""
        return self.settings.plain()

    @cached_property
    def record(self) -> Record:
        """What Sacred keeps of the run."""
        content = self._load_json("run.json")
        return Record(content if isinstance(content, Mapping) else {})

    @cached_property
    def results(self) -> dict[str, Any] | None:
        """Scores and everything about the run; None until it has ended."""
        return self._load_json("results.json")

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for each finished epoch."""
        path = self.path / "history.csv"
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, its split and its images."""
        return self.settings.open_dataset()

    @cached_property
    def split(self) -> Split:
        """The sides of the dataset's grid; needs no images."""
        return self.settings.split

    @cached_property
    def sides(self) -> dict[str, Any]:
        """Counts and hashes of the split's sides, as saved when the run started."""
        saved = self._load_json("split.json") or (self.results or {}).get("split")
        return saved or describe_split(json.dumps(self.config["dataset"], sort_keys=True))

    @cached_property
    def model(self) -> Model:
        """The model of the run's selected epoch, in evaluation mode, on the CPU."""
        return self.load_model()

    def task(self, side: str) -> Task:
        """What is asked of the model for images of a side, made once."""
        if side not in self._tasks:
            self._tasks[side] = FAMILIES[self.family].make_task(self.split, side)
        return self._tasks[side]

    @cached_property
    def status(self) -> str:
        """COMPLETED, FAILED, INTERRUPTED, RUNNING; DEAD if it says RUNNING and is not.

        A run that the library has trained alone is COMPLETED once it has results.
        """
        status = self.record.status
        if not self.record.content and self.results:
            return "COMPLETED"
        return "DEAD" if status == "RUNNING" and not self._is_alive() else status

    def _is_alive(self) -> bool:
        """Whether a run that says RUNNING is: its lock is held, or it has beaten of late."""
        if self.record.hostname == platform.node() and (self.path / "run.lock").exists():
            try:
                with FileLock(self.path / "run.lock", timeout=0):
                    return False
            except Timeout:
                return True
            except OSError:
                pass  # not ours to lock: its heartbeat must tell
        age = self.record.seconds_since_beat
        return age is not None and age < STALE_SECONDS


@functools.cache
def describe_split(words: str) -> dict[str, Any]:
    """Counts and hashes of a split's sides, computed once for the same words.

    Args:
        words: the ``dataset`` section of a configuration, as JSON.
    """
    return open_split(json.loads(words)).describe()


def open_run(name: str | Path | int) -> Run:
    """Open a run by its path, its name or its number.

    Args:
        name: a path; ``experiment/id``, such as ``disent/1``; or the id alone, where only one
            experiment has a run of that id.

    Raises:
        UsageError: several experiments have a run of that id.
        DataFileError: there is no such run.
    """
    return Run(locate_run(name))


def view_training(training: "Training", directory: RunDirectory) -> Run:
    """The run of a training that has ended; what this process knows of it is not read again."""
    run = Run(directory.path)
    vars(run).update(
        settings=training.config,
        dataset=training.dataset,
        split=training.dataset.split,
        results=training.results,
    )
    run._tasks.update(training.tasks)
    return run


def find_runs(root: str | Path | None = None, **filters: Any) -> pd.DataFrame:
    """All runs below a folder, a row each.

    Args:
        root: ``sims`` in the data folder by default.
        filters: keep rows whose column has this value, such as ``status="COMPLETED"`` or, with
            dots, ``**{"dataset.variant": "shape2tx"}``.

    Returns:
        Columns ``experiment``, ``id``, ``status``, ``path``, every key of the configurations with
        dots (``model.latent_size``), and every score (``scores.held_out.nll``).

    Raises:
        DataFileError: the folder is not there, or no run has a column of a filter's name.
    """
    folder = Path(root).expanduser() if root else data_folder() / "sims"
    if root and not folder.is_dir():
        raise DataFileError(f"{folder} is not a folder of runs.")
    runs = [Run(path.parent.absolute()) for path in folder.glob("**/config.json")]
    rows = [_summarise(run) for run in runs if run.id != "_sources"]
    frame = pd.DataFrame(rows)
    for column, value in filters.items():
        if not len(frame):
            break
        if column not in frame:
            raise DataFileError(f"runs below {folder} have no '{column}'.")
        frame = frame[frame[column] == value]
    if not len(frame):
        return frame
    order = frame["id"].map(lambda name: (int(name), "") if name.isdigit() else (0, name))
    frame = frame.assign(_order=order).sort_values(["experiment", "_order"])
    return frame.drop(columns="_order").reset_index(drop=True)


def _summarise(run: Run) -> dict[str, Any]:
    results = run.results or {}
    try:
        settings = run.config
    except DataFileError:
        settings = {"experiment": run.path.parent.name}
    return {
        **flatten(settings),
        "id": run.id,
        "status": run.status,
        "epochs_done": len(run.history),
        **flatten({"scores": results.get("scores", {})}),
        "path": str(run.path),
    }
