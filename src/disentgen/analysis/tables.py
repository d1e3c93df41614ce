"""Tidy tables of runs and of cells, with intervals over seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from disentgen.analysis.cells import ALONE, describe_cell
from disentgen.analysis.measurements import Scale, list_columns
from disentgen.analysis.metrics import Result
from disentgen.dataset.split import SIDES
from disentgen.models import FAMILIES
from disentgen.runs import Run
from disentgen.training.selection import JOINT, RULES

#: Columns of a run's own scores that are averaged over seeds, and the scale that it is done on;
#: those of measurements come on top of these: see :func:`list_scales`.
SCORES: dict[str, Scale] = {
    **dict.fromkeys(("nll_train", "nll_validation", "nll_held_out"), "log"),
    **dict.fromkeys(("floor_train", "floor_validation", "floor_held_out"), "log"),
    **dict.fromkeys(("excess_train", "excess_validation", "excess_held_out"), "log"),
    **dict.fromkeys(("kl_train", "kl_held_out"), "log"),
    **dict.fromkeys(("elbo_train", "elbo_held_out"), "negative"),
    **dict.fromkeys(("iw_nll_train", "iw_nll_held_out"), "log"),
    "active_units_train": "log",
    **dict.fromkeys(("joint_accuracy_train", "joint_accuracy_held_out"), "logit or plain"),
    **dict.fromkeys((f"joint_accuracy_held_out_by_{rule}" for rule in RULES), "logit or plain"),
    **dict.fromkeys(("r2_train", "r2_held_out"), "plain"),
    "ratio": "log",
    "side_difference": "plain",
    "gap_to_control": "plain",
}
#: Columns of each side, and what results call their scores.
KEPT = {
    "nll": "nll", "nll_standard_error": "nll_standard_error", "floor": "nll_floor", "kl": "kl",
    "elbo": "elbo", "iw_nll": "iw_nll", "active_units": "active_units", JOINT: JOINT, "r2": "r2",
}  # fmt: skip
#: What distinguishes cells in tables, controls beside their counterparts.
CELL = [
    "experiment", "dataset", "version", "source", "condition", "variant", "model", "parameters",
    "label", "architecture", "cell", "control",
]  # fmt: skip
CONFIDENCE = 0.95
#: Of fewer seeds there is no interval: with two, Student's t is twelve times its standard error.
MINIMUM_SEEDS = 3
#: A model whose training excess is a larger share than this of the mean image's has hardly learned:
#: it is nearer to knowing nothing of the single image than to knowing all of it. So has an encoder
#: that is right about less than this share of its training images.
LEARNED_SHARE = 0.5


def tabulate_runs(
    runs: Iterable[Run],
    measured: Mapping[str, Mapping[str, Result]] | None = None,
) -> pd.DataFrame:
    """A row for each finished run.

    Args:
        runs: finished ones.
        measured: results by path of a run, then by key; see
            :meth:`~disentgen.analysis.measure.Measurements.results`.

    Returns:
        Columns of :class:`~disentgen.analysis.cells.Cell` and: ``nll_<side>``, ``floor_<side>``,
        ``excess_<side>`` (NLL less floor), ``kl_<side>``, ``elbo_<side>``, ``iw_nll_<side>``,
        ``active_units_<side>`` (NaN where a model has none), ``joint_accuracy_<side>`` and
        ``r2_<side>`` of supervised encoders, ``joint_accuracy_held_out_by_<rule>`` of the epoch
        that a rule of selection would have chosen, ``ratio`` (held-out over train NLL),
        ``side_difference`` (held-out less train excess), ``gap_to_control`` (held-out NLL less that
        of the control of the same cell and seed), ``disentanglement`` (DCI by lasso; 1 by
        construction for ground-truth decoders), ``informativeness`` and ``metric_images`` (how well
        that lasso finds the factors, and of how many images; without it, ``disentanglement`` says
        nothing), ``excess_constant`` (of the mean training image, NaN where it was not measured),
        and all other columns of measurements, such as the main part of every metric.
    """
    results = measured or {}
    return join_rows(
        describe_row(run) | describe_results(run, results.get(str(run.path), {})) for run in runs
    )


def join_rows(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The table of runs from a row for each; see :func:`tabulate_runs`."""
    table = pd.DataFrame(list(rows))
    if not len(table):
        return table
    # A split of one's own may be written in several ways.
    table["variant"] = table.groupby("cell")["variant"].transform("first")
    return add_gaps(table)


def drop_repetitions(runs: pd.DataFrame) -> pd.DataFrame:
    """Of runs of the same cell and seed the last one alone, so that a seed counts once."""
    return runs.drop_duplicates([*CELL, "seed"], keep="last") if len(runs) else runs


def describe_row(run: Run) -> dict[str, Any]:
    """What a finished run itself says: its cell and its scores."""
    cell, results = describe_cell(run), run.results or {}
    training = run.config["training"]
    row: dict[str, Any] = {
        "run": f"{run.experiment}/{run.id}",
        "family": run.family,
        **{name: value for name, value in asdict(cell).items() if name != "key"},
        "version": cell.version or "",
        "label": cell.label,
        "cell": cell.key,
        "seed": run.config["seed"],
        "epochs": results["epochs"],
        "steps": steps_of(run),
        "batch_size": training["batch_size"],
        "weights": results["parameters"],
    }
    return row | describe_scores(results) | {"path": str(run.path)}


def describe_scores(results: Mapping[str, Any]) -> dict[str, float]:
    """The scores of a run's results, by column; NaN where there is none."""
    row: dict[str, float] = {}
    for side in SIDES:
        score = results["scores"].get(side) or {}
        for name, key in KEPT.items():
            row[f"{name}_{side}"] = score.get(key, np.nan)
        row[f"excess_{side}"] = row[f"nll_{side}"] - row[f"floor_{side}"]
    selected = results.get("selection") or {}
    for rule in RULES:
        scores = selected.get(rule, {}).get("held_out", {})
        row[f"joint_accuracy_held_out_by_{rule}"] = scores.get(JOINT, np.nan)
    row["ratio"] = row["nll_held_out"] / row["nll_train"]
    row["side_difference"] = row["excess_held_out"] - row["excess_train"]
    return row


def describe_results(run: Run, results: Mapping[str, Result]) -> dict[str, float]:
    """What was measured on a run, by column; NaN where nothing was.

    Args:
        run: a finished one.
        results: of the run, by key.

    Raises:
        TypeError, ValueError: a kept result holds no number where a column needs one.
    """
    values = {
        name: results.get(column.key, {}).get(column.name)
        for name, column in list_columns().items()
    }
    row = {name: np.nan if value is None else float(value) for name, value in values.items()}
    family = FAMILIES.get(run.family)  # it may be a plugin's that is not in use
    if family is not None and family.disentanglement is not None:
        row |= dict.fromkeys(("disentanglement", "informativeness"), family.disentanglement)
    return row


def steps_of(run: Run) -> int:
    """How many iterations a run was trained for."""
    return int(run.history["step"].iloc[-1])


def add_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Beside each run, its control and how much worse it is than that on the held-out side."""
    controls = table[table["control"]].drop_duplicates(["cell", "seed"], keep="last")
    columns = controls.set_index(["cell", "seed"])[["run", "nll_held_out"]]
    columns.columns = pd.Index(["control_run", "control_nll_held_out"])
    joined = table.join(columns, on=["cell", "seed"])
    gap = joined["nll_held_out"] - joined["control_nll_held_out"]
    joined["gap_to_control"] = gap.where(~joined["control"])
    joined["control_run"] = joined["control_run"].where(~joined["control"])
    return joined.drop(columns="control_nll_held_out")


def has_learned(runs: pd.DataFrame) -> pd.Series:
    """Whether models have learned what they were trained on; False where unknown.

    They know more of single images than one constant image; of encoders with heads, that are right
    about all factors at once more often than not.

    Args:
        runs: with ``excess_train`` and ``excess_constant``, or ``joint_accuracy_train``; a row for
            each run, or for each cell.
    """
    learned = runs["excess_train"] <= LEARNED_SHARE * runs["excess_constant"]
    accuracy = read_accuracy(runs)
    return learned.where(accuracy.isna(), accuracy >= LEARNED_SHARE)


def has_failed(runs: pd.DataFrame) -> pd.Series:
    """Whether models are known to have learned next to nothing; see :func:`has_learned`."""
    failed = runs["excess_train"] > LEARNED_SHARE * runs["excess_constant"]
    accuracy = read_accuracy(runs)
    return failed.where(accuracy.isna(), accuracy < LEARNED_SHARE)


def read_accuracy(runs: pd.DataFrame) -> pd.Series:
    """Joint accuracy on training images; NaN where there is none."""
    return runs.get("joint_accuracy_train", pd.Series(np.nan, index=runs.index)).astype(float)


def tabulate_cells(runs: pd.DataFrame, remarks: Sequence[str] = ()) -> pd.DataFrame:
    """A row for each cell: every score's mean over seeds, its interval, and how many seeds.

    Runs that belong to no cell are left aside.

    Args:
        runs: of :func:`tabulate_runs`.
        remarks: further columns of the runs, of which a cell has its first run's.

    Returns:
        Columns that identify the cell, those of ``remarks``, ``seeds``, ``steps``,
        ``gap_to_control_seeds`` (those with a control), and for each score its mean, and
        ``<score>_low`` and ``<score>_high``, as of :func:`interval`.
    """
    rows, scales = [], list_scales()
    pooled = runs[~runs["cell"].str.startswith(ALONE)] if len(runs) else runs
    for key, group in pooled.groupby(CELL, sort=False):
        row: dict[str, Any] = dict(zip(CELL, key, strict=True))
        row |= {name: group[name].iloc[0] for name in (*remarks, "steps")}
        row["seeds"] = len(group)
        for score, scale in scales.items():
            if score in group:
                ends = interval(group[score].dropna().to_numpy(np.float64), scale)
                row[score], row[f"{score}_low"], row[f"{score}_high"] = ends
        row["gap_to_control_seeds"] = int(group["gap_to_control"].notna().sum())
        rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*CELL, "seeds", "steps", *scales])


def list_scales() -> dict[str, Scale]:
    """All columns of a run that are averaged over seeds, and the scale that it is done on."""
    measured = {name: column.scale for name, column in list_columns().items()}
    return SCORES | {name: scale for name, scale in measured.items() if scale is not None}


def interval(
    values: NDArray[np.float64], scale: Scale = "plain", confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Mean and its interval by Student's t, on a scale.

    Args:
        values: (n,), one for each seed.
        scale: ``log`` for values above 0, whose mean is then the geometric one, ``negative`` for
            those below, ``logit`` for those of 0..1, ``logit or plain`` for those mostly of 0..1,
            ``plain`` for all others.
        confidence: of the two-sided interval.

    Returns:
        Mean, lower and upper end. The ends are NaN below :data:`MINIMUM_SEEDS` values, and where a
        value is at an end of its range or outside; the mean is then the plain one.
    """
    from scipy.special import expit, logit
    from scipy.stats import t

    if not len(values):
        return np.nan, np.nan, np.nan
    scales: dict[Scale, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "log": (np.log, np.exp),
        "negative": (lambda given: np.log(-given), lambda scaled: -np.exp(scaled)),
        "logit": (logit, expit),
        "plain": (np.asarray, np.asarray),
    }
    if scale == "logit or plain":
        scale = "logit" if ((values > 0) & (values < 1)).all() else "plain"
    forward, back = scales[scale]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = forward(values)
    if not np.isfinite(scaled).all():
        return float(values.mean()), np.nan, np.nan
    mean = scaled.mean()
    if len(values) < MINIMUM_SEEDS:
        return float(back(mean)), np.nan, np.nan
    error = scaled.std(ddof=1) / np.sqrt(len(values))
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * error
    low, high = sorted((float(back(mean - half)), float(back(mean + half))))
    return float(back(mean)), low, high
