"""Ready batches of tensors, one gather each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
import torch
from torch import Tensor

from disentgen.dataset.devices import send
from disentgen.dataset.grid import FactorGrid
from disentgen.dataset.images import Images, Indices
from disentgen.dataset.resident import ResidentImages
from disentgen.dataset.sides import Weights
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
        resident: the same images where they are held on the device; None where they are not.
    """

    stored: Images
    grid: FactorGrid
    device: torch.device
    standardise: bool = False
    resident: ResidentImages | None = None

    def images(self, indices: Indices) -> Tensor:
        """Images: (n,) indices to (n, channels, height, width) in 0..1."""
        if self.resident is None:
            pixels = send(self.stored(indices), self.device)
        else:
            pixels = self.resident(indices)
        # The layout stays (n, height, width, channels) in memory, which convolutions prefer.
        values = pixels.permute(0, 3, 1, 2).float()
        return values if self.stored.maximum == 1 else values.div_(self.stored.maximum)

    def factor_values(self, indices: Indices) -> Tensor:
        """Factor values: (n,) indices to (n, factors)."""
        values = self.grid.values(indices)
        if self.standardise:
            values = self.grid.standardise(values)
        return send(values.astype(np.float32), self.device)

    def announce(self, batches: Iterable[Indices]) -> Iterator[Indices]:
        """The same batches of (n,) indices; each is announced to the disk ahead of time."""
        expect = (self.resident or self.stored).expect
        remaining = iter(batches)
        now = next(remaining, None)
        while now is not None:
            later = next(remaining, None)
            if later is not None:
                expect(later)
            yield now
            now = later


@dataclass(frozen=True)
class TrainingBatches:
    """Shuffled batches of full size; their order is a function of the seed and the epoch alone.

    A run that goes on therefore draws the order of its epoch anew.

    Args:
        observed: images and factors as tensors.
        task: what is asked of the model.
        indices: (images,) that may be shown.
        batch_size: images in each batch.
        epoch_length: batches in an epoch; where they need more images than there are, the images
            go round again in a new order.
        seed: the run's seed.
        weights: (images,) in proportion to which they are drawn with replacement; None where they
            are gone through.
    """

    observed: Observations
    task: Task
    indices: Indices
    batch_size: int
    epoch_length: int
    seed: int
    weights: Weights | None = None

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
        return islice(iter(BatchStream(self, (number - 1) * len(self))), len(self))

    def order(self, number: int, skipped: int) -> Iterator[Indices]:
        """The batches of an epoch (counted from 1), each as (batch,) indices of images.

        Args:
            number: of the epoch.
            skipped: how many of its first batches are left out, without reading an image.
        """
        remaining = islice(self._shuffle(number), skipped, len(self))
        return self.observed.announce(remaining)

    def start_draws(self, number: int) -> np.random.Generator:
        """The generator of what the task draws in an epoch (counted from 1)."""
        return np.random.default_rng([self.seed, number, 1])

    def _shuffle(self, number: int) -> Iterator[Indices]:
        generator = np.random.default_rng([self.seed, number])
        while True:
            order = self._draw_order(generator)
            for start in range(0, len(order) - self.batch_size + 1, self.batch_size):
                yield order[start : start + self.batch_size]

    def _draw_order(self, generator: np.random.Generator) -> Indices:
        """As many images as there are, in an order of their own."""
        if self.weights is None:
            return generator.permutation(self.indices)
        shares = self.weights / self.weights.sum()
        return generator.choice(self.indices, len(self.indices), p=shares)


@dataclass
class BatchStream:
    """The batches of one epoch after another, without end, from a step on.

    ``state_dict`` says where it stands: another stream goes on from there with the same batches.

    Args:
        batches: of a training.
        step: how many batches were drawn before.
        draws: what the task of the present epoch draws from; an epoch starts with one of its own.
    """

    batches: TrainingBatches
    step: int = 0
    draws: np.random.Generator = field(default_factory=np.random.default_rng)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            number, skipped = self.step // len(self.batches) + 1, self.step % len(self.batches)
            if not skipped:
                self.draws = self.batches.start_draws(number)
            for indices in self.batches.order(number, skipped):
                batch = self.batches.task(self.batches.observed, indices, self.draws)
                self.step += 1
                yield batch

    def state_dict(self) -> dict[str, Any]:
        """The number of batches that were drawn, and the state of the task's generator."""
        return {"step": self.step, "draws": self.draws.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from another stream's :meth:`state_dict`."""
        self.step = state["step"]
        self.draws.bit_generator.state = state["draws"]


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
