"""The table of runs, made from their text files alone."""

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from disentgen.errors import DataFileError
from disentgen.paths import data_folder, expand, walk_runs
from disentgen.registry import nearest_match
from disentgen.run_files import RunFiles
from disentgen.schema import flatten


def find_runs(root: str | Path | None = None, **filters: Any) -> pd.DataFrame:
    """All runs below a folder, a row each.

    Args:
        root: ``sims`` in the data folder by default.
        filters: keep rows whose column has this value, such as ``status="COMPLETED"`` or, with
            dots, ``**{"dataset.variant": "shape2tx"}``, or one of a list of values.

    Returns:
        Columns ``experiment``, ``id``, ``status``, ``path``; ``problem``, why a run is DAMAGED and
        None of others; ``epochs_done`` and ``steps_done``, as of now; every key of the saved
        configurations with dots (``model.latent_size``), and every score
        (``scores.held_out.nll``).

    Raises:
        DataFileError: the folder is not there, or no run has a column of a filter's name.
    """
    folder = expand(root) if root else data_folder() / "sims"
    if root and not folder.is_dir():
        raise DataFileError(f"{folder} is not a folder of runs.")
    runs = [RunFiles(path.absolute()) for path in walk_runs(folder)]
    rows = [summarise(run) for run in runs if run.id != "_sources"]
    frame = pd.DataFrame(rows)
    for column, value in filters.items() if rows else ():
        if column not in frame:
            near = nearest_match(column, map(str, frame.columns))
            raise DataFileError(f"runs below {folder} have no '{column}'.{near}")
        accepted = value if isinstance(value, list) else [value]
        frame = frame[[is_one_of(cell, accepted) for cell in frame[column]]]
    if not len(frame):
        return frame
    order = frame["id"].map(lambda name: (int(name), "") if name.isdecimal() else (0, name))
    frame = frame.assign(_order=order).sort_values(["experiment", "_order"])
    return frame.drop(columns="_order").reset_index(drop=True)


def is_one_of(cell: Any, accepted: list[Any]) -> bool:
    """Whether a cell of a table has one of some values; None is that of empty cells and of NaN."""
    empty = cell is None or (isinstance(cell, float) and math.isnan(cell))
    return None in accepted if empty else cell in accepted


def summarise(run: RunFiles) -> dict[str, Any]:
    """A row of the table; without what of a run cannot be read."""
    row: dict[str, Any] = {"experiment": run.path.parent.name}
    own: dict[str, Any] = {"id": run.id, "status": run.status, "problem": run.problem}
    with contextlib.suppress(DataFileError):  # which is the run's problem
        row = {key: read_number(key, value) for key, value in flatten(run.saved).items()}
        row["experiment"] = run.experiment
    with contextlib.suppress(DataFileError):
        progress = run.progress
        own |= {"epochs_done": progress.epochs_done, "steps_done": progress.steps_done}
    with contextlib.suppress(DataFileError):
        own |= flatten({"scores": (run.results or {}).get("scores", {})})
    return {**row, **own, "path": str(run.path)}


def read_number(key: str, value: Any) -> Any:
    """A setting that an earlier version saved as the text that was typed, ``1e-4``, as a number.

    Args:
        key: of the setting, with dots.
        value: as it was saved.
    """
    can_be = key.startswith(("training.", "model.")) and not key.endswith(".name")
    if not (can_be and isinstance(value, str)):
        return value
    try:
        number = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return number if isinstance(number, int | float) else value
