"""How far a run has come, by the last row of its ``history.csv``."""

import csv
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from disentgen.errors import DataFileError


@dataclass(frozen=True)
class Progress:
    """What a run has done so far; all of it is kept, whatever becomes of the run.

    Args:
        epochs_done: finished epochs.
        steps_done: training steps in these.
        epochs: how many the run was to have; None where its configuration does not say.
    """

    epochs_done: int
    steps_done: int
    epochs: int | None = None

    def __str__(self) -> str:
        """Finished epochs of all, as in ``12/30``."""
        return f"{self.epochs_done}/{self.epochs}" if self.epochs else str(self.epochs_done)


def read_progress(path: Path, epochs: int | None = None) -> Progress:
    """The epochs and steps that a history has; none where there is no such file.

    Args:
        path: of ``history.csv``.
        epochs: how many the run was to have.

    Raises:
        DataFileError: the file is damaged.
    """
    if not path.exists():
        return Progress(0, 0, epochs)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            # A history of thousands of epochs need not be parsed for its last row.
            lines = [next(file), *deque(file, maxlen=1)]
        (row,) = csv.DictReader(lines)
        return Progress(int(row["epoch"]), int(row["step"]), epochs)
    except (StopIteration, ValueError, KeyError, TypeError) as error:
        raise DataFileError(f"{path} is damaged: its last row names no epoch and step.") from error
