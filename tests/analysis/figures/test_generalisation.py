"""The main figure: which marks stand where, of which colour, and what its axes hold."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as MplFigure
from matplotlib.markers import MarkerStyle

from artists import PLAIN_WIDTH, fill_lines, read_legend, read_lines
from disentgen.analysis.figures.generalisation import (
    FIGURE,
    Generalisation,
    collect_generalisation,
    draw_generalisation,
    draw_score,
    fit_limits,
)
from disentgen.analysis.figures.panels import Panel
from disentgen.analysis.figures.subjects import RunGroup
from figure_data import make_group

BLUE, ORANGE, GREY = "#0000ff", "#ff8800", to_hex("0.75")
COLOURS = {"VAE": BLUE, "β-VAE 8": ORANGE}
SIDES = ("nll_train", "nll_held_out")


def make_points(means, ends=(np.nan, np.nan)):
    """A VAE at 0.25, a hollow β-VAE at 0.75 whose codes say nothing."""
    return pd.DataFrame({
        "label": list(COLOURS), "cell": ["a", "b"], "disentanglement": [0.25, 0.75],
        "informativeness": [0.5, 0.05], "mean": means, "low": [ends[0], np.nan],
        "high": [ends[1], np.nan], "hollow": [False, True],
    })  # fmt: skip


def make_panel(title="Extrapolation: blank_side", informativeness=(0.5, 0.05)):
    runs = pd.DataFrame({
        "label": list(COLOURS), "disentanglement": [0.2, 0.7], "informativeness": informativeness,
        "nll_train": [51.0, 61.0], "nll_held_out": [81.0, 91.0],
    })  # fmt: skip
    points = {"nll_train": make_points([50.0, 60.0], (45.0, 58.0)),
              "nll_held_out": make_points([80.0, 90.0], (70.0, 99.0))}  # fmt: skip
    return Panel(title, runs, runs, points)


def draw(panel, scores):
    axis = MplFigure().subplots()
    draw_score(axis, panel, scores, COLOURS)
    return axis


def test_marks_intervals_and_joins_stand_at_the_scores_of_their_models():
    axis = draw(make_panel(), SIDES)
    lines = read_lines(axis)
    marks = [line[:4] for line in lines if line.marker in ("o", "X")]
    assert marks == [
        ([[0.25, 50]], BLUE, "o", True), ([[0.75, 60]], GREY, "o", False),
        ([[0.25, 80]], BLUE, "X", True), ([[0.75, 90]], GREY, "X", False),
    ]  # fmt: skip
    plain = [line[:2] for line in lines if line.marker == "None" and np.isfinite(line.points).all()]
    assert sorted(plain) == sorted([
        ([[0.25, 45], [0.25, 58]], BLUE), ([[0.25, 70], [0.25, 99]], BLUE),  # intervals
        ([[0.25, 50], [0.25, 80]], BLUE), ([[0.75, 60], [0.75, 90]], ORANGE),  # joins
        ([[0, 0], [1, 0]], to_hex("0.7")),  # 0 across the panel
    ])  # fmt: skip
    curves = {line.get_color(): line for line in axis.lines if line.get_marker() == "None"}
    assert all(line.get_linestyle() == "-" for line in curves.values())
    assert all(0 < curves[colour].get_linewidth() < PLAIN_WIDTH for colour in (ORANGE, "0.7"))
    bars = [line for line in axis.lines if line.get_linewidth() > PLAIN_WIDTH
            and line.get_marker() == "None"]  # fmt: skip
    assert [line.get_ydata()[0] for line in bars] == pytest.approx([45, np.nan, 70, np.nan],
                                                                  nan_ok=True)  # fmt: skip
    assert all(line.get_alpha() < 0.5 for line in bars)  # faint, since they are wide
    strong = [line for line in axis.lines if line.get_marker() != "None"]
    assert all(0 < mark.get_markersize() < 6 for mark in strong)
    assert curves["0.7"].get_zorder() < min(mark.get_zorder() for mark in strong)


def test_faint_marks_are_the_runs_of_both_sides():
    axis = draw(make_panel(), SIDES)
    for marks, heights, kind in zip(axis.collections, ([51, 61], [81, 91]), "oX", strict=True):
        assert marks.get_offsets().tolist() == [[0.2, heights[0]], [0.7, heights[1]]]
        shape = MarkerStyle(kind)
        expected = shape.get_path().transformed(shape.get_transform()).vertices
        np.testing.assert_allclose(marks.get_paths()[0].vertices, expected)
        assert [to_hex(colour) for colour in marks.get_facecolors()] == [BLUE, GREY]
        assert marks.get_alpha() < 0.5
        assert not len(marks.get_edgecolors())
        assert marks.get_sizes() < 5**2  # area of a strong mark


def test_panels_show_all_of_0_to_1_with_room_for_marks():
    low, high = draw(make_panel(), SIDES).get_xlim()
    assert -0.1 < low < 0 and 1 < high < 1.1


@pytest.mark.parametrize(
    ("scores", "runs", "zero", "text"),
    [
        (SIDES, {}, True, False),
        (SIDES, {"nll_held_out": np.nan}, False, False),
        ((None, "gap_to_control"), {"gap_to_control": [1.0, np.nan]}, True, False),
        ((None, "gap_to_control"), {"gap_to_control": np.nan}, False, True),
        ((None, "gap_to_control"), {}, False, True),
    ],
)
def test_zero_is_marked_where_scores_are_and_lacking_controls_are_named(scores, runs, zero, text):
    panel = make_panel()
    axis = draw(panel._replace(runs=panel.runs.assign(**runs), points={}), scores)
    assert [line.points for line in read_lines(axis)] == [[[0, 0], [1, 0]]] * zero
    shown = [(each.get_text(), each.get_position(), each.get_ha()) for each in axis.texts]
    assert shown == [("no control runs", (0.5, 0.5), "center")] * text
    assert all(each.get_transform() == axis.transAxes for each in axis.texts)


@pytest.mark.parametrize("missing", SIDES)
def test_sides_are_joined_where_both_are_there(missing):
    panel = make_panel()
    del panel.points[missing]
    axis = draw(panel, SIDES)
    assert not [line for line in read_lines(axis)
                if len(line.points) == 2 and line.points[0][0] == 0.75
                and np.isfinite(line.points).all()]  # fmt: skip
    assert len(axis.collections) == 1


@pytest.mark.parametrize(
    ("values", "scale", "limits"),
    [
        ([50, 100], "symlog", (0, 185)),  # just not near each other
        ([51, 100, np.nan], "linear", (51 - 5.9, 100 + 5.9)),
        ([10, 10], "linear", (9, 11)),
        ([0, 100], "symlog", (0, 185)),
        ([-1, 100], "symlog", (-2, 185)),
        ([-10, 1000], "symlog", (-16, 1805)),
        ([-10, -4], "symlog", (-16, 5)),
    ],
)
def test_limits_hold_all_values_with_room(values, scale, limits):
    axis = MplFigure().subplots()
    fit_limits(axis, np.array(values, dtype=float))
    assert (axis.get_yscale(), axis.get_ylim()) == (scale, pytest.approx(limits))
    if scale == "symlog":
        assert axis.yaxis.get_transform().linthresh == 100


def test_an_axis_without_values_has_no_ticks():
    axis = MplFigure().subplots()
    fit_limits(axis, np.array([np.nan]))
    assert not len(axis.get_yticks())
    assert axis.get_yscale() == "linear"


def make_data(*panels):
    return Generalisation("heading", list(panels), COLOURS, ", n 60")


def test_panels_are_labelled_once_and_share_their_axes():
    second = make_panel(" ".join(fill_lines(32)))
    figure = draw_generalisation(make_data(make_panel(), second))
    axes = np.reshape(figure.axes, (2, 3))
    for (row, column), axis in np.ndenumerate(axes):
        title = axis.get_title(loc="left")
        assert title.startswith(("Extrapolation", "bbb")[row]) if column == 0 else not title
        assert axis.get_xlabel() == ("DCI disentanglement\n(lasso, n 60)" if row else "")
        assert axis.get_shared_x_axes().joined(axis, axes[0, 0])
        assert axis.get_shared_y_axes().joined(axis, axes[0, column])
        assert not axis.get_shared_y_axes().joined(axis, axes[0, column - 1])
        assert axis.xaxis.get_gridlines()[0].get_visible()
        assert axis.get_ylabel() == (
            "NLL, nats", "excess over entropy floor, nats", "gap to control, nats"
        )[column]  # fmt: skip
    assert axes[1, 0].get_title(loc="left") == "\n".join(fill_lines(32))
    assert figure.get_suptitle() == "heading"
    assert tuple(figure.get_size_inches()) == pytest.approx((6.75, 2 * 1.75 + 1.3))
    assert axes[0, 0].get_ylim() == pytest.approx((51 - 5, 91 + 5))


def test_limits_of_a_column_are_of_all_its_panels_and_sides():
    far = make_panel()
    far = far._replace(runs=far.runs.assign(nll_held_out=[810.0, 910.0], gap_to_control=-30.0))
    figure = draw_generalisation(make_data(make_panel(), far))
    assert figure.axes[0].get_ylim() == pytest.approx((0, 910 * 1.8 + 5))
    assert figure.axes[1].get_yticks().tolist() == []  # no run has an excess
    assert figure.axes[2].get_ylim() == pytest.approx((-48, 5))


@pytest.mark.parametrize(
    ("informativeness", "grey"), [((0.5, 0.05), True), ((0.5, 0.1), False), ((0.05, 0.05), True)]
)
def test_the_legend_names_models_sides_and_grey_marks(informativeness, grey):
    data = make_data(make_panel(informativeness=(0.5, 0.5)), make_panel("", informativeness))
    colours = {"VAE": BLUE, " ".join(fill_lines(40)): ORANGE}
    (legend,) = draw_generalisation(data._replace(colours=colours | COLOURS)).legends
    shown = read_legend(legend)
    assert shown == {
        "VAE": (BLUE, "s", "None"),
        "\n".join(fill_lines(40)): (ORANGE, "s", "None"),
        "β-VAE 8": (ORANGE, "s", "None"),
        "training images": (to_hex("0.3"), "o", "None"),
        "held-out images": (to_hex("0.3"), "X", "None"),
    } | ({"informativeness below 0.1": (GREY, "s", "None")} if grey else {})
    assert legend._ncols == 3


def test_data_are_of_runs_and_not_of_controls():
    group = make_group(3)
    runs, cells = (table.copy() for table in (group.runs, group.cells))
    runs.loc[runs["control"], ["nll_held_out", "label"]] = 1e6, "control"
    runs["metric_images"] = np.where(runs["control"], 7.0, runs["metric_images"])
    cells.loc[cells["control"], ["seeds", "label"]] = 99, "control"
    data = collect_generalisation(RunGroup(runs, cells))
    assert data.heading == "dSprites (rendered stand-in); seeds by cell: 3"
    assert data.images == ", n 50,000"
    assert list(data.colours) == sorted(set(group.runs["label"]))
    for panel in data.panels:
        assert not panel.runs["control"].any() and not panel.cells["control"].any()
        assert list(panel.points) == ["nll_train", "nll_held_out", "excess_train",
                                      "excess_held_out", "gap_to_control"]  # fmt: skip
    assert "control" not in str(data.heading)
    assert len(data.panels) == 3


def test_it_applies_where_any_run_is_no_control():
    group = make_group()
    assert FIGURE.applies(group)
    controls = RunGroup(group.runs[group.runs["control"]], group.cells)
    assert not FIGURE.applies(controls)
