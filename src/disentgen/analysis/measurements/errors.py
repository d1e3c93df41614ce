"""Where on the factor grid a model fails: the NLL of single images."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from disentgen.analysis.measurements import Arrays, Measured, Measurement, check_images
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


def measure_errors(measured: Measured, images: int) -> ErrorMap:
    """Score images of both sides one by one.

    Args:
        measured: of a run.
        images: at most so many of each side.
    """
    run = measured.run
    parts = []
    for side in ("held_in", "held_out"):
        indices = run.task(side).usable(run.split.sample(side, images))
        if not len(indices):
            continue
        count, weight = len(indices), run.split.mask(side).sum() / len(indices)
        parts.append(
            ErrorMap(
                indices,
                score_images(run, side, indices),
                np.full(count, weight),
                np.full(count, side == "held_out"),
            )
        )
    return ErrorMap(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def score_images(run: Run, side: str, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Excess of single images' NLL over its floor, (n,) in nats.

    Args:
        run: whose model is asked.
        side: of the images.
        indices: (n,) of the images.
    """
    excess = []
    with torch.no_grad():
        for inputs, target in ScoringBatches(run.dataset.observe(), run.task(side), indices):
            output = run.model(inputs)
            excess.append((output.nll(target) - output.floor(target)).double())
    scores: NDArray[np.float64] = torch.cat(excess).numpy()
    return scores


def save_errors(errors: ErrorMap) -> dict[str, NDArray[Any]]:
    """The arrays of an error map by name, (n,) each."""
    return errors._asdict()


def load_errors(run: Run, arrays: Mapping[str, NDArray[Any]]) -> ErrorMap:
    """The error map of saved arrays, (n,) each.

    Raises:
        TypeError, ValueError: the arrays are no saved error map.
    """
    errors = ErrorMap(**arrays)
    check_images(run.split.grid, *errors)
    if any(array.ndim != 1 for array in errors) or errors.held_out.dtype != bool:
        raise ValueError("an error map has a number for each image")
    return errors


MEASUREMENT = Measurement(
    "errors", "error map", measure_errors, arrays=Arrays(save_errors, load_errors)
)
