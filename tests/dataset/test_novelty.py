import numpy as np
import pytest

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.novelty import (
    count_by_factors,
    list_unseen,
    measure_factors,
    measure_steps,
)

GRID = FactorGrid({"a": (0.0, 1.0, 2.0), "b": (0.0, 1.0, 2.0, 3.0), "c": (0.0, 1.0)})
CLASSES = GRID.classes(np.arange(GRID.size))


@pytest.mark.parametrize("seed", range(20))
def test_distances_are_those_of_all_pairs(seed):
    trained_on = np.random.default_rng(seed).random(GRID.size) < 0.15
    trained_on[seed] = True
    differences = np.abs(CLASSES[:, None] - CLASSES[trained_on])
    assert np.array_equal(
        measure_factors(GRID, trained_on), (differences > 0).sum(axis=2).min(axis=1)
    )
    assert np.array_equal(measure_steps(GRID, trained_on), differences.sum(axis=2).min(axis=1))


def test_held_out_images_are_counted_by_their_distance():
    trained_on, held_out = CLASSES[:, 0] == 0, CLASSES[:, 0] == 2
    assert count_by_factors(GRID, trained_on, held_out) == {1: 8}
    assert count_by_factors(GRID, trained_on & (CLASSES[:, 2] == 0), held_out) == {1: 4, 2: 4}
    assert set(measure_steps(GRID, trained_on)[held_out]) == {2}


def test_unseen_values_are_those_held_out_alone():
    trained_on = (CLASSES[:, 0] < 2) & (CLASSES[:, 1] > 0)
    assert list_unseen(GRID, trained_on, ~trained_on) == {"a": (2,), "b": (0,)}
    # A value on neither side is none that a model is asked for.
    assert list_unseen(GRID, trained_on, CLASSES[:, 0] == 2) == {"a": (2,), "b": (0,)}
    assert list_unseen(GRID, trained_on, (CLASSES[:, 0] == 2) & trained_on) == {}
