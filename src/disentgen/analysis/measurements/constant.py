"""How well one constant image does: what a model must beat to have learned anything."""

import torch

from disentgen.analysis.measurements import Column, Measured, Measurement
from disentgen.analysis.measurements.image_quality import find_output, makes_images
from disentgen.analysis.metrics import Result
from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.tasks import Reconstruct
from disentgen.runs import Run

#: What it is called among the measurements of a run.
CONSTANT = "constant_image"
#: At most so many training images are averaged.
AVERAGED = 20_000


def limit_average(run: Run, asked: int | None) -> int:
    """As many training images as the run was scored on, whatever was asked for: they are compared.

    Args:
        run: a finished one.
        asked: the number of images for all else.
    """
    return min(run.config["training"]["score_images"] or AVERAGED, AVERAGED)


def measure_constant(measured: Measured, images: int) -> Result:
    """Score the mean of the training images that a run was scored on, on these same images.

    Args:
        measured: of a run with a model that makes images.
        images: at most so many images of the training side.

    Returns:
        ``nll`` of the mean image, ``floor`` (the images' own entropy), ``excess`` of one over the
        other, all in nats per image, and ``images``.
    """
    run = measured.run
    indices = run.task("train").usable(run.split.sample("train", images))
    kind = find_output(run)
    shape, floor = run.dataset.spec.image_shape, 0.0
    total, squares = (torch.zeros(shape, dtype=torch.float64) for _ in range(2))
    task = Reconstruct(run.split.grid, indices)
    for _, batch in ScoringBatches(run.dataset.observe(), task, indices):
        pixels = batch.double()
        total += pixels.sum(0)
        squares += pixels.square().sum(0)
        floor += kind.floor_of(pixels).sum().item()
    nll = kind.constant_nll(total / len(indices), squares / len(indices)).item()
    floor /= len(indices)
    return {"nll": nll, "floor": floor, "excess": nll - floor, "images": len(indices)}


MEASUREMENT = Measurement(
    CONSTANT,
    "the mean training image",
    measure_constant,
    makes_images,
    limit_average,
    columns=lambda: {"excess_constant": Column(CONSTANT, "excess", "log")},
)
