"""Going on with a run in its own folder."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from disentgen.errors import RunningError, UsageError
from disentgen.paths import can_be_written, expand
from disentgen.plugins import list_flags
from disentgen.runs import Run, open_run
from disentgen.text import make_visible
from disentgen.training.config import Config
from disentgen.training.continuing import (
    check_images,
    check_split,
    list_changes,
    require_checkpoint,
)


def locate_resumed(
    folder: Path, given: str, experiment: str, named_configs: Sequence[str] = ()
) -> Path:
    """The folder of the run that ``resume`` names.

    Args:
        folder: of the experiment's runs.
        given: an id or a path.
        experiment: that the run must be of.
        named_configs: of the command line.

    Raises:
        UsageError: there is no such run, it is of another experiment, it cannot be written to, or
            there are named configs.
        DataFileError: its files are damaged.
    """
    if named_configs:
        raise UsageError(
            "a run goes on under its own configuration: resume takes no named configs "
            f"({', '.join(named_configs)}); resume=auto stands behind a whole command line."
        )
    full = expand(given)
    places = (folder / given, folder.parent / given, full)
    path = next((place for place in places if (place / "config.json").exists()), None)
    if path is None:
        ids = sorted(path.parent.name for path in folder.glob("[0-9]*/config.json"))
        raise UsageError(
            f"resume={given} is not a run directory; runs in {folder}: {', '.join(ids) or 'none'}."
        )
    run = open_run(path.absolute())
    if run.experiment != experiment:
        raise UsageError(
            f"run {run.path} is one of experiments.{run.experiment}: go on with it by "
            f"{describe_resume(run.experiment, run.path)}"
        )
    if not can_be_written(run.path):
        raise UsageError(f"run {run.path} cannot be written to, so it cannot go on there.")
    return run.path


def describe_resume(experiment: str, path: Path) -> str:
    """The command line that goes on with a run, quoted for a shell.

    Args:
        experiment: that the run is of.
        path: of the run.
    """
    words = (*list_flags(), "with", f"resume={make_visible(path)}")
    return shlex.join(["python", "-m", f"experiments.{experiment}", *words])


def check_not_running(run: Run) -> None:
    """Check that a run that no process has ever held is not running all the same.

    Args:
        run: of an earlier version, which did not hold it.

    Raises:
        RunningError: it has given a sign of life of late.
    """
    record = run.record
    if record.status == "RUNNING" and record.beats:
        raise RunningError(
            f"run {run.path} is still running on {record.hostname}; nothing to resume."
        )


def check_continued(run: Run, config: Config) -> None:
    """Check that a configuration leaves a run the same run, and leaves something to do.

    Args:
        run: as it was saved.
        config: that it is to go on under.

    Raises:
        UsageError: a setting cannot change, or there is nothing to do.
        DataFileError: the checkpoint that it would go on from is not there, or damaged; or the
            images cannot be opened, or they or the split are not those that the run was begun on.
    """
    check_images(config.spec, run.load_images())
    changed = list_changes(run.settings, config)
    check_split(config.split, run.load_split())
    done, epochs = len(run.history), config.training.epochs
    if epochs < done:
        raise UsageError(
            f"run {run.path} has {done} epochs already; training.epochs={epochs} is less."
        )
    if run.status == "COMPLETED" and not any(name.startswith("training.") for name in changed):
        raise UsageError(
            f"run {run.path} is complete ({done} epochs); give training.epochs={done + 10}, say, "
            "to train it further, or training.score_images, training.score_samples or "
            "training.find_duplicates to score it anew."
        )
    require_checkpoint(run, config.training)
    config.open_dataset()  # before the run is touched: its file may have moved, or be another one
