"""Pictures of a whole study: what cells have to do with each other."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from disentgen.analysis.cells import CONDITION_TITLES, describe_cell
from disentgen.analysis.figures.drawing import draw_rows, run_task
from disentgen.analysis.figures.points import list_points
from disentgen.analysis.figures.run_figures import describe_importances, draw_hinton
from disentgen.analysis.measure import Measurements
from disentgen.dataset.spec import find_spec
from disentgen.errors import UsageError
from disentgen.runs import Run

#: Rows of the main figure: heading, and the scores of held-in and held-out side.
RULERS = {
    "NLL": ("nll_train", "nll_held_out"),
    "excess over floor": ("excess_train", "excess_held_out"),
    "gap to control": (None, "gap_to_control"),
}
#: Disentanglement means nothing where the lasso's informativeness is below; marks are grey there.
INFORMATIVE = 0.1
#: Values below are drawn on a linear scale, so that gaps around 0 can be seen.
LINEAR_BELOW = 100


def name_data(table: pd.DataFrame) -> str:
    """What images a table is of; stand-ins are called that."""
    titles = []
    names = table[["dataset", "version", "source"]].drop_duplicates()
    for name, version, source in names.itertuples(index=False):
        title = find_spec(name, version or None).title
        titles.append(f"{title} (rendered stand-in)" if source == "stand-in" else title)
    return ", ".join(titles)


def choose_colours(labels: Iterable[str]) -> dict[str, Any]:
    """A colour for each model, the same in every figure of the same models."""
    palette = matplotlib.colormaps["tab10"]
    return {label: palette(number % 10) for number, label in enumerate(sorted(set(labels)))}


def draw_generalisation(runs: pd.DataFrame, cells: pd.DataFrame) -> Figure:
    """NLL against disentanglement by condition: the study's main figure, by three rulers.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, of one dataset.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.

    Faint marks are runs; strong ones are means over seeds with their 95 % interval, or runs where
    there are fewer than three seeds. Circles are training images, crosses held-out ones, joined by
    a line; models that have hardly learned are hollow.
    """
    runs, cells = runs[~runs["control"]], cells[~cells["control"]]
    shown = [key for key in CONDITION_TITLES if key in set(cells["condition"])]
    # A single column would be too narrow for the heading.
    size = (3.1 * max(len(shown), 2) + 1.9, 2.5 * len(RULERS) + 0.9)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(RULERS), len(shown), squeeze=False, sharex=True, sharey="row")
    colours = choose_colours(cells["label"])
    for row, (heading, scores) in enumerate(RULERS.items()):
        for column, condition in enumerate(shown):
            axis = axes[row, column]
            draw_ruler(
                axis, runs[runs["condition"] == condition],
                cells[cells["condition"] == condition], scores, colours,
            )  # fmt: skip
            if row == 0:
                variants = ", ".join(
                    dict.fromkeys(cells[cells["condition"] == condition]["variant"])
                )
                axis.set_title(f"{CONDITION_TITLES[condition]}\n{variants}", fontsize=9)
        fit_limits(axes[row, 0], runs[[score for score in scores if score]].to_numpy(float))
        axes[row, 0].set_ylabel(f"{heading}, nats", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel(f"DCI disentanglement (lasso{count_images(runs)})", fontsize=8)
    marks = [Line2D([], [], color=colour, marker="s", linestyle="") for colour in colours.values()]
    marks += [Line2D([], [], color="0.3", marker=mark, linestyle="") for mark in "oX"]
    names = [*colours, "training images", "held-out images"]
    if (runs["informativeness"] < INFORMATIVE).any():
        marks.append(Line2D([], [], color="0.75", marker="s", linestyle=""))
        names.append(f"informativeness below {INFORMATIVE:g}")
    figure.legend(marks, names, loc="outside right upper", fontsize=8)
    figure.suptitle(f"{name_data(cells)}; seeds by cell: {count_seeds(cells)}", fontsize=10)
    return figure


def count_seeds(cells: pd.DataFrame) -> str:
    """How many seeds cells have, as in ``2`` or ``2 to 3``."""
    low, high = cells["seeds"].min(), cells["seeds"].max()
    return str(low) if low == high else f"{low} to {high}"


def count_images(runs: pd.DataFrame) -> str:
    """On how many images disentanglement was measured, as in ``, n 50,000`` or ``, n 60 to 90``."""
    counts = runs["metric_images"].dropna().astype(int)
    if counts.empty:
        return ""
    return ", n " + " to ".join(dict.fromkeys(f"{n:,}" for n in (counts.min(), counts.max())))


def draw_ruler(
    axis: Axes,
    runs: pd.DataFrame,
    cells: pd.DataFrame,
    scores: tuple[str | None, str],
    colours: dict[str, Any],
) -> None:
    """One panel: a score of both sides against disentanglement.

    Args:
        axis: to draw on.
        runs: of the panel.
        cells: of the panel.
        scores: of held-in and held-out side; the first may be missing.
        colours: by model.
    """
    for score, mark in zip(scores, "oX", strict=True):
        if score is None or score not in runs:
            continue
        axis.scatter(
            runs["disentanglement"], runs[score], marker=mark, s=14, alpha=0.35,
            edgecolors="none",
            color=[choose_mark_colour(run, colours) for _, run in runs.iterrows()],
        )  # fmt: skip
        for _, point in list_points(runs, cells, score).iterrows():
            colour, place = choose_mark_colour(point, colours), point["disentanglement"]
            axis.plot(place, point["mean"], mark, color=colour, markersize=7,
                      fillstyle="none" if point["hollow"] else "full")  # fmt: skip
            axis.plot([place] * 2, [point["low"], point["high"]], color=colour,
                      linewidth=3, alpha=0.2)  # fmt: skip
    if set(scores) <= set(cells):
        train, held_out = (list_points(runs, cells, score) for score in scores if score)
        for (_, low), (_, high) in zip(train.iterrows(), held_out.iterrows(), strict=True):
            axis.plot([low["disentanglement"]] * 2, [low["mean"], high["mean"]],
                      color=colours[low["label"]], linewidth=0.8)  # fmt: skip
    axis.set_xlim(-0.02, 1.04)
    if runs[scores[1]].notna().any():
        axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
    elif scores[0] is None:
        axis.text(0.5, 0.5, "no control runs", transform=axis.transAxes, ha="center", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.25)


def choose_mark_colour(row: pd.Series, colours: dict[str, Any]) -> Any:
    """The colour of a run or cell; grey where its disentanglement means nothing."""
    return "0.75" if row["informativeness"] < INFORMATIVE else colours[row["label"]]


def fit_limits(axis: Axes, values: NDArray[np.float64]) -> None:
    """Let an axis, and those that share it, hold all of some values; 0 too where it is near."""
    if not np.isfinite(values).any():
        axis.set_yticks([])
        return
    low, high = np.nanmin(values), np.nanmax(values)
    if low > 0.5 * high:
        margin = 0.1 * (high - low) + 1
        axis.set_ylim(low - margin, high + margin)
        return
    axis.set_yscale("symlog", linthresh=LINEAR_BELOW)
    axis.set_ylim(min(low * 1.6, -2) if low < 0 else 0, high * 1.8 + 5)


def draw_hintons(measured: Sequence[Measurements], titles: Sequence[str]) -> Figure:
    """Hinton diagrams of several runs over each other; of ground-truth decoders, the identity."""
    factors = measured[0].run.split.grid.names
    size = 0.27 * len(factors) + 0.5
    figure = Figure(figsize=(4.6, size * len(measured) + 0.5), layout="constrained")
    axes = figure.subplots(len(measured), 1, squeeze=False)[:, 0]
    for axis, found, title in zip(axes, measured, titles, strict=True):
        if found.has_codes:
            result = found.metrics(["dci_lasso"])["dci_lasso"]
            draw_hinton(axis, np.array(result["importances"]), factors)
            told = describe_importances(result)
        else:
            draw_hinton(axis, np.eye(len(factors)), factors)
            told = "by construction"
        axis.set_title(f"{title}: {told}", fontsize=8)
    figure.suptitle(measured[0].run.dataset.label, fontsize=8)
    return figure


def draw_comparison(runs: Sequence[Run], titles: Sequence[str], count: int = 6) -> Figure:
    """The same held-in and held-out images as several models make them; originals on top.

    Args:
        runs: on one split, with models that make images.
        titles: of the runs.
        count: images of each side.

    Raises:
        UsageError: the runs' images are not the same.
    """
    sides = [
        (name, side) for name, side in (("held in", "validation"), ("held out", "held_out"))
        if runs[0].split.mask(side).any()
    ]  # fmt: skip
    figure = Figure(
        figsize=(0.7 * count * len(sides) + 1.8, 0.72 * (len(runs) + 1) + 0.8), layout="constrained"
    )
    for axis, (name, side) in zip(
        figure.subplots(1, len(sides), squeeze=False)[0], sides, strict=True
    ):
        examined = [run_task(run, side, count) for run in runs]
        if not all(torch.equal(found.target, examined[0].target) for found in examined):
            raise UsageError("runs on different splits have no images to be compared on.")
        rows = [examined[0].target]
        rows += [torch.sigmoid(found.output.reconstruction) for found in examined]
        draw_rows(axis, rows, ["original", *titles] if axis is figure.axes[0] else [""] * len(rows))
        axis.set_title(name, fontsize=9)
    figure.suptitle(f"{runs[0].dataset.label} · {describe_cell(runs[0]).variant}", fontsize=9)
    return figure
