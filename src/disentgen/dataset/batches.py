"""Ready batches of tensors, one gather each."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from disentgen.dataset.images import Images
from disentgen.dataset.tasks import Task
from disentgen.errors import UsageError

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class TensorImages:
    """Images as float tensors (n, channels, height, width) in 0..1, on a device."""

    images: Images
    device: torch.device

    def __call__(self, indices: NDArray[np.int64]) -> Tensor:
        pixels = torch.from_numpy(self.images(indices)).to(self.device, non_blocking=True)
        # The layout stays (n, height, width, channels) in memory, which convolutions prefer.
        values = pixels.permute(0, 3, 1, 2).float()
        return values if self.images.maximum == 1 else values.div_(self.images.maximum)


@dataclass(frozen=True)
class TrainingBatches:
    """Shuffled batches of full size; their order is a function of the seed and the epoch alone.

    There is therefore no position to save: a resumed run draws the order of its next epoch anew.

    Args:
        images: the images as tensors.
        task: what is asked of the model.
        indices: the images that may be shown.
        batch_size: images in each batch.
        epoch_length: batches in an epoch; where they need more images than there are, the images
            go round again in a new order.
        seed: the run's seed.
    """

    images: TensorImages
    task: Task
    indices: NDArray[np.int64]
    batch_size: int
    epoch_length: int
    seed: int

    def __post_init__(self) -> None:
        if len(self.indices) < self.batch_size:
            raise UsageError(
                f"training.batch_size={self.batch_size} is more than the {len(self.indices)} "
                "images to train on."
            )

    def __len__(self) -> int:
        return self.epoch_length

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch (counted from 1)."""
        generator = np.random.default_rng([self.seed, number])
        done = 0
        while done < len(self):
            order = generator.permutation(self.indices)
            for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
                if done == len(self):
                    return
                yield self.task(self.images, order[start : start + self.batch_size])
                done += 1


@dataclass(frozen=True)
class ScoringBatches:
    """All of some images once, in order; the last batch may be smaller."""

    images: TensorImages
    task: Task
    indices: NDArray[np.int64]
    batch_size: int = 256

    def __len__(self) -> int:
        return ceil(len(self.indices) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.indices), self.batch_size):
            yield self.task(self.images, self.indices[start : start + self.batch_size])
