"""Correlated training images (Träuble et al. 2021): factors that vary together, though not always.

An image is drawn in proportion to the product of exp(−(a − b)² / 2σ²) over pairs of factors, their
classes scaled to 0..1, which is how Roth et al. 2023 read it. The rarest combinations are held out
here, so that there is a side to measure on; in both papers they stay, with what weight they have:
of the published variants, up to 19 % of all that is drawn.
"""

from functools import reduce
from math import exp
from typing import Annotated

import numpy as np
from pydantic import Field

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, Weights
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import UNSAID, Pair, measure_distance
from disentgen.errors import UsageError
from disentgen.schema import Finite

#: Of factors scaled to 0..1: less than any step, and so much that they hardly vary together.
Sigma = Annotated[Finite, Field(ge=1e-6, le=10)]
#: In σ. What is further than 10 of them has a weight of 1e-22, and is never drawn.
Beyond = Annotated[Finite, Field(gt=0, le=10)]
#: Digits of a weight. The last bits of an exponential differ between machines, and the weights'
#: hash says which split it is.
_DIGITS = 12


def correlate(
    grid: FactorGrid,
    within: Mask,
    pairs: Annotated[list[Pair], Field(min_length=1)],
    sigma: Sigma = 0.1,
    beyond: Beyond = 2.0,
) -> Sides:
    """Sides and weights of correlated training images.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        pairs: of factors that are correlated, by name.
        sigma: how far from each other the two of a pair are, as a standard deviation; both are
            scaled to 0..1.
        beyond: combinations are held out where the two of a pair are further from each other than
            so many σ.

    Raises:
        UsageError: there is no such factor, a pair is given twice, or nothing is held out.
    """
    distances = [measure_distance(grid, within, pair) for pair in pairs]
    if len({frozenset(pair) for pair in pairs}) < len(pairs):
        raise UsageError("dataset.split_params.pairs has a pair twice.")
    far = reduce(np.logical_or, (distance > beyond * sigma * (1 + 1e-9) for distance in distances))
    held_out = np.broadcast_to(far, grid.sizes).ravel() & within
    if not held_out.any():
        raise UsageError(
            f"no two correlated factors are further apart than beyond={beyond:g} times "
            f"sigma={sigma:g} (both are scaled to 0..1), so nothing is held out; give a smaller "
            "dataset.split_params.beyond."
        )
    held_in = within & ~held_out
    product = reduce(np.multiply, (_weigh(distance, sigma) for distance in distances))
    weights = np.broadcast_to(product, grid.sizes).ravel() * held_in
    return Sides(held_in, held_out, UNSAID, weights)


def _weigh(distance: Weights, sigma: float) -> Weights:
    """exp(−d² / 2σ²) of each distance."""
    weights = [float(f"{exp(-(d**2) / (2 * sigma**2)):.{_DIGITS}g}") for d in distance.ravel()]
    return np.array(weights).reshape(distance.shape)


FAMILIES = (
    SplitFamily(
        "correlated",
        "Correlated factors",
        correlate,
        "Träuble et al. 2021; scaled as Roth et al. 2023 do",
    ),
)
