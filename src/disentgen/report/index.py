"""What the index of a report shows."""

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from disentgen.analysis.cells import condition_titles
from disentgen.analysis.figures.subjects import name_data, name_source
from disentgen.analysis.predictors import MINIMUM_CELLS, Predictors
from disentgen.analysis.statistics import MINIMUM_GROUPS
from disentgen.analysis.tables import CELL
from disentgen.dataset.spec import find_known
from disentgen.report.columns import (
    keep_known,
    list_cell_columns,
    list_claim_columns,
    list_comparison_columns,
    list_metrics,
    list_predictor_columns,
    list_run_columns,
    list_stratum_columns,
    list_stray_columns,
)
from disentgen.report.compare import StudyResult, list_published, name_departures
from disentgen.report.formatting import records
from disentgen.report.links import Links, name_row
from disentgen.report.tables import ReportTables
from disentgen.runs import Run
from disentgen.schema import flatten

#: Settings that have columns of their own, or are long.
NOT_LISTED = ("seed", "dataset.variant", "dataset.control")
LAYERS = ("model.encoder", "model.decoder")
#: One split of one dataset.
SPLIT = ["dataset", "version", "source", "condition", "variant"]
Rows = list[dict[Any, Any]]


def describe_index(
    tables: ReportTables, links: Links, differences: Mapping[str, str]
) -> dict[str, Any]:
    """Tables of an index, each with columns and rows.

    Args:
        tables: of the report.
        links: to runs' pages.
        differences: of :func:`list_differences`.
    """
    metrics = list_metrics(tables.runs)
    studies = {
        name_departures(result.study)["protocol"]: result.study.title for result in tables.results
    }
    return {
        "run_rows": describe_runs(tables.runs, links, differences),
        "run_columns": keep_known(list_run_columns(metrics, studies), tables.runs),
        "splits": describe_splits(tables, links, differences),
        "cell_columns": keep_known(list_cell_columns(metrics), tables.cells),
        "studies": [describe_study(result, links) for result in tables.results],
        "claim_columns": list_claim_columns(),
        "stray_columns": list_stray_columns(),
        "predictors": [describe_predictors(*pair) for pair in tables.predictors.items()],
        "predictor_columns": list_predictor_columns(),
        "stratum_columns": list_stratum_columns(),
        "minimum_cells": MINIMUM_CELLS,
        "minimum_strata": MINIMUM_GROUPS,
    }


def describe_predictors(source: str, predictors: Predictors) -> dict[str, Any]:
    """Scores as predictors of the gap, on images of one source.

    Args:
        source: of the images.
        predictors: of :func:`~disentgen.analysis.predictors.find_predictors`.
    """
    return {
        "source": name_source(source),
        "missing": predictors.describe_missing(),
        "left_out": predictors.describe_left_out(),
        "combined": records(predictors.combined),
        "strata": [add_texts(row) for row in records(predictors.strata)],
    }


def describe_study(result: StudyResult, links: Links) -> dict[str, Any]:
    """Runs beside one study: its claims, runs that decide none, and published cells.

    Args:
        result: of the runs.
        links: to their pages.
    """
    by_name = dict(zip(result.runs["run"], result.runs["path"], strict=True))
    strays = [
        add_texts(row)
        | {"links": [(name, links(by_name[name])) for name in str(row["runs"]).split(", ")]}
        for row in records(result.strays)
    ]
    claims = [
        row | {"title": f"{row['number']} {row['claim']}"} for row in records(result.verdicts)
    ]
    return {
        "name": result.study.name,
        "title": result.study.title,
        "citation": result.study.citation,
        "claims": claims,
        "strays": strays,
        "comparison": describe_comparison(result, links),
        "comparison_columns": list_comparison_columns(list_published(result.cells)),
    }


def add_texts(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """A row with its data, condition and control in words."""
    condition = row.get("condition")
    return {
        **row,
        "data": f"{row['dataset']} {row.get('version') or ''}".strip(),
        "condition_title": condition_titles().get(str(condition), condition),
        "control_text": "control" if row.get("control") else "",
    }


def list_links(runs: pd.DataFrame, links: Links) -> list[tuple[str, str]]:
    """Names and addresses of runs."""
    return [(name, links(path)) for name, path in zip(runs["run"], runs["path"], strict=True)]


def describe_runs(runs: pd.DataFrame, links: Links, differences: Mapping[str, str]) -> Rows:
    """Rows of the table of runs.

    Args:
        runs: of the report.
        links: to their pages.
        differences: of :func:`list_differences`.
    """
    return [
        add_texts(row)
        | {"links": [(row["run"], links(row["path"]))], "differs": differences[row["path"]]}
        for row in records(runs)
    ]


def describe_splits(
    tables: ReportTables, links: Links, differences: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The cells of each split apart, in the order of the conditions.

    Args:
        tables: of the report.
        links: to runs' pages.
        differences: of :func:`list_differences`; a cell's are those of its first run.
    """
    rows = describe_cells(tables, links, differences)
    places = {condition: place for place, condition in enumerate(condition_titles())}
    splits = []
    for key, part in sorted(
        tables.cells.groupby(SPLIT),
        key=lambda group: (*group[0][:3], places.get(str(group[0][3]), len(places)), group[0][4]),
    ):
        dataset, version, *_, variant = map(str, key)
        own = [rows[index] for index in part.index]
        splits.append({
            "data": name_data(part),
            "condition": own[0]["condition_title"],
            "variant": variant,
            "remark": describe_variant(dataset, version, variant),
            "rows": own,
        })  # fmt: skip
    return splits


def describe_cells(
    tables: ReportTables, links: Links, differences: Mapping[str, str]
) -> dict[Hashable, dict[Any, Any]]:
    """The row of each cell, by its index.

    Args:
        tables: of the report.
        links: to runs' pages.
        differences: of :func:`list_differences`; a cell's are those of its first run.
    """
    runs, rows = dict(list(tables.runs.groupby(CELL, sort=False))), {}
    for index, row in zip(tables.cells.index, records(tables.cells), strict=True):
        own = runs[tuple(row[name] for name in CELL)]
        rows[index] = add_texts(row) | {
            "anchor": name_row(index),
            "links": list_links(own, links),
            "differs": differences[own["path"].iloc[0]],
        }
    return rows


def describe_variant(dataset: str, version: str | None, name: str) -> str:
    """What a published variant holds out, and its note; empty for a split of the user's own.

    Args:
        dataset: its name.
        version: of the dataset, where there are several.
        name: of the variant.
    """
    spec = find_known(dataset, version or None)
    variant = None if spec is None else spec.variants.get(name)
    if variant is None:
        return ""
    held_out = f"held out: {variant.rule}"
    return "; ".join(text for text in (held_out, variant.note) if text)


def describe_comparison(result: StudyResult, links: Links) -> Rows:
    """Rows of our cells beside published ones, with the runs that each is of.

    Args:
        result: of the runs beside a study.
        links: to runs' pages.
    """
    if not len(result.runs):
        return []
    own = result.runs[~result.runs["control"].astype(bool)]
    by_cell = {key: list_links(part, links) for key, part in own.groupby(["cell", "source"])}
    return [
        add_texts(row) | {"links": by_cell[row["cell"], row["source"]]}
        for row in records(result.cells[result.cells["seeds"] > 0])
    ]


def list_differences(runs: Iterable[Run]) -> dict[str, str]:
    """The settings that are not the same in all runs, as one text for each, by its path."""
    flat = {str(run.path): flatten(run.config) for run in runs}
    keys = dict.fromkeys(key for config in flat.values() for key in config)
    columns = [
        key for key in keys
        if key not in NOT_LISTED
        and not key.startswith(LAYERS)
        and len({json.dumps(config.get(key)) for config in flat.values()}) > 1
    ]  # fmt: skip
    return {
        path: ", ".join(f"{key}={config[key]}" for key in columns if config.get(key, {}) != {})
        for path, config in flat.items()
    }


def list_repetitions(
    all_runs: Sequence[Run], runs: pd.DataFrame, links: Links
) -> list[tuple[str, str]]:
    """Names and addresses of runs that a later one of the same cell and seed stands for.

    Args:
        all_runs: that were read.
        runs: those in the tables.
        links: to their pages.
    """
    shown = set(runs["path"])
    return [
        (f"{run.experiment}/{run.id}", links(str(run.path)))
        for run in all_runs
        if str(run.path) not in shown
    ]
