"""Predictions of encoders against true values, by the numbers that are drawn."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from artists import PLAIN_WIDTH, read_lines, read_ticks
from disentgen.analysis.figures.predictions import (
    FIGURE,
    collect_predictions,
    describe_predictions,
    draw_predictions,
    list_values,
)
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.pictures import choose_examples
from figure_data import HEADING, make_predictions, make_subject, open_earlier


def test_predictions_are_drawn_over_true_values():
    run = open_earlier("encoder")
    data = collect_predictions(make_subject("encoder"))
    indices = choose_examples(run.dataset, "held_out", 500)
    observed = run.dataset.observe()
    with torch.no_grad():
        predicted = run.model(observed.images(indices)).prediction
    true = observed.factor_values(indices)
    figure = draw_predictions(data)
    for number, (factor, axis) in enumerate(zip(run.split.grid.names, figure.axes, strict=False)):
        points = data.points[factor]["held out"]
        np.testing.assert_allclose(points.true, true[:, number], rtol=1e-6)
        np.testing.assert_allclose(points.predicted, predicted[:, number], rtol=1e-5, atol=1e-6)
        assert axis.get_title() == factor
        marks = {line.get_label(): line for line in axis.lines}
        np.testing.assert_allclose(marks["held out"].get_xdata(), points.true)
        np.testing.assert_allclose(marks["held out"].get_ydata(), points.predicted)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [
        "square", "ellipse", "heart"
    ]  # fmt: skip
    values = observed.factor_values(np.arange(0, run.split.grid.size, 1000))[:, 0].tolist()
    assert figure.axes[0].get_xticks().tolist() == pytest.approx(sorted(set(values)))
    assert figure.axes[0].get_ylabel() == "predicted"
    assert figure.get_supxlabel() == "true value"


BLUE, ORANGE = to_hex("C0"), to_hex("C1")


@pytest.mark.parametrize(
    ("count", "rows", "columns"), [(1, 1, 1), (5, 1, 5), (6, 2, 5), (10, 2, 5)]
)
def test_factors_stand_in_rows_of_five(count, rows, columns):
    names = [f"f{number}" for number in range(count)]
    figure = draw_predictions(make_predictions(names))
    assert figure.axes[0].get_gridspec().get_geometry() == (rows, columns)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == names + [""] * (rows * columns - count)
    assert [axis.axison for axis in figure.axes] == [bool(title) for title in titles]
    assert [axis.get_ylabel() for axis in figure.axes] == ["predicted"] + [""] * (len(titles) - 1)
    legends = [axis.get_legend() for axis in figure.axes]
    assert [text.get_text() for text in legends[0].get_texts()] == ["held in", "held out"]
    assert legends[1:] == [None] * (len(titles) - 1)
    assert figure.get_suptitle() == HEADING


def test_predicted_values_stand_over_true_ones_beside_the_line_of_equality():
    figure = draw_predictions(make_predictions())
    for number, axis in enumerate(figure.axes):
        held_in, held_out, line = read_lines(axis)
        assert held_in == (
            [[0, 1 + number], [10, 12 + number], [20, 23 + number]], BLUE, ".", True, "held in"
        )  # fmt: skip
        assert held_out == (
            [[20, -4 - number], [30, -5 - number]], ORANGE, ".", True, "held out"
        )  # fmt: skip
        assert {mark.get_linestyle() for mark in axis.lines[:2]} == {"None"}
        assert all(mark.get_alpha() < 1 for mark in axis.lines[:2])  # they lie over each other
        assert all(0 < mark.get_markersize() < 6 for mark in axis.lines[:2])
        assert line.marker == "None"
        diagonal = axis.lines[2]
        assert (diagonal.get_xy1(), diagonal.get_slope()) == ((0, 0), 1)
        assert 0 < diagonal.get_linewidth() < PLAIN_WIDTH
        assert diagonal.get_zorder() < axis.lines[0].get_zorder()
        assert diagonal.get_color() == "0.6"
        assert read_ticks(axis)[0] == [(0, "v0"), (20, "v2"), (30, "v3")]
    assert [axis.get_title() for axis in figure.axes] == ["shape", r"pos_\$x"]


def make_grid_run(scale):
    grid = FactorGrid(
        {"shape": (1.0, 2.0, 6.0), "one": (4.0,)}, {"shape": ("cube", "ball", "cone")}
    )
    return SimpleNamespace(split=SimpleNamespace(grid=grid),
                           dataset=SimpleNamespace(factor_scale=scale))  # fmt: skip


def test_values_are_named_on_the_scale_of_the_model():
    assert list_values(make_grid_run("raw")) == {
        "shape": {"cube": 1, "ball": 2, "cone": 6}, "one": {"4": 4}
    }  # fmt: skip
    scaled = np.array([-2.0, -1.0, 3.0]) / np.std([1, 2, 6])
    assert list_values(make_grid_run("standardised")) == {
        "shape": pytest.approx(dict(zip(["cube", "ball", "cone"], scaled, strict=True))),
        "one": {"4": 0},
    }


@pytest.mark.parametrize("name", ["supervised/1", "supervised/raw"])
def test_values_lie_where_the_targets_of_the_images_do(name):
    run = open_earlier(name)
    values = list_values(run)
    targets = run.dataset.observe().factor_values(np.arange(0, run.split.grid.size, 997))
    for factor, column in zip(run.split.grid.names, targets.T, strict=True):
        known = np.array(list(values[factor].values()))
        distance = np.abs(column.numpy()[:, None] - known).min(axis=1)
        np.testing.assert_allclose(distance, 0, atol=1e-5)


def test_data_are_five_hundred_images_of_each_side():
    data = collect_predictions(make_subject("encoder"))
    assert data.heading.endswith("run supervised/1 · seed 1")
    for sides in data.points.values():
        assert {side: (len(points.true), len(points.predicted))
                for side, points in sides.items()} == dict.fromkeys(
                    ("held in", "held out"), (500, 500))  # fmt: skip
    assert data.values == list_values(open_earlier("encoder"))


def test_the_caption_counts_images_of_each_side():
    assert describe_predictions(make_predictions()) == (
        "Factor values that the model reads, against the true ones; held-in images are validation "
        "images. n: held in 3, held out 2."
    )
    assert FIGURE.applies(make_subject("encoder"))
    assert not FIGURE.applies(make_subject("lgm"))
