"""Posteriors of training images: their means, which are the codes, and their variances.

Kept apart from the codes of all sides, which most measurements need alone.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from disentgen.analysis.measurements import Arrays, Measured, Measurement, check_images
from disentgen.dataset.batches import ScoringBatches
from disentgen.dataset.tasks import Infer
from disentgen.models import FAMILIES
from disentgen.runs import Run
from disentgen.training.losses import losses

#: What they are called among the measurements of a run.
POSTERIORS = "posteriors"


class Posteriors(NamedTuple):
    """Gaussian posteriors of some images, of independent latents.

    Args:
        indices: (n,) of the images.
        codes: (n, latents) means.
        variances: (n, latents).
    """

    indices: NDArray[np.int64]
    codes: NDArray[np.float64]
    variances: NDArray[np.float64]


def has_posteriors(run: Run) -> bool:
    """Whether the codes of a run's model are means of posteriors whose variances were trained."""
    loss = losses().get(run.config["training"]["loss"]["name"])
    trained = loss is not None and loss.trains_variances
    return trained and FAMILIES[run.family].posterior is not None


def measure_posteriors(measured: Measured, images: int) -> Posteriors:
    """Posteriors of images of the training side, the same ones for every run on a split.

    Args:
        measured: of a run whose model has posteriors.
        images: at most so many.
    """
    run, encode = measured.run, FAMILIES[measured.run.family].posterior
    assert encode is not None  # by has_posteriors
    indices = run.split.sample("train", images)
    batches = ScoringBatches(run.dataset.observe(), Infer(run.split.grid, indices), indices)
    with torch.no_grad():
        made = [encode(run.model, batch) for batch, _ in batches]
    means = torch.cat([posterior.mean.double() for posterior in made])
    variances = torch.cat([posterior.log_variance.double().exp() for posterior in made])
    return Posteriors(indices, means.numpy(), variances.numpy())


def save_posteriors(posteriors: Posteriors) -> dict[str, NDArray[Any]]:
    """Indices (n,), means and logarithms of variances (n, latents), in the models' precision."""
    return {
        "indices": posteriors.indices,
        "codes": posteriors.codes.astype(np.float32),
        "log_variances": np.log(posteriors.variances).astype(np.float32),
    }


def load_posteriors(run: Run, arrays: Mapping[str, NDArray[Any]]) -> Posteriors:
    """Saved posteriors, of (n, latents).

    Raises:
        LookupError, ValueError: the arrays are no saved posteriors.
    """
    indices, codes, logarithms = (arrays[key] for key in ("indices", "codes", "log_variances"))
    check_images(run.split.grid, indices, codes, logarithms)
    if codes.ndim != 2 or codes.shape != logarithms.shape:
        raise ValueError("there is not a mean and a variance for each latent")
    return Posteriors(indices, codes.astype(np.float64), np.exp(logarithms.astype(np.float64)))


MEASUREMENT = Measurement(
    POSTERIORS,
    "posteriors",
    measure_posteriors,
    has_posteriors,
    arrays=Arrays(save_posteriors, load_posteriors),
)
