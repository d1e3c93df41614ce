import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.spec import find_spec

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
