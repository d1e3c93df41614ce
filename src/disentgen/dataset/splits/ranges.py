"""Rules of this project after the description of Schott et al. 2022: about 30 % is trained on.

Their own splits are published as lists of images, which ``dataset.held_in_file`` reads; these
rules give others of the same kinds, on any grid. Their random split is ``coverage``.
"""

import numpy as np

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, sides_by_expression
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import (
    choose_even,
    choose_factors,
    list_classes,
    share_of_products,
)
from disentgen.dataset.splits.orthotopic import Share, hold_out_corner, place_thresholds
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
    names = choose_factors(grid, within)
    if len(names) < 2:
        raise UsageError("composition needs two factors or more.")
    return hold_out_corner(grid, within, 1, place_thresholds(grid, within, names, 1, share))


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
        f"class({name}) in {[classes[place] for place in _space(len(classes), count)]}"
        for name, classes, count in _choose_counts(grid, within, share, fewest=2)
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
    beyond = [
        f"class({name}) >= {classes[count]}"
        for name, classes, count in _choose_counts(grid, within, share, fewest=1)
    ]
    return sides_by_expression(grid, " | ".join(beyond))


def _space(size: int, count: int) -> list[int]:
    """Evenly spaced places from 0 to below a size, both ends among them."""
    places: list[int] = np.linspace(0, size - 1, count).round().astype(int).tolist()
    return places


def _choose_counts(
    grid: FactorGrid, within: Mask, share: float, fewest: int
) -> list[tuple[str, list[int], int]]:
    """Of each ordered factor, its name, the classes that there are, and how many of them are seen.

    Args:
        grid: the factor grid. Factors whose values have names, or that have two, have no order.
        within: (images,) the combinations that there are.
        share: of the grid that is left.
        fewest: values that are seen of each.
    """
    classes = list_classes(grid, within)
    names = [
        name for name in choose_factors(grid, within)
        if name not in grid.value_names and len(classes[name]) > 2
    ]  # fmt: skip
    if not names:
        raise UsageError("no factor of this dataset has three values or more in an order.")
    sizes = [len(classes[name]) for name in names]
    options = [range(fewest, size) for size in sizes]
    counts = choose_even(sizes, share_of_products(sizes, options), options, share)
    return [(name, classes[name], count) for name, count in zip(names, counts, strict=True)]


FAMILIES = (
    SplitFamily("composition", "Composition", compose, _SOURCE),
    SplitFamily("interpolation", "Interpolation", interpolate, _SOURCE),
    SplitFamily("extrapolation", "Extrapolation of all ordered factors", extrapolate, _SOURCE),
)
