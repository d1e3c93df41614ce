"""Two levels of novelty, after Farid et al. 2025: are the pairs of values new as well?"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides
from disentgen.dataset.splits import SplitFamily
from disentgen.dataset.splits.choices import choose_factors, complement, draw_mask
from disentgen.dataset.splits.orthotopic import NotNegative, Share
from disentgen.errors import UsageError

_SOURCE = "ours, after Farid et al. 2025"
#: Halvings of the interval in which the share of pairs is sought: it is known to 1e-9.
_HALVINGS = 30


def hold_out_combinations(
    grid: FactorGrid, within: Mask, share: Share = 0.5, seed: NotNegative = 0
) -> Sides:
    """Level 1: combinations are new, while every pair of values of two factors was seen.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        share: of the combinations that is held out, at random.
        seed: of the draw.

    Raises:
        UsageError: what is left cannot show every pair.
    """
    needed = cover_pairs(grid, within, seed)
    total = int(within.sum())
    shown = total - round(share * total)
    if shown < (least := int(needed.sum())):
        raise UsageError(
            f"dataset.split_params.share={share:g} leaves {shown:,} of {total:,} combinations to "
            f"show; {least:,} are shown so that every pair of values is. Give at most "
            f"{(total - least) * 1000 // total / 1000:g}."
        )
    return complement(needed | draw_mask(within & ~needed, shown - least, [seed, 1]), within)


def cover_pairs(grid: FactorGrid, within: Mask, seed: int) -> Mask:
    """Combinations, (images,), that show every pair of values that there is: one drawn for each.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(np.flatnonzero(within))
    classes = grid.classes(order)
    needed = np.zeros_like(within)
    for first, second in combinations(range(len(grid.sizes)), 2):
        shown = np.full((grid.sizes[first], grid.sizes[second]), -1)
        shown[classes[:, first], classes[:, second]] = order  # the last of each pair stays
        needed[shown[shown >= 0]] = True
    return needed


def hold_out_value_pairs(
    grid: FactorGrid, within: Mask, share: Share = 0.3, seed: NotNegative = 0
) -> Sides:
    """Level 2: some pairs of values are new; whatever has such a pair is held out.

    The pairs are drawn at random, of all two factors alike.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        share: of the combinations that is held out, as nearly as pairs can.
        seed: of the draw.

    Raises:
        UsageError: some value is left in no combination that is shown.
    """
    draws = list(_draw_pairs(grid, within, seed))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        held_out = _hold_out(grid, draws, middle)[within].mean()
        low, high = (middle, high) if held_out < share else (low, middle)
    sides = complement(~_hold_out(grid, draws, high), within)
    _check_values(grid, sides, within, share)
    return sides


def _draw_pairs(grid: FactorGrid, within: Mask, seed: int) -> Iterator[NDArray[np.float64]]:
    """A number in 0..1 for each pair of values, of all two factors, along their axes."""
    generator = np.random.default_rng(seed)
    for pair in combinations(map(grid.axis, choose_factors(grid, within)), 2):
        shape = [size if axis in pair else 1 for axis, size in enumerate(grid.sizes)]
        yield generator.random(shape)


def _hold_out(grid: FactorGrid, draws: list[NDArray[np.float64]], limit: float) -> Mask:
    """The combinations, (images,), with a pair whose number is below a limit."""
    held_out = np.zeros(grid.sizes, dtype=bool)
    for numbers in draws:
        held_out |= numbers < limit
    return held_out.ravel()


def _check_values(grid: FactorGrid, sides: Sides, within: Mask, share: float) -> None:
    for axis, name in enumerate(grid.names):
        others = tuple(other for other in range(len(grid.sizes)) if other != axis)
        there, shown = (
            mask.reshape(grid.sizes).any(axis=others) for mask in (within, sides.held_in)
        )
        if (there & ~shown).any():
            raise UsageError(
                f"dataset.split_params.share={share:g} holds out all combinations of a value of "
                f"{name}; give a smaller share or another seed."
            )


FAMILIES = (
    SplitFamily("level1", "Level 1: new combinations", hold_out_combinations, _SOURCE),
    SplitFamily("level2", "Level 2: new pairs of values", hold_out_value_pairs, _SOURCE),
)
