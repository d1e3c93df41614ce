"""Tasks: what a model is given for some images of a grid, and what it is asked for."""

from typing import Any, Protocol

import numpy as np
from torch import Tensor

from disentgen.dataset.devices import send
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Indices
from disentgen.dataset.pairs import Pairs


class Observable(Protocol):
    """Images and factor values by index, as tensors."""

    def images(self, indices: Indices) -> Tensor:
        """(n, channels, height, width) in 0..1."""

    def factor_values(self, indices: Indices) -> Tensor:
        """(n, factors) factor values."""


#: A tensor, or a tuple of tensors: whatever the model takes.
Input = Any


class Task:
    """What is asked of a model for some images.

    Args:
        grid: the factor grid.
        pool: (images,) indices of those that partners come from, where an image needs any.
    """

    def __init__(self, grid: FactorGrid, pool: Indices):
        self.grid = grid

    def __call__(
        self, observed: Observable, indices: Indices, generator: np.random.Generator
    ) -> tuple[Input, Tensor]:
        """Input and target of some images; whatever is random is drawn from the generator."""
        raise NotImplementedError

    def usable(self, indices: Indices) -> Indices:
        """Those of (n,) indices of images that the task can be made of."""
        return indices

    def describe(self) -> dict[str, Any]:
        """What is to be recorded of it."""
        return {}


class Reconstruct(Task):
    """Image to itself."""

    def __call__(
        self, observed: Observable, indices: Indices, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        images = observed.images(indices)
        return images, images


class Generate(Task):
    """Factor values to their image."""

    def __call__(
        self, observed: Observable, indices: Indices, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        return observed.factor_values(indices), observed.images(indices)


class Infer(Task):
    """Image to the values of its factors."""

    def __call__(
        self, observed: Observable, indices: Indices, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        return observed.images(indices), observed.factor_values(indices)


class Compose(Task):
    """(Reference image, other image, action) to the reference with one factor of the other.

    The action is one-hot over factors. Images are targets; how the others are drawn is said in
    :class:`~disentgen.dataset.pairs.Pairs`.
    """

    def __init__(self, grid: FactorGrid, pool: Indices):
        super().__init__(grid, pool)
        self.pairs = Pairs(grid, pool)

    def __call__(
        self, observed: Observable, indices: Indices, generator: np.random.Generator
    ) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        drawn = self.pairs.draw(indices, generator)
        target = observed.images(indices)
        one_hot = np.eye(len(self.grid.sizes), dtype=np.float32)[drawn.factor]
        action = send(one_hot, target.device)
        reference, other = observed.images(drawn.reference), observed.images(drawn.other)
        return (reference, other, action), target

    def usable(self, indices: Indices) -> Indices:
        return indices[self.pairs.count_choices(indices) > 0]

    def describe(self) -> dict[str, Any]:
        varying = self.pairs.varying
        fixed = [name for name in self.grid.names if name not in varying]
        return {"exchanged": list(varying), "fixed": fixed}


class ReconstructPairs(Task):
    """Images and partners that differ from them in one factor, all to themselves.

    Input and target hold the images first, then their partners in the same order.
    """

    def __init__(self, grid: FactorGrid, pool: Indices):
        super().__init__(grid, pool)
        self.pairs = Pairs(grid, pool)

    def __call__(
        self, observed: Observable, indices: Indices, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        partners = self.pairs.draw(indices, generator).reference
        images = observed.images(np.concatenate([indices, partners]))
        return images, images

    def usable(self, indices: Indices) -> Indices:
        return indices[self.pairs.count_choices(indices) > 0]
