"""Which runs count for a study's claims, and what is missing of those that should."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from disentgen.analysis.cells import ALONE
from disentgen.analysis.quality import drop_unreliable, find_fault
from disentgen.analysis.tables import MINIMUM_SEEDS, has_learned
from disentgen.studies.rows import Row

ROW = ["experiment", "dataset", "variant", "row"]
NO_RUN = "no run"
#: Scores of encoders with heads, which tables of other runs may lack.
ACCURACIES = ("joint_accuracy_train", "joint_accuracy_held_out")
#: What users know scores as that runs may lack.
SCORE_TITLES = {
    "over_control": "a control",
    "over_uncomposed": "a score of the nearest training image",
    "accuracy_over_control": "a control",
    "disentanglement": "disentanglement of as many images as its metric wants",
}


class Evidence:
    """The runs of one source that follow the study, by its rows.

    A seed counts once, and a model that has hardly learned not at all; see
    :func:`~disentgen.analysis.tables.has_learned`. It is judged over all its seeds together, since
    leaving out single ones would leave out the bad ones.

    Args:
        runs: of :func:`~disentgen.studies.verdicts.departures.add_protocols`, of one source.
    """

    def __init__(self, runs: pd.DataFrame):
        self.cells: dict[Row, pd.DataFrame] = {}
        self.faults: dict[Row, str] = {}
        self._selected: dict[tuple[Row, tuple[str, ...]], pd.DataFrame] = {}
        if not len(runs):
            return
        known = runs[runs["row"] != ""]
        follows = known["protocol"] == ""
        own = add_scores(known[follows])
        for stray in known.loc[~follows & ~known["control"].astype(bool), ROW].to_numpy():
            # Which runs, and how they differ, is listed beside the claims.
            self.faults[Row(*stray)] = "only runs of another protocol"
        for key, cell in own.groupby(ROW):
            row, unique = Row(*map(str, key)), cell.drop_duplicates("seed", keep="last")
            self.cells[row] = unique.set_index("seed").sort_index()
            self.faults[row] = find_fault(unique)

    def select(self, row: Row, columns: Sequence[str]) -> pd.DataFrame:
        """The scores of a row by seed, where all are known; none of a row that cannot count."""
        if self.faults.get(row, NO_RUN):
            return pd.DataFrame(columns=list(columns), dtype=float)
        key = row, tuple(columns)
        if key not in self._selected:  # claims share most of their scores
            self._selected[key] = self.cells[row][list(columns)].astype(float).dropna()
        return self._selected[key]

    def list_missing(self, rows: Iterable[Row], columns: Sequence[str]) -> str:
        """What keeps rows from deciding a claim, as one text; empty if nothing does.

        Args:
            rows: that the claim needs.
            columns: the scores that it needs of each.
        """
        return describe_rows(
            (row, self.faults.get(row, NO_RUN) or self.count_seeds(row, columns)) for row in rows
        )

    def count_seeds(self, row: Row, columns: Sequence[str]) -> str:
        """How many seeds a row has of some scores; empty if they are enough."""
        seeds = len(self.select(row, columns))
        if seeds >= MINIMUM_SEEDS:
            return ""
        lacks = [name for name in columns if self.cells[row][name].isna().any()]
        known = (
            f" with {', '.join(SCORE_TITLES.get(name, name) for name in lacks)}" if lacks else ""
        )
        return f"{seeds} of {MINIMUM_SEEDS} seeds{known}"


def describe_rows(remarks: Iterable[tuple[Row, str]]) -> str:
    """Remarks on the study's rows as one text; rows of the same remark together, empty ones not."""
    models: dict[tuple[str, str], list[str]] = {}
    for row, remark in remarks:
        if remark:
            models.setdefault((remark, row.variant), []).append(row.model)
    variants: dict[tuple[str, str], list[str]] = {}
    for (remark, variant), names in models.items():
        variants.setdefault((remark, ", ".join(names)), []).append(variant)
    return "; ".join(
        f"{remark}: {names} ({', '.join(there)})" for (remark, names), there in variants.items()
    )


def add_scores(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that are no controls, with what claims compare.

    Args:
        runs: that follow the study, controls among them; one that does not follow it is no control.

    Returns:
        Those of :func:`~disentgen.analysis.quality.drop_unreliable`, with further columns
        ``nll_ratio`` and ``excess_ratio`` (held-out over train score), ``control_excess`` (of
        held-out images; NaN without a control), ``over_control`` and ``over_uncomposed`` (held-out
        score over that of the nearest training image, or of the mean one where it is better; NaN
        where they were not scored); of joint accuracy likewise ``joint_accuracy_ratio`` and
        ``accuracy_over_control``.
    """
    runs = runs.reindex(columns=[*dict.fromkeys([*runs.columns, *ACCURACIES])])
    own = drop_unreliable(runs)
    control = own["excess_held_out"] - own["gap_to_control"]
    uncomposed = own.reindex(columns=["nll_nearest", "nll_mean_image"]).min(axis=1, skipna=False)
    accuracies = usable_controls(runs)["joint_accuracy_held_out"]
    return own.assign(
        joint_accuracy_ratio=own["joint_accuracy_held_out"] / own["joint_accuracy_train"],
        accuracy_over_control=own["joint_accuracy_held_out"]
        / own["control_run"].map(accuracies).astype(float),
        nll_ratio=own["nll_held_out"] / own["nll_train"],
        excess_ratio=own["excess_held_out"] / own["excess_train"],
        control_excess=control,
        over_control=own["excess_held_out"] / control,
        over_uncomposed=own["nll_held_out"] / uncomposed,
    )


def usable_controls(runs: pd.DataFrame) -> pd.DataFrame:
    """Controls that have learned, by the name of their run.

    Args:
        runs: controls among them.
    """
    controls = runs[runs["control"].astype(bool)]
    return controls[has_learned(controls)].drop_duplicates("run").set_index("run")


def list_strays(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that decide no claim since they do not follow a study, a row for each cell.

    Each run that belongs to no cell has a row of its own.

    Args:
        runs: of :func:`~disentgen.studies.verdicts.departures.add_protocols`.

    Returns:
        Columns ``dataset``, ``source``, ``variant``, ``label``, ``control``, ``protocol`` (what
        differs), ``runs``, ``seeds``, ``nll_train``, ``nll_held_out`` (geometric means).
    """
    keys: Sequence[str] = ["dataset", "source", "variant", "label", "control", "protocol"]
    if not len(runs):
        return pd.DataFrame(columns=[*keys, "runs", "seeds", "nll_train", "nll_held_out"])
    strays = runs[runs["protocol"] != ""]
    alone = strays["cell"].where(strays["cell"].str.startswith(ALONE), "")
    return (
        strays.assign(**{name: np.log(strays[name]) for name in ("nll_train", "nll_held_out")})
        .groupby([*keys, alone], sort=False)
        .agg(
            runs=("run", ", ".join),
            seeds=("seed", "nunique"),
            nll_train=("nll_train", "mean"),
            nll_held_out=("nll_held_out", "mean"),
        )
        .assign(
            nll_train=lambda table: np.exp(table["nll_train"]),
            nll_held_out=lambda table: np.exp(table["nll_held_out"]),
        )
        .reset_index()
        .drop(columns="cell")
    )
