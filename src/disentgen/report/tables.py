"""The tables of a report, and their files."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from disentgen.analysis.collect import Collection
from disentgen.analysis.tables import tabulate_cells, tabulate_metrics
from disentgen.report.compare import save_comparison
from disentgen.report.latex import format_cells, format_comparison
from disentgen.studies.verdicts.selection import list_strays


@dataclass(frozen=True)
class ReportTables:
    """The tables that a report shows.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, with ``udr``.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
        comparison: cells that the study has too, of
            :func:`~disentgen.report.compare.compare_cells`.
        claims: of :func:`~disentgen.studies.verdicts.decisions.tabulate_verdicts`.
        strays: of :func:`~disentgen.studies.verdicts.selection.list_strays`.
    """

    runs: pd.DataFrame
    cells: pd.DataFrame
    comparison: pd.DataFrame
    claims: pd.DataFrame
    strays: pd.DataFrame


def save_tables(collection: Collection, folder: Path) -> ReportTables:
    """Write all tables of measured runs into a folder, as CSV and for papers."""
    runs = collection.table.assign(udr=lambda table: table["path"].map(collection.rank()))
    cells = tabulate_cells(runs)
    comparison, claims = save_comparison(collection, folder)
    metrics = tabulate_metrics(collection.measured, collection.bounds)
    tables = {"runs": runs.drop(columns="path"), "cells": cells, "metrics": metrics}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    compared = comparison[comparison["seeds"] > 0]
    for name, text in {
        "cells": format_cells(cells),
        "comparison": format_comparison(compared),
    }.items():
        (folder / f"{name}.tex").write_text(text, encoding="utf-8")
    return ReportTables(runs, cells, compared, claims, list_strays(runs))
