"""Drawing images by their factors, for metrics that ask for codes of their own choice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from disentgen.dataset.grid import FactorGrid
from disentgen.errors import UsageError

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Sampler:
    """Codes of images that are drawn by their factors.

    Args:
        encode: (n,) indices of images to their (n, latents) codes.
        grid: the factor grid.
        rng: draws the images.
        allowed: mask over the grid's images of those that may be drawn; all by default. With the
            held-in side, a metric is not told of combinations that the model never saw.
    """

    encode: Callable[[Indices], NDArray[np.floating]]
    grid: FactorGrid
    rng: np.random.Generator
    allowed: NDArray[np.bool_] | None = None
    _ordered: dict[int, tuple[Indices, Indices]] = field(default_factory=dict, init=False)

    @cached_property
    def pool(self) -> Indices:
        """The images that may be drawn.

        Raises:
            UsageError: there are none.
        """
        if self.allowed is None:
            return np.arange(self.grid.size)
        if not self.allowed.any():
            raise UsageError("no image may be drawn.")
        return np.flatnonzero(self.allowed)

    def varying(self) -> list[int]:
        """Factors with more than one class among the images that may be drawn."""
        classes = self.grid.classes(self.pool)
        return [int(axis) for axis in np.flatnonzero(classes.min(axis=0) < classes.max(axis=0))]

    def draw(self, count: int) -> Indices:
        """Images, uniformly."""
        return self.rng.choice(self.pool, count)

    def draw_sharing(self, factor: int, groups: int, size: int) -> Indices:
        """Groups of images that share their class of a factor: (groups, size) indices.

        The class is that of an image drawn uniformly, the others are uniform given the class.
        """
        pool, counts = self._order_by_class(factor)
        ends = np.cumsum(counts)
        # Each image is as likely as any other to be the one that a class is that of.
        chosen = np.searchsorted(ends, self.rng.integers(len(pool), size=groups), side="right")
        within = self.rng.random((groups, size)) * counts[chosen][:, None]
        return pool[(ends - counts)[chosen][:, None] + within.astype(np.int64)]

    def _order_by_class(self, factor: int) -> tuple[Indices, Indices]:
        """The pool in the order of a factor's classes, and how many images each class has."""
        if factor not in self._ordered:
            classes = self.grid.classes(self.pool)[:, factor]
            counts = np.bincount(classes, minlength=self.grid.sizes[factor])
            self._ordered[factor] = self.pool[np.argsort(classes, kind="stable")], counts
        return self._ordered[factor]
