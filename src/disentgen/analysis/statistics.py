"""Rank correlations, of one group of pairs and over several, and tests of many of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disentgen.analysis.tables import CONFIDENCE

Values = NDArray[np.float64]
#: Mean or estimate, lower and upper end.
Ends = tuple[float, float, float]

#: Random permutations and resamples of :func:`combine_groups`.
DRAWS = 9_999
#: Of fewer groups there is no interval over groups: with five, those that are called 95 % hold what
#: they should in 91 % of simulations.
MINIMUM_GROUPS = 6


@dataclass(frozen=True)
class Combination:
    """A rank correlation over several groups of pairs.

    Args:
        rho: the mean.
        low: lower end of its interval over groups; NaN below :data:`MINIMUM_GROUPS`.
        high: upper end.
        p: two-sided, of no relation in any group.
        groups: how many.
        pairs: in all of them.
    """

    rho: float
    low: float
    high: float
    p: float
    groups: int
    pairs: int


def spearman(first: Values, second: Values) -> Values:
    """Spearman's rank correlation over the last axis: (…, n) each to (…,); NaN of equal values."""
    centred = [centre_ranks(values) for values in (first, second)]
    sizes = [np.square(values).sum(-1) for values in centred]
    with np.errstate(invalid="ignore"):
        rho: Values = (centred[0] * centred[1]).sum(-1) / np.sqrt(sizes[0] * sizes[1])
    return rho


def centre_ranks(values: Values) -> Values:
    """Ranks over the last axis, (…, n), less their mean."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=-1)
    centred: Values = ranks - ranks.mean(-1, keepdims=True)
    return centred


def correlation_error(rho: Values, count: int) -> Values:
    """Standard error of Fisher's z of Spearman's ρ: √((1 + ρ²/2) / (n − 3)).

    Bonett & Wright 2000, *Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations*, Psychometrika 65.

    Args:
        rho: (…,) correlations.
        count: n, how many pairs.
    """
    return np.sqrt((1 + np.square(rho) / 2) / (count - 3))


def limit_rho(rho: Values, count: int) -> Values:
    """Correlations no nearer to ±1 than half of the smallest step between two that differ.

    Fisher's z of ±1 has no end. Without ties, the steps of Spearman's ρ are 12 / (n(n² − 1)): that
    all ranks agree says no more than that ρ is nearer to 1 than to the next value. This reading is
    ours; with it, intervals of :func:`correlation_interval` hold ρ as often as they should, also of
    six pairs that are closely related (0.97, rather than 0.73 with a limit of 0.9999).

    Args:
        rho: (…,) correlations.
        count: n, how many pairs.
    """
    end = 1 - 6 / (count * (count**2 - 1))
    return np.clip(rho, -end, end)


def correlation_interval(rho: float, count: int, confidence: float = CONFIDENCE) -> Ends:
    """Spearman's ρ and its interval by Fisher's z; see :func:`correlation_error`.

    A bootstrap of so few pairs as are usual here would be of samples with most ranks tied.

    Args:
        rho: the correlation.
        count: n, how many pairs, above 3.
        confidence: of the two-sided interval.
    """
    from scipy.stats import norm

    limited = limit_rho(np.asarray(rho), count)
    half = norm.ppf((1 + confidence) / 2) * correlation_error(limited, count)
    low, high = np.tanh(fisher_z(limited, count) + np.array([-half, half]))
    # Of ±1 the limit lies inside; the interval must not end before the estimate.
    return float(rho), float(min(low, rho)), float(max(high, rho))


def combine_groups(
    groups: Sequence[tuple[Values, Values]], draws: int = DRAWS, seed: int = 0
) -> Combination:
    """Spearman's ρ over several groups of pairs: the mean of Fisher's z, weighted by n − 3.

    The weights are the inverse variances of z where there is no relation. The p-value is that of
    permutations of the second quantity within groups, of which the given order counts as one
    (Phipson & Smyth 2010, *Permutation p-values should never be zero*): it needs no approximation,
    which in the tails that Holm's correction looks at are far off with six pairs. The interval is
    of a bootstrap over groups, and says what further groups of the kind would give; see
    :func:`expand_level`.

    Args:
        groups: (n,) values of two quantities each, for n above 3; those of each not all equal.
        draws: permutations, and resamples.
        seed: of both.
    """
    drawn = np.random.default_rng(seed)
    counts = np.array([len(first) for first, _ in groups])
    weights = (counts - 3) / (counts - 3).sum()
    z, permuted = np.zeros(len(groups)), np.zeros(draws)
    for place, pairs in enumerate(groups):
        first, second = map(centre_ranks, pairs)
        scaled = first / np.sqrt((first @ first) * (second @ second))
        orders = drawn.permuted(np.tile(second, (draws, 1)), axis=-1)
        z[place] = fisher_z(second @ scaled, len(first))
        permuted += weights[place] * fisher_z(orders @ scaled, len(first))
    mean = float(weights @ z)
    # Equal statistics are summed in another order.
    as_far = np.abs(permuted) >= abs(mean) - 1e-9
    low, high = bootstrap(z, weights, drawn, draws)
    return Combination(
        float(np.tanh(mean)), float(np.tanh(low)), float(np.tanh(high)),
        float((1 + as_far.sum()) / (1 + draws)), len(groups), int(counts.sum()),
    )  # fmt: skip


def fisher_z(rho: Values, count: int) -> Values:
    """Fisher's z of (…,) correlations of n pairs, which has an end: see :func:`limit_rho`."""
    z: Values = np.arctanh(limit_rho(rho, count))
    return z


def bootstrap(
    z: Values, weights: Values, drawn: np.random.Generator, draws: int
) -> tuple[float, float]:
    """Ends of the interval of a weighted mean over groups; NaN of few.

    Args:
        z: (groups,) values.
        weights: (groups,) of them.
        drawn: numbers that resample groups.
        draws: resamples.
    """
    if len(z) < MINIMUM_GROUPS:
        return np.nan, np.nan
    places = drawn.integers(0, len(z), size=(draws, len(z)))
    means = (weights[places] * z[places]).sum(-1) / weights[places].sum(-1)
    level = expand_level((1 - CONFIDENCE) / 2, len(z))
    low, high = np.quantile(means, [level, 1 - level])
    return float(low), float(high)


def expand_level(level: float, count: int) -> float:
    """The percentile of few bootstrapped means that stands for a one-sided level.

    It is Φ(√(n / (n − 1)) · t), t the quantile of Student's t with n − 1 degrees of freedom: the
    plain percentile's interval is too narrow by that (Hesterberg 2014, *What teachers should know
    about the bootstrap*, arXiv:1411.5279, the expanded percentile interval). Plain percentiles of
    six groups would hold the mean in 0.85 of cases, these do in 0.93.

    Args:
        level: one-sided, below 0.5.
        count: n, of groups.
    """
    from scipy.stats import norm, t

    return float(norm.cdf(np.sqrt(count / (count - 1)) * t.ppf(level, count - 1)))


def adjust_holm(p: Values) -> Values:
    """Holm's adjusted p-values over the last axis, (…, tests) (Holm 1979)."""
    order = np.argsort(p, axis=-1)
    count = p.shape[-1]
    stepped = np.take_along_axis(p, order, -1) * (count - np.arange(count))
    adjusted = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0)
    return np.take_along_axis(adjusted, np.argsort(order, axis=-1), -1)
