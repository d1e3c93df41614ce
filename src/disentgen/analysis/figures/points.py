"""What study figures draw of a score: means with intervals, or runs where these are few."""

import numpy as np
import pandas as pd

from disentgen.analysis.tables import MINIMUM_SEEDS, has_failed


def list_points(runs: pd.DataFrame, cells: pd.DataFrame, score: str) -> pd.DataFrame:
    """What is drawn of a score: a mean with its interval for each cell, runs where they are few.

    Args:
        runs: of the cells.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        score: a column of both.

    Both may have a column ``page``: the address that a mark leads to.

    Returns:
        Columns ``label``, ``cell``, ``disentanglement``, ``informativeness``, ``mean``, ``low``,
        ``high`` (NaN below three seeds, of which each run is a row), ``hollow`` (whether the cell
        has hardly learned), and ``page`` where it was given.
    """
    columns = ["label", "cell", "disentanglement", "informativeness", score]
    columns.extend(runs.columns.intersection(["page"]))
    ends = [f"{score}_low", f"{score}_high"]
    parts = []
    for (_, cell), hollow in zip(cells.iterrows(), has_failed(cells), strict=True):
        own = (runs[["cell", "control", "source"]] == cell[["cell", "control", "source"]]).all(
            axis=1
        )
        part = runs.loc[own, columns].assign(**dict.fromkeys(ends, np.nan))
        if part[score].notna().sum() >= MINIMUM_SEEDS:
            part = cell.to_frame().T[[*columns, *ends]]
        parts.append(part.assign(hollow=hollow))
    table = pd.concat(parts, ignore_index=True)
    names = {score: "mean", ends[0]: "low", ends[1]: "high"}
    numbers = ["disentanglement", "informativeness", *names.values()]
    return table.rename(columns=names).astype(dict.fromkeys(numbers, float))
