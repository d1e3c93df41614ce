"""Runs: what a training has left behind, opened again."""

import contextlib
import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentgen.dataset import Dataset
from disentgen.dataset.spec import DatasetSpec, find_known, find_spec
from disentgen.dataset.split import Split
from disentgen.dataset.tasks import Task
from disentgen.errors import DataFileError, UsageError
from disentgen.listing import find_runs
from disentgen.models import FAMILIES, Model
from disentgen.plugins import advise
from disentgen.run_directory import RunDirectory
from disentgen.run_files import RunFiles
from disentgen.run_names import locate_run
from disentgen.saved import LIVE
from disentgen.text import join_lines
from disentgen.training.baseline import list_lacking
from disentgen.training.config import Config
from disentgen.training.continuing import check_images, check_split
from disentgen.training.sections import open_split

if TYPE_CHECKING:  # Ignite takes seconds to start
    from disentgen.training.assembly import Training


@dataclass(frozen=True)
class Run(RunFiles):
    """A run as its directory describes it; nothing is read before it is asked for."""

    _tasks: dict[str, Task] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def family(self) -> str:
        """The family of the run's model."""
        family: str = self.config["model"]["family"]
        return family

    @cached_property
    def settings(self) -> Config:
        """The configuration.

        Raises:
            DataFileError: ``config.json`` is not readable, or not by this version; or it needs a
                plugin that is not in use.
        """
        if self.missing:
            raise DataFileError(f"{self.path} {self.obstacle}")
        with self._of_config():
            return Config.read_saved(self.saved)

    @property
    def obstacle(self) -> str | None:
        """Why the run cannot be built again, though its files are sound; None if it can."""
        if self.missing:
            return f"needs {join_lines(', '.join(self.missing), 200)}: {advise(self.missing)}"
        if self.family == LIVE and "model" not in vars(self):
            return "is of a model that is not rebuildable: it was an object of a program."
        return None

    def check_rebuilt(self) -> None:
        """Check that the run can be built again.

        Raises:
            UsageError: it cannot, which :attr:`obstacle` explains.
        """
        if self.obstacle is not None:
            raise UsageError(f"run {self.path} {self.obstacle}")

    @property
    def lacks_settings(self) -> bool:
        """Whether the run was made before all of today's settings were there.

        Raises:
            DataFileError: ``config.json`` is damaged.
        """
        return bool(list_lacking(self.load_config() or {}, self.family))

    @cached_property
    def config(self) -> dict[str, Any]:
        """The same as plain data, with the defaults of the time filled in.

        Where the run cannot be built again, it stands there as it was saved: complete, but not
        checked.
        """
        is_checked = not self.missing and self.saved["model"]["family"] != LIVE
        return self.settings.plain() if is_checked else self.saved

    @property
    def spec(self) -> DatasetSpec | None:
        """What is known of the dataset; None where it is a plugin's that is not in use."""
        name, version = (self.config["dataset"].get(key) for key in ("name", "version"))
        return find_known(name, version) if self.missing else find_spec(name, version)

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, its split and its images.

        Raises:
            DataFileError: ``config.json`` is damaged, or the images cannot be opened, or they or
                the split are others than those that the run is of.
        """
        with self._of_config():
            check_images(self.settings.spec, self.load_images())
            check_split(self.settings.split, self.sides)
            return self.settings.open_dataset()

    @cached_property
    def split(self) -> Split:
        """The sides of the dataset's grid; needs no images.

        Raises:
            DataFileError: ``config.json`` is damaged, or the split is another than the run was
                begun on.
        """
        with self._of_config():
            check_split(self.settings.split, self.sides)
            return self.settings.split

    @cached_property
    def sides(self) -> dict[str, Any]:
        """Counts and hashes of the split's sides, as saved when the run started.

        Raises:
            DataFileError: ``split.json`` is damaged.
        """
        saved = self.load_split() or (self.results or {}).get("split")
        if saved:
            return saved
        with self._of_config():
            return describe_split(json.dumps(self.config["dataset"], sort_keys=True))

    @cached_property
    def model(self) -> Model:
        """The model of the run's selected epoch, in evaluation mode, on the CPU.

        Raises:
            DataFileError: see :meth:`load_model`.
        """
        return self.load_model()

    def load_model(self) -> Model:
        """Rebuild the model of ``model.json`` with the weights of ``model.pt``.

        Raises:
            DataFileError: see :meth:`~disentgen.run_directory.RunDirectory.load_model`; or the run
                needs a plugin that is not in use.
        """
        if self.missing:
            raise DataFileError(f"{self.path} {self.obstacle}")
        return super().load_model()

    def task(self, side: str) -> Task:
        """What is asked of the model for images of a side, made once."""
        if side not in self._tasks:
            self._tasks[side] = FAMILIES[self.family].make_task(self.split, side)
        return self._tasks[side]

    @contextlib.contextmanager
    def _of_config(self) -> Iterator[None]:
        """What the configuration says that today's version does not accept, as its damage."""
        try:
            yield
        except UsageError as error:
            raise DataFileError(f"{self.path / 'config.json'}: {error}") from error


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
    if training.config.family == LIVE:  # there is no other way to it
        vars(run)["model"] = training.model.eval().cpu()
    run._tasks.update(training.tasks)
    return run


__all__ = ["Run", "describe_split", "find_runs", "open_run", "view_training"]
