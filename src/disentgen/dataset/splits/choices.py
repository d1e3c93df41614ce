"""What several families of splits need: factors by name, thresholds, and random choices."""

from collections.abc import Collection, Sequence
from itertools import product
from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask, Sides
from disentgen.errors import UsageError

#: Words of sides that no expression says.
UNSAID: dict[str, str | None] = {"held_out": None, "held_in": None}
#: Two factors, by name.
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


def list_classes(grid: FactorGrid, within: Mask) -> dict[str, list[int]]:
    """The classes of each factor, by name, that some combination has.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
    """
    axes = range(len(grid.sizes))
    there = within.reshape(grid.sizes)
    occurs = (there.any(axis=tuple(axes[:axis]) + tuple(axes[axis + 1 :])) for axis in axes)
    return {
        name: np.flatnonzero(mask).tolist() for name, mask in zip(grid.names, occurs, strict=True)
    }


def choose_factors(
    grid: FactorGrid, within: Mask, names: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The factors of some names, in the order of the grid.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        names: of the factors; None for all that take several values.

    Raises:
        UsageError: there is no such factor, it takes a single value, or one is named twice.
    """
    several = tuple(name for name, there in list_classes(grid, within).items() if len(there) > 1)
    if names is None:
        return several
    for name in names:
        grid.axis(name)
        if name not in several:
            raise UsageError(f"{name} takes a single value; accepted: {', '.join(several)}.")
    if len(set(names)) < len(names):
        raise UsageError(f"a factor is named twice in {', '.join(names)}.")
    return tuple(name for name in grid.names if name in names)


def measure_distance(grid: FactorGrid, within: Mask, pair: Sequence[str]) -> NDArray[np.float64]:
    """How far apart the classes of two factors are, scaled to 0..1 each, along their axes.

    Args:
        grid: the factor grid.
        within: (images,) the combinations that there are.
        pair: the factors, by name.

    Returns:
        An array that broadcasts to ``grid.sizes``.

    Raises:
        UsageError: there is no such factor, it takes a single value, or both are the same.
    """
    first, second = choose_factors(grid, within, pair)
    scaled = [grid.broadcast_classes(name) / (grid.sizes[grid.axis(name)] - 1)
              for name in (first, second)]  # fmt: skip
    return np.asarray(np.abs(scaled[0] - scaled[1]))


def draw_mask(candidates: Mask, count: int, seed: int | list[int]) -> Mask:
    """Some of the images of a mask, (images,), drawn without replacement.

    Args:
        candidates: (images,) those that may be drawn.
        count: how many are.
        seed: of the draw.
    """
    drawn = np.zeros_like(candidates)
    drawn[np.random.default_rng(seed).choice(np.flatnonzero(candidates), count, replace=False)] = 1
    return drawn


def complement(held_in: Mask, within: Mask) -> Sides:
    """Sides of which the held-out one is all the rest.

    Args:
        held_in: (images,) what may be shown.
        within: (images,) the combinations that there are.
    """
    return Sides(held_in & within, within & ~held_in, UNSAID)


def choose_even(
    sizes: Sequence[int], shares: NDArray[np.float64], options: Sequence[Collection[int]],
    share: float, tolerance: float = 0.02,
) -> tuple[int, ...]:  # fmt: skip
    """Of several factors a number of values each, the same part of each as far as that goes.

    Args:
        sizes: the number of values of each factor.
        shares: (combinations,) the share of the grid that each combination of options makes, in
            the order of :func:`itertools.product`.
        options: the numbers that may be chosen, of each factor.
        share: that is wanted.
        tolerance: how far from it a share may be, as a part of it, if another is nearer to even.

    Returns:
        Of the combinations whose share is near enough, or else nearest, that whose parts of the
        factors differ least; the first of equals.
    """
    chosen = np.array(list(product(*options)), dtype=np.int64)
    misses = np.abs(shares - share)
    near = misses <= max(misses.min(), tolerance * share) * (1 + 1e-9)
    spreads = np.where(near, (chosen / np.array(sizes)).std(axis=1), np.inf)
    best = np.round(spreads, 9).argmin()
    return tuple(chosen[best].tolist())


def share_of_products(
    sizes: Sequence[int], options: Sequence[Collection[int]]
) -> NDArray[np.float64]:
    """The share of a grid that keeping some values of each factor leaves.

    Args:
        sizes: the number of values of each factor.
        options: how many may be kept, of each factor.

    Returns:
        (combinations,) shares, in the order of :func:`itertools.product`.
    """
    kept = np.array(list(product(*options)), dtype=np.float64)
    return np.asarray(kept.prod(axis=1) / prod(sizes))
