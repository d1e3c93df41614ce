"""Tasks: what a model is given for some images of a grid, and what it is asked for."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from disentgen.dataset.images import Indices


class Observable(Protocol):
    """Images and factor values by index, as tensors."""

    def images(self, indices: Indices) -> Tensor:
        """(n, channels, height, width) in 0..1."""

    def factors(self, indices: Indices) -> Tensor:
        """(n, factors) factor values."""


#: Maps (what can be observed, indices) to (input, target).
Task = Callable[[Observable, Indices], tuple[Tensor, Tensor]]


def reconstruct(observed: Observable, indices: Indices) -> tuple[Tensor, Tensor]:
    """Image to itself."""
    images = observed.images(indices)
    return images, images


def infer(observed: Observable, indices: Indices) -> tuple[Tensor, Tensor]:
    """Image to the values of its factors."""
    return observed.images(indices), observed.factors(indices)
