"""Comparisons over seeds: their one-sided tests, intervals, and the seeds that they would need.

Seeds are taken as log-normal, so that Student's t on logarithms is exact, and runs of two cells are
paired, so that it is exact however different their spreads are. All arrays may have leading axes,
over which everything is computed at once; the last one is over seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from disentgen.analysis.statistics import Ends, Values
from disentgen.analysis.tables import CONFIDENCE, MINIMUM_SEEDS, interval

#: Of one-sided tests, so that intervals show the same.
LEVEL = (1 - CONFIDENCE) / 2

#: Of the inverse hyperbolic sines of shares that are looked at, on either side of 0.
REACH = 20.0


@dataclass(frozen=True)
class Comparison:
    """A quantity of one model, or of two, against its bound.

    Args:
        name: model or models.
        margins: (…, seeds) each, above 0 in expectation where the claim holds: one for each bound
            of the quantity.
        measure: estimate and interval of the quantity at a confidence; without leading axes only.
    """

    name: str
    margins: tuple[Values, ...]
    measure: Callable[[float], Ends]

    @property
    def seeds(self) -> int:
        """How many seeds the quantity is known of."""
        return int(self.margins[0].shape[-1])

    def p_claimed(self) -> Values:
        """p-values that are small where the quantity is on the claimed side of all its bounds."""
        p: Values = np.max([p_above_zero(margin) for margin in self.margins], axis=0)
        return p

    def p_against(self) -> Values:
        """p-values that are small where the quantity is beyond one of its bounds."""
        p: Values = np.min([p_above_zero(-margin) for margin in self.margins], axis=0)
        return p

    def effects(self) -> tuple[float, float]:
        """How far the quantity is on the claimed side, and on the other, in standard deviations."""
        effect = min(margin.mean() / max(margin.std(ddof=1), 1e-12) for margin in self.margins)
        return float(effect), float(-effect)


def p_above_zero(margin: Values) -> Values:
    """One-sided p-values of Student's t that a mean is above 0; NaN below three seeds.

    Args:
        margin: (…, seeds).
    """
    from scipy.stats import t

    seeds = margin.shape[-1]
    if seeds < MINIMUM_SEEDS:
        return np.full(margin.shape[:-1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = margin.mean(-1) / (margin.std(-1, ddof=1) / np.sqrt(seeds))
    p: Values = t.sf(statistic, seeds - 1)
    return p


def compare_ratio(name: str, ratios: Values, bound: float, above: bool) -> Comparison:
    """A ratio against a bound, on logarithms.

    Args:
        name: model or models.
        ratios: (…, seeds).
        bound: of the ratio.
        above: whether it is claimed to be above the bound.
    """
    margin = np.log(ratios / bound)
    return Comparison(
        name,
        (margin if above else -margin,),
        lambda confidence: interval(ratios, "log", confidence),
    )


def compare_share(
    name: str, train: Values, held_out: Values, images: Values, bound: float
) -> Comparison:
    """How much excess differs between sides, as a share of what their images differ by.

    A share of u means that held-out excess is train excess plus u times the images' difference. At
    the geometric means of both, the logarithms of the two sides of this are compared, with the
    error that the seeds' logarithms give to first order. Student's t on the difference itself errs
    in up to 6 % of cases instead of 2.5 %, on each seed's logarithms in up to 3.1 %. The interval
    holds the shares that are not rejected (as Fieller's).

    Args:
        name: of the model.
        train: (…, seeds) excess of training images, or of the control on held-out ones.
        held_out: (…, seeds) excess of held-out images.
        images: (…, seeds) difference of the sides' entropy floors, above 0.
        bound: that the share's size is claimed to be below.
    """

    def fall_short(share: float) -> Values:
        """Logarithm of what the share would make of it over the held-out excess."""
        lower, upper = np.log(train), np.log(held_out)
        if share < 0:
            lower, upper = upper, lower
        centre = lower.mean(-1, keepdims=True)
        # Sides whose images do not differ have no share of a difference.
        apart = images.mean(-1, keepdims=True)
        total = np.exp(centre) + abs(share) * np.where(apart > 0, apart, np.nan)
        margin: Values = np.log(total) + np.exp(centre) / total * (lower - centre) - upper
        return margin if share >= 0 else -margin

    return Comparison(
        name,
        (fall_short(bound), -fall_short(-bound)),
        lambda confidence: invert(fall_short, confidence),
    )


def invert(margin: Callable[[float], Values], confidence: float) -> Ends:
    """Where a margin is 0, and the ends of where Student's t finds no difference from 0.

    Args:
        margin: (seeds,) at a value; grows with it.
        confidence: of the interval.
    """
    from scipy.optimize import brentq
    from scipy.stats import t

    def statistic(place: float) -> float:
        values = margin(np.sinh(place))
        # Of one seed there is a centre, but no spread.
        spread = values.std(ddof=1) if len(values) > 1 else 1.0
        return float(values.mean() / (max(spread, 1e-12) / np.sqrt(len(values))))

    def solve(wanted: float) -> float:
        if statistic(ends[0]) > wanted:
            return -np.inf
        if statistic(ends[1]) < wanted:
            return np.inf
        return float(np.sinh(brentq(lambda place: statistic(place) - wanted, *ends)))

    ends, seeds = (-REACH, REACH), len(margin(0.0))
    if not np.isfinite([margin(np.sinh(place)).mean() for place in ends]).all():
        return np.nan, np.nan, np.nan
    if seeds < MINIMUM_SEEDS:
        return solve(0.0), np.nan, np.nan
    half = float(t.ppf((1 + confidence) / 2, seeds - 1))
    return solve(0.0), solve(-half), solve(half)


def power(effect: float, seeds: int, level: float) -> float:
    """Power of a one-sided t-test: how often it detects an effect.

    Args:
        effect: mean in standard deviations.
        seeds: how many.
        level: of the test.
    """
    from scipy.stats import nct, t

    detected = nct.sf(t.ppf(1 - level, seeds - 1), seeds - 1, effect * np.sqrt(seeds))
    # Beyond what the series reaches an effect is never missed, nor seen in the other direction.
    return float(np.nan_to_num(detected, nan=float(effect > 0)))


def pair(first: pd.DataFrame, second: pd.DataFrame) -> tuple[Values, Values]:
    """A score of two cells, run beside run: those of the same seed first, then the others in order.

    Runs of different seeds are independent, so that any order settled beforehand will do.

    Args:
        first: one column by seed.
        second: likewise.

    Returns:
        (n,) each.
    """
    both = first.index.intersection(second.index).sort_values()
    columns = [
        np.concatenate(
            [table.loc[both].to_numpy()[:, 0], table.drop(both).sort_index().to_numpy()[:, 0]]
        )
        for table in (first, second)
    ]
    count = min(map(len, columns))
    return columns[0][:count], columns[1][:count]
