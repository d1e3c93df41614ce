"""Ready batches of tensors, one gather each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil

import numpy as np
import torch
from torch import Tensor

from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Images, Indices
from disentgen.dataset.tasks import Input, Task
from disentgen.errors import UsageError

Batch = tuple[Input, Tensor]


@dataclass(frozen=True)
class Observations:
    """What can be observed of a factor grid, by index, as float tensors on a device.

    Args:
        stored: the images.
        grid: the factor grid.
        device: that tensors are wanted on.
        standardise: whether factor values are given in standard deviations from their mean.
    """

    stored: Images
    grid: FactorGrid
    device: torch.device
    standardise: bool = False

    def images(self, indices: Indices) -> Tensor:
        """Images: (n,) indices to (n, channels, height, width) in 0..1."""
        pixels = torch.from_numpy(self.stored(indices)).to(self.device, non_blocking=True)
        # The layout stays (n, height, width, channels) in memory, which convolutions prefer.
        values = pixels.permute(0, 3, 1, 2).float()
        return values if self.stored.maximum == 1 else values.div_(self.stored.maximum)

    def factor_values(self, indices: Indices) -> Tensor:
        """Factor values: (n,) indices to (n, factors)."""
        values = self.grid.values(indices)
        if self.standardise:
            values = self.grid.standardise(values)
        return torch.from_numpy(values).float().to(self.device)

    def announce(self, batches: Iterable[Indices]) -> Iterator[Indices]:
        """The same batches of (n,) indices; each is announced to the disk ahead of time."""
        remaining = iter(batches)
        now = next(remaining, None)
        while now is not None:
            later = next(remaining, None)
            if later is not None:
                self.stored.expect(later)
            yield now
            now = later


@dataclass(frozen=True)
class TrainingBatches:
    """Shuffled batches of full size; their order is a function of the seed and the epoch alone.

    There is therefore no position to save: a resumed run draws the order of its next epoch anew.

    Args:
        observed: images and factors as tensors.
        task: what is asked of the model.
        indices: (images,) that may be shown.
        batch_size: images in each batch.
        epoch_length: batches in an epoch; where they need more images than there are, the images
            go round again in a new order.
        seed: the run's seed.
    """

    observed: Observations
    task: Task
    indices: Indices
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
        generator = np.random.default_rng([self.seed, number, 1])
        for indices in self.observed.announce(islice(self._shuffle(number), len(self))):
            yield self.task(self.observed, indices, generator)

    def _shuffle(self, number: int) -> Iterator[Indices]:
        generator = np.random.default_rng([self.seed, number])
        while True:
            order = generator.permutation(self.indices)
            for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
                yield order[start : start + self.batch_size]


@dataclass(frozen=True)
class ScoringBatches:
    """All of some images once, in order; the last batch may be smaller.

    What a task draws is the same every time.

    Args:
        observed: images and factors as tensors.
        task: what is asked of the model.
        indices: (images,) that are scored.
        batch_size: images in each batch but perhaps the last.
    """

    observed: Observations
    task: Task
    indices: Indices
    batch_size: int = 256

    def __len__(self) -> int:
        return ceil(len(self.indices) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        starts = range(0, len(self.indices), self.batch_size)
        batches = (self.indices[start : start + self.batch_size] for start in starts)
        generator = np.random.default_rng(0)
        for indices in self.observed.announce(batches):
            yield self.task(self.observed, indices, generator)
