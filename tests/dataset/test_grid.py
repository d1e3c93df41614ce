import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import find_spec
from disentgen.errors import UsageError

sizes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def make_grid(sizes):
    return FactorGrid({f"f{i}": tuple(float(v) for v in range(n)) for i, n in enumerate(sizes)})


@given(sizes)
def test_order_is_that_of_nested_loops(sizes):
    grid = make_grid(sizes)
    expected = np.array(list(itertools.product(*map(range, sizes))))
    assert np.array_equal(grid.classes(np.arange(grid.size)), expected)


@given(sizes, st.data())
def test_indices_and_classes_are_inverse(sizes, data):
    grid = make_grid(sizes)
    indices = np.array(data.draw(st.lists(st.integers(0, grid.size - 1), min_size=1)))
    assert np.array_equal(grid.indices(grid.classes(indices)), indices)


def test_values_follow_classes():
    grid = FactorGrid({"a": (1.0, 2.0), "b": (0.0, 0.5, 1.0)})
    assert grid.values(np.array([0, 5])).tolist() == [[1.0, 0.0], [2.0, 1.0]]
    assert grid.broadcast_values("a").shape == (2, 1)
    assert grid.broadcast_values("b").tolist() == [[0.0, 0.5, 1.0]]


def test_numbers_are_of_64_bits():
    grid = FactorGrid({"a": (1, 2), "b": (0, 1, 2)})
    classes = grid.classes(np.array([0, 5], dtype=np.int32))
    assert classes.dtype == grid.indices(classes.astype(np.int8)).dtype == np.int64
    assert grid.standardise(np.ones((1, 2), dtype=np.float32)).dtype == np.float64
    assert grid.broadcast_values("b").dtype == np.float64


@pytest.mark.parametrize("classes", [[2, 0], [0, 3], [-1, 0]])
def test_classes_outside_the_grid_are_refused(classes):
    grid = FactorGrid({"a": (1.0, 2.0), "b": (0.0, 0.5, 1.0)})
    with pytest.raises(ValueError):
        grid.indices(np.array([classes]))


def test_standardised_values_have_mean_0_and_deviation_1_over_the_grid():
    grid = FactorGrid({"a": (1.0, 2.0, 6.0), "alone": (7.0,), "b": (0.0, 0.5)})
    values = grid.values(np.arange(grid.size))
    standardised = grid.standardise(values)
    assert standardised.mean(axis=0) == pytest.approx([0, 0, 0])
    assert standardised.std(axis=0) == pytest.approx([1, 0, 1])
    expected = (values[:, 0] - values[:, 0].mean()) / values[:, 0].std()
    assert standardised[:, 0] == pytest.approx(expected)
    assert grid.standardise(np.array([[1.0, 9.0, 0.25]]))[0, 1:].tolist() == [2.0, 0.0]


def test_a_grid_says_its_factors_in_one_line():
    grid = FactorGrid({"a": tuple(map(float, range(40))), "b": tuple(map(float, range(30)))})
    assert repr(grid) == "FactorGrid(a: 40, b: 30; 1,200 combinations)"
    with pytest.raises(FrozenInstanceError):
        grid.factor_values = {}


def test_names_that_a_grid_does_not_have_are_answered_with_those_it_has():
    grid = FactorGrid({"shape": (1.0, 2.0), "x": (0.0, 0.25)}, {"shape": ("disc", "ring")})
    mistakes = [
        (lambda: grid.axis("shap"), "unknown factor 'shap'; accepted: shape, x. Did you mean"),
        (lambda: grid.find_value("shape", "rin"), "unknown value of shape 'rin'; accepted: disc"),
        (lambda: grid.find_value("x", "far"), "values of x have no names such as 'far'; it takes "
         r"2 values from 0 to 0.25\.$"),
    ]  # fmt: skip
    for mistake, message in mistakes:
        with pytest.raises(UsageError, match=message):
            mistake()
    assert grid.axis("x") == 1


def test_values_are_called_by_their_names():
    grid = FactorGrid({"shape": (1.0, 2.0), "x": (0.0, 0.123456)}, {"shape": ("disc", "ring")})
    assert [grid.name_value(*place) for place in (("shape", 1), ("x", 1))] == ["ring", "0.1235"]
    assert grid.find_value("shape", "ring") == 2.0


def test_dsprites_is_the_published_grid():
    grid = find_spec("dsprites").grid
    assert dict(zip(grid.names, grid.sizes, strict=True)) == {
        "shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32,
    }  # fmt: skip
    assert grid.size == 737_280
    first, last = grid.values(np.array([0, grid.size - 1]))
    assert first.tolist() == [1, 0.5, 0, 0, 0]
    assert last.tolist() == [3, 1, 2 * np.pi, 1, 1]
