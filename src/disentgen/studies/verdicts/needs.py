"""What an undecided claim lacks although all its cells are there: seeds, or models."""

import math
from collections.abc import Sequence

import numpy as np

from disentgen.analysis.tables import MINIMUM_SEEDS
from disentgen.studies.verdicts.comparisons import Comparisons
from disentgen.studies.verdicts.correlation import Correlation, list_deciding
from disentgen.studies.verdicts.estimates import LEVEL, Comparison, power

#: How often as many seeds as are said to be needed would decide, and the largest number said.
POWER, MAXIMUM_SEEDS = 0.8, 20


def describe_need(comparisons: Comparisons, some: bool) -> str:
    """What an undecided claim lacks although all its cells are there."""
    first = comparisons[0]
    if isinstance(first, Correlation):
        lowest, highest = list_deciding(first.models, first.bound)
        left = 1 - float(np.square(first.attenuation))
        return (
            f"models, rather than seeds: with {first.models}, ρ decides from {lowest:.2f} up or "
            f"{highest:.2f} down (noise of seeds: {left:.0%} of what models differ in)"
        )
    seeds = count_needed([one for one in comparisons if isinstance(one, Comparison)], some)
    count = f"more than {MAXIMUM_SEEDS}" if seeds is None else f"about {seeds}"
    return f"seeds: {count} of each model at this spread (power {POWER:.0%})"


def count_needed(comparisons: Sequence[Comparison], some: bool) -> int | None:
    """Seeds of each model that would decide as the estimates point; None if more than 20.

    Args:
        comparisons: of a claim.
        some: whether one on the claimed side suffices.
    """
    claimed, against = np.array([comparison.effects() for comparison in comparisons]).T
    every, single = (against, claimed) if some else (claimed, against)
    for seeds in range(MINIMUM_SEEDS, MAXIMUM_SEEDS + 1):
        if every.min() > 0:
            reached = math.prod(power(effect, seeds, LEVEL) for effect in every)
        else:
            reached = power(single.max(), seeds, LEVEL / len(single))
        if reached >= POWER:
            return seeds
    return None
