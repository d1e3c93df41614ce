"""The figure of scores: marks of models, sides and controls beside each other, with intervals."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as MplFigure

from artists import PLAIN_WIDTH, fill_lines, read_lines, read_ticks
from disentgen.analysis.figures.panels import divide_splits
from disentgen.analysis.figures.scores import (
    FIGURE,
    ScorePanel,
    Scores,
    arrange_panel,
    collect_scores,
    draw_panel,
    draw_scores,
)
from disentgen.analysis.figures.subjects import RunGroup
from figure_data import make_group

GREY, RED, BLUE = to_hex("0.5"), to_hex("tab:red"), to_hex("tab:blue")
NAMES = ("training images", "held-out images", "held-out images, control")


def make_points(means, low=np.nan, high=np.nan):
    """Of the first model with an interval, of the second, hollow, without one."""
    return pd.DataFrame({"mean": means, "low": [low, np.nan], "high": [high, np.nan],
                         "hollow": [False, True], "place": [0, 1]})  # fmt: skip


def make_panel(title="Extrapolation: blank_side", names=NAMES, labels=("VAE", "β-VAE 8")):
    points = dict(zip(NAMES, [make_points([50.0, 60.0], 45.0, 58.0),
                              make_points([80.0, 90.0], 70.0, 99.0),
                              make_points([30.0, 40.0], 25.0, 36.0)], strict=True))  # fmt: skip
    return ScorePanel(title, list(labels), {name: points[name] for name in names})


def draw(panel):
    axis = MplFigure().subplots()
    draw_panel(axis, panel)
    return axis


def test_marks_stand_beside_each_other_around_their_models_tick():
    axis = draw(make_panel())
    marks = [line[:4] for line in read_lines(axis)]
    assert marks == [
        ([pytest.approx(point)], colour, "o", full)
        for point, colour, full in (
            ([-0.2, 50], GREY, True), ([0.8, 60], GREY, False), ([0, 80], RED, True),
            ([1, 90], RED, False), ([0.2, 30], BLUE, True), ([1.2, 40], BLUE, False),
        )
    ]  # fmt: skip
    assert read_ticks(axis)[0] == [(0, "VAE"), (1, "β-VAE 8")]
    assert {line.get_linestyle() for line in axis.lines} == {"None"}
    assert all(0 < line.get_markersize() < 6 for line in axis.lines)
    low, high = axis.get_xlim()
    assert -1 < low < -0.3 and 1.3 < high < 2
    assert axis.yaxis.get_gridlines()[0].get_visible()


def test_whiskers_reach_over_the_intervals_of_their_marks():
    axis = draw(make_panel())
    drawn = {
        to_hex(bars.get_colors()[0]): [segment.tolist() for segment in bars.get_segments()]
        for bars in axis.collections
    }
    assert drawn == {
        GREY: [[pytest.approx([-0.2, 45]), pytest.approx([-0.2, 58])]],
        RED: [[pytest.approx([0, 70]), pytest.approx([0, 99])]],
        BLUE: [[pytest.approx([0.2, 25]), pytest.approx([0.2, 36])]],
    }
    assert all(0 < width < PLAIN_WIDTH for bars in axis.collections for width in bars.get_lw())


def test_labels_stand_upright_where_one_has_several_lines():
    slanted = draw(make_panel()).get_xticklabels()
    assert {(text.get_rotation(), text.get_ha()) for text in slanted} == {(30, "right")}
    labels = ("VAE", " ".join(fill_lines(28)))
    upright = draw(make_panel(labels=labels)).get_xticklabels()
    assert [text.get_text() for text in upright] == ["VAE", "\n".join(fill_lines(28))]
    assert {(text.get_rotation(), text.get_ha()) for text in upright} == {(90, "center")}


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 3)])
def test_panels_stand_in_rows_of_three(count, rows, columns):
    lines = fill_lines(96 // columns)
    panels = [make_panel(" ".join(lines)) for _ in range(count)]
    figure = draw_scores(Scores("heading", panels, (20.0, 200.0)))
    assert tuple(figure.get_size_inches()) == pytest.approx((6.75, 2.3 * rows + 0.7))
    axes = np.reshape(figure.axes, (rows, columns))
    assert axes[0, 0].get_gridspec().get_geometry() == (rows, columns)
    assert [axis.axison for axis in axes.flat] == [True] * count + [False] * (axes.size - count)
    for (_, column), axis in np.ndenumerate(axes):
        assert axis.get_ylabel() == ("NLL, nats" if column == 0 else "")
        assert (axis.get_yscale(), axis.get_ylim()) == ("log", (20, 200))
        if axis.axison:
            assert axis.get_title().split("\n") == lines
    assert figure.get_suptitle() == "heading"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_legend_names_the_marks_of_all_panels(order):
    panels = [make_panel(names=NAMES[:2]), make_panel()]
    figure = draw_scores(Scores("", [panels[place] for place in order], (20.0, 200.0)))
    (legend,) = figure.legends
    assert list(read_legend_colours(legend).items()) == [
        ("training images", GREY), ("held-out images", RED), ("held-out images, control", BLUE)
    ]  # fmt: skip
    assert legend._ncols == 3


def read_legend_colours(legend):
    texts = [text.get_text() for text in legend.get_texts()]
    return {name: to_hex(handle.lines[0].get_color() if hasattr(handle, "lines")
                         else handle.get_colors()[0])
            for name, handle in zip(texts, legend.legend_handles, strict=True)}  # fmt: skip


def test_data_are_the_scores_of_cells_beside_those_of_their_controls():
    group = make_group(2)
    data = collect_scores(group)
    assert data.heading == "dSprites (rendered stand-in); seeds by cell: 3"
    means = group.cells[["nll_train", "nll_held_out"]].to_numpy()
    assert data.limits == pytest.approx((means.min() / 1.5, means.max() * 1.5))
    for panel, condition in zip(data.panels, ("recomb2element", "recomb2range"), strict=True):
        own = group.cells[group.cells["condition"] == condition]
        models = own[~own["control"]]
        assert panel.labels == models["label"].tolist()
        for name, score, control in zip(
            NAMES, ("nll_train", "nll_held_out", "nll_held_out"), (False, False, True), strict=True
        ):
            chosen = own[own["control"] == control].set_index("cell")
            points = panel.points[name]
            for column, end in (("mean", ""), ("low", "_low"), ("high", "_high")):
                known = chosen.loc[models["cell"], score + end].tolist()
                assert points.set_index("place")[column].sort_index().tolist() == known


def test_controls_without_a_model_and_runs_without_a_score_have_no_mark():
    group = make_group(seeds=(1, 2))
    stray = group.cells["control"] & (group.cells["label"] == "VAE")
    cells = group.cells.assign(cell=group.cells["cell"].where(~stray, "stray"))
    runs = group.runs.copy()
    runs.loc[(runs["label"] == "FactorVAE 20") & (runs["seed"] == 2), "nll_held_out"] = np.nan
    (panel,) = divide_splits(RunGroup(runs, cells), ())
    points = arrange_panel(panel).points
    counts = {name: part["place"].value_counts().sort_index().tolist()
              for name, part in points.items()}  # fmt: skip
    assert counts == {
        "training images": [2] * 7,
        "held-out images": [2, 1, *[2] * 5],
        "held-out images, control": [1, *[2] * 5],
    }
    assert points["held-out images, control"]["place"].min() == 1
    own = panel.cells[~panel.cells["control"]]
    alone = arrange_panel(panel._replace(cells=own))
    assert list(alone.points) == ["training images", "held-out images"]


def test_limits_leave_out_what_is_unknown():
    group = make_group()
    cells = group.cells.copy()
    cells.loc[cells["control"], "nll_held_out"] = np.nan
    low, high = collect_scores(RunGroup(group.runs, cells)).limits
    assert low == pytest.approx(70 / 1.5) and high > low


def test_it_applies_where_any_run_is_no_control():
    group = make_group()
    assert FIGURE.applies(group)
    assert not FIGURE.applies(RunGroup(group.runs[group.runs["control"]], group.cells))
