"""Pairwise splits, after Camposampiero et al. 2025: the late values of two factors never meet."""

from typing import Annotated

import numpy as np
from pydantic import Field

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides, sides_by_expression
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import (
    choose_even,
    choose_factors,
    list_classes,
    share_of_products,
)
from disentgen.errors import UsageError


def hold_out_pairs(
    grid: FactorGrid,
    within: Mask,
    factors: list[str],
    p: Annotated[float, Field(gt=0, le=1)] = 0.5,
) -> Sides:
    """The sides of a pairwise split: combinations of late values of two factors are held out.

    Each factor keeps at least one value that is seen with all of the other's.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        factors: two, by name.
        p: the share that is held out of the pairs of values that can be.

    Raises:
        UsageError: there are no such factors, or they are not two.
    """
    names = choose_factors(grid, within, factors)
    if len(names) != 2:
        raise UsageError(f"dataset.split_params.factors={factors}: pairwise takes two factors.")
    classes = list_classes(grid, within)
    sizes = [len(classes[name]) for name in names]
    options = [range(1, size) for size in sizes]
    shares = share_of_products([size - 1 for size in sizes], options)
    late = choose_even(sizes, np.asarray(shares), options, p)
    parts = [
        f"class({name}) >= {classes[name][-count]}" for name, count in zip(names, late, strict=True)
    ]
    return sides_by_expression(grid, " & ".join(parts))


FAMILIES = (
    SplitFamily("pairwise", "Pairwise", hold_out_pairs, "ours, after Camposampiero et al. 2025"),
)
