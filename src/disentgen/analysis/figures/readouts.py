"""Read-outs by number of labels, held in and held out, by model and split."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from disentgen.analysis.figures.figure import Figure
from disentgen.analysis.figures.panels import HOLLOW, Panel, choose_colours, divide_splits
from disentgen.analysis.figures.subjects import RunGroup, count_seeds, name_data
from disentgen.analysis.measurements.readouts import KINDS, LABELS, READ_SIDES, Kind, name_column
from disentgen.drawing import MEDIUM, PAGE, SMALL, add_heading, make_figure, wrap

#: Columns of the figure: score and kind of the models that read, and what they are called.
COLUMNS: dict[tuple[str, Kind], str] = {
    (score, kind): f"{title},\n{kind}"
    for score, title in (("r2", "mean R²"), ("joint_accuracy", "all factors right"))
    for kind in KINDS
}
#: Marks and lines of held-in and of held-out images.
STYLES = {"validation": ("o", "-"), "held_out": ("X", ":")}
NAMES = {"validation": "validation images", "held_out": "held-out images"}
#: The lower end of the axes of R²; on held-out images it has none.
LOWEST = -1.0


class Readouts(NamedTuple):
    """How well factors are read by so many labels.

    Args:
        heading: of the figure.
        panels: one for each split, with points of every score, kind, side and number of labels.
        colours: by model.
    """

    heading: str
    panels: list[Panel]
    colours: dict[str, Any]


def has_readouts(group: RunGroup) -> bool:
    """Whether a run of the group that is no control has read-outs."""
    names = group.runs.columns.intersection(list_scores())
    return bool(group.runs.loc[~group.runs["control"], names].notna().any(axis=None))


def list_scores() -> list[str]:
    """The columns of tables that are drawn."""
    return [
        name_column(score, kind, side, count)
        for score, kind in COLUMNS
        for side in READ_SIDES
        for count in LABELS
    ]


def collect_readouts(group: RunGroup) -> Readouts:
    """Read-outs of the models of a dataset that are no controls."""
    colours = choose_colours(group.cells["label"])
    names = group.runs.columns.intersection(list_scores())
    runs = group.runs[~group.runs["control"] & group.runs[names].notna().any(axis=1)]
    cells = group.cells[~group.cells["control"] & group.cells["cell"].isin(runs["cell"])]
    return Readouts(
        f"{name_data(cells)}; seeds by cell: {count_seeds(cells)}",
        divide_splits(RunGroup(runs, cells), list_scores()),
        {label: colour for label, colour in colours.items() if label in set(cells["label"])},
    )


def draw_readouts(data: Readouts) -> MplFigure:
    """A row of panels for each split, a column for each score and kind of models that read."""
    figure = make_figure(PAGE, 1.75 * len(data.panels) + 1.3)
    axes = figure.subplots(len(data.panels), len(COLUMNS), squeeze=False, sharex=True, sharey="col")
    for row, panel in zip(axes, data.panels, strict=True):
        for axis, ((score, kind), title) in zip(row, COLUMNS.items(), strict=True):
            draw_panel(axis, panel, score, kind, data.colours)
            axis.set_ylabel(title, fontsize=SMALL)
        # A title that is wider than its panel would take the room of the panels beside it.
        row[0].set_title(wrap(panel.title, 28), fontsize=MEDIUM, loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("labelled images", fontsize=MEDIUM)
        axis.set_xscale("log")
        axis.set_xticks(LABELS, [f"{count:,}" for count in LABELS])
        axis.minorticks_off()
    marks = [Line2D([], [], color=colour, marker="s", ls="") for colour in data.colours.values()]
    marks += [Line2D([], [], color="0.3", marker=mark, ls=line) for mark, line in STYLES.values()]
    names = [*(wrap(label, 40) for label in data.colours), *(NAMES[side] for side in STYLES)]
    figure.legend(marks, names, loc="outside lower center", ncols=3, fontsize=SMALL)
    add_heading(figure, data.heading)
    return figure


def draw_panel(
    axis: Axes, panel: Panel, score: str, kind: Kind, colours: Mapping[str, Any]
) -> None:
    """One score of one split by number of labels.

    Args:
        axis: to draw on.
        panel: the points.
        score: that is drawn.
        kind: of the models that read.
        colours: by model.
    """
    for side in STYLES:
        points = join_points(panel, score, kind, side)
        for label, rows in points.groupby("label", sort=False):
            draw_model(axis, rows, side, colours[str(label)])
    axis.set_ylim(*((LOWEST, 1.05) if score == "r2" else (-0.05, 1.05)))
    axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
    axis.tick_params(labelsize=SMALL)
    axis.grid(alpha=0.25)


def join_points(panel: Panel, score: str, kind: Kind, side: str) -> pd.DataFrame:
    """The points of a score by number of labels, in column ``labels``.

    Args:
        panel: of one split.
        score: that is drawn.
        kind: of the models that read.
        side: that is read.
    """
    names = {count: name_column(score, kind, side, count) for count in LABELS}
    parts = [
        panel.points[name].assign(labels=count)
        for count, name in names.items()
        if name in panel.points
    ]
    columns = ["label", "labels", "mean", "low", "high", "hollow"]
    joined = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    return joined.dropna(subset="mean")


def draw_model(axis: Axes, rows: pd.DataFrame, side: str, colour: Any) -> None:
    """One model on one side: means joined by a line, or a mark for each run where these are few.

    Args:
        axis: to draw on.
        rows: of the model, by number of labels.
        side: that is read.
        colour: of the model.
    """
    mark, line = STYLES[side]
    for _, row in rows.iterrows():
        axis.plot(row["labels"], row["mean"], mark, color=colour, markersize=4,
                  fillstyle="none" if row["hollow"] else "full", url=row.get("page"))  # fmt: skip
        axis.plot([row["labels"]] * 2, [row["low"], row["high"]], color=colour, linewidth=3,
                  alpha=0.2)  # fmt: skip
    means = rows.groupby("labels")["mean"].mean()
    axis.plot(means.index, means, line, color=colour, linewidth=0.8)


FIGURE = Figure(
    name="readouts",
    title="Read-outs by number of labels",
    caption=(
        "How well all factors are read from codes by models fitted to so many labelled training "
        "images: mean R² of factors that are quantities (0: a side's mean is as good a guess; cut "
        f"off below {LOWEST:g}), and share of images of which all factors are right, on validation "
        "images (circles) and held-out images (crosses); a row for each split. Means over seeds "
        "with 95 % intervals of Student's t; below three seeds every run is a mark, without "
        f"interval, and lines join their means. {HOLLOW}"
    ),
    of="study",
    applies=has_readouts,
    data=collect_readouts,
    draw=draw_readouts,
    order=30,
    formats=("png", "pdf", "svg"),
)
