"""How new the held-out side of a split is: values never seen, steps to the nearest combination."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.sides import Mask


def list_unseen(grid: FactorGrid, trained_on: Mask, held_out: Mask) -> dict[str, tuple[int, ...]]:
    """The classes of each factor that are held out, and never trained on.

    Args:
        grid: the factor grid.
        trained_on: (images,) whether an image is trained on.
        held_out: (images,) whether it is held out.

    Returns:
        By name of the factor; without factors of which every value is seen.
    """
    unseen = {}
    for axis, name in enumerate(grid.names):
        others = tuple(other for other in range(len(grid.sizes)) if other != axis)
        seen, kept = (mask.reshape(grid.sizes).any(axis=others) for mask in (trained_on, held_out))
        if (kept & ~seen).any():
            unseen[name] = tuple(np.flatnonzero(kept & ~seen).tolist())
    return unseen


def count_by_factors(grid: FactorGrid, trained_on: Mask, held_out: Mask) -> Mapping[int, int]:
    """Held-out images by how many factors differ from the nearest training combination.

    Args:
        grid: the factor grid.
        trained_on: (images,) whether an image is trained on.
        held_out: (images,) whether it is held out.

    Returns:
        Counts of images by number of factors, the lowest number first.
    """
    differing = measure_factors(grid, trained_on)[held_out]
    numbers, counts = np.unique(differing, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def measure_factors(grid: FactorGrid, trained_on: Mask) -> NDArray[np.int64]:
    """In how many factors each image differs from the nearest training combination.

    Args:
        grid: the factor grid.
        trained_on: (images,) whether an image is trained on; some are.

    Returns:
        (images,) numbers of factors.
    """
    nearest = _start(grid, trained_on)
    for axis in range(nearest.ndim):
        # Whatever is on the line along this factor is one factor away.
        np.minimum(nearest, nearest.min(axis=axis, keepdims=True) + 1, out=nearest)
    return nearest.ravel()


def measure_steps(grid: FactorGrid, trained_on: Mask) -> NDArray[np.int64]:
    """How many steps from one value to the next lead from each image to a training combination.

    Args:
        grid: the factor grid.
        trained_on: (images,) whether an image is trained on; some are.

    Returns:
        (images,) the fewest steps, those of all factors together.
    """
    nearest = _start(grid, trained_on)
    for axis in range(nearest.ndim):
        for line in (np.moveaxis(nearest, axis, -1), np.moveaxis(nearest, axis, -1)[..., ::-1]):
            places = np.arange(line.shape[-1])
            line[...] = np.minimum.accumulate(line - places, axis=-1) + places
    return nearest.ravel()


def _start(grid: FactorGrid, trained_on: Mask) -> NDArray[np.int64]:
    """0 where an image is trained on, and elsewhere more than any distance; of the grid's shape."""
    return np.where(trained_on, 0, sum(grid.sizes)).reshape(grid.sizes)
