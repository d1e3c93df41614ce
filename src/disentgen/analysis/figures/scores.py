"""NLL by model and condition, beside that of controls."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from disentgen.analysis.cells import CONDITION_TITLES
from disentgen.analysis.figures.points import list_points
from disentgen.analysis.figures.study_figures import count_seeds, name_data


def draw_scores(runs: pd.DataFrame, cells: pd.DataFrame) -> Figure:
    """NLL of training and held-out images by model and condition, beside the held-out control's.

    Thin lines are 95 % intervals over seeds, cut off where they leave the panel; below three seeds
    each run is a mark. Models that have hardly learned are hollow.

    Args:
        runs: of :func:`~disentgen.analysis.tables.tabulate_runs`, of one dataset.
        cells: of :func:`~disentgen.analysis.tables.tabulate_cells`.
    """
    shown = [key for key in CONDITION_TITLES if key in set(cells["condition"])]
    figure = Figure(figsize=(2.6 * max(len(shown), 2) + 2.2, 3.4), layout="constrained")
    axes = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axis, condition in zip(axes, shown, strict=True):
        draw_condition(axis, runs, cells[cells["condition"] == condition])
        axis.set_title(CONDITION_TITLES[condition], fontsize=9)
    means = cells[["nll_train", "nll_held_out"]].to_numpy(float)
    axes[0].set_yscale("log")
    axes[0].set_ylim(np.nanmin(means) / 1.5, np.nanmax(means) * 1.5)
    axes[0].set_ylabel("NLL, nats", fontsize=8)
    named: dict[str, Any] = {}
    for axis in axes:
        handles, names = axis.get_legend_handles_labels()
        named = dict(zip(names, handles, strict=True)) | named
    figure.legend(named.values(), named.keys(), loc="outside right upper", fontsize=7)
    figure.suptitle(f"{name_data(cells)}; seeds by cell: {count_seeds(cells)}", fontsize=9)
    return figure


def draw_condition(axis: Axes, runs: pd.DataFrame, cells: pd.DataFrame) -> None:
    """One panel of :func:`draw_scores`: the models of a condition beside each other."""
    own, controls = cells[~cells["control"]], cells[cells["control"]]
    marks = {
        "training images": (own, "nll_train", "0.5"),
        "held-out images": (own, "nll_held_out", "tab:red"),
        "held-out images, control": (controls, "nll_held_out", "tab:blue"),
    }
    places = {cell: number for number, cell in enumerate(own["cell"])}
    for number, (name, (table, score, colour)) in enumerate(marks.items()):
        there = table[table["cell"].isin(list(places))]
        points = list_points(runs, there, score).dropna(subset="mean") if len(there) else there
        for place, (_, point) in enumerate(points.iterrows()):
            ends = np.abs([point["low"] - point["mean"], point["high"] - point["mean"]])
            axis.errorbar(
                places[point["cell"]] + 0.2 * (number - 1), point["mean"],
                yerr=None if np.isnan(ends).any() else ends[:, None], color=colour, marker="o",
                markersize=4, linestyle="", linewidth=0.8,
                fillstyle="none" if point["hollow"] else "full", label="" if place else name,
            )  # fmt: skip
    axis.set_xticks(range(len(own)), list(own["label"]), rotation=25, ha="right", fontsize=7)
    axis.set_xlim(-0.6, len(own) - 0.4)
    axis.grid(alpha=0.25)
    axis.tick_params(which="both", labelsize=7)
