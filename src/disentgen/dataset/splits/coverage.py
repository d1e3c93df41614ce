"""Random coverage of a grid: any combination may be held out, whatever its values."""

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import complement, draw_mask
from disentgen.dataset.splits.orthotopic import NotNegative, Share
from disentgen.errors import UsageError


def cover(grid: FactorGrid, within: Mask, p: Share = 0.3, seed: NotNegative = 0) -> Sides:
    """The sides of a grid of which random combinations are shown, and all others held out.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        p: the share of combinations that is shown.
        seed: of the draw.

    Raises:
        UsageError: that is less than a single one.
    """
    total = int(within.sum())
    if not (count := round(p * total)):
        raise UsageError(f"dataset.split_params.p={p:g} of {total:,} combinations is none.")
    return complement(draw_mask(within, count, seed), within)


FAMILIES = (SplitFamily("coverage", "Random coverage", cover),)
