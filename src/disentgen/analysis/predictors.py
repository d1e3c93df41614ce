"""Which score of a model predicts its gap on held-out combinations, and which does not.

Inside a *stratum* (one dataset, split, experiment and architecture) cells differ in objective and
its strength. There, Spearman's ρ of each score and the gap to the control is taken over the cells'
means; over strata it is combined. A score that predicts well has a ρ far below 0: the higher it is,
the smaller the gap.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from disentgen.analysis.cells import ALONE
from disentgen.analysis.measurements.metrics import DISENTANGLEMENT
from disentgen.analysis.metrics import load_metrics
from disentgen.analysis.quality import drop_unreliable, find_fault
from disentgen.analysis.statistics import (
    Combination,
    Values,
    adjust_holm,
    combine_groups,
    correlation_interval,
    spearman,
)
from disentgen.analysis.tables import CELL, drop_repetitions, tabulate_cells

#: What cells have in common that are compared with each other.
STRATUM = ["experiment", "dataset", "version", "source", "condition", "variant", "architecture"]
#: A stratum of fewer has no value: of five cells even a ρ of 1 has a p-value of 0.017, which no
#: correction for more than three scores leaves below 0.05.
MINIMUM_CELLS = 6
#: Runs of fewer were made to see that everything works; published protocols have thousands.
MINIMUM_STEPS = 100
#: Of a score that no stratum has.
NOTHING = Combination(np.nan, np.nan, np.nan, np.nan, groups=0, pairs=0)
#: Columns of a correlation and its interval.
ENDS = ["rho", "rho_low", "rho_high"]
#: What is predicted: see :func:`~disentgen.analysis.tables.tabulate_runs`.
GAP = "gap_to_control"
#: Scores that are known without any metric: a metric that predicts no better is of no use for it.
#: On one split, NLL stands in the order of its excess, and would be a second test of the same.
TRIVIAL = {
    "excess_train": "excess, training images",
    "excess_validation": "excess, validation images",
    "kl_train": "KL, training images",
}
#: Why runs are left out, beside what :func:`~disentgen.analysis.quality.find_fault` says.
NO_CELL = "belongs to no cell"
NOTHING_HELD_OUT = "holds nothing out"
TOO_SHORT = f"trained for fewer than {MINIMUM_STEPS} steps"
NO_CONTROL = "no control of the same seed that has learned"
SMALL_STRATUM = f"in strata of fewer than {MINIMUM_CELLS} cells"


@dataclass(frozen=True)
class Predictors:
    """Scores as predictors of the gap, on the images of one source.

    Args:
        combined: of :func:`combine_strata`.
        strata: of :func:`correlate_strata`.
        left_out: how many runs that are no controls were left out, by reason.
        runs: how many were not.
        largest: cells of the largest stratum.
    """

    combined: pd.DataFrame
    strata: pd.DataFrame
    left_out: Mapping[str, int]
    runs: int
    largest: int

    @property
    def tried(self) -> int:
        """How many scores were tried, for which p-values are adjusted."""
        return int(self.combined["p"].notna().sum())

    def describe_missing(self) -> str:
        """What is missing where no stratum is large enough; empty where one is."""
        if len(self.strata):
            return ""
        return (
            f"{MINIMUM_CELLS} cells or more with controls in one dataset × split × architecture; "
            f"the largest has {self.largest}"
        )

    def describe_left_out(self) -> str:
        """How many runs were left out for which reason."""
        reasons = "; ".join(f"{reason}: {count}" for reason, count in self.left_out.items())
        return f"Runs: {self.runs}; left out: {reasons or 'none'}."


def find_predictors(runs: pd.DataFrame) -> Predictors:
    """Each score as a predictor of the gap, of runs on images of one source.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, controls among them; of repeated
            ones, the last counts.
    """
    kept, left_out = choose_runs(runs)
    cells = tabulate_cells(kept)
    sizes = cells.groupby(STRATUM)["cell"].transform("size")
    small = cells[sizes < MINIMUM_CELLS]
    if len(small):
        left_out[SMALL_STRATUM] = int(small["seeds"].sum())
    large, scores = cells[sizes >= MINIMUM_CELLS], list_scores(cells)
    return Predictors(
        combine_strata(large, scores),
        correlate_strata(large, scores),
        left_out,
        int(large["seeds"].sum()),
        int(sizes.max()) if len(sizes) else 0,
    )


def find_by_source(runs: pd.DataFrame) -> dict[str, Predictors]:
    """The same for each source of images, so that stand-ins and originals are never combined."""
    parts = runs.groupby("source") if len(runs) else ()
    return {str(source): find_predictors(part) for source, part in parts}


def choose_runs(runs: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Runs that count, without controls, and how many others there are for each reason.

    A model that has hardly learned has no gap that would mean anything, nor has one without a
    control. Each run is left out for the first reason that it has.

    Args:
        runs: see :func:`find_predictors`.
    """
    own = drop_unreliable(drop_repetitions(runs)).reset_index(drop=True)
    reasons = pd.Series("", index=own.index)
    for rows, reason in list_faults(own):
        reasons[rows & (reasons == "")] = reason
    counts = reasons[reasons != ""].value_counts(sort=False)
    return own[reasons == ""], {str(reason): int(count) for reason, count in counts.items()}


def list_faults(runs: pd.DataFrame) -> Iterator[tuple[pd.Series, str]]:
    """Reasons to leave runs out, and which runs have them; the first of a run counts."""
    yield runs["cell"].str.startswith(ALONE), NO_CELL
    yield runs["condition"] == "none", NOTHING_HELD_OUT
    yield runs["steps"] < MINIMUM_STEPS, TOO_SHORT
    faults = pd.Series("", index=runs.index)
    for _, cell in runs.groupby(CELL):
        faults[cell.index] = find_fault(cell)
    for fault in faults[faults != ""].unique():
        yield faults == fault, fault
    yield ~runs[GAP].astype(float).abs().lt(np.inf), NO_CONTROL


def list_scores(table: pd.DataFrame) -> dict[str, str]:
    """Titles of all scores that a table of cells has, by column: metrics first, trivial ones last.

    Disentanglement by lasso stands in a column of its own name.
    """
    titles = {name: metric.title for name, metric in load_metrics().items()}
    titles["disentanglement"] = titles.pop(DISENTANGLEMENT)
    titles["informativeness"] = "informativeness (lasso)"
    return {name: title for name, title in (titles | TRIVIAL).items() if name in table}


def pair_scores(cells: pd.DataFrame, score: str) -> tuple[Values, Values] | None:
    """A score and the gap of a stratum's cells that have both, (n,) each.

    None of fewer than :data:`MINIMUM_CELLS`, and where all have one value.

    Args:
        cells: of the stratum.
        score: a column.
    """
    pairs = cells[[score, GAP]].to_numpy(float)
    known = pairs[np.isfinite(pairs).all(axis=1)]
    if len(known) < MINIMUM_CELLS or (np.ptp(known, axis=0) == 0).any():
        return None
    return known[:, 0], known[:, 1]


def correlate_strata(cells: pd.DataFrame, scores: Mapping[str, str]) -> pd.DataFrame:
    """Spearman's ρ of each score and the gap in each stratum, with its interval.

    Args:
        cells: of strata that are large enough.
        scores: titles by column.

    Returns:
        A row for each stratum and score: columns of :data:`STRATUM`; ``models`` (kinds of
        objective) and ``seeds`` (fewest of a cell) of the stratum; ``score``, ``title``; ``cells``
        that have both values; :data:`ENDS` (NaN where :func:`pair_scores` finds
        that they would say nothing).
    """
    rows: list[dict[str, Any]] = []
    for key, own in cells.groupby(STRATUM, sort=False):
        stratum = dict(zip(STRATUM, key, strict=True))
        stratum |= {"models": own["model"].nunique(), "seeds": own["seeds"].min()}
        for score, title in scores.items():
            pairs, known = pair_scores(own, score), int(own[[score, GAP]].notna().all(axis=1).sum())
            ends = (np.nan,) * 3
            if pairs is not None:
                ends = correlation_interval(float(spearman(*pairs)), known)
            row = {"score": score, "title": title, "cells": known}
            rows.append(stratum | row | dict(zip(ENDS, ends, strict=True)))
    columns = [*STRATUM, "models", "seeds", "score", "title", "cells", *ENDS]
    return pd.DataFrame(rows, columns=columns)


def combine_strata(cells: pd.DataFrame, scores: Mapping[str, str]) -> pd.DataFrame:
    """Spearman's ρ of each score and the gap over all strata, as :func:`combine_groups` has it.

    Args:
        cells: of strata that are large enough.
        scores: titles by column.

    Returns:
        A row for each score: ``score``, ``title``, ``strata`` and ``cells`` that it is known of,
        :data:`ENDS`, ``p``, ``p_holm`` (adjusted for all scores that have a p-value)
        and ``tried`` (how many these are).
    """
    rows, given = [], [own for _, own in cells.groupby(STRATUM, sort=False)]
    for score, title in scores.items():
        pairs = [pair_scores(own, score) for own in given]
        groups = [both for both in pairs if both is not None]
        combination = combine_groups(groups) if groups else NOTHING
        ends = dict(zip(ENDS, (combination.rho, combination.low, combination.high), strict=True))
        counts = {"strata": combination.groups, "cells": combination.pairs}
        rows.append({"score": score, "title": title, **counts, **ends, "p": combination.p})
    table = pd.DataFrame(rows, columns=["score", "title", "strata", "cells", *ENDS, "p"])
    known = table["p"].notna()
    adjusted = pd.Series(np.nan, index=table.index)
    adjusted[known] = adjust_holm(table.loc[known, "p"].to_numpy(float))
    return table.assign(p_holm=adjusted, tried=int(known.sum()))
