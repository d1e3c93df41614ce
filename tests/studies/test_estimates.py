"""Tests and intervals beside scipy's, closed forms and published examples."""

from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from disentgen.analysis.statistics import spearman
from disentgen.analysis.tables import has_failed, has_learned, interval
from disentgen.studies.verdicts.correlation import (
    compare_correlation,
    list_deciding,
    reliability,
)
from disentgen.studies.verdicts.decisions import NOT_SUPPORTED, SUPPORTED, UNDECIDED, decide
from disentgen.studies.verdicts.estimates import (
    LEVEL,
    compare_ratio,
    compare_share,
    invert,
    p_above_zero,
    pair,
    power,
)

VALUES = np.array([1.0, 2.0, 4.0, 4.5])


def test_intervals_are_student_s_on_each_scale():
    known = stats.t.interval(0.95, 3, VALUES.mean(), stats.sem(VALUES))
    assert interval(VALUES) == pytest.approx((VALUES.mean(), *known))
    logs = np.log(VALUES)
    known = np.exp(stats.t.interval(0.9, 3, logs.mean(), stats.sem(logs)))
    assert interval(VALUES, "log", 0.9) == pytest.approx((stats.gmean(VALUES), *known))
    shares = VALUES / 5
    logits = np.log(shares / (1 - shares))
    ends = np.array([logits.mean(), *stats.t.interval(0.95, 3, logits.mean(), stats.sem(logits))])
    assert interval(shares, "logit") == pytest.approx(tuple(1 / (1 + np.exp(-ends))))


def test_intervals_hold_no_impossible_values():
    rng = np.random.default_rng(0)
    for scale, values in (("log", rng.lognormal(0, 3, (50, 3))), ("logit", rng.random((50, 3)))):
        ends = np.array([interval(row, scale) for row in values])
        assert (ends > 0).all()
        assert (np.diff(ends[:, [1, 0, 2]]) > 0).all()
        assert scale == "log" or (ends < 1).all()


@pytest.mark.parametrize("scale", ["plain", "log", "logit"])
def test_there_is_no_interval_below_three_seeds(scale):
    mean, *ends = interval(np.array([0.2, 0.3]), scale)
    assert 0.2 < mean < 0.3
    assert np.isnan(ends).all()
    assert interval(np.array([0.3]), scale)[0] == pytest.approx(0.3)
    assert np.isnan(interval(np.array([]), scale)).all()


def test_values_at_the_end_of_their_range_have_a_mean_alone():
    assert interval(np.array([0.0, 0.0, 0.0]), "log")[0] == 0
    assert interval(np.ones(3), "logit")[0] == 1
    assert np.isnan(interval(np.array([0.0, 1.0, 2.0]), "log")[1:]).all()


def test_p_values_of_ratios_are_scipy_s():
    for above, side in ((True, "greater"), (False, "less")):
        found = compare_ratio("", VALUES, 1.2, above)
        known = stats.ttest_1samp(np.log(VALUES), np.log(1.2), alternative=side).pvalue
        assert found.p_claimed() == pytest.approx(known)
        assert found.p_against() == pytest.approx(1 - known)


def test_every_comparison_of_leading_axes_is_tested_on_its_own():
    values = np.random.default_rng(0).standard_normal((4, 5, 6))
    known = stats.ttest_1samp(values, 0, axis=-1, alternative="greater").pvalue
    assert p_above_zero(values) == pytest.approx(known)
    ratios, images = np.exp(values), np.exp(values[::-1]) + 1
    share = compare_share("", ratios, ratios[:, ::-1], images, 0.1)
    for place in np.ndindex(4, 5):
        alone = compare_share("", ratios[place], ratios[:, ::-1][place], images[place], 0.1)
        assert share.p_claimed()[place] == pytest.approx(alone.p_claimed())
        assert share.p_against()[place] == pytest.approx(alone.p_against())
    assert share.seeds == 6


def test_equal_seeds_are_certain_and_raise_no_warning():
    same = np.array([[0.5, 0.5, 0.5], [-0.5, -0.5, -0.5], [0.0, 0.0, 0.0]])
    with np.errstate(all="raise"):
        above, below, at = p_above_zero(same)
        assert np.isnan(reliability([np.array([1.0, 1.0]), np.array([1.0, 1.0])]))
        assert reliability([np.array([1.0, 2.0]), np.array([2.0, 1.0])]) == 0
        assert np.isnan(reliability([np.array([1.0]), np.array([2.0])]))
        assert np.isnan(spearman(np.array([1.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0])))
    assert (above, below) == (0, 1)
    assert np.isnan(at)
    assert p_above_zero(np.ones((7, 2))).shape == (7,)
    assert np.isnan(p_above_zero(np.ones((7, 2)))).all()
    (certain, _) = compare_ratio("", np.array([2.0, 2.0, 2.0]), 1.0, above=True).effects()
    assert certain == pytest.approx(np.log(2) / 1e-12)


def test_effects_are_in_standard_deviations_and_of_the_nearer_bound():
    ratios = np.exp(0.5 + 0.2 * np.array([-1.0, 0.0, 1.0]))
    assert compare_ratio("", ratios, 1.0, above=True).effects() == pytest.approx((2.5, -2.5))
    assert compare_ratio("", ratios, 1.0, above=False).effects() == pytest.approx((-2.5, 2.5))
    train, images = np.exp(3 + 0.01 * np.array([-1.0, 0.0, 1.0])), np.full(3, 440.0)
    held_out = np.exp(3.0) + 22.0 + np.zeros(3)
    share = compare_share("", train, held_out, images, 0.1)
    near, far = (margin.mean() / margin.std(ddof=1) for margin in share.margins)
    assert 0 < near < far
    assert share.effects() == pytest.approx((near, -near))


def test_p_values_and_intervals_say_the_same():
    """A bound at the end of the interval is at the level of the test."""
    train, held_out = np.array([30.0, 33.0, 36.0]), np.array([60.0, 75.0, 66.0])
    images = np.full(3, 440.0)
    _, low, high = compare_share("", train, held_out, images, 0.1).measure(0.95)
    assert compare_share("", train, held_out, images, high).p_claimed() == pytest.approx(0.025)
    assert compare_share("", train, held_out, images, low).p_against() == pytest.approx(0.025)
    _, low, high = compare_share("", held_out, train, images, 0.1).measure(0.95)
    assert compare_share("", held_out, train, images, -low).p_claimed() == pytest.approx(0.025)
    assert compare_share("", held_out, train, images, -high).p_against() == pytest.approx(0.025)
    _, low, high = compare_ratio("", VALUES, 1.2, True).measure(0.95)
    assert compare_ratio("", VALUES, low, True).p_claimed() == pytest.approx(0.025)


def test_shares_are_of_geometric_means():
    train, images = np.array([20.0, 40.0, 50.0]), np.array([400.0, 440.0, 480.0])
    for factor in (3.0, 1.5):
        held_out = factor * train[::-1]
        share = (factor - 1) * stats.gmean(train) / images.mean()
        found = compare_share("", train, held_out, images, 0.1)
        assert found.measure(0.95)[0] == pytest.approx(share)
        assert compare_share("", held_out, train, images, 0.1).measure(0.95)[0] == pytest.approx(
            -share
        )


@pytest.mark.parametrize("images", [0.0, -4.0])
def test_sides_whose_images_do_not_differ_have_no_share(images):
    scores = np.array([60.0, 61.0, 62.0])
    found = compare_share("m", scores, scores + 1, np.full(3, images), 0.1)
    assert np.isnan(found.measure(0.95)).all()
    assert np.isnan(found.margins).all()


def test_a_share_of_nothing_compares_the_sides_themselves():
    train, held_out = np.array([30.0, 33.0, 36.0]), np.array([60.0, 75.0, 66.0])
    above, below = compare_share("", train, held_out, np.full(3, 440.0), 0.0).margins
    assert above == pytest.approx(np.log(train / held_out))
    assert below == pytest.approx(np.log(held_out / train))


@pytest.mark.parametrize(("seeds", "ends"), [(1, 1), (2, 1), (3, 3)])
def test_shares_have_an_estimate_from_one_seed_and_an_interval_from_three(seeds, ends):
    train, held_out = np.array([30.0, 33.0, 36.0])[:seeds], np.array([60.0, 75.0, 66.0])[:seeds]
    share = compare_share("m", train, held_out, np.full(seeds, 440.0), 0.1)
    assert (share.name, share.seeds) == ("m", seeds)
    known = (stats.gmean(held_out) - stats.gmean(train)) / 440
    assert share.measure(0.95)[0] == pytest.approx(known)
    assert np.isfinite(share.measure(0.95)).sum() == ends


def test_a_share_that_noise_hides_has_no_end():
    """Of spreads that no share is rejected at, however large."""
    train, images = np.array([1.0, 100.0, 10_000.0]), np.array([4.0, 4.0, 4.0])
    mean, low, high = compare_share("", train, train[::-1] * 2, images, 0.1).measure(1 - 1e-6)
    assert mean == pytest.approx(100 / 4)
    assert (low, high) == (-np.inf, np.inf)


@pytest.mark.parametrize("shift", [0.01, 0.5, 5.0])
def test_a_margin_that_never_changes_sign_has_its_zero_nowhere(shift):
    """However near to 0 it stays; a margin grows with the value."""
    noise = np.array([-1.0, 0.0, 1.0])
    assert invert(lambda value: noise + shift + 0 * value, 0.95)[0] == -np.inf
    assert invert(lambda value: noise - shift + 0 * value, 0.95)[0] == np.inf


def test_shares_are_judged_by_their_size():
    train, images = np.array([30.0, 30.1, 30.2]), np.full(3, 440.0)
    for share, verdict in ((0.25, NOT_SUPPORTED), (0.05, SUPPORTED)):
        held_out = train + share * images
        for sides in ((train, held_out), (held_out, train)):
            assert decide([compare_share("", *sides, images, 0.1)]) == verdict


def test_the_error_of_a_share_is_that_of_its_difference_to_first_order():
    """Where seeds hardly differ, Student's t on the difference itself says the same."""
    rng = np.random.default_rng(0)
    train, held_out = (30 + 1e-3 * rng.standard_normal(4), 90 + 1e-3 * rng.standard_normal(4))
    images = np.full(4, 440.0)
    known = interval((held_out - train) / images)
    assert compare_share("", train, held_out, images, 0.1).measure(0.95) == pytest.approx(
        known, rel=1e-7
    )


class Given(NamedTuple):
    """A comparison of known p-values."""

    claimed: float
    against: float

    def p_claimed(self):
        return np.array(self.claimed)

    def p_against(self):
        return np.array(self.against)


@pytest.mark.parametrize(
    ("claimed", "against", "all_must_agree", "one_suffices"),
    [
        ([LEVEL, LEVEL], [0.9, 0.9], SUPPORTED, UNDECIDED),
        ([LEVEL, LEVEL + 1e-9], [0.9, 0.9], UNDECIDED, UNDECIDED),
        ([0.9, 0.9], [LEVEL / 2, 0.5], NOT_SUPPORTED, UNDECIDED),
        ([0.9, 0.9], [LEVEL / 2 + 1e-9, 0.5], UNDECIDED, UNDECIDED),
        ([LEVEL / 2, 0.5], [0.9, 0.9], UNDECIDED, SUPPORTED),
        ([LEVEL / 2 + 1e-9, 0.5], [0.9, 0.9], UNDECIDED, UNDECIDED),
        ([0.9, 0.9], [LEVEL, LEVEL], UNDECIDED, NOT_SUPPORTED),
        ([0.9, 0.9], [LEVEL, LEVEL + 1e-9], UNDECIDED, UNDECIDED),
    ],
)
def test_verdicts_at_the_level_itself(claimed, against, all_must_agree, one_suffices):
    comparisons = list(map(Given, claimed, against))
    assert decide(comparisons) == all_must_agree
    assert decide(comparisons, some=True) == one_suffices


def test_the_level_is_that_of_one_side_of_an_interval_of_95_percent():
    assert pytest.approx(0.025) == LEVEL


@pytest.mark.parametrize(("p", "verdict"), [(0.0041, NOT_SUPPORTED), (0.0043, UNDECIDED)])
def test_one_of_six_models_speaks_against_a_claim_at_a_sixth_of_the_level(p, verdict):
    # Student's t of three seeds with this p-value.
    shift = stats.t.ppf(p, 2) / np.sqrt(3)
    beyond = np.exp(shift + np.array([-1.0, 0.0, 1.0]))
    fine = np.exp(50 + np.array([-1.0, 0.0, 1.0]))
    models = [compare_ratio("", values, 1.0, True) for values in [beyond, *[fine] * 5]]
    assert decide(models) == verdict


@pytest.mark.parametrize(("p", "verdict"), [(0.024, SUPPORTED), (0.026, UNDECIDED)])
def test_all_models_on_the_claimed_side_need_no_correction(p, verdict):
    near = np.exp(-stats.t.ppf(p, 2) / np.sqrt(3) + np.array([-1.0, 0.0, 1.0]))
    models = [compare_ratio("", values, 1.0, True) for values in [near] * 6]
    assert decide(models) == verdict
    mirrored = [compare_ratio("", 1 / values, 1.0, True) for values in [near] * 6]
    swapped = {SUPPORTED: NOT_SUPPORTED, UNDECIDED: UNDECIDED}[verdict]
    assert decide(mirrored, some=True) == swapped


def test_power_is_that_of_simulated_tests():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((20_000, 5)) + 1.5
    found = (stats.ttest_1samp(draws, 0, axis=1, alternative="greater").pvalue < 0.01).mean()
    assert power(1.5, 5, 0.01) == pytest.approx(found, abs=0.01)
    assert power(0.0, 5, 0.01) == pytest.approx(0.01)
    assert [power(effect, 5, 0.01) for effect in (1e4, 1e12, -1e4, -1e12)] == [1, 1, 0, 0]


def test_runs_are_paired_by_seed_and_the_rest_in_order():
    first = pd.DataFrame({"nll": [10.0, 20.0, 30.0, 40.0]}, index=[1, 2, 3, 4])
    second = pd.DataFrame({"other": [900.0, 300.0, 700.0]}, index=[9, 3, 7])
    low, high = pair(first, second)
    assert low.tolist() == [30, 10, 20]
    assert high.tolist() == [300, 700, 900]
    assert [len(part) for part in pair(first.iloc[:0], second)] == [0, 0]


def test_reliability_is_one_less_the_inverse_of_f():
    groups = [np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 4.0, 8.0]), np.array([9.0, 8.0, 9.5])]
    assert reliability(groups) == pytest.approx(1 - 1 / stats.f_oneway(*groups).statistic)
    same = [np.array([1.0, 2.0, 3.0])] * 3
    assert reliability(same) == 0
    assert np.isnan(reliability([np.array([1.0]), np.array([2.0])]))


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_noise_moves_the_bound_of_a_correlation_towards_0(share):
    """Both quantities of such a reliability: their correlation keeps the product of its roots."""
    values, other = np.array([[1.0, 3.0, 2.0, 5.0, 4.0, 6.0], [3.0, 1.0, 5.0, 6.0, 2.0, 4.0]])
    rho = stats.spearmanr(values, other).statistic
    assert 0 < rho < 0.5  # so that no p-value is next to 0
    # Seeds around means: F is that of the means over the noise.
    noise = np.array([-1.0, 0.0, 1.0]) * np.sqrt(3 * values.var(ddof=1) * (1 - share))
    models = [value + noise for value in other]
    found = compare_correlation([np.full(3, value) for value in values], models, -0.5)
    assert found.attenuation == pytest.approx(np.sqrt(share))
    error = np.sqrt((1 + rho**2 / 2) / 3)
    z = np.arctanh(rho) - np.arctanh(-0.5 * np.sqrt(share))
    assert found.p_claimed() == pytest.approx(stats.norm.sf(z / error))
    z = np.arctanh(rho) - np.arctanh(-0.5)
    assert found.p_against() == pytest.approx(stats.norm.cdf(z / error))
    known = np.tanh(np.arctanh(rho) + np.array([-1, 1]) * stats.norm.ppf(0.95) * error)
    assert found.measure(0.9) == pytest.approx((rho, *known))


def test_a_correlation_has_as_many_seeds_as_its_poorest_model():
    models = [np.arange(count) * 0.1 + count for count in (3, 4, 5, 6, 2)]
    found = compare_correlation(models, models, -0.5)
    assert (found.seeds, found.models) == (2, 5)
    assert np.isnan([found.p_claimed(), found.p_against(), *found.measure(0.95)[1:]]).all()
    assert compare_correlation(models[:4], models[:4], -0.5).seeds == 3


def test_correlations_that_decide_are_those_whose_interval_leaves_the_bound():
    lowest, highest = list_deciding(6, -0.5)
    assert (lowest, highest) == pytest.approx((0.6, -1.0))
    ends = [np.tanh(np.arctanh(rho) - 1.96 * np.sqrt((1 + rho**2 / 2) / 3))
            for rho in (lowest, lowest - 2 / 35)]  # fmt: skip
    assert ends[1] < -0.5 < ends[0]


@pytest.mark.parametrize("count", [4, 5, 6])
def test_correlations_that_decide_are_the_outermost_of_all_orders(count):
    """Beside all correlations that so many models can have, each with its own interval."""
    places = np.arange(1.0, count + 1)
    orders = np.array(list(permutations(places)))
    possible = np.unique(spearman(np.broadcast_to(places, orders.shape), orders))
    z = np.arctanh(np.clip(possible, -0.9999, 0.9999)) - np.arctanh(-0.5)
    z /= np.sqrt((1 + possible**2 / 2) / (count - 3))
    known = possible[z > 1.96].min(), possible[z < -1.96].max()
    assert list_deciding(count, -0.5) == pytest.approx(known)


def test_no_correlation_of_three_models_decides():
    assert np.isnan(list_deciding(3, -0.5)).all()


@pytest.mark.parametrize(
    ("models", "seeds", "judged"), [(3, 3, False), (4, 2, False), (4, 3, True)]
)
def test_correlations_are_judged_from_four_models_of_three_seeds(models, seeds, judged):
    values = [place + 0.01 * np.arange(seeds) for place in range(models)]
    rho = compare_correlation(values, values, -0.5)
    assert (rho.name, rho.models, rho.seeds) == (f"{models} models", models, seeds)
    assert rho.measure(0.95)[0] == pytest.approx(1)
    shown = np.array([rho.p_claimed(), rho.p_against(), *rho.measure(0.95)[1:]])
    assert np.isfinite(shown).all() == np.isfinite(shown).any() == judged


def test_a_perfect_correlation_has_an_interval_within_its_range():
    values = [place + 0.01 * np.arange(3) for place in range(5)]
    for sign in (1, -1):
        _, low, high = compare_correlation(
            values, [sign * value for value in values], -0.5
        ).measure(0.95)
        # At 0.9999, which stands for 1; by hand, with √(1.5 / 2) for an error.
        ends = np.tanh(np.arctanh(sign * 0.9999) + np.array([-1.96, 1.96]) * np.sqrt(0.75))
        assert (low, high) == pytest.approx(tuple(ends), rel=1e-5)


def test_a_model_has_learned_below_half_of_the_mean_image_s_excess():
    runs = pd.DataFrame(
        {"excess_train": [49, 50, 51, 10], "excess_constant": [100, 100, 100, np.nan]}
    )
    assert has_learned(runs).tolist() == [True, True, False, False]
    assert has_failed(runs).tolist() == [False, False, True, False]
