"""Rank correlations and what is made of several, beside scipy's, published values, simulation."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from disentgen.analysis.statistics import (
    MINIMUM_GROUPS,
    adjust_holm,
    combine_groups,
    correlation_error,
    correlation_interval,
    expand_level,
    limit_rho,
    spearman,
)


def draw_pairs(rho, count, trials, rng):
    """Pairs of normal variables of a Spearman's ρ: two arrays (trials, count)."""
    pearson = 2 * np.sin(np.pi * rho / 6)
    first, second = rng.standard_normal((2, trials, count))
    return first, pearson * first + np.sqrt(1 - pearson**2) * second


def test_the_error_of_a_rank_correlation_is_bonett_and_wright_s():
    """Fieller, Hartley and Pearson's √(1.06 / (n − 3)) where ρ² is 0.12; more for larger ρ."""
    assert correlation_error(np.sqrt(0.12), 10) == pytest.approx(np.sqrt(1.06 / 7))
    assert correlation_error(np.array(0.8), 6) == pytest.approx(np.sqrt(1.32 / 3))
    assert correlation_error(np.array(-1.0), 6) == pytest.approx(np.sqrt(0.5))


def test_the_interval_of_a_rank_correlation_covers_it():
    """Of 30 pairs of normal variables, where Bonett and Wright simulated it too."""
    rng = np.random.default_rng(0)
    pearson = 2 * np.sin(np.pi * 0.6 / 6)  # Spearman's 0.6
    first, second = rng.standard_normal((2, 4_000, 30))
    found = spearman(first, pearson * first + np.sqrt(1 - pearson**2) * second)
    half = 1.96 * correlation_error(found, 30)
    covered = np.abs(np.arctanh(found) - np.arctanh(0.6)) < half
    assert covered.mean() == pytest.approx(0.95, abs=0.012)


def test_spearman_s_correlation_is_scipy_s():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 5, (2, 20, 6))  # with ties
    known = [stats.spearmanr(*row).statistic for row in zip(first, second, strict=True)]
    assert spearman(first, second) == pytest.approx(known, nan_ok=True)


def test_holm_s_adjustment():
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02."""
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert adjust_holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm(np.stack([p, p[::-1]]))[1] == pytest.approx([0.02, 0.06, 0.06, 0.03])
    assert adjust_holm(np.array([0.5, 0.9])) == pytest.approx([1.0, 1.0])


def test_the_interval_of_few_pairs_is_that_of_a_published_example():
    """The example of ``ci.spear`` in Bonett's R package statpsych."""
    first = np.array([21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19.0])
    second = np.array([67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51.0])
    rho = float(spearman(first, second))
    found = correlation_interval(rho, 15)
    assert found == pytest.approx((0.8699639, 0.5840951, 0.9638297), abs=1e-6)


@pytest.mark.parametrize("count", [6, 8, 12])
@pytest.mark.parametrize("rho", [0.0, -0.6, 0.95])
def test_intervals_of_few_pairs_hold_the_correlation(count, rho):
    """Also where most samples agree in all ranks; not much more often than 95 %, either."""
    found = spearman(*draw_pairs(rho, count, 4_000, np.random.default_rng(0)))
    ends = {value: correlation_interval(value, count)[1:] for value in np.unique(found)}
    held = np.mean([ends[value][0] <= rho <= ends[value][1] for value in found])
    assert 0.93 < held < 0.99


def test_perfect_agreement_is_limited_to_half_a_step_of_the_ranks():
    orders = np.array(list(permutations(range(6))), float)
    possible = np.unique(spearman(np.arange(6.0), orders).round(9))
    steps = np.diff(possible)
    assert limit_rho(np.array([-1.0, 0.5, 1.0]), 6) == pytest.approx(
        [-1 + steps[0] / 2, 0.5, 1 - steps[-1] / 2]
    )
    rho, low, high = correlation_interval(1.0, 6)
    assert (rho, high) == (1, 1) and 0.5 < low < 0.8
    assert correlation_interval(-1.0, 6) == (-1, -1, pytest.approx(-low))


def test_groups_are_combined_by_z_with_weights_of_pairs_less_3():
    rng = np.random.default_rng(0)
    groups = [(rng.standard_normal(count), rng.standard_normal(count)) for count in (6, 9, 20)]
    z = [np.arctanh(stats.spearmanr(*group).statistic) for group in groups]
    found = combine_groups(groups, draws=99)
    assert found.rho == pytest.approx(np.tanh((3 * z[0] + 6 * z[1] + 17 * z[2]) / 26))
    assert (found.groups, found.pairs) == (3, 35)
    assert np.isnan([found.low, found.high]).all()


def test_the_p_value_of_one_group_is_the_share_of_all_orders():
    """All 720 of six; ties count as such."""
    first, second = np.array([1, 2, 3, 4, 5, 6.0]), np.array([1, 3, 2, 5, 5, 9.0])
    orders = np.array(list(permutations(second)))
    every = np.abs(spearman(first, orders))
    known = (every >= abs(spearman(first, second)) - 1e-9).mean()
    assert combine_groups([(first, second)], draws=20_000).p == pytest.approx(known, abs=0.004)
    # Of random orders the given one is one more, so that none is 0.
    assert combine_groups([(np.arange(30.0), np.arange(30.0))], draws=99).p == 0.01


def test_p_values_of_negative_and_positive_relations_are_the_same():
    first, second = draw_pairs(0.7, 10, 1, np.random.default_rng(1))
    there, against = (combine_groups([(first[0], sign * second[0])]) for sign in (1, -1))
    assert there.p == pytest.approx(against.p, abs=0.01)
    assert there.rho == pytest.approx(-against.rho)


def test_groups_are_permuted_within_themselves():
    """Groups that differ in both quantities, but in which there is no relation, have none."""
    rng = np.random.default_rng(2)
    groups = [rng.standard_normal((2, 8)) + 100 * place for place in range(4)]
    found = combine_groups([(first, second) for first, second in groups])
    assert found.p > 0.2


def test_an_expanded_percentile_of_normal_means_is_student_s_t():
    """A normal distribution of the variance of resampled means, n − 1 over n, has the ends of t."""
    for count in (6, 20):
        end = stats.norm.ppf(expand_level(0.025, count)) * np.sqrt((count - 1) / count)
        assert end == pytest.approx(stats.t.ppf(0.025, count - 1))


@pytest.mark.parametrize("count", [MINIMUM_GROUPS, pytest.param(12, marks=pytest.mark.ci)])
def test_intervals_over_groups_hold_the_mean_of_what_groups_are_drawn_from(count):
    """Correlations differ between groups; fewer groups than these have no interval."""
    rng = np.random.default_rng(3)
    held = []
    for _ in range(300):
        groups = [
            tuple(pair[0] for pair in draw_pairs(np.tanh(rng.normal(0.4, 0.3)), size, 1, rng))
            for size in rng.integers(6, 13, count)
        ]
        found = combine_groups(groups, draws=999)
        held.append(found.low <= np.tanh(0.4) <= found.high)
    assert 0.89 < np.mean(held) < 0.98
    assert np.isnan(combine_groups(groups[: MINIMUM_GROUPS - 1], draws=99).low)


@pytest.mark.parametrize("sizes", [(6,), pytest.param((6, 7, 9), marks=pytest.mark.ci)])
def test_holm_keeps_the_share_of_false_finds_of_ten_scores(sizes):
    """At 5 % for all scores together; without it, 40 % of trials would find something."""
    rng = np.random.default_rng(4)
    found, unadjusted = [], []
    for _ in range(250):
        gaps = [rng.standard_normal(size) for size in sizes]
        p = np.array([
            combine_groups([(rng.standard_normal(len(gap)), gap) for gap in gaps], draws=399).p
            for _ in range(10)
        ])  # fmt: skip
        found.append((adjust_holm(p) <= 0.05).any())
        unadjusted.append((p <= 0.05).any())
    assert np.mean(found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 250)
    assert np.mean(unadjusted) > 0.25


def test_one_strong_relation_among_ten_scores_is_found():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(40):
        gaps = [rng.standard_normal(size) for size in (7, 8, 9)]
        p = [
            combine_groups(
                [(strength * gap + rng.standard_normal(len(gap)), gap) for gap in gaps], draws=999
            ).p
            for strength in [3, *[0] * 9]
        ]
        found.append(adjust_holm(np.array(p))[0] <= 0.05)
    assert np.mean(found) > 0.85
