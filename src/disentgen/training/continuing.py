"""Whether a run has come to its end, and what it may change when it goes on."""

from collections.abc import Sequence

from disentgen.errors import UsageError
from disentgen.run_directory import RunDirectory
from disentgen.schema import flatten
from disentgen.training.config import Config
from disentgen.training.settings import TrainingSettings


def find_best_epoch(history: Sequence[dict[str, float]]) -> int:
    """The (first) epoch of the lowest validation NLL."""
    return int(min(history, key=lambda row: row["validation.nll"])["epoch"])


def is_finished(history: Sequence[dict[str, float]], settings: TrainingSettings) -> bool:
    """Whether all epochs are there, or early stopping has ended them.

    Args:
        history: a row for each finished epoch.
        settings: of the training.
    """
    if not history:
        return False
    patience, done = settings.early_stopping, len(history)
    stalled = patience is not None and done - find_best_epoch(history) >= patience
    return stalled or done >= settings.epochs


def check_goes_on(directory: RunDirectory, config: Config) -> None:
    """Check that what a run has kept is enough to go on: it is never trained anew over its model.

    Without ``checkpoint.pt`` a run that has come to its end can still be scored.

    Args:
        directory: where the run is kept.
        config: that it is to go on under.

    Raises:
        UsageError: it would have to be trained, and has no checkpoint.
        DataFileError: its history is damaged.
    """
    if (directory.path / "checkpoint.pt").exists():
        return
    history = directory.load_history()
    has_ended = bool(history) or (directory.path / "results.json").exists()
    if has_ended and not is_finished(history, config.training):
        raise UsageError(
            f"run {directory.path} has no checkpoint.pt to go on from: it can be scored again, "
            f"but not be trained to epoch {config.training.epochs} after epoch {len(history)}."
        )


def list_changes(before: Config, after: Config) -> list[str]:
    """The settings in which two configurations of one run differ, by keys with dots.

    Args:
        before: that the run was made under.
        after: that it is to go on under.

    Raises:
        UsageError: a setting differs that would make it another run.
    """
    saved, wanted = flatten(before.plain()), after.flat()
    may_change = [name for name, (_, key) in wanted.items() if key.may_change]
    changed = [
        name
        for name in {**saved, **wanted}
        if name not in wanted or name not in saved or saved[name] != wanted[name][0]
    ]
    for name in changed:
        if name not in may_change:
            raise UsageError(
                f"'{name}' cannot change when a run is resumed; only {', '.join(may_change)} can."
            )
    return changed
