"""Pairs of images that differ in one factor, drawn by arithmetic on the factor grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices


class Draw(NamedTuple):
    """For each target: the factor that is exchanged, and the images that it comes about from.

    Args:
        factor: (n,) positions of factors.
        reference: (n,) images that differ from the target in exactly that factor.
        other: (n,) images that share the target's value of that factor.
    """

    factor: NDArray[np.int64]
    reference: Indices
    other: Indices


class Pairs:
    """Draws partners for targets from a pool of images.

    Targets are of the pool too. The factor is drawn uniformly among those in which some image of
    the pool differs from the target, and from it alone; the reference uniformly among these images;
    the other image uniformly among the images of the pool with the target's value of the factor,
    the target included.

    Args:
        grid: the factor grid.
        pool: (images,) indices of those that partners come from.
    """

    def __init__(self, grid: FactorGrid, pool: Indices):
        self.grid = grid
        self.sizes = np.array(grid.sizes)
        self.strides = np.cumprod([1, *grid.sizes[:0:-1]])[::-1]
        self.in_pool = np.zeros(grid.size, dtype=bool)
        self.in_pool[pool] = True
        self.neighbours = self._count_neighbours()
        self.by_value = [self._sort_by_class(axis, pool) for axis in range(len(self.sizes))]

    @property
    def varying(self) -> tuple[str, ...]:
        """The factors that can be exchanged between images of the pool."""
        some = (self.neighbours[self.in_pool] > 1).any(axis=0)
        return tuple(np.array(self.grid.names)[some].tolist())

    def draw(self, targets: Indices, generator: np.random.Generator) -> Draw:
        """Draw a factor, a reference and another image for each target.

        Args:
            targets: (n,) indices of images.
            generator: of random numbers.

        Raises:
            ValueError: a target is not of the pool, or differs from all others of it in several
                factors.
        """
        choices = self._list_choices(targets)
        if not choices.any(axis=1).all():
            raise ValueError("some target has no partner in the pool.")
        factor = np.where(choices, generator.random(choices.shape), -np.inf).argmax(axis=1)
        return Draw(
            factor,
            self._draw_references(targets, factor, generator),
            self._draw_others(targets, factor, generator),
        )

    def count_choices(self, targets: Indices) -> NDArray[np.int64]:
        """The number of factors that can be drawn for each of (n,) targets."""
        counts: NDArray[np.int64] = self._list_choices(targets).sum(axis=1)
        return counts

    def _count_neighbours(self) -> NDArray[np.uint16]:
        """(images, factors): images of the pool on an image's line along a factor, itself too."""
        mask = self.in_pool.reshape(self.grid.sizes)
        counts = [
            np.broadcast_to(mask.sum(axis=axis, keepdims=True, dtype=np.uint16), mask.shape)
            for axis in range(mask.ndim)
        ]
        return np.stack([count.ravel() for count in counts], axis=1)

    def _sort_by_class(self, axis: int, pool: Indices) -> tuple[NDArray[np.int32], Indices]:
        """The pool sorted by a factor's class, and where each class starts in it."""
        classes = pool // self.strides[axis] % self.sizes[axis]
        order = pool[np.argsort(classes, kind="stable")].astype(np.int32)
        starts = np.searchsorted(np.sort(classes), np.arange(self.sizes[axis] + 1))
        return order, starts

    def _list_choices(self, targets: Indices) -> NDArray[np.bool_]:
        """(n, factors): whether a factor can be drawn; none can for images outside the pool."""
        return (self.neighbours[targets] > 1) & self.in_pool[targets][:, None]

    def _draw_references(
        self, targets: Indices, factor: NDArray[np.int64], generator: np.random.Generator
    ) -> Indices:
        """One of the other images of the pool on each target's line, uniformly."""
        stride, size = self.strides[factor], self.sizes[factor]
        own = targets // stride % size
        steps = np.arange(self.sizes.max())
        line = targets[:, None] + (steps - own[:, None]) * stride[:, None]
        admissible = (steps < size[:, None]) & (steps != own[:, None])
        admissible &= self.in_pool[np.where(admissible, line, 0)]
        chosen = np.where(admissible, generator.random(line.shape), -np.inf).argmax(axis=1)
        references: Indices = line[np.arange(len(targets)), chosen]
        return references

    def _draw_others(
        self, targets: Indices, factor: NDArray[np.int64], generator: np.random.Generator
    ) -> Indices:
        """One of the images of the pool with the target's value of its factor, uniformly."""
        own = targets // self.strides[factor] % self.sizes[factor]
        drawn = generator.random(len(targets))
        others = np.empty(len(targets), dtype=np.int64)
        for axis, (order, starts) in enumerate(self.by_value):
            mine = factor == axis
            first, stop = starts[own[mine]], starts[own[mine] + 1]
            others[mine] = order[first + (drawn[mine] * (stop - first)).astype(np.int64)]
        return others
