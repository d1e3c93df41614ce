"""The figure of read-outs: a line for each model and side over the numbers of labels."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as MplFigure

from artists import read_legend, read_ticks
from disentgen.analysis.figures.panels import Panel
from disentgen.analysis.figures.readouts import (
    FIGURE,
    collect_readouts,
    draw_panel,
    draw_readouts,
    join_points,
    list_scores,
)
from disentgen.analysis.figures.subjects import RunGroup
from figure_data import make_group, make_readouts


def make_panel(points):
    return Panel("", pd.DataFrame(), pd.DataFrame(), points)


def make_points(mean, low=np.nan, high=np.nan, hollow=False, label="VAE"):
    return pd.DataFrame([{"label": label, "mean": each, "low": low, "high": high, "hollow": hollow}
                         for each in np.atleast_1d(mean)])  # fmt: skip


def test_marks_intervals_and_lines_by_number_of_labels():
    panel = make_panel({
        "r2_linear_validation_100": make_points(0.4, 0.3, 0.5),
        "r2_linear_validation_1000": make_points(0.8, 0.7, 0.9),
        "r2_linear_held_out_500": make_points([0.1, 0.3], hollow=True),
        "r2_trees_validation_500": make_points(0.6),
    })  # fmt: skip
    axis = MplFigure().subplots()
    draw_panel(axis, panel, "r2", "linear", {"VAE": "tab:red"})
    lines = [line for line in axis.lines if to_hex(line.get_color()) == to_hex("tab:red")]
    marks = {line.get_marker(): [] for line in lines if line.get_marker() != "None"}
    for line in lines:
        if line.get_marker() != "None":
            place = (line.get_xdata()[0], line.get_ydata()[0], line.get_fillstyle())
            marks[line.get_marker()].append(place)
    assert marks == {"o": [(100, 0.4, "full"), (1_000, 0.8, "full")],
                     "X": [(500, 0.1, "none"), (500, 0.3, "none")]}  # fmt: skip
    bars = [line.get_xydata().tolist() for line in lines if line.get_linewidth() == 3]
    assert bars[:2] == [[[100, 0.3], [100, 0.5]], [[1_000, 0.7], [1_000, 0.9]]]
    joined = {line.get_linestyle(): line.get_xydata().tolist() for line in lines
              if line.get_linewidth() == 0.8}  # fmt: skip
    assert joined == {"-": [[100, 0.4], [1_000, 0.8]], ":": [[500, pytest.approx(0.2)]]}
    assert axis.get_ylim() == (-1, 1.05)


def test_what_was_not_measured_is_not_drawn():
    panel = make_panel({"r2_linear_validation_100": make_points(np.nan)})
    assert not len(join_points(panel, "r2", "linear", "validation"))
    assert not len(join_points(panel, "joint_accuracy", "trees", "held_out"))


def test_a_row_for_each_split_and_a_column_for_each_score_and_kind():
    data = collect_readouts(make_readouts())
    other = data.panels[0]._replace(title="Recombination to range: shape2tx")
    figure = draw_readouts(data._replace(panels=[*data.panels, other]))
    titles = [axis.get_ylabel() for axis in figure.axes[:4]]
    assert titles == ["mean R²,\nlinear", "mean R²,\ntrees", "all factors right,\nlinear",
                      "all factors right,\ntrees"]  # fmt: skip
    assert len(figure.axes) == 8
    assert figure.axes[4].get_title(loc="left").startswith("Recombination to range")
    assert read_ticks(figure.axes[4])[0] == [(100, "100"), (500, "500"), (1_000, "1,000")]
    points = join_points(data.panels[0], "joint_accuracy", "trees", "held_out")
    assert points.groupby("labels")["mean"].mean().tolist() == pytest.approx(
        [0.22, 0.32, 0.42], abs=1e-3
    )
    assert set(read_legend(figure.legends[0])) == {
        *data.colours,
        "validation images",
        "held-out images",
    }


def test_models_without_codes_and_controls_are_left_out():
    group = make_readouts()
    runs = group.runs.copy()
    runs.loc[runs["label"] == "ground-truth decoder", list_scores()] = np.nan
    data = collect_readouts(RunGroup(runs, group.cells))
    assert "ground-truth decoder" not in data.colours
    assert len(data.colours) == 6
    assert not data.panels[0].runs["control"].any()
    assert data.heading == "dSprites (rendered stand-in); seeds by cell: 3"


def test_groups_without_read_outs_have_no_such_figure():
    assert FIGURE.applies(make_readouts())
    assert not FIGURE.applies(make_group())
    runs = make_readouts().runs
    assert not FIGURE.applies(RunGroup(runs[runs["control"]], pd.DataFrame()))
