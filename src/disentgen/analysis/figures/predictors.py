"""Which score predicts the gap: rank correlations in each stratum, and over all of them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from disentgen.analysis.cells import condition_titles
from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.panels import choose_colours
from disentgen.analysis.figures.subjects import RunGroup, name_data
from disentgen.analysis.predictors import (
    MINIMUM_CELLS,
    STRATUM,
    Predictors,
    choose_runs,
    find_predictors,
)
from disentgen.analysis.statistics import MINIMUM_GROUPS
from disentgen.analysis.tables import tabulate_cells
from disentgen.drawing import MEDIUM, PAGE, SMALL, add_heading, make_figure, wrap

#: Inches of a row, and of each mark in it.
ROW, MARK = 0.16, 0.075
#: Of a row's height of 1, what its marks are spread over.
SPREAD = 0.7


class PredictorData(NamedTuple):
    """Scores as predictors of the gap.

    Args:
        heading: of the figure.
        predictors: all that is drawn, and what was left out.
        combined: rows over all strata that have a correlation, from the lowest to the highest.
    """

    heading: str
    predictors: Predictors
    combined: pd.DataFrame


def collect_predictors(group: RunGroup) -> PredictorData:
    """Correlations of all scores with the gap, by stratum and over all strata."""
    predictors = find_predictors(group.runs)
    known = predictors.combined.dropna(subset="rho").sort_values("rho", kind="stable")
    data = name_data(predictors.strata)
    return PredictorData(f"Gap to control; {data}", predictors, known)


def has_stratum(group: RunGroup) -> bool:
    """Whether a stratum of the runs is large enough."""
    cells = tabulate_cells(choose_runs(group.runs)[0])
    return bool((cells.groupby(STRATUM).size() >= MINIMUM_CELLS).any())


def draw_predictors(data: PredictorData) -> MplFigure:
    """A row for each score: a mark for each stratum, and a black one for several together."""
    strata = data.predictors.strata
    keys = list(dict.fromkeys(name_stratum(row) for _, row in strata.iterrows()))
    chosen = choose_colours(keys)
    colours = {key: chosen[key] for key in keys}  # in the order of the marks
    height = (ROW + MARK * (len(keys) + 1)) * len(data.combined)
    figure = make_figure(PAGE, height + 1.1 + 0.14 * -(-(len(keys) + 1) // 2))
    axis = figure.subplots()
    for place, (_, row) in enumerate(data.combined.iterrows()):
        draw_score(axis, place, strata[strata["score"] == row["score"]], row, colours)
    fit_axis(axis, data)
    draw_legend(figure, colours)
    add_heading(figure, data.heading)
    return figure


def name_stratum(row: pd.Series) -> str:
    """A stratum in words: experiment, dataset, split, architecture."""
    data = f"{row['dataset']} {row['version']}".strip()
    condition = condition_titles().get(row["condition"], row["condition"])
    return f"{row['experiment']}: {data}, {condition}: {row['variant']}, {row['architecture']}"


def draw_score(
    axis: Axes, place: int, strata: pd.DataFrame, combined: pd.Series, colours: dict[str, Any]
) -> None:
    """The marks of one score.

    Args:
        axis: to draw on.
        place: of the row, from above.
        strata: correlations in each stratum.
        combined: the one over all of them.
        colours: by stratum.
    """
    marks = len(strata) + (combined["strata"] > 1)
    # One mark alone stands in the middle of its row.
    heights = place + (np.linspace(-SPREAD / 2, SPREAD / 2, marks) if marks > 1 else np.zeros(1))
    for height, (_, row) in zip(heights, strata.iterrows(), strict=False):
        draw_rho(axis, height, row, colours[name_stratum(row)], "o")
    if combined["strata"] > 1:
        draw_rho(axis, heights[-1], combined, "black", "D")


def draw_rho(axis: Axes, height: float, row: pd.Series, colour: Any, mark: str) -> None:
    """A correlation with its interval, where it has one.

    Args:
        axis: to draw on.
        height: of the mark.
        row: with :data:`~disentgen.analysis.predictors.ENDS`.
        colour: of both.
        mark: matplotlib's word for the kind of mark.
    """
    axis.plot([row["rho_low"], row["rho_high"]], [height] * 2, color=colour, linewidth=1, alpha=0.6)
    axis.plot(row["rho"], height, mark, color=colour, markersize=3.5)


def fit_axis(axis: Axes, data: PredictorData) -> None:
    """Name rows on the left, p-values on the right, and mark 0."""
    rows, seeds = data.combined, data.predictors.strata["seeds"].min()
    axis.axvline(0, color="0.7", linewidth=0.7, zorder=0)
    axis.set_xlim(-1.04, 1.04)
    label = f"Spearman's ρ of score and gap (95 % interval), over means of cells; seeds ≥ {seeds}"
    axis.set_xlabel(label, fontsize=MEDIUM)
    for side in (axis, right := axis.twinx()):
        side.set_ylim(len(rows) - 0.5, -0.5)
        side.tick_params(labelsize=SMALL, length=0)
    places = range(len(rows))
    axis.set_yticks(places, [wrap(title, 34) for title in rows["title"]])
    right.set_yticks(places, [describe_p(row) for _, row in rows.iterrows()])
    right.set_ylabel(f"p, adjusted for {data.predictors.tried} scores", fontsize=MEDIUM)
    axis.hlines(np.arange(1, len(rows)) - 0.5, -1.04, 1.04, color="0.9", linewidth=0.5, zorder=0)


def describe_p(row: pd.Series) -> str:
    """The adjusted p-value of a score, and what it is of."""
    strata = "stratum" if row["strata"] == 1 else "strata"
    return f"{row['p_holm']:.2g}  ({row['cells']} cells, {row['strata']} {strata})"


def draw_legend(figure: MplFigure, colours: dict[str, Any]) -> None:
    """What colours and marks are of."""
    marks = [
        Line2D([], [], color=colour, marker="o", markersize=3.5) for colour in colours.values()
    ]
    names = [wrap(name, 60) for name in colours]
    if len(colours) > 1:
        marks.append(Line2D([], [], color="black", marker="D", markersize=3.5))
        names.append("over all strata")
    figure.legend(marks, names, loc="outside lower center", ncols=2, fontsize=SMALL)


def describe_predictors(data: PredictorData) -> str:
    """The caption: what correlations are of, how many scores were tried, what was left out."""
    predictors = data.predictors
    seeds = predictors.strata["seeds"]
    return (
        "Spearman's ρ of each score and the gap to controls, over means of cells that differ in "
        f"objective or its strength, {MINIMUM_CELLS} or more in each stratum (seeds by cell: "
        f"{seeds.min()} or more); a ρ below 0: higher scores go with smaller gaps. Lines: 95 % "
        "intervals by Fisher's z (Bonett & Wright 2000). Black: mean of z over strata, weighted by "
        f"cells less 3, with an interval by bootstrap from {MINIMUM_GROUPS} strata on; p-values by "
        f"permutation within strata, adjusted by Holm for the {predictors.tried} scores that were "
        f"tried. {predictors.describe_left_out()}"
    )


FIGURE: Figure[RunGroup, PredictorData] = Figure(
    name="predictors",
    title="Which score predicts the gap",
    caption=describe_predictors,
    of="source",
    applies=has_stratum,
    data=collect_predictors,
    draw=draw_predictors,
    order=50,
    formats=("png", "pdf", "svg"),
)
