"""The columns of a page's tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from disentgen.analysis.measurements.metrics import DISENTANGLEMENT
from disentgen.analysis.metrics import load_metrics
from disentgen.report.compare import COMPARED
from disentgen.training.selection import JOINT, RULES

#: How a value is shown: a number, one with its interval, text in one line or several, text that
#: opens on a click, a verdict, or links to runs.
Kind = Literal["number", "interval", "text", "long", "details", "verdict", "runs"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: its heading.
        key: of the value in a row; a row without it shows a dash, or nothing where it is text.
        kind: how the value is shown.
        hint: key of what is shown when the pointer rests on the value.
        summary: of text that opens on a click.
        empty: shown where such text is empty.
    """

    title: str
    key: str
    kind: Kind = "number"
    hint: str = ""
    summary: str = ""
    empty: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the column is aligned to the left."""
        return self.kind not in ("number", "interval")


def _columns(kind: Kind, keys: Mapping[str, str]) -> tuple[Column, ...]:
    return tuple(Column(title, key, kind) for key, title in keys.items())


_MODEL = _columns("text", {"label": "model", "architecture": "layers", "control_text": "control"})
_DATA = _columns("text", {"data": "data", "source": "images"})
_SPLIT = _columns("text", {"condition_title": "condition", "variant": "variant"})

#: Scores of a run.
RUN_SCORES = {
    "nll_train": "NLL train", "nll_held_out": "NLL held-out",
    "excess_held_out": "excess held-out", "gap_to_control": "gap to control",
    "joint_accuracy_train": "joint accuracy train",
    "joint_accuracy_held_out": "joint accuracy held-out", "r2_held_out": "R² held-out",
    "disentanglement": "D", "informativeness": "informativeness",
}  # fmt: skip
#: Scores of a cell, each with its interval.
CELL_SCORES = {
    "nll_train": "NLL train", "nll_held_out": "NLL held-out", "excess_train": "excess train",
    "excess_held_out": "excess held-out", "gap_to_control": "gap to control",
    "ratio": "held-out / train", "kl_train": "KL", "active_units_train": "active units",
    "elbo_held_out": "ELBO held-out", "iw_nll_held_out": "IW-NLL held-out",
    "psnr_validation": "PSNR validation", "psnr_held_out": "PSNR held-out",
    "ssim_validation": "SSIM validation", "ssim_held_out": "SSIM held-out",
    "joint_accuracy_train": "joint accuracy train",
    "joint_accuracy_held_out": "joint accuracy held-out",
    "r2_train": "R² train", "r2_held_out": "R² held-out",
    **{f"joint_accuracy_held_out_by_{name}": f"joint accuracy held-out, epoch by {rule.title}"
       for name, rule in RULES.items()},
    "disentanglement": "D", "informativeness": "informativeness",
}  # fmt: skip


def list_metrics(table: pd.DataFrame) -> dict[str, str]:
    """Titles of the metrics that a table has, by name, beside disentanglement by lasso."""
    return {
        name: metric.title
        for name, metric in load_metrics().items()
        if name in table and name != DISENTANGLEMENT
    }


def is_of_encoders(name: str) -> bool:
    """Whether a column is a score that supervised encoders alone have."""
    known = name in RUN_SCORES or name in CELL_SCORES
    return known and name.startswith((JOINT, "r2_"))


def keep_known(columns: Iterable[Column], table: pd.DataFrame) -> tuple[Column, ...]:
    """Columns without those of supervised encoders that a table has no value of.

    Args:
        columns: of the table as a page shows it.
        table: of runs or cells.
    """
    known = {name for name, values in table.items() if values.notna().any()}
    return tuple(
        column for column in columns if column.key in known or not is_of_encoders(column.key)
    )


def list_run_columns(metrics: Mapping[str, str], studies: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns of the table of runs.

    Args:
        metrics: titles by name, of :func:`list_metrics`.
        studies: titles by the column that says how a run departs from a study.
    """
    return (
        Column("run", "links", "runs"), *_DATA, *_SPLIT, *_MODEL,
        *_columns("number", {"seed": "seed", "steps": "steps"} | RUN_SCORES | dict(metrics)),
        *(Column(f"beside {title}", key, "details", summary="protocol differs",
                 empty="follows it") for key, title in studies.items()),
        Column("settings that differ", "differs", "details", summary="settings"),
    )  # fmt: skip


def list_cell_columns(metrics: Mapping[str, str]) -> tuple[Column, ...]:
    """Columns of the tables of cells, of which each is about one split.

    Args:
        metrics: titles by name, of :func:`list_metrics`.
    """
    return (
        *_MODEL, Column("runs", "links", "runs"),
        *_columns("number", {"seeds": "seeds", "steps": "steps"}),
        *_columns("interval", CELL_SCORES | dict(metrics)),
        Column("seeds with control", "gap_to_control_seeds"),
        Column("settings that differ", "differs", "details", summary="settings"),
    )  # fmt: skip


def list_claim_columns() -> tuple[Column, ...]:
    """Columns of the table of claims."""
    return (
        Column("claim", "title", "long"), *_columns("text", {"dataset": "data"}),
        Column("images", "source", "text"), Column("verdict", "verdict", "verdict"),
        Column("missing", "missing", "long"), Column("estimate", "estimate"),
        Column("from", "low"), Column("to", "high"), Column("confidence", "confidence"),
        Column("n", "seeds"), Column("decided by", "decided_by", "text"),
        Column("quantity", "quantity", "long"), Column("bound", "bound", hint="reason"),
        Column("published", "published", "text"), Column("confirmed", "control", "long"),
        Column("notes", "note", "details", summary="notes"),
    )  # fmt: skip


def list_predictor_columns() -> tuple[Column, ...]:
    """Columns of the table of scores as predictors of the gap, over all strata."""
    return (
        Column("score", "title", "text"), Column("ρ with gap", "rho", "interval"),
        Column("p", "p"), Column("p, Holm", "p_holm"), Column("scores tried", "tried"),
        Column("strata", "strata"), Column("cells", "cells"),
    )  # fmt: skip


def list_stratum_columns() -> tuple[Column, ...]:
    """Columns of the same in each stratum."""
    return (
        Column("experiment", "experiment", "text"), Column("data", "data", "text"), *_SPLIT,
        Column("layers", "architecture", "text"), Column("objectives", "models"),
        Column("seeds, at least", "seeds"), Column("score", "title", "text"),
        Column("cells", "cells"), Column("ρ with gap", "rho", "interval"),
    )  # fmt: skip


def list_stray_columns() -> tuple[Column, ...]:
    """Columns of the table of runs that decide no claim."""
    return (
        Column("runs", "links", "runs"), Column("data", "dataset", "text"),
        Column("images", "source", "text"), Column("variant", "variant", "text"),
        Column("model", "label", "text"), Column("control", "control_text", "text"),
        Column("seeds", "seeds"), Column("NLL train", "nll_train"),
        Column("NLL held-out", "nll_held_out"), Column("protocol differs", "protocol", "long"),
    )  # fmt: skip


def list_comparison_columns(published: Iterable[str] = COMPARED) -> tuple[Column, ...]:
    """Columns of the table of cells beside published ones.

    Args:
        published: scores that the study has published numbers of.
    """
    return (
        Column("data", "dataset", "text"), Column("images", "source", "text"), *_SPLIT,
        Column("model", "model", "text"), Column("parameters", "parameters", "text"),
        Column("runs", "links", "runs"), Column("seeds", "seeds"), Column("steps", "steps"),
        *_beside(published),
        Column("informativeness", "informativeness"),
        Column("excess held-out", "excess_held_out"),
        Column("gap to control", "gap_to_control", "interval"),
    )  # fmt: skip


def _beside(published: Iterable[str]) -> Iterable[Column]:
    for key in published:
        yield Column(CELL_SCORES[key], key, "interval")
        yield Column("published", f"published_{key}")
        yield Column("ratio", f"{key}_over_published")
