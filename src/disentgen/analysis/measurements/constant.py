"""How well one constant image does: what a model must beat to have learned anything."""

import torch

from disentgen.analysis.metrics import Result
from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.tasks import Reconstruct
from disentgen.models import FAMILIES
from disentgen.models.outputs import FactorOutput, bernoulli_entropy
from disentgen.runs import Run

#: What it is called among the measurements of a run.
CONSTANT = "constant_image"
#: At most so many training images are averaged.
AVERAGED = 20_000


def measure_constant(run: Run, limit: int) -> Result:
    """Score the mean of the training images that a run was scored on, on these same images.

    The Bernoulli NLL is linear in the scored image, so that its mean over images is the entropy of
    their mean.

    Args:
        run: with a model that makes images; for others the result is empty.
        limit: at most so many images of the training side.

    Returns:
        ``nll`` of the mean image, ``floor`` (the images' own entropy), ``excess`` of one over the
        other, all in nats per image, and ``images``.
    """
    family = FAMILIES[run.family]
    if issubclass(family.output, FactorOutput):
        return {}
    split = run.split
    sample = split.sample("train", limit)
    indices = run.task("train").usable(sample)
    total, floor = torch.zeros(run.dataset.spec.image_shape, dtype=torch.float64), 0.0
    for _, images in ScoringBatches(
        run.dataset.observe(), Reconstruct(split.grid, indices), indices
    ):
        total += images.double().sum(0)
        floor += bernoulli_entropy(images.double()).sum().item()
    nll, floor = bernoulli_entropy(total[None] / len(indices)).item(), floor / len(indices)
    return {"nll": nll, "floor": floor, "excess": nll - floor, "images": len(indices)}
