"""Metrics of several runs: those of one cell, which differ in nothing but their seed."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from disentgen.analysis.measure import Measurements
from disentgen.analysis.metrics import Metric, Result, load_metrics
from disentgen.analysis.tables import CELL, drop_repetitions
from disentgen.errors import describe_failure
from disentgen.runs import Run


def measure_cells(
    table: pd.DataFrame,
    runs: Iterable[Run],
    images: int | None = None,
    only: Iterable[str] | None = None,
    beside: Path | None = None,
) -> dict[str, dict[str, Result]]:
    """Results of metrics of several runs, by path of a run, then by name.

    Runs without codes or KL have none, nor has the only run of a cell.

    Args:
        table: of :func:`~disentgen.analysis.tables.tabulate_runs`; of repeated runs, the last one
            counts.
        runs: those of the table.
        images: to measure on; by default, the number that each metric names.
        only: names of metrics that are wanted; all by default.
        beside: see :class:`~disentgen.analysis.measure.Measurements`.
    """
    wanted = None if only is None else set(only)
    metrics = [
        metric for name, metric in load_metrics("runs").items() if wanted is None or name in wanted
    ]
    results: dict[str, dict[str, Result]] = {}
    if not metrics or not len(table):
        return results
    opened = {str(run.path): run for run in runs}
    for _, rows in drop_repetitions(table).groupby(CELL):
        group = [
            Measurements(run, images, beside) for path in rows["path"] if kl_of(run := opened[path])
        ]
        for metric in metrics if len(group) > 1 else []:
            for measured, result in zip(group, measure_group(metric, group), strict=True):
                results.setdefault(str(measured.run.path), {})[metric.name] = result
    return results


def measure_group(metric: Metric, group: list[Measurements]) -> list[Result]:
    """A metric of the runs of a cell: a result for each.

    Where it cannot be computed, results hold nothing but a ``warning`` that says why.

    Args:
        metric: of several runs.
        group: two runs or more, with codes and KL.
    """
    try:
        codes = [measured.codes("train", metric.images).codes for measured in group]
        return metric.measure_runs(codes, [kl_of(measured.run) for measured in group])
    except Exception as error:  # whatever it is, the runs themselves are sound
        return [{"warning": describe_failure(error)} for _ in group]


def kl_of(run: Run) -> list[float]:
    """Mean KL of each latent over training images; none of models without a posterior."""
    scores: Mapping[str, list[float]] = (run.results or {})["scores"]["train"]
    return scores.get("kl_per_latent", [])
