from collections import Counter

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.pairs import Pairs
from disentgen.dataset.spec import load_specs
from disentgen.dataset.split import split_grid

GRID = FactorGrid({"a": (0.0, 1.0, 2.0), "b": (0.0, 1.0), "c": (0.0, 1.0, 2.0, 3.0)})


@settings(deadline=None)
@given(st.sets(st.integers(0, GRID.size - 1), min_size=2), st.integers(0, 2**32))
def test_every_draw_obeys_its_definition_and_stays_in_the_pool(members, seed):
    pool = np.array(sorted(members))
    pairs = Pairs(GRID, pool)
    everything = np.arange(GRID.size)
    targets = everything[pairs.count_choices(everything) > 0]
    drawn = pairs.draw(targets, np.random.default_rng(seed))
    target, reference, other = map(GRID.classes, (targets, drawn.reference, drawn.other))
    exchanged = np.eye(3, dtype=bool)[drawn.factor]
    assert np.array_equal(target != reference, exchanged)
    assert (other == target)[exchanged].all()
    assert np.isin(drawn.reference, pool).all()
    assert np.isin(drawn.other, pool).all()


@settings(deadline=None)
@given(st.sets(st.integers(0, GRID.size - 1), min_size=1))
def test_choices_are_those_found_by_looking_at_all_images(members):
    pool = np.array(sorted(members))
    pairs = Pairs(GRID, pool)
    everything = GRID.classes(np.arange(GRID.size))
    differ = everything[:, None] != GRID.classes(pool)[None]
    alone = differ & (differ.sum(axis=2, keepdims=True) == 1)
    alone[~np.isin(np.arange(GRID.size), pool)] = False
    assert np.array_equal(pairs.count_choices(np.arange(GRID.size)), alone.any(axis=1).sum(axis=1))
    names = np.array(GRID.names)[alone[pool].any(axis=(0, 1))]
    assert pairs.varying == tuple(names)


def test_draws_are_uniform():
    pool = np.setdiff1d(np.arange(GRID.size), [1, 5, 9])
    pairs = Pairs(GRID, pool)
    target = np.zeros(60_000, dtype=np.int64)  # the image with all classes 0
    drawn = pairs.draw(target, np.random.default_rng(0))
    assert scipy.stats.chisquare(np.bincount(drawn.factor)).pvalue > 1e-3
    for factor, others in ((0, [8, 16]), (1, [4]), (2, [2, 3])):
        mine = drawn.factor == factor
        counts = Counter(drawn.reference[mine].tolist())
        assert sorted(counts) == others
        if len(others) > 1:
            assert scipy.stats.chisquare(list(counts.values())).pvalue > 1e-3
        same = pool[GRID.classes(pool)[:, factor] == 0]
        counts = Counter(drawn.other[mine].tolist())
        assert sorted(counts) == same.tolist()
        assert scipy.stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_pools_are_sorted_by_class_and_then_by_index():
    """So that the same random numbers draw the same images everywhere."""
    grid = FactorGrid({name: tuple(map(float, range(6))) for name in "abcd"})
    pool = np.flatnonzero(np.random.default_rng(0).random(grid.size) < 0.7)
    pairs = Pairs(grid, pool)
    for axis, (order, starts) in enumerate(pairs.by_value):
        classes = grid.classes(pool)[:, axis]
        assert np.array_equal(order, pool[np.lexsort((pool, classes))])
        assert np.array_equal(starts, [(classes < value).sum() for value in range(7)])


def test_tables_of_a_large_grid_stay_small():
    pairs = Pairs(GRID, np.arange(GRID.size))
    assert pairs.neighbours.nbytes == 2 * GRID.size * 3
    assert [order.nbytes for order, _ in pairs.by_value] == [4 * GRID.size] * 3


def test_draws_of_a_seed_never_change():
    pairs = Pairs(GRID, np.setdiff1d(np.arange(GRID.size), [1, 5, 9]))
    targets = np.array([0, 2, 3, 8, 11, 16, 23])
    drawn = pairs.draw(targets, np.random.default_rng(7))
    assert drawn.factor.tolist() == [1, 2, 1, 0, 2, 1, 1]
    assert drawn.reference.tolist() == [4, 3, 7, 16, 10, 20, 19]
    assert drawn.other.tolist() == [18, 10, 11, 8, 11, 8, 6]


@pytest.mark.parametrize("target", [1, 9, 0])
def test_targets_outside_the_pool_or_alone_in_it_are_refused(target):
    pairs = Pairs(GRID, np.array([0, 10, 11]))
    with pytest.raises(ValueError, match="some target has no partner in the pool"):
        pairs.draw(np.array([10, target]), np.random.default_rng(0))


def test_an_image_without_a_neighbour_is_refused():
    pairs = Pairs(GRID, np.array([0, GRID.size - 1]))
    assert pairs.varying == ()
    with pytest.raises(ValueError, match="some target has no partner in the pool"):
        pairs.draw(np.array([0]), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "variant", "fixed"),
    [
        ("dsprites", "blank_side", set()),
        ("dsprites", "shape2tx", {"shape"}),
        ("dsprites", "leave1out", {"shape"}),
        ("shapes3d", "shape2ohue", {"shape"}),
        ("shapes3d", "ohue+whue2fhue", set()),
        ("mpi3d", "cyl2horz", {"object_shape"}),
        ("mpi3d", "objc2horz", {"object_color"}),
        (
            "mpi3d",
            "leave1out",
            {"object_color", "object_shape", "object_size", "camera_height", "background_color"},
        ),
    ],
)
def test_factors_that_are_fixed_on_published_held_out_sides(name, variant, fixed):
    spec = load_specs()[name][0]
    row = spec.variants[variant]
    split = split_grid(spec.grid, row.held_out, row.held_in, 0.05, 0)
    pairs = Pairs(spec.grid, split.indices("held_out"))
    assert set(spec.grid.names) - set(pairs.varying) == fixed
    targets = split.indices("held_out")[:1000]
    drawn = pairs.draw(targets, np.random.default_rng(0))
    assert split.mask("held_out")[drawn.reference].all()
    assert split.mask("held_out")[drawn.other].all()
    assert not {spec.grid.names[factor] for factor in np.unique(drawn.factor)} & fixed
