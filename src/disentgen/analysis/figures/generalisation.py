"""NLL against disentanglement by split, beside excess over the floor and gap to controls."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.panels import (
    HOLLOW,
    INTERVALS,
    Panel,
    choose_colours,
    divide_splits,
)
from disentgen.analysis.figures.subjects import RunGroup, count_images, count_seeds, name_data
from disentgen.drawing import MEDIUM, PAGE, SMALL, add_heading, make_figure, wrap

#: Columns of the figure: what is drawn, and its scores of held-in and held-out side.
SCORES: dict[str, tuple[str | None, str]] = {
    "NLL": ("nll_train", "nll_held_out"),
    "excess over entropy floor": ("excess_train", "excess_held_out"),
    "gap to control": (None, "gap_to_control"),
}
#: Marks of the held-in and of the held-out side.
MARKS = ("o", "X")
#: Disentanglement means nothing where the lasso's informativeness is below; marks are grey there.
INFORMATIVE = 0.1
GREY = "0.75"
#: Values below are drawn on a linear scale, so that gaps around 0 can be seen.
LINEAR_BELOW = 100


class Generalisation(NamedTuple):
    """Scores against disentanglement.

    Args:
        heading: of the figure.
        panels: one for each split.
        colours: by model.
        images: of which disentanglement was measured, in words.
    """

    heading: str
    panels: list[Panel]
    colours: dict[str, Any]
    images: str


def collect_generalisation(group: RunGroup) -> Generalisation:
    """Scores of the models of a dataset; those of controls are in the gap to them."""
    runs, cells = (table[~table["control"]] for table in (group.runs, group.cells))
    wanted = [score for scores in SCORES.values() for score in scores if score is not None]
    return Generalisation(
        f"{name_data(cells)}; seeds by cell: {count_seeds(cells)}",
        divide_splits(RunGroup(runs, cells), wanted),
        choose_colours(cells["label"]),
        count_images(runs),
    )


def draw_generalisation(data: Generalisation) -> MplFigure:
    """A row of panels for each split, a column for each score."""
    figure = make_figure(PAGE, 1.75 * len(data.panels) + 1.3)
    axes = figure.subplots(len(data.panels), len(SCORES), squeeze=False, sharex=True, sharey="col")
    for column, (title, scores) in enumerate(SCORES.items()):
        for axis, panel in zip(axes[:, column], data.panels, strict=True):
            draw_score(axis, panel, scores, data.colours)
            axis.set_ylabel(f"{title}, nats", fontsize=SMALL)
        values = [
            panel.runs[score].to_numpy(float)
            for panel in data.panels for score in scores if score in panel.runs
        ]  # fmt: skip
        fit_limits(axes[0, column], np.concatenate(values or [np.array([np.nan])]))
        axes[-1, column].set_xlabel(f"DCI disentanglement\n(lasso{data.images})", fontsize=MEDIUM)
    for axis, panel in zip(axes[:, 0], data.panels, strict=True):
        # A title that is wider than its panel would take the room of the panels beside it.
        axis.set_title(wrap(panel.title, 32), fontsize=MEDIUM, loc="left")
    draw_legend(figure, data)
    add_heading(figure, data.heading)
    return figure


def draw_legend(figure: MplFigure, data: Generalisation) -> None:
    """What colours and marks are of."""
    marks = [Line2D([], [], color=colour, marker="s", ls="") for colour in data.colours.values()]
    marks += [Line2D([], [], color="0.3", marker=mark, ls="") for mark in MARKS]
    names = [*(wrap(label, 40) for label in data.colours), "training images", "held-out images"]
    if any((panel.runs["informativeness"] < INFORMATIVE).any() for panel in data.panels):
        marks.append(Line2D([], [], color=GREY, marker="s", ls=""))
        names.append(f"informativeness below {INFORMATIVE:g}")
    figure.legend(marks, names, loc="outside lower center", ncols=3, fontsize=SMALL)


def draw_score(
    axis: Axes, panel: Panel, scores: tuple[str | None, str], colours: Mapping[str, Any]
) -> None:
    """One panel: a score of both sides against disentanglement.

    Args:
        axis: to draw on.
        panel: the runs, and the points.
        scores: of held-in and held-out side; the first may be missing.
        colours: by model.
    """
    for score, mark in zip(scores, MARKS, strict=True):
        if score in panel.points:
            draw_runs(axis, panel.runs, score, mark, colours)
            draw_points(axis, panel.points[score], mark, colours)
    if scores[0] in panel.points and scores[1] in panel.points:
        join_sides(axis, panel.points[scores[0]], panel.points[scores[1]], colours)
    axis.set_xlim(-0.02, 1.04)
    if scores[1] in panel.runs and panel.runs[scores[1]].notna().any():
        axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
    elif scores[0] is None:
        axis.text(0.5, 0.5, "no control runs", transform=axis.transAxes, ha="center",
                  fontsize=MEDIUM)  # fmt: skip
    axis.tick_params(labelsize=SMALL)
    axis.grid(alpha=0.25)


def draw_runs(
    axis: Axes, runs: pd.DataFrame, score: str, mark: str, colours: Mapping[str, Any]
) -> None:
    """Every run as a faint mark.

    Args:
        axis: to draw on.
        runs: a row each.
        score: the column that is drawn.
        mark: matplotlib's word for the kind of mark.
        colours: by model.
    """
    axis.scatter(
        runs["disentanglement"], runs[score], marker=mark, s=12, alpha=0.35, edgecolors="none",
        color=[choose_mark_colour(run, colours) for _, run in runs.iterrows()],
        urls=runs.get("page"),
    )  # fmt: skip


def draw_points(axis: Axes, points: pd.DataFrame, mark: str, colours: Mapping[str, Any]) -> None:
    """Means of cells with their intervals, or runs where these are few, as strong marks.

    Args:
        axis: to draw on.
        points: a row each.
        mark: matplotlib's word for the kind of mark.
        colours: by model.
    """
    for _, point in points.iterrows():
        colour, place = choose_mark_colour(point, colours), point["disentanglement"]
        axis.plot(place, point["mean"], mark, color=colour, markersize=5,
                  fillstyle="none" if point["hollow"] else "full",
                  url=point.get("page"))  # fmt: skip
        axis.plot([place] * 2, [point["low"], point["high"]], color=colour, linewidth=3, alpha=0.2)


def join_sides(
    axis: Axes, train: pd.DataFrame, held_out: pd.DataFrame, colours: Mapping[str, Any]
) -> None:
    """A thin line from the mark of each model's training images to that of its held-out ones.

    Args:
        axis: to draw on.
        train: points of training images, a row for each model.
        held_out: points of held-out images, in the same order.
        colours: by model.
    """
    for (_, low), (_, high) in zip(train.iterrows(), held_out.iterrows(), strict=True):
        axis.plot([low["disentanglement"]] * 2, [low["mean"], high["mean"]],
                  color=colours[low["label"]], linewidth=0.8)  # fmt: skip


def choose_mark_colour(row: pd.Series, colours: Mapping[str, Any]) -> Any:
    """The colour of a run or cell; grey where its disentanglement means nothing."""
    return GREY if row["informativeness"] < INFORMATIVE else colours[row["label"]]


def fit_limits(axis: Axes, values: NDArray[np.float64]) -> None:
    """Let an axis, and those that share it, hold all of (n,) values; 0 too where it is near."""
    if not np.isfinite(values).any():
        axis.set_yticks([])
        return
    low, high = np.nanmin(values), np.nanmax(values)
    if low > 0.5 * high:
        margin = 0.1 * (high - low) + 1
        axis.set_ylim(low - margin, high + margin)
        return
    axis.set_yscale("symlog", linthresh=LINEAR_BELOW)
    axis.set_ylim(min(low * 1.6, -2) if low < 0 else 0, max(high, 0) * 1.8 + 5)


FIGURE = Figure(
    name="generalisation",
    title="Generalisation against disentanglement",
    caption=(
        "NLL of training images (circles) and held-out images (crosses) against disentanglement; "
        "beside it the excess over the pixels' entropy floor, and the gap to controls trained on "
        f"all images; a row for each split. Strong marks: {INTERVALS}; faint ones: runs. {HOLLOW} "
        "Grey: the lasso reads next to nothing from the codes (informativeness below "
        f"{INFORMATIVE:g}), so that disentanglement means nothing."
    ),
    of="study",
    applies=lambda group: not group.runs["control"].all(),
    data=collect_generalisation,
    draw=draw_generalisation,
    order=10,
    formats=("png", "pdf", "svg"),
)
