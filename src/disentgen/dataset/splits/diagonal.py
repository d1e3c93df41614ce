"""A band around a diagonal: pairs of factors that are never far from each other.

The support of two objects' latents whose values nearly agree (Wiedemer et al. 2023): held in is
what is within a radius of the diagonal of each pair of factors, held out all the rest.
"""

from functools import reduce
from math import sqrt
from typing import Annotated

import numpy as np
from pydantic import Field

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import Pair, complement, measure_distance
from disentgen.schema import Finite

#: Of factors scaled to 0..1: √½ is the distance of a corner from the diagonal.
Radius = Annotated[Finite, Field(gt=0, lt=sqrt(0.5))]


def keep_to_diagonal(
    grid: FactorGrid,
    within: Mask,
    pairs: Annotated[list[Pair], Field(min_length=1)],
    radius: Radius = 0.1,
) -> Sides:
    """The sides of a grid of which a band around a diagonal is shown.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        pairs: of factors, by name.
        radius: how far from the diagonal the two of each pair are at most, both scaled to 0..1:
            they differ by √2 times that.

    Raises:
        UsageError: there is no such factor.
    """
    reach = sqrt(2) * radius * (1 + 1e-9)
    near = reduce(np.logical_and, (measure_distance(grid, within, pair) <= reach for pair in pairs))
    return complement(np.broadcast_to(near, grid.sizes).ravel(), within)


FAMILIES = (
    SplitFamily(
        "diagonal",
        "Band around a diagonal",
        keep_to_diagonal,
        "Wiedemer et al. 2023; on a grid, ours",
    ),
)
