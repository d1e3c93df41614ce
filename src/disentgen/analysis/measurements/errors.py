"""Where on the factor grid a model fails: the NLL of single images."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.grid import FactorGrid
from disentgen.runs import Run


class ErrorMap(NamedTuple):
    """Excess of NLL over its floor, of images from all over the factor grid.

    Args:
        indices: (n,) of the images.
        excess: (n,) NLL less the pixels' entropy, in nats.
        weights: (n,) of how many images each one stands for; held-out images are drawn more often
            than they are on the grid, where there are few.
        held_out: (n,) whether the image's combination was held out.
    """

    indices: NDArray[np.int64]
    excess: NDArray[np.float64]
    weights: NDArray[np.float64]
    held_out: NDArray[np.bool_]

    def average(self, grid: FactorGrid, factors: tuple[int, ...]) -> NDArray[np.float64]:
        """Mean excess by class of one factor, or of two: an axis for each; NaN where no image is.

        Args:
            grid: that the images are of.
            factors: their positions on the grid.
        """
        classes = tuple(self.classes(grid)[:, factor] for factor in factors)
        total = np.zeros(tuple(grid.sizes[factor] for factor in factors))
        weight = np.zeros_like(total)
        np.add.at(total, classes, self.excess * self.weights)
        np.add.at(weight, classes, self.weights)
        return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)

    def classes(self, grid: FactorGrid) -> NDArray[np.int64]:
        """(n, factors) of the images."""
        return grid.classes(self.indices)


def measure_errors(run: Run, most: int) -> ErrorMap:
    """Score images of both sides one by one.

    Args:
        run: with a model that makes images or factor values.
        most: at most so many images of each side.
    """
    split = run.split
    sides = [side for side in ("held_in", "held_out") if split.mask(side).any()]
    parts = []
    for side in sides:
        task = run.task(side)
        indices = task.usable(split.sample(side, most))
        if not len(indices):
            continue
        excess = []
        with torch.no_grad():
            for inputs, target in ScoringBatches(run.dataset.observe(), task, indices):
                output = run.model(inputs)
                excess.append((output.nll(target) - output.floor(target)).double())
        weight = split.mask(side).sum() / len(indices)
        parts.append(
            ErrorMap(
                indices,
                torch.cat(excess).numpy(),
                np.full(len(indices), weight),
                np.full(len(indices), side == "held_out"),
            )
        )
    return ErrorMap(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
