"""Rules of this project after the description of Schott et al. 2022: about 30 % is trained on.

Their own splits are published as lists of images, which ``dataset.held_in_file`` reads; these
rules give others of the same kinds, on any grid. Their random split is ``coverage``.
"""

import numpy as np

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, sides_by_expression
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import choose_even, choose_factors, share_of_products
from disentgen.dataset.splits.orthotopic import Share, find_thresholds, hold_out_corner
from disentgen.errors import UsageError

_SOURCE = "ours, after Schott et al. 2022"


def compose(grid: FactorGrid, within: Mask, share: Share = 0.3) -> Sides:
    """Composition: at most one factor has a late value; every value is seen.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        share: of the combinations that is trained on, nearly.

    Raises:
        UsageError: the grid has a single factor.
    """
    names = choose_factors(grid, None)
    if len(names) < 2:
        raise UsageError("composition needs two factors or more.")
    thresholds = find_thresholds([len(grid.factor_values[name]) for name in names], 1, share)
    return hold_out_corner(grid, within, 1, dict(zip(names, thresholds, strict=True)))


def interpolate(grid: FactorGrid, within: Mask, share: Share = 0.3) -> Sides:
    """Interpolation: of each ordered factor, evenly spaced values are seen, both ends among them.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        share: of the combinations that is trained on, nearly.

    Raises:
        UsageError: no factor has an inner value.
    """
    kept = [
        f"class({name}) in {np.linspace(0, size - 1, count).round().astype(int).tolist()}"
        for name, size, count in _choose_counts(grid, share, fewest=2)
    ]
    return sides_by_expression(grid, f"not ({' & '.join(kept)})")


def extrapolate(grid: FactorGrid, within: Mask, share: Share = 0.3) -> Sides:
    """Extrapolation: of each ordered factor, the last values are never seen.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        share: of the combinations that is trained on, nearly.

    Raises:
        UsageError: no factor is ordered.
    """
    beyond = [f"class({name}) >= {count}" for name, _, count in _choose_counts(grid, share, 1)]
    return sides_by_expression(grid, " | ".join(beyond))


def _choose_counts(grid: FactorGrid, share: float, fewest: int) -> list[tuple[str, int, int]]:
    """Of each ordered factor, its name, how many values it has, and how many of them are seen.

    Args:
        grid: the factor grid. Factors whose values have names, or that have two, have no order.
        share: of the grid that is left.
        fewest: values that are seen of each.
    """
    names = [
        name for name in choose_factors(grid, None)
        if name not in grid.value_names and len(grid.factor_values[name]) > 2
    ]  # fmt: skip
    if not names:
        raise UsageError("no factor of this dataset has three values or more in an order.")
    sizes = [len(grid.factor_values[name]) for name in names]
    options = [range(fewest, size) for size in sizes]
    counts = choose_even(sizes, share_of_products(sizes, options), options, share)
    return list(zip(names, sizes, counts, strict=True))


FAMILIES = (
    SplitFamily("composition", "Composition", compose, _SOURCE),
    SplitFamily("interpolation", "Interpolation", interpolate, _SOURCE),
    SplitFamily("extrapolation", "Extrapolation of all ordered factors", extrapolate, _SOURCE),
)
