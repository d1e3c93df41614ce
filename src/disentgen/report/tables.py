"""The tables of a report, and their files."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from disentgen.analysis.collection import Collection
from disentgen.analysis.results_table import tabulate_metrics
from disentgen.analysis.tables import tabulate_cells
from disentgen.report.compare import (
    StudyResult,
    compare_studies,
    join_departures,
    name_departures,
    save_comparison,
)
from disentgen.report.latex import format_cells, format_comparison


@dataclass(frozen=True)
class ReportTables:
    """The tables that a report shows.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, with how they depart from each
            study; see :func:`~disentgen.report.compare.join_departures`.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        studies: runs beside each study.
    """

    runs: pd.DataFrame
    cells: pd.DataFrame
    studies: list[StudyResult]


def save_tables(collection: Collection, folder: Path) -> ReportTables:
    """Write all tables of measured runs into a folder, as CSV and for papers."""
    results = compare_studies(collection.table, collection.runs)
    runs = join_departures(collection.table, results)
    departures = [name for result in results for name in name_departures(result.study).values()]
    cells = tabulate_cells(runs, departures)
    metrics = tabulate_metrics(collection.measured, collection.bounds)
    tables = {"runs": runs.drop(columns="path"), "cells": cells, "metrics": metrics}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    save_comparison(results, folder)
    compared = "\n".join(format_comparison(result) for result in results)
    for name, text in {"cells": format_cells(cells), "comparison": compared}.items():
        (folder / f"{name}.tex").write_text(text, encoding="utf-8")
    return ReportTables(runs, cells, results)
