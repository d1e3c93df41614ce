"""The error map: weighted means, masks, and what of them is drawn where."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as MplFigure

from artists import PLAIN_WIDTH, fill_lines, read_legend, read_lines, read_ticks
from disentgen.analysis.figures.errors import (
    average_errors,
    collect_errors,
    describe_errors,
    divide_sides,
    draw_errors,
    draw_single,
    find_held_out_pairs,
    name_values,
)
from disentgen.analysis.measurements.errors import ErrorMap
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import split_grid
from figure_data import HEADING, make_errors

GRID = FactorGrid(
    {"shape": (1.0, 2.0), "size": (0.5, 1.5, 2.5), "place": (0.0, 0.1, 0.2, 0.3, 0.4)},
    {"shape": ("cube", "ball")},
)
#: All of ball and 2.5, and more that is not all of any two values.
SPLIT = split_grid(GRID, "shape == 2 & size > 2", None, validation=0.2, seed=0)


@pytest.fixture
def errors():
    """Some images of both sides, of the one with other weights than of the other."""
    rng = np.random.default_rng(0)
    indices = np.sort(rng.choice(GRID.size, 24, replace=False))
    held_out = SPLIT.held_out[indices]
    return ErrorMap(indices, rng.gamma(2, 5, 24), np.where(held_out, 1.25, 7.0), held_out)


def average(errors, factors, chosen=slice(None)):
    """Weighted means by pandas."""
    table = pd.DataFrame(GRID.classes(errors.indices), columns=GRID.names)
    table["weight"], table["total"] = errors.weights, errors.weights * errors.excess
    sums = table[chosen].groupby(list(factors))[["total", "weight"]].sum()
    means = sums["total"] / sums["weight"]
    shape = [range(len(GRID.factor_values[factor])) for factor in factors]
    index = pd.MultiIndex.from_product(shape) if len(shape) > 1 else pd.Index(shape[0])
    return means.reindex(index).to_numpy().reshape([len(part) for part in shape])


@pytest.mark.parametrize(
    "factors", [("shape",), ("place",), ("size", "shape"), ("shape", "size"), ("place", "size")]
)
def test_means_are_weighted(errors, factors):
    places = tuple(GRID.axis(factor) for factor in factors)
    np.testing.assert_allclose(errors.average(GRID, places), average(errors, factors))


def test_pairs_are_held_out_where_all_their_combinations_are():
    expected = np.zeros((2, 3), dtype=bool)
    expected[1, 2] = True
    assert find_held_out_pairs(SPLIT, (0, 1)).tolist() == expected.tolist()
    assert find_held_out_pairs(SPLIT, (1, 0)).tolist() == expected.T.tolist()
    assert not find_held_out_pairs(SPLIT, (2, 0)).any()
    assert find_held_out_pairs(SPLIT, (2, 0)).shape == (5, 2)


def test_data_are_means_of_each_side_and_of_pairs(errors):
    data = average_errors(errors, SPLIT, "heading")
    assert data.counts == {
        "held in": int((~errors.held_out).sum()),
        "held out": int(errors.held_out.sum()),
    }
    for side, chosen in (("held in", ~errors.held_out), ("held out", errors.held_out)):
        for mean, factor in zip(data.single[side], GRID.names, strict=True):
            np.testing.assert_allclose(mean, average(errors, (factor,), chosen))
    assert set(data.pairs) == {(1, 0), (2, 0), (2, 1)}
    for (row, column), mean in data.pairs.items():
        factors = (GRID.names[row], GRID.names[column])
        np.testing.assert_allclose(mean, average(errors, factors))
    assert data.limits == pytest.approx(tuple(np.quantile(errors.excess, [0.02, 0.98])))


def test_what_is_drawn_is_the_data(errors):
    data = average_errors(errors, SPLIT, "heading")
    figure = draw_errors(data)
    axes = {(place // 3, place % 3): axis for place, axis in enumerate(figure.axes[:9])}
    for (row, column), axis in axes.items():
        assert axis.axison == (column <= row)
        if row == column:
            grey, red = axis.lines
            np.testing.assert_allclose(grey.get_ydata(), data.single["held in"][row])
            np.testing.assert_allclose(red.get_ydata(), data.single["held out"][row])
            assert (grey.get_label(), red.get_label()) == ("held in", "held out")
            assert (grey.get_color(), red.get_color()) == ("0.55", "tab:red")
        elif column < row:
            (picture,), (dots,) = axis.images, axis.lines
            np.testing.assert_allclose(picture.get_array().filled(np.nan), data.pairs[row, column])
            assert picture.origin == "lower"
            assert picture.get_clim() == pytest.approx(data.limits)
            expected = [[x, y] for y, x in np.argwhere(data.held_out[row, column])]
            assert dots.get_xydata().tolist() == expected
    assert axes[1, 0].lines[0].get_xydata().tolist() == [[1, 2]]  # ball along x, 2.5 along y


def test_axes_are_named_by_values(errors):
    figure = draw_errors(average_errors(errors, SPLIT, "heading"))
    axes = {(place // 3, place % 3): axis for place, axis in enumerate(figure.axes[:9])}
    assert [axes[row, 0].get_ylabel() for row in range(3)] == ["shape", "size", "place"]
    assert [axes[2, column].get_xlabel() for column in range(3)] == ["shape", "size", "place"]

    def read(ticks, places):
        return [text.get_text() for text in ticks], places.tolist()

    axis = axes[2, 0]
    assert read(axis.get_xticklabels(), axis.get_xticks()) == (["cube", "ball"], [0, 1])
    assert read(axis.get_yticklabels(), axis.get_yticks()) == (
        ["0", "0.1", "0.3", "0.4"], [0, 1, 3, 4]
    )  # fmt: skip
    assert read(axes[1, 1].get_xticklabels(), axes[1, 1].get_xticks())[0] == ["0.5", "1.5", "2.5"]


def test_sides_without_images_are_left_out(errors):
    held_in = ErrorMap(*(column[~errors.held_out] for column in errors))
    ((side, part),) = divide_sides(held_in).items()
    assert side == "held in"
    for column, known in zip(part, held_in, strict=True):
        assert column.tolist() == known.tolist()
    assert average_errors(held_in, SPLIT, "heading").counts == {"held in": len(held_in.excess)}


def test_images_that_were_not_scored_have_no_part_in_the_limits(errors):
    excess = errors.excess.copy()
    excess[3] = np.nan
    data = average_errors(errors._replace(excess=excess), SPLIT, "heading")
    assert data.limits == pytest.approx(tuple(np.quantile(np.delete(excess, 3), [0.02, 0.98])))


def test_values_are_named_as_the_grid_names_them():
    assert name_values(GRID, "shape") == ["cube", "ball"]
    assert name_values(GRID, "size") == ["0.5", "1.5", "2.5"]


def test_data_of_a_run_are_of_its_errors_and_its_split(errors):
    run = SimpleNamespace(
        config={"model": {"name": "kim"}, "training": {"loss": {"name": "vae"}}, "seed": 3},
        experiment="disent", id="7", dataset=SimpleNamespace(label="dSprites"), split=SPLIT,
    )  # fmt: skip
    data = collect_errors(SimpleNamespace(run=run, get={"errors": errors}.get))
    known = average_errors(errors, SPLIT, "dSprites · kim · vae · run disent/7 · seed 3")
    assert data.heading == known.heading
    assert data.values == known.values == {
        "shape": ["cube", "ball"], "size": ["0.5", "1.5", "2.5"],
        "place": ["0", "0.1", "0.2", "0.3", "0.4"],
    }  # fmt: skip
    for pair in ((1, 0), (2, 0), (2, 1)):
        np.testing.assert_array_equal(data.pairs[pair], known.pairs[pair])
        expected = find_held_out_pairs(SPLIT, pair)
        np.testing.assert_array_equal(data.held_out[pair], expected)
        assert data.pairs[pair].shape == expected.shape


@pytest.mark.parametrize(
    ("held_in", "held_out", "bottom"),
    [([3.0, 2], [9, 8], 0), ([3.0, -2], [9, np.nan], -2), ([np.nan, 1], [-5, 8], -5)],
)
def test_curves_of_a_factor_start_at_zero_or_below(held_in, held_out, bottom):
    axis = MplFigure().subplots()
    draw_single(axis, {"held in": np.array(held_in), "held out": np.array(held_out)})
    assert axis.get_ylim()[0] == bottom
    assert axis.get_ylim()[1] > 8
    assert [line.get_linestyle() for line in axis.lines] == ["-", "-"]
    assert all(0 < line.get_linewidth() < PLAIN_WIDTH for line in axis.lines)
    assert [line[1:3] for line in read_lines(axis)] == [
        (to_hex("0.55"), "."), (to_hex("tab:red"), ".")
    ]  # fmt: skip


def test_colours_are_named_in_nats_and_sides_in_a_legend():
    figure = draw_errors(make_errors())
    (bar,) = figure.axes[9:]
    assert bar.get_ylabel() == "excess NLL, nats"
    assert bar.get_ylim() == (2, 40)
    (legend,) = figure.legends
    assert read_legend(legend) == {
        "held in": (to_hex("0.55"), ".", "-"), "held out": (to_hex("tab:red"), ".", "-")
    }  # fmt: skip
    assert figure.get_suptitle() == HEADING
    for place in (3, 6, 7):
        axis = figure.axes[place]
        (picture,) = axis.images
        assert picture.get_interpolation() == "nearest"
        assert axis.get_aspect() == "auto"
        (dots,) = axis.lines
        assert (dots.get_color(), dots.get_marker(), dots.get_linestyle()) == ("white", ".", "None")
        assert 0 < dots.get_markersize() < 3  # a hundred cells in a panel have one each
    figure.draw_without_rendering()
    place, panels = bar.get_position(), [axis.get_position() for axis in figure.axes[:9]]
    assert place.x0 > max(panel.x1 for panel in panels)
    height = max(panel.y1 for panel in panels) - min(panel.y0 for panel in panels)
    assert place.height == pytest.approx(height / 2, rel=0.05)


def test_only_the_outer_panels_name_their_factor_in_few_lines():
    across, down = fill_lines(14), fill_lines(12)
    names = ["_".join(down), "pos_x", "_".join(across)]
    data = make_errors()
    values = dict(zip(names, data.values.values(), strict=True))
    axes = np.reshape(draw_errors(data._replace(values=values)).axes[:9], (3, 3))
    assert [axis.get_ylabel() for axis in axes[:2, 0]] == ["\n".join(down), "pos x"]
    assert [axis.get_xlabel() for axis in axes[2, 1:]] == ["pos x", "\n".join(across)]
    assert not any(axis.get_ylabel() for axis in axes[:, 1:].flat)
    assert not any(axis.get_xlabel() for axis in axes[:2].flat)


def test_ticks_below_are_of_the_columns_factor_and_beside_of_the_rows():
    axes = np.reshape(draw_errors(make_errors()).axes[:9], (3, 3))
    names = [["v0", "v1"], ["v0", "v1", "v2"], ["v0", "v1", "v3", "v4"]]
    for (row, column), axis in np.ndenumerate(axes):
        if column <= row:
            across, down = read_ticks(axis)
            assert [name for _, name in across] == names[column]
            assert all(name == f"v{place}" for place, name in across)
            assert {text.get_rotation() for text in axis.get_xticklabels()} == {90}
        if column < row:
            assert [name for _, name in down] == names[row]


def test_a_single_factor_has_no_pairs_and_no_colours():
    figure = draw_errors(make_errors((4,)))
    (axis,) = figure.axes
    assert [line.points for line in read_lines(axis)] == [
        [[value, value + start] for value in range(4)] for start in (1, 30)
    ]


def test_the_caption_says_of_how_many_images():
    assert describe_errors(make_errors()) == (
        "Where on the factor grid the NLL is high: mean excess over the entropy floor. Diagonal: "
        "by one factor, held-in images grey, held-out ones red. Below it: by two factors, each "
        "image weighted by how many of its side it stands for; dots: pairs of values held out in "
        "all combinations. Colours are cut off at quantiles 0.02 and 0.98 of single images. n: "
        "held in 5,000, held out 60."
    )
