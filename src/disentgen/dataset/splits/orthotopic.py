"""Orthotopic splits (Camposampiero et al. 2025): few factors at once may take late values.

With a threshold for each factor, a combination is trained on if at most c factors have a class at
or above theirs.
"""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, sides_by_expression
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import (
    UNSAID,
    choose_even,
    choose_factors,
    draw_mask,
    list_classes,
)
from disentgen.errors import UsageError
from disentgen.schema import Count

NotNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


def hold_out_corner(
    grid: FactorGrid, within: Mask, c: NotNegative, thresholds: dict[str, Count]
) -> Sides:
    """The sides of an orthotopic split.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        c: how many factors at once may have late values in training.
        thresholds: the first late class of each factor that takes part, by its name.

    Raises:
        UsageError: there is no such factor, a threshold is not a class of it, or c is not below
            the number of factors.
    """
    everything = np.ones_like(within)  # thresholds are classes of the whole grid
    for name in choose_factors(grid, everything, list(thresholds)):
        last = len(grid.factor_values[name]) - 1
        if thresholds[name] > last:
            raise UsageError(
                f"dataset.split_params.thresholds.{name}={thresholds[name]} leaves no late value "
                f"of {name}; accepted: 1 to {last}."
            )
    _check_c(c, len(thresholds))
    return sides_by_expression(grid, _write(c, thresholds))


def match_volumes(
    grid: FactorGrid,
    within: Mask,
    c: NotNegative,
    share: Share = 0.25,
    factors: list[str] | None = None,
    seed: NotNegative = 0,
) -> Sides:
    """The sides of an orthotopic split of which as many images are trained on for each c.

    Thresholds are chosen so that as much of each factor is late as of the others, and so that at
    least the share is on the held-in side; of that side, the share is drawn, and the rest of it is
    on neither side.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        c: how many factors at once may have late values in training.
        share: of the combinations that is on the held-in side.
        factors: that take part, by name; by default all.
        seed: of the draw.

    Raises:
        UsageError: there is no such factor, c is not below their number, or no thresholds leave
            enough.
    """
    names = choose_factors(grid, within, factors)
    _check_c(c, len(names))
    # A little more, since the draw can leave images out, and not add any.
    thresholds = place_thresholds(grid, within, names, c, 1.025 * share)
    sides = sides_by_expression(grid, _write(c, thresholds))
    admissible, wanted = sides.held_in & within, round(share * int(within.sum()))
    if (there := int(admissible.sum())) < max(wanted, 1):
        raise UsageError(
            f"at most c={c} of {', '.join(names)} late leaves {there:,} combinations, fewer than "
            f"dataset.split_params.share={share:g} of all; give a smaller share."
        )
    return Sides(draw_mask(admissible, wanted, seed), sides.held_out & within, UNSAID)


def place_thresholds(
    grid: FactorGrid, within: Mask, names: Sequence[str], c: int, share: float
) -> dict[str, int]:
    """The first late class of each factor, by which about a share has at most c late factors.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        names: of the factors that take part.
        c: how many factors may be late.
        share: that is wanted.
    """
    classes = list_classes(grid, within)
    places = find_thresholds([len(classes[name]) for name in names], c, share)
    return {name: classes[name][place] for name, place in zip(names, places, strict=True)}


def find_thresholds(sizes: Sequence[int], c: int, share: float) -> tuple[int, ...]:
    """Thresholds by which about a share of a grid has at most c late factors.

    Args:
        sizes: the number of values of each factor.
        c: how many factors may be late.
        share: that is wanted.

    Returns:
        The first late class of each factor.
    """
    options = [range(1, size) for size in sizes]
    return choose_even(sizes, measure_shares(sizes, c), options, share)


def measure_shares(sizes: Sequence[int], c: int) -> NDArray[np.float64]:
    """The share of a grid that has at most c late factors, for all thresholds.

    Args:
        sizes: the number of values of each factor.
        c: how many factors may be late.

    Returns:
        (thresholds,) in the order of :func:`itertools.product` of the thresholds 1, 2, … of each.
    """
    early = np.array(list(product(*(range(1, size) for size in sizes))), dtype=np.float64)
    # The coefficient of x^j in the product of (early + late x) counts those with j late factors.
    counts = np.zeros((c + 1, len(early)))
    counts[0] = 1
    for factor, size in enumerate(sizes):
        shifted = np.vstack([np.zeros(len(early)), counts[:-1]])
        counts = counts * early[:, factor] + shifted * (size - early[:, factor])
    return np.asarray(counts.sum(axis=0) / prod(sizes))


def _check_c(c: int, factors: int) -> None:
    if not factors:
        raise UsageError("no factor takes part in dataset.split_params; name some.")
    if c >= factors:
        raise UsageError(
            f"dataset.split_params.c={c} of {factors} factors holds nothing out; accepted: 0 to "
            f"{factors - 1}."
        )


def _write(c: int, thresholds: dict[str, int]) -> str:
    """The held-out side as an expression."""
    late = ", ".join(f"class({name}) >= {threshold}" for name, threshold in thresholds.items())
    return f"count({late}) > {c}"


FAMILIES = (
    SplitFamily("orthotopic", "Orthotopic", hold_out_corner, "Camposampiero et al. 2025"),
    SplitFamily(
        "orthotopic_matched",
        "Orthotopic, equal volumes",
        match_volumes,
        "ours, after Camposampiero et al. 2025",
    ),
)
