"""How likely a Latent Gaussian Model makes single images: two bounds, by samples of the posterior.

Apart from :mod:`~disentgen.training.evaluation`, whose scores are at the posterior mean and draw
no random numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from ignite.engine import Engine
from numpy.typing import NDArray
from torch import Tensor

from disentgen.dataset.batches import Batch, ScoringBatches
from disentgen.dataset.devices import send
from disentgen.models import Autoencoder
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.outputs import ImageOutput
from disentgen.training.machine import find_exact_device, make_exact
from disentgen.training.progress import attach_progress

#: Limit of images of each side that are scored by samples: each is decoded once for each sample.
BOUNDED_IMAGES = 1_000
#: Seed of all noise; that of an image is a function of this and its index alone.
SEED = 0


@dataclass(frozen=True)
class Bounds:
    """Lower bounds on log p(x), means over images, in nats per image.

    Args:
        samples: K, draws from the posterior of each image.
        sampled_images: how many images were scored.
        elbo: the evidence lower bound, E_q[log p(x|z)] − KL(q ‖ p): the mean over K draws, less
            the KL in closed form (Kingma & Welling 2014, equation 7).
        elbo_standard_error: of that mean; None of a single image.
        iw_nll: importance-weighted NLL, −log of the mean of K weights p(x, z) / q(z|x), of which
            the expectation falls from −ELBO (K = 1) to −log p(x) (Burda et al. 2016, equation 8).
        iw_nll_standard_error: of that mean; None of a single image.
    """

    samples: int
    sampled_images: int
    elbo: float
    elbo_standard_error: float | None
    iw_nll: float
    iw_nll_standard_error: float | None


def score_bounds(
    model: Autoencoder,
    batches: ScoringBatches,
    samples: int,
    device: torch.device,
    progress: str | None = None,
) -> Bounds:
    """Bounds on the likelihood of all of some images, in evaluation mode.

    Args:
        model: on the device.
        batches: of the images.
        samples: draws from the posterior of each image.
        device: that the model is on.
        progress: what to call it in a progress bar; none by default.
    """
    bounds: list[Tensor] = []
    noises = draw_noise(batches, samples, model.latent_size)

    def step(engine: Engine, batch: Batch) -> None:
        images, _ = batch
        noise = send(next(noises), find_exact_device(device))
        bounds.append(torch.stack(estimate_bounds(model, images, noise), dim=1))

    model.eval()
    evaluator = Engine(step)
    if progress is not None:
        attach_progress(evaluator, batches.batch_size, progress)
    evaluator.run(batches)
    values, count = torch.cat(bounds), len(batches.indices)
    means = values.mean(dim=0)
    errors: list[float | None] = [None, None]
    if count > 1:
        errors = (values.var(dim=0, correction=0) / (count - 1)).sqrt().tolist()
    (elbo, iw_nll), (elbo_error, iw_nll_error) = means.tolist(), errors
    return Bounds(samples, count, elbo, elbo_error, iw_nll, iw_nll_error)


def draw_noise(
    batches: ScoringBatches, samples: int, latent_size: int
) -> Iterator[NDArray[np.float64]]:
    """Standard normal noise for each batch in turn, (samples, batch, latents).

    An image's noise is the same in every batch and for every model, and more samples go on where
    fewer end.

    Args:
        batches: of the images.
        samples: draws for each image.
        latent_size: number of latents.
    """

    def draw(index: np.int64) -> NDArray[np.float64]:
        return np.random.default_rng([SEED, int(index)]).standard_normal((samples, latent_size))

    for start in range(0, len(batches.indices), batches.batch_size):
        indices = batches.indices[start : start + batches.batch_size]
        yield np.stack([draw(index) for index in indices], axis=1)


@torch.no_grad()
def estimate_bounds(model: Autoencoder, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """ELBO and importance-weighted NLL of images, (batch,) each, in double precision.

    One sample of each image is decoded at a time, so that memory does not grow with their number.

    Args:
        model: in evaluation mode.
        images: (batch, channels, height, width) in 0..1.
        noise: standard normal, (samples, batch, latents), in double precision.
    """
    coded = model.encode(images)
    posterior = DiagonalGaussian(make_exact(coded.mean), make_exact(coded.log_variance))
    zeros = torch.zeros_like(posterior.mean)
    prior = DiagonalGaussian(zeros, zeros)
    latents = posterior.reparametrise(noise)
    nll = torch.stack(
        [make_exact(ImageOutput(model.decode(sample)).nll(images)) for sample in latents.to(images)]
    )
    log_ratio = (prior.log_density(latents) - posterior.log_density(latents)).sum(dim=2)
    elbo = -nll.mean(dim=0) - posterior.kl_from_standard_normal().sum(dim=1)
    iw_nll = math.log(len(noise)) - torch.logsumexp(log_ratio - nll, dim=0)
    return elbo, iw_nll
