"""Every number that was measured, in one long table."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from disentgen.analysis.bounds import Bounds
from disentgen.analysis.metrics import Result

#: Parts of a result that say what it was measured on.
SAMPLE = ("images", "warning")
COLUMNS = ("run", "metric", "part", "place", "value", "ceiling", "floor", *SAMPLE)


def tabulate_metrics(
    measured: Mapping[str, Mapping[str, Result]], bounds: Mapping[str, Bounds]
) -> pd.DataFrame:
    """Every number of every result: a row for each run, result, part and place in it.

    Args:
        measured: results by path of a run, then by key, which for metrics is their name.
        bounds: of :func:`~disentgen.analysis.bounds.measure_bounds`, by path of a run.

    Returns:
        Columns ``run``, ``metric`` (the result's key), ``part``, ``place``, ``value``; ``ceiling``
        and ``floor`` of parts that have them; ``images`` measured on; ``warning``.
    """
    rows: list[dict[str, Any]] = []
    for path, results in measured.items():
        run = "/".join(Path(path).parts[-2:])
        for key, result in results.items():
            rows += [{"run": run, **row} for row in list_numbers(key, result, bounds.get(path, {}))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def list_numbers(key: str, result: Result, bounds: Bounds) -> Iterator[dict[str, Any]]:
    """A row for each number of one result.

    Args:
        key: of the result.
        result: numbers, or nested lists of them, by part.
        bounds: ceiling and floor by key and part.
    """
    sample = {name: result.get(name) for name in SAMPLE}
    for part, value in result.items():
        if part in SAMPLE:
            continue
        array = np.array(value, dtype=float)
        for place in np.ndindex(array.shape):
            yield {
                "metric": key,
                "part": part,
                "place": ".".join(map(str, place)),
                "value": array[place],
                **bounds.get((key, part), {}),
                **sample,
            }
