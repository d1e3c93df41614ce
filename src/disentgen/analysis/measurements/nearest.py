"""How well held-out images are answered without composing: by a training image, or their mean."""

import torch
from torch import Tensor

from disentgen.analysis.measurements import Column, Measured, Measurement, up_to
from disentgen.analysis.measurements.image_quality import find_output, makes_images
from disentgen.analysis.metrics import Result
from disentgen.models.outputs import GaussianImageOutput
from disentgen.runs import Run

#: What it is called among the measurements of a run.
NEAREST = "nearest_image"
#: Of datasets of at most so many images, all held-out ones are compared with all training ones.
COMPARED = 2_048


def is_small(run: Run) -> bool:
    """Whether a run is scored by squared error, on few enough images to compare them all."""
    if not makes_images(run) or not issubclass(find_output(run), GaussianImageOutput):
        return False
    return run.settings.spec.count <= COMPARED and bool(run.split.mask("held_out").any())


def measure_nearest(measured: Measured, images: int) -> Result:
    """Score, for each held-out image, the training image that is nearest to it, and their mean.

    Args:
        measured: of a run with a model whose NLL is half the squared error.
        images: at most so many held-out images.

    Returns:
        ``nearest``, the mean over held-out images of half the squared error of the training image
        that has the smallest one, ``mean``, that of the mean training image, and ``images``.
    """
    run = measured.run
    observed = run.dataset.observe()
    held_out, shown = (
        observed.images(indices).double().flatten(1)
        for indices in (run.split.sample("held_out", images), run.split.indices("train"))
    )
    nearest, _ = square_distances(held_out, shown).min(dim=1)
    from_mean = square_distances(held_out, shown.mean(dim=0, keepdim=True))
    return {
        "nearest": 0.5 * nearest.mean().item(),
        "mean": 0.5 * from_mean.mean().item(),
        "images": len(held_out),
    }


def square_distances(first: Tensor, second: Tensor) -> Tensor:
    """Squared Euclidean distances, (n, m).

    Args:
        first: (n, pixels).
        second: (m, pixels).
    """
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").square()


MEASUREMENT = Measurement(
    NEAREST,
    "the nearest training image",
    measure_nearest,
    is_small,
    up_to(COMPARED),
    columns=lambda: {
        "nll_nearest": Column(NEAREST, "nearest", "log"),
        "nll_mean_image": Column(NEAREST, "mean", "log"),
    },
)
