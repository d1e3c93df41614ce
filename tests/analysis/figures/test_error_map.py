"""The error map: weighted means, masks, and what of them is drawn where."""

import numpy as np
import pandas as pd
import pytest

from disentgen.analysis.figures.errors import average_errors, draw_errors, find_held_out_pairs
from disentgen.analysis.measurements.errors import ErrorMap
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.split import split_grid

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
