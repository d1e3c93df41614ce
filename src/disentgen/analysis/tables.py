"""Tidy tables of runs and of cells, with intervals over seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from disentgen.analysis.bounds import Bounds
from disentgen.analysis.cells import describe_cell
from disentgen.analysis.measurements.constant import CONSTANT
from disentgen.analysis.metrics import Result, load_metrics
from disentgen.models import FAMILIES
from disentgen.runs import Run

Scale = Literal["log", "negative", "logit", "plain"]
#: Columns of a run that are averaged over seeds, on the scale on which no interval leaves their
#: range: above 0, below 0, in 0..1, or of either sign.
SCORES: dict[str, Scale] = {
    **dict.fromkeys(("nll_train", "nll_validation", "nll_held_out"), "log"),
    **dict.fromkeys(("floor_train", "floor_validation", "floor_held_out"), "log"),
    **dict.fromkeys(("excess_train", "excess_validation", "excess_held_out"), "log"),
    "excess_constant": "log",
    **dict.fromkeys(("kl_train", "kl_held_out"), "log"),
    **dict.fromkeys(("elbo_train", "elbo_held_out"), "negative"),
    **dict.fromkeys(("iw_nll_train", "iw_nll_held_out"), "log"),
    "active_units_train": "log",
    "ratio": "log",
    "side_difference": "plain",
    "gap_to_control": "plain",
    "disentanglement": "logit",
    "informativeness": "logit",
}
#: What tells cells apart in tables, controls beside their counterparts.
CELL = [
    "experiment", "dataset", "version", "source", "condition", "variant", "model", "parameters",
    "label", "architecture", "cell", "control",
]  # fmt: skip
CONFIDENCE = 0.95
#: Of fewer seeds there is no interval: with two, Student's t is twelve times its standard error.
MINIMUM_SEEDS = 3
#: A model whose training excess is a larger share than this of the mean image's has hardly learned:
#: it is nearer to knowing nothing of the single image than to knowing all of it.
LEARNED_SHARE = 0.5
#: The metric that the published analysis calls disentanglement.
DISENTANGLEMENT = "dci_lasso"
#: Parts of a result that say what it was measured on.
SAMPLE = ("images", "warning")


def tabulate_runs(
    runs: Iterable[Run],
    measured: Mapping[str, Mapping[str, Result]] | None = None,
) -> pd.DataFrame:
    """A row for each finished run.

    Args:
        runs: finished ones.
        measured: metrics by path of a run, then by name.

    Returns:
        Columns of :class:`~disentgen.analysis.cells.Cell` and: ``family``, ``nll_<side>``,
        ``floor_<side>``, ``excess_<side>`` (NLL less floor), ``kl_<side>``, ``elbo_<side>``,
        ``iw_nll_<side>``, ``active_units_<side>`` (NaN where a model has none), ``ratio`` (held-out
        over train NLL), ``side_difference`` (held-out less train excess), ``gap_to_control``
        (held-out NLL less that of the control of the same cell and seed), ``disentanglement`` (DCI
        by lasso; 1 by construction for ground-truth decoders), ``informativeness`` and
        ``metric_images`` (how well that lasso finds the factors, and of how many images; without
        it, ``disentanglement`` says nothing), ``excess_constant`` (of the mean training image, NaN
        where it was not measured), and the main part of every metric.
    """
    rows = [describe_row(run, (measured or {}).get(str(run.path), {})) for run in runs]
    table = pd.DataFrame(rows)
    if not len(table):
        return table
    # A split of one's own may be written in several ways.
    table["variant"] = table.groupby("cell")["variant"].transform("first")
    return add_gaps(table)


def drop_repetitions(runs: pd.DataFrame) -> pd.DataFrame:
    """Of runs of the same cell and seed the last one alone, so that a seed counts once."""
    return runs.drop_duplicates([*CELL, "seed"], keep="last") if len(runs) else runs


def describe_row(run: Run, metrics: Mapping[str, Result]) -> dict[str, Any]:
    """What is known of one finished run, but for its control; its metrics by name."""
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
    for side, found in results["scores"].items():
        score = found or {}
        for name, key in (("nll", "nll"), ("nll_standard_error", "nll_standard_error"),
                          ("floor", "nll_floor"), ("kl", "kl"), ("elbo", "elbo"),
                          ("iw_nll", "iw_nll"), ("active_units", "active_units")):  # fmt: skip
            row[f"{name}_{side}"] = score.get(key, np.nan)
        row[f"excess_{side}"] = row[f"nll_{side}"] - row[f"floor_{side}"]
    row["ratio"] = row["nll_held_out"] / row["nll_train"]
    row["side_difference"] = row["excess_held_out"] - row["excess_train"]
    known = load_metrics()
    row |= {name: result[known[name].main] for name, result in only_metrics(metrics).items()}
    row["excess_constant"] = metrics.get(CONSTANT, {}).get("excess", np.nan)
    by_lasso = metrics.get(DISENTANGLEMENT, {})
    known_as = FAMILIES[run.family].disentanglement
    for part in ("disentanglement", "informativeness"):
        row[part] = by_lasso.get(part, np.nan) if known_as is None else known_as
    row["metric_images"] = by_lasso.get("images", np.nan)
    return row | {"path": str(run.path)}


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
    """Whether models know more of single images than one constant image; False where unknown.

    Args:
        runs: with ``excess_train`` and ``excess_constant``; a row for each run, or for each cell.
    """
    return runs["excess_train"] <= LEARNED_SHARE * runs["excess_constant"]


def has_failed(runs: pd.DataFrame) -> pd.Series:
    """Whether models are known to have learned next to nothing; see :func:`has_learned`."""
    return runs["excess_train"] > LEARNED_SHARE * runs["excess_constant"]


def tabulate_cells(runs: pd.DataFrame, remarks: Sequence[str] = ()) -> pd.DataFrame:
    """A row for each cell: every score's mean over seeds, its interval, and how many seeds.

    Args:
        runs: of :func:`tabulate_runs`.
        remarks: further columns of the runs, of which a cell has its first run's.

    Returns:
        Columns that tell the cell, those of ``remarks``, ``seeds``, ``steps``,
        ``gap_to_control_seeds`` (those with a control), and for each score its mean, and
        ``<score>_low`` and ``<score>_high``, as of :func:`interval`.
    """
    rows = []
    for key, group in runs.groupby(CELL, sort=False, dropna=False):
        row: dict[str, Any] = dict(zip(CELL, key, strict=True))
        row |= {name: group[name].iloc[0] for name in (*remarks, "steps")}
        row["seeds"] = len(group)
        for score in [*SCORES, *load_metrics(), "udr"]:
            if score in group:
                values = group[score].astype(float).dropna().to_numpy()
                ends = interval(values, SCORES.get(score, "logit"))
                row[score], row[f"{score}_low"], row[f"{score}_high"] = ends
        row["gap_to_control_seeds"] = int(group["gap_to_control"].notna().sum())
        rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*CELL, "seeds", "steps", *SCORES])


def interval(
    values: np.ndarray, scale: Scale = "plain", confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Mean and its interval by Student's t, on a scale.

    Args:
        values: (n,), one for each seed.
        scale: ``log`` for values above 0, whose mean is then the geometric one, ``negative`` for
            those below, ``logit`` for those of 0..1, ``plain`` for all others.
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


def only_metrics(measured: Mapping[str, Result]) -> dict[str, Result]:
    """What was measured on a run, without what is no metric of its codes."""
    return {name: result for name, result in measured.items() if name in load_metrics()}


def tabulate_metrics(
    measured: Mapping[str, Mapping[str, Result]], bounds: Mapping[str, Bounds]
) -> pd.DataFrame:
    """Every number of every metric: a row for each run, metric, part and place in it.

    Args:
        measured: metrics by path of a run, then by name.
        bounds: of :func:`~disentgen.analysis.bounds.measure_bounds`, by path of a run.

    Returns:
        Columns ``run``, ``metric``, ``part``, ``place``, ``value``; ``ceiling`` and ``floor`` of
        parts that are scores; ``images`` measured on; ``warning``.
    """
    rows: list[dict[str, Any]] = []
    for path, metrics in measured.items():
        for name, result in only_metrics(metrics).items():
            for part, value in result.items():
                if part in SAMPLE:
                    continue
                array = np.array(value, dtype=float)
                shared: dict[str, Any] = {"metric": name, "part": part}
                shared["run"] = "/".join(Path(path).parts[-2:])
                shared |= bounds.get(path, {}).get((name, part), {})
                shared |= {key: result.get(key) for key in SAMPLE}
                rows += [
                    shared | {"place": ".".join(map(str, place)), "value": array[place]}
                    for place in np.ndindex(array.shape)
                ]
    columns = ["run", "metric", "part", "place", "value", "ceiling", "floor", *SAMPLE]
    return pd.DataFrame(rows, columns=columns)
