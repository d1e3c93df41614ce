"""Rank correlation over models whose means are known up to the noise of seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disentgen.analysis.statistics import Ends, Values, correlation_error, spearman
from disentgen.analysis.tables import MINIMUM_SEEDS
from disentgen.studies.verdicts.estimates import LEVEL

#: Of a correlation of ±1, whose arctangent has no end.
LIMIT = 0.9999


@dataclass(frozen=True)
class Correlation:
    """Spearman's ρ of two quantities over models, against a bound below 0.

    Noise of seeds draws a correlation towards 0, and so away from the bound: it is judged by the
    bound times what the noise leaves of it (Spearman 1904), so that noise supports nothing.

    Args:
        name: how many models.
        rho: (…,) correlation of the models' means.
        attenuation: (…,) of a true correlation, from 0 (noise alone) to 1 (none).
        bound: that ρ is claimed to be above.
        models: how many.
        seeds: the fewest of a model.
    """

    name: str
    rho: Values
    attenuation: Values
    bound: float
    models: int
    seeds: int

    def p_claimed(self) -> Values:
        """p-values that are small where the correlation is above the bound."""
        return self._p_above(self.bound * self.attenuation)

    def p_against(self) -> Values:
        """p-values that are small where the correlation is below the bound."""
        return 1 - self._p_above(np.asarray(self.bound))

    def measure(self, confidence: float) -> Ends:
        """Correlation of the means and its interval; see
        :func:`~disentgen.analysis.statistics.correlation_error`."""
        from scipy.stats import norm

        if not self._is_judged:
            return float(self.rho), np.nan, np.nan
        half = norm.ppf((1 + confidence) / 2) * correlation_error(self.rho, self.models)
        low, high = np.tanh(np.arctanh(self._limited()) + np.array([-half, half]))
        return float(self.rho), float(low), float(high)

    @property
    def _is_judged(self) -> bool:
        return self.models > 3 and self.seeds >= MINIMUM_SEEDS

    def _limited(self) -> Values:
        return np.clip(self.rho, -LIMIT, LIMIT)

    def _p_above(self, bound: Values) -> Values:
        from scipy.stats import norm

        if not self._is_judged:
            return np.full(np.shape(self.rho), np.nan)
        distance = np.arctanh(self._limited()) - np.arctanh(bound)
        p: Values = norm.sf(distance / correlation_error(self.rho, self.models))
        return p


def compare_correlation(
    first: Sequence[Values], second: Sequence[Values], bound: float
) -> Correlation:
    """Spearman's ρ of two quantities over models.

    Args:
        first: (…, seeds) of one quantity, for each model.
        second: of the other.
        bound: that ρ is claimed to be above.
    """
    means = [np.stack([seeds.mean(-1) for seeds in models], axis=-1) for models in (first, second)]
    attenuation = np.sqrt(reliability(first) * reliability(second))
    seeds = min(values.shape[-1] for values in first)
    return Correlation(
        f"{len(first)} models", spearman(*means), attenuation, bound, len(first), seeds
    )


def reliability(models: Sequence[Values]) -> Values:
    """Share of the variance of models' means that is not the noise of their seeds: 1 − 1/F.

    F is that of the analysis of variance in one direction.

    Args:
        models: (…, seeds) for each; of a single seed each the noise is unknown, and so the share.
    """
    counts = np.array([values.shape[-1] for values in models])
    means = np.stack([values.mean(-1) for values in models], axis=-1)
    centre = (means * counts).sum(-1, keepdims=True) / counts.sum()
    between = (counts * np.square(means - centre)).sum(-1) / (len(models) - 1)
    within = sum(np.square(values - values.mean(-1, keepdims=True)).sum(-1) for values in models)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = within / np.asarray(counts.sum() - len(models), dtype=float)
        share: Values = np.clip(1 - noise / between, 0, 1)
    return share


def list_deciding(count: int, bound: float) -> tuple[float, float]:
    """The lowest ρ that supports a bound without noise, and the highest that speaks against it.

    Args:
        count: models; their ranks are without ties.
        bound: that ρ is claimed to be above.
    """
    step = 6 / (count * (count**2 - 1))
    possible = np.arange(1, -1 - step, -2 * step)
    judged = Correlation("", possible, np.ones_like(possible), bound, count, count)
    for_it, against = judged.p_claimed() <= LEVEL, judged.p_against() <= LEVEL
    lowest = possible[for_it].min() if for_it.any() else np.nan
    return float(lowest), float(possible[against].max() if against.any() else np.nan)
