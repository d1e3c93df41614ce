"""Going on with a run in its own folder."""

from pathlib import Path

from disentgen.errors import UsageError
from disentgen.runs import Run, open_run
from disentgen.training.config import Config
from disentgen.training.continuing import check_images, list_changes


def find_run(folder: Path, given: str, experiment: str) -> Run:
    """The run that ``resume`` names, if it can go on.

    Args:
        folder: of the experiment's runs.
        given: an id or a path.
        experiment: that the run must be of.

    Raises:
        UsageError: there is no such run, it is of another experiment, or it is still running.
        DataFileError: its files are damaged.
    """
    places = (folder / given, folder.parent / given, Path(given).expanduser())
    path = next((place for place in places if (place / "config.json").exists()), None)
    if path is None:
        ids = sorted(path.parent.name for path in folder.glob("[0-9]*/config.json"))
        raise UsageError(
            f"resume={given} is not a run directory; runs in {folder}: {', '.join(ids) or 'none'}."
        )
    run = open_run(path)
    if run.experiment != experiment:
        raise UsageError(
            f"run {run.path} is one of experiments.{run.experiment}: go on with it by "
            f"python -m experiments.{run.experiment} with resume={given}."
        )
    if run.status == "RUNNING":
        raise UsageError(f"run {run.path} is still running; nothing to resume.")
    if run.load_checkpoint() is None and (run.results or len(run.history)):
        raise UsageError(
            f"run {run.path} has no checkpoint.pt to go on from; it would be trained anew, over "
            "its model. open_run opens what is there."
        )
    return run


def check_continued(run: Run, config: Config) -> None:
    """Check that a configuration leaves a run the same run, and leaves something to do.

    Args:
        run: as it was saved.
        config: that it is to go on under.

    Raises:
        UsageError: a setting cannot change, or there is nothing to do.
        DataFileError: the images cannot be opened, or are not those that the run was begun on.
    """
    check_images(config.spec, run.load_images())
    changed = list_changes(run.settings, config)
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
    config.open_dataset()  # before the run is touched: its file may have moved, or be another one
