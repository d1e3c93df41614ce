"""The table of runs, made from their text files alone."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from disentgen.errors import DataFileError
from disentgen.paths import data_folder
from disentgen.run_files import RunFiles
from disentgen.schema import flatten


def find_runs(root: str | Path | None = None, **filters: Any) -> pd.DataFrame:
    """All runs below a folder, a row each.

    Args:
        root: ``sims`` in the data folder by default.
        filters: keep rows whose column has this value, such as ``status="COMPLETED"`` or, with
            dots, ``**{"dataset.variant": "shape2tx"}``.

    Returns:
        Columns ``experiment``, ``id``, ``status``, ``path``; ``epochs_done`` and ``steps_done``, as
        of now; every key of the saved configurations with dots (``model.latent_size``), and every
        score (``scores.held_out.nll``).

    Raises:
        DataFileError: the folder is not there, or no run has a column of a filter's name.
    """
    folder = Path(root).expanduser() if root else data_folder() / "sims"
    if root and not folder.is_dir():
        raise DataFileError(f"{folder} is not a folder of runs.")
    runs = [RunFiles(path.parent.absolute()) for path in folder.glob("**/config.json")]
    rows = [summarise(run) for run in runs if run.id != "_sources"]
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


def summarise(run: RunFiles) -> dict[str, Any]:
    """A row of the table; without what of a run cannot be read."""
    row: dict[str, Any] = {"experiment": run.path.parent.name}
    with contextlib.suppress(DataFileError):
        row = {key: read_number(key, value) for key, value in flatten(run.saved).items()}
        row["experiment"] = run.experiment
    with contextlib.suppress(DataFileError):
        progress = run.progress
        row |= {"epochs_done": progress.epochs_done, "steps_done": progress.steps_done}
    scores = (run.results or {}).get("scores", {})
    return {**row, "id": run.id, "status": run.status, **flatten({"scores": scores}),
            "path": str(run.path)}  # fmt: skip


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
    except json.JSONDecodeError:
        return value
    return number if isinstance(number, int | float) else value
