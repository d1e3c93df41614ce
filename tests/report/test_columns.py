"""Columns of pages: under which heading each score stands, and how its values are shown."""

import numpy as np
import pandas as pd
import pytest
from pages import Reader, build_tables, link_runs, render_index

import disentgen.report
from disentgen.analysis.metrics import load_metrics
from disentgen.report.columns import (
    keep_known,
    list_cell_columns,
    list_claim_columns,
    list_comparison_columns,
    list_metrics,
    list_run_columns,
    list_stray_columns,
)
from disentgen.report.compare import list_published
from disentgen.report.formatting import DASH, INTERVALS, format_number, records
from disentgen.report.index import describe_index
from disentgen.training.selection import RULES
from records import list_changeable
from run_tables import make_runs

#: Headings of scores, wherever they stand.
SCORES = {
    "NLL train": "nll_train", "NLL held-out": "nll_held_out", "excess train": "excess_train",
    "excess held-out": "excess_held_out", "gap to control": "gap_to_control",
    "held-out / train": "ratio", "KL": "kl_train", "active units": "active_units_train",
    "ELBO held-out": "elbo_held_out", "IW-NLL held-out": "iw_nll_held_out",
    "PSNR validation": "psnr_validation", "PSNR held-out": "psnr_held_out",
    "SSIM validation": "ssim_validation", "SSIM held-out": "ssim_held_out",
    "joint accuracy train": "joint_accuracy_train",
    "joint accuracy held-out": "joint_accuracy_held_out",
    "R² train": "r2_train", "R² held-out": "r2_held_out",
    **{f"joint accuracy held-out, epoch by {rule.title}": f"joint_accuracy_held_out_by_{name}"
       for name, rule in RULES.items()},
    "D": "disentanglement", "informativeness": "informativeness", "seeds": "seeds",
    "steps": "steps", "seed": "seed", "seeds with control": "gap_to_control_seeds",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    """Runs of which every score is another number."""
    runs = make_runs({"recomb2range": 150.0}, control=70.0, floors=(1.0, 2.0))
    rng = np.random.default_rng(1)
    names = ["ratio", "kl_train", "active_units_train", "iw_nll_held_out", "psnr_validation",
             "psnr_held_out", "mig", "sap"]  # fmt: skip
    random = {name: rng.uniform(1, 200, len(runs)) for name in names}
    inside = {name: rng.uniform(0.1, 0.9, len(runs))
              for name in ("ssim_validation", "ssim_held_out", "mig", "sap")}  # fmt: skip
    return build_tables(
        runs.assign(**random | inside, elbo_held_out=-rng.uniform(50, 90, len(runs)))
    )


def test_metrics_that_were_measured_have_columns_but_lasso_which_has_its_own():
    known = load_metrics()
    assert list_metrics(pd.DataFrame(columns=[*known, "nll_train"])) == {
        name: metric.title for name, metric in known.items() if name != "dci_lasso"
    }
    assert list_metrics(pd.DataFrame(columns=["mig", "disentanglement"])) == {
        "mig": known["mig"].title
    }
    assert list_metrics(pd.DataFrame(columns=["dci_lasso"])) == {}


@pytest.mark.parametrize(
    ("columns", "texts"),
    [
        (list_run_columns({"mig": "MIG"}, {"x_protocol": "a study"}),
         {"run": "links", "data": "data", "images": "source", "condition": "condition_title",
          "variant": "variant", "model": "label", "layers": "architecture",
          "control": "control_text", "beside a study": "x_protocol", "MIG": "mig",
          "settings that differ": "differs"}),
        (list_cell_columns({"mig": "MIG"}),
         {"runs": "links", "model": "label", "layers": "architecture", "control": "control_text",
          "MIG": "mig", "settings that differ": "differs"}),
        (list_stray_columns(),
         {"runs": "links", "data": "dataset", "images": "source", "variant": "variant",
          "model": "label", "control": "control_text", "protocol differs": "protocol"}),
        (list_comparison_columns(),
         {"data": "dataset", "images": "source", "condition": "condition_title",
          "variant": "variant", "model": "model", "parameters": "parameters", "runs": "links"}),
        (list_claim_columns(),
         {"claim": "title", "data": "dataset", "images": "source", "verdict": "verdict",
          "missing": "missing", "estimate": "estimate", "from": "low", "to": "high",
          "confidence": "confidence", "n": "seeds", "decided by": "decided_by",
          "quantity": "quantity", "bound": "bound", "published": "published",
          "confirmed": "control", "notes": "note"}),
    ],
)  # fmt: skip
def test_headings_name_what_stands_below(columns, texts):
    given = {}
    for column in columns:
        assert column.is_text == (column.kind not in ("number", "interval"))
        if column.title in ("published", "ratio") and column.key != "published":
            continue  # of the comparison, see below
        given[column.title] = column.key
    assert given == texts | {title: key for title, key in SCORES.items() if title in given}
    assert texts.keys() <= given.keys()


def test_scores_of_runs_and_cells_that_a_reader_looks_for_are_there():
    run = {column.title for column in list_run_columns({}, {})}
    assert {"seed", "steps", "NLL train", "NLL held-out", "excess held-out", "gap to control", "D",
            "informativeness"} <= run  # fmt: skip
    cell = {column.title: column.kind for column in list_cell_columns({})}
    means = SCORES.keys() - {"seed", "seeds", "steps", "seeds with control"}
    assert {title for title, kind in cell.items() if kind == "interval"} == means


def test_scores_of_encoders_are_shown_where_there_are_any(tables):
    titles = [
        {column.title for column in keep_known(list_cell_columns({}), cells)}
        for cells in (tables.cells, tables.cells.assign(joint_accuracy_train=0.5, r2_train=np.nan))
    ]
    assert titles[1] - titles[0] == {"joint accuracy train"}
    assert list_published(tables.results[0].cells) == (
        "nll_train",
        "nll_held_out",
        "disentanglement",
    )


def test_ours_published_and_their_ratio_stand_beside_each_other():
    columns = [column.key for column in list_comparison_columns()]
    for score in ("nll_train", "nll_held_out", "disentanglement", "joint_accuracy_held_out"):
        place = columns.index(score)
        assert columns[place + 1 : place + 3] == [f"published_{score}", f"{score}_over_published"]


def show(row, column):
    """What a cell of a page should read."""
    value = row.get(column.key)
    if column.kind == "number":
        return format_number(value)
    if column.kind == "interval":
        ends = [row.get(f"{column.key}_{end}") for end in ("low", "high")]
        spread = "" if ends[0] is None else " to ".join(map(format_number, ends))
        return format_number(value) + spread
    if column.kind == "runs":
        return ", ".join(name for name, _ in value)
    if column.kind == "details":
        return f"{column.summary}{value}" if value else column.empty
    return "" if value is None else str(value)


@pytest.mark.parametrize(
    ("section", "rows", "columns"),
    [("runs", "run_rows", "run_columns"), ("cells", None, "cell_columns"),
     ("comparison", None, "comparison_columns"), ("claims", None, "claim_columns")],
)  # fmt: skip
def test_every_value_stands_in_the_page(tables, section, rows, columns):
    texts = dict.fromkeys(tables.runs["path"], "lr=1")
    described = describe_index(tables, link_runs(tables), texts)
    (study,) = described["studies"]
    content = {
        "runs": described.get(rows), "cells": described["splits"][0]["rows"],
        "comparison": study["comparison"], "claims": study["claims"],
    }[section]  # fmt: skip
    page = render_index(tables, texts)
    (table,) = [rows for name, rows in Reader(page).tables if name == section][:1]
    head, *shown = table
    described |= {"comparison_columns": study["comparison_columns"]}
    assert head == [column.title for column in described[columns]]
    assert not {"joint accuracy train", "joint accuracy held-out"} & {*head}
    assert len(shown) == len(content) > 0
    for texts_of_row, row in zip(shown, content, strict=True):
        assert texts_of_row == [show(row, column) for column in described[columns]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, DASH), ("", DASH), ("text", "text"), (True, "True"), (1234567, "1,234,567"), (0, "0"),
     (0.0, "0"), (99.96, "100"), (99.94, "99.9"), (100.0, "100.0"), (99.999, "100"),
     (1234.56, "1,234.6"), (-1234.56, "-1,234.6"), (-99.94, "-99.9"), (0.12345, "0.123"),
     (12.345, "12.3")],
)  # fmt: skip
def test_numbers_have_three_digits_below_a_hundred_and_one_decimal_above(value, text):
    assert format_number(value) == text


def test_more_digits_may_be_asked_for():
    assert format_number(12.3456, 5) == "12.346"
    assert format_number(1234.56, 5) == "1,234.6"


def test_rows_of_tables_have_none_where_a_number_is_missing():
    table = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": [1, 2]})
    assert records(table) == [{"a": 1.0, "b": "x", "c": 1}, {"a": None, "b": None, "c": 2}]


def test_intervals_are_said_to_be_of_95_percent_from_three_seeds_on():
    assert INTERVALS.startswith("intervals are 95 % of Student's t over seeds, from 3 seeds on")


def test_records_of_a_report_are_not_changed():
    assert list_changeable(disentgen.report) == set()
