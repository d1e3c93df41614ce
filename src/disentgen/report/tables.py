"""The tables of a report, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from disentgen.analysis.collection import Collection
from disentgen.analysis.predictors import Predictors, find_by_source
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.analysis.tables import tabulate_cells
from disentgen.report.compare import (
    StudyResult,
    compare_studies,
    join_departures,
    name_departures,
    save_comparison,
)
from disentgen.report.formatting import save_csv
from disentgen.report.latex import format_cells, format_comparison


@dataclass(frozen=True)
class ReportTables:
    """The tables that a report shows.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, with the departures from each
            study.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        results: the runs beside each study.
        predictors: of :func:`~disentgen.analysis.predictors.find_by_source`.
    """

    runs: pd.DataFrame
    cells: pd.DataFrame
    results: Sequence[StudyResult]
    predictors: Mapping[str, Predictors]


def build_tables(runs: pd.DataFrame, results: Sequence[StudyResult]) -> ReportTables:
    """The tables of a report.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`.
        results: of :func:`~disentgen.report.compare.compare_studies`.
    """
    joined = join_departures(runs, results)
    departures = [name for result in results for name in name_departures(result.study).values()]
    cells = tabulate_cells(joined, departures)
    return ReportTables(joined, cells, results, find_by_source(joined))


def save_tables(collection: Collection, folder: Path) -> ReportTables:
    """Write all tables of a collection into a folder, as CSV and for papers."""
    results = compare_studies(collection.table, collection.runs)
    tables = build_tables(collection.table, results)
    metrics = tabulate_metrics(collection.measured, collection.bounds)
    files = {"runs": tables.runs.drop(columns="path"), "cells": tables.cells, "metrics": metrics}
    files |= join_predictors(tables.predictors)
    for name, table in files.items():
        save_csv(table, folder / f"{name}.csv")
    save_comparison(results, folder)
    papers = {"cells": format_cells(tables.cells), "comparison": format_comparison(results)}
    for name, text in papers.items():
        (folder / f"{name}.tex").write_text(text, encoding="utf-8")
    return tables


def join_predictors(predictors: Mapping[str, Predictors]) -> dict[str, pd.DataFrame]:
    """Tables of scores as predictors of the gap, of all sources, by the names of their files."""
    combined = [one.combined.assign(source=source) for source, one in predictors.items()]
    strata = [one.strata for one in predictors.values()]
    return {
        name: pd.concat([part for part in parts if len(part)] or parts[:1])
        for name, parts in (("predictors", combined), ("predictors_by_stratum", strata))
    }
