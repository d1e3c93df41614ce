"""What a run has done, by its ``history.csv``: all rows, or the last one."""

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from disentgen.errors import DataFileError
from disentgen.files import read_regular
from disentgen.text import join_lines

if TYPE_CHECKING:
    import pandas as pd

#: No training comes this far.
LAST_STEP = 2**53


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
    content = read_regular(path)
    if content is None:
        return Progress(0, 0, epochs)
    return Progress(*check_history(path, content), epochs)


def read_history(path: Path) -> "pd.DataFrame":
    """A row for each finished epoch, (epochs, columns); none where there is no such file.

    Args:
        path: of ``history.csv``.

    Raises:
        DataFileError: the file is damaged.
    """
    import pandas as pd  # takes a second, and a run is written without it

    content = _read_checked(path)
    return pd.DataFrame() if content is None else pd.read_csv(io.BytesIO(content))


def read_rows(path: Path) -> list[dict[str, float]]:
    """The rows of a history, each with the columns that it has a value in; none without a file.

    Args:
        path: of ``history.csv``.

    Raises:
        DataFileError: the file is damaged.
    """
    text = (_read_checked(path) or b"").decode("utf-8")
    return [
        {
            name: int(value) if name in ("epoch", "step") else float(value)
            for name, value in row.items()
            if value
        }
        for row in csv.DictReader(io.StringIO(text))
    ]


def _read_checked(path: Path) -> bytes | None:
    content = read_regular(path)
    if content is not None:
        check_history(path, content)
    return content


def check_history(path: Path, content: bytes) -> tuple[int, int]:
    """Check that a history is a table of numbers; the epoch and the step of its last row.

    Args:
        path: of the file, for messages.
        content: of the file.

    Raises:
        DataFileError: it is damaged; the message names the row.
    """
    number, last = 0, dict[str, float]()
    try:
        head, *rows = content.decode("utf-8").removesuffix("\n").split("\n")
        columns = _split(head)
        if "" in columns or len({*columns}) < len(columns):
            raise ValueError("columns have no names of their own")
        for number, row in enumerate(rows, start=1):  # noqa: B007
            last = dict(zip(columns, map(_read_number, _split(row)), strict=True))
        epoch, step = last["epoch"], last["step"]
        if not (epoch.is_integer() and step.is_integer() and 0 < epoch <= step < LAST_STEP):
            raise ValueError("it names no epoch and step")
    except (ValueError, KeyError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise DataFileError(f"{path} is damaged: row {number}: {join_lines(reason)}.") from error
    return int(epoch), int(step)


def _split(row: str) -> list[str]:
    """The fields of a row; of a history none is quoted or holds a line's end."""
    row = row.removesuffix("\r")
    if '"' in row or not row.isprintable():
        raise ValueError("it is no row of numbers")
    return row.split(",")


def _read_number(field: str) -> float:
    """A number as pandas reads it; a score that is not known is an empty field."""
    if not field:
        return math.nan
    if "_" in field or not field.isascii() or not field.isprintable():
        raise ValueError(f"{field!r} is no number")
    return float(field)
