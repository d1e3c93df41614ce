"""What a run that goes on may change, and what it needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from disentgen.dataset.spec import DatasetSpec
from disentgen.dataset.split import Split
from disentgen.errors import DataFileError, UsageError
from disentgen.run_directory import RunDirectory
from disentgen.schema import flatten
from disentgen.text import shorten
from disentgen.training.checkpoint_shape import check_rows, damage_named
from disentgen.training.config import Config
from disentgen.training.identity import list_hashes
from disentgen.training.settings import TrainingSettings


def list_changes(before: Config, after: Config) -> list[str]:
    """The settings in which two configurations of one run differ, by keys with dots.

    Args:
        before: that the run was made under.
        after: that it is to go on under.

    Raises:
        UsageError: a setting differs that would make it another run.
    """
    saved, wanted = flatten(before.plain()), after.flat()
    may_change = list_may_change(after)
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


def list_may_change(config: Config) -> list[str]:
    """The settings that a run may go on with another value of, by keys with dots."""
    return [name for name, (_, key) in config.flat().items() if key.may_change]


def has_ended(history: Sequence[Mapping[str, float]], settings: TrainingSettings) -> bool:
    """Whether all epochs are there, or early stopping has ended them.

    Args:
        history: a row for each finished epoch.
        settings: how many epochs there are to be, and when they stop early.

    Raises:
        DataFileError: epochs lack the score that early stopping goes by.
    """
    done, patience = len(history), settings.early_stopping
    if not done or patience is None:
        return bool(done) and done >= settings.epochs
    if not all("validation.nll" in row for row in history):
        raise DataFileError("history.csv lacks validation.nll, by which training stops early.")
    best = 1 + min(range(done), key=lambda epoch: history[epoch]["validation.nll"])
    return done - best >= patience or done >= settings.epochs


def require_checkpoint(directory: RunDirectory, settings: TrainingSettings) -> None:
    """Check that a run that has begun has a checkpoint, unless it is to be scored alone.

    Args:
        directory: of the run.
        settings: that it is to go on under.

    Raises:
        DataFileError: its checkpoint is damaged; or there is none, and the run would be trained
            anew, over its model.
    """
    checkpoint = directory.load_checkpoint()
    if checkpoint is not None:
        with damage_named(directory.path / "checkpoint.pt"):
            check_rows(checkpoint["history"])
        return
    history = directory.load_history()
    has_begun = bool(history) or directory.has("results.json")
    try:
        has_ended_well = has_ended(history, settings)
    except DataFileError as error:
        raise DataFileError(f"{directory.path}: {error}") from error
    if has_begun and not has_ended_well:
        raise DataFileError(
            f"{directory.path} has no checkpoint.pt to go on from; it would be trained anew, over "
            "its model. It can be opened, and a finished one scored anew."
        )


def check_split(split: Split, recorded: Mapping[str, Any] | None) -> None:
    """Check that a split is the one that a run was begun on.

    A file that lists the images of a side can be another than it was.

    Args:
        split: as the configuration says it now.
        recorded: of :meth:`~disentgen.run_directory.RunDirectory.load_split`.

    Raises:
        DataFileError: it is another.
    """
    if recorded is None:
        return
    described = split.describe()
    was, now = list_hashes(recorded), list_hashes(described)
    for part in {**was, **now}:
        if was.get(part) != now.get(part):
            words = (
                describe_words(recorded["expressions"]),
                describe_words(described["expressions"]),
            )
            raise DataFileError(
                f"the run was begun on another split: held out was {words[0]}, and now is "
                f"{words[1]}, by which '{part}' is not the same."
            )


def describe_words(expressions: Mapping[str, str | None]) -> str:
    """What was held out, in a line."""
    return repr(shorten(expressions["held_out"] or "nothing"))


def check_images(spec: DatasetSpec, recorded: Mapping[str, Any]) -> None:
    """Check that a dataset's images still are those that a run was begun on.

    Whatever file is opened has one of the hashes in the specification, so these alone can differ.

    Args:
        spec: of the dataset as it is now.
        recorded: of :meth:`~disentgen.run_directory.RunDirectory.load_images`.

    Raises:
        DataFileError: the run is of a file with another hash.
    """
    was, now = recorded.get("hash"), [form.hash for form in spec.original.forms if form.hash]
    if was is not None and was not in now:
        raise DataFileError(
            f"the run was begun on images of a {spec.title} file with {was}; the file now has "
            f"{' or '.join(now) or 'none that is known'}, so these are other images."
        )
