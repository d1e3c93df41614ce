"""Tasks: what a model is given for some images, and what it is asked for."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

#: Maps (images as tensors, indices) to (input, target).
Task = Callable[[Callable[[NDArray[np.int64]], Tensor], NDArray[np.int64]], tuple[Tensor, Tensor]]


def reconstruct(
    images: Callable[[NDArray[np.int64]], Tensor], indices: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    """Image to itself."""
    pictures = images(indices)
    return pictures, pictures
