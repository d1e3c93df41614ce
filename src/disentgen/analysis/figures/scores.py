"""NLL by model and split, beside that of controls."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.panels import HOLLOW, INTERVALS, Panel, divide_splits
from disentgen.analysis.figures.points import list_points
from disentgen.analysis.figures.subjects import RunGroup, count_seeds, name_data
from disentgen.drawing import (
    LARGE,
    MEDIUM,
    PAGE,
    SMALL,
    add_heading,
    make_figure,
    wrap,
)

#: Marks beside each other: what they are of, whether of controls, their score, their colour.
MARKS = {
    "training images": (False, "nll_train", "0.5"),
    "held-out images": (False, "nll_held_out", "tab:red"),
    "held-out images, control": (True, "nll_held_out", "tab:blue"),
}
#: Between the marks of a model, where neighbouring models are 1 apart.
STEP = 0.2
COLUMNS = 3
SLANT: dict[str, Any] = {"rotation": 30, "ha": "right"}


class ScorePanel(NamedTuple):
    """The models on one split.

    Args:
        title: condition and variant.
        labels: of the models, from left to right.
        points: by mark, rows of :func:`~disentgen.analysis.figures.points.list_points` with
            ``place``, the number of the model.
    """

    title: str
    labels: list[str]
    points: dict[str, pd.DataFrame]


class Scores(NamedTuple):
    """NLL of the models of a dataset.

    Args:
        heading: of the figure.
        panels: one for each split.
        limits: of the vertical axis, in nats.
    """

    heading: str
    panels: list[ScorePanel]
    limits: tuple[float, float]


def collect_scores(group: RunGroup) -> Scores:
    """NLL of training and held-out images, and of the held-out images by controls."""
    means = group.cells[["nll_train", "nll_held_out"]].to_numpy(float)
    heading = f"{name_data(group.cells)}; seeds by cell: {count_seeds(group.cells)}"
    panels = [arrange_panel(panel) for panel in divide_splits(group, ())]
    return Scores(heading, panels, (np.nanmin(means) / 1.5, np.nanmax(means) * 1.5))


def arrange_panel(panel: Panel) -> ScorePanel:
    """The marks of one split's models."""
    own = panel.cells[~panel.cells["control"]]
    places = {cell: number for number, cell in enumerate(own["cell"])}
    points = {}
    for name, (control, score, _) in MARKS.items():
        there = panel.cells[(panel.cells["control"] == control) & panel.cells["cell"].isin(places)]
        if len(there):
            drawn = list_points(panel.runs, there, score).dropna(subset="mean")
            points[name] = drawn.assign(place=drawn["cell"].map(places))
    return ScorePanel(panel.title, list(own["label"]), points)


def draw_scores(data: Scores) -> MplFigure:
    """A panel for each split: the models beside each other."""
    columns = min(COLUMNS, len(data.panels))
    rows = -(-len(data.panels) // columns)
    figure = make_figure(PAGE, 2.3 * rows + 0.7)
    nll_axis = {"yscale": "log", "ylim": data.limits}
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True, subplot_kw=nll_axis)
    for axis in axes.flat[len(data.panels) :]:
        axis.set_axis_off()
    for axis, panel in zip(axes.flat, data.panels, strict=False):
        draw_panel(axis, panel)
        axis.set_title(wrap(panel.title, 96 // columns), fontsize=MEDIUM)
    for axis in axes[:, 0]:
        axis.set_ylabel("NLL, nats", fontsize=LARGE)
    named: dict[str, Any] = {}
    for axis in axes.flat:
        handles, names = axis.get_legend_handles_labels()
        named = dict(zip(names, handles, strict=True)) | named
    figure.legend(
        named.values(), named.keys(), loc="outside lower center", ncols=3, fontsize=MEDIUM
    )
    add_heading(figure, data.heading)
    return figure


def draw_panel(axis: Axes, panel: ScorePanel) -> None:
    """The models of one split beside each other; hollow marks have hardly learned."""
    for number, (name, (_, _, colour)) in enumerate(MARKS.items()):
        if name not in panel.points:
            continue
        for row, (_, point) in enumerate(panel.points[name].iterrows()):
            ends = np.abs([point["low"] - point["mean"], point["high"] - point["mean"]])
            axis.errorbar(
                point["place"] + STEP * (number - 1), point["mean"],
                yerr=None if np.isnan(ends).any() else ends[:, None], color=colour, marker="o",
                markersize=4, linestyle="", linewidth=0.8,
                fillstyle="none" if point["hollow"] else "full", label="" if row else name,
                url=point.get("page"),
            )  # fmt: skip
    labels = [wrap(label, 28) for label in panel.labels]
    # Several slanted lines would lie over those of the neighbours.
    slant = {"rotation": 90} if any("\n" in label for label in labels) else SLANT
    axis.set_xticks(range(len(labels)), labels, fontsize=SMALL, **slant)
    axis.set_xlim(-0.6, len(labels) - 0.4)
    axis.grid(alpha=0.25)
    axis.tick_params(which="both", labelsize=SMALL)


FIGURE = Figure(
    name="scores",
    title="NLL by model and split",
    caption=(
        "NLL by model and split, beside that of controls trained on all images where there are "
        f"any: {INTERVALS}. {HOLLOW}"
    ),
    of="study",
    applies=lambda group: not group.runs["control"].all(),
    data=collect_scores,
    draw=draw_scores,
    order=20,
    formats=("png", "pdf", "svg"),
)
