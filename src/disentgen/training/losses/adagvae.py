"""Ada-GVAE: weakly supervised by pairs of images."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from disentgen.models.families.lgm import LatentGaussianModel, LatentGaussianOutput
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.training.losses.base import NonNegative
from disentgen.training.losses.vae import BetaVAE
from disentgen.training.schedules import Linear


class AdaGVAE(BetaVAE):
    """β-VAE on pairs whose shared latents are averaged (Locatello et al. 2020, section 4.1).

    The images of a pair differ in one factor. Latents whose KL between the two posteriors is below
    the midpoint of the smallest and the largest one count as shared; both posteriors get the mean
    of their means and of their variances there.

    Args:
        beta: β, the weight of the KL term.
        schedule: a as a function of the step; 1 throughout by default.
    """

    name = "adagvae"
    title = "Ada-GVAE"
    named_by = "beta"
    judges = LatentGaussianOutput
    paired = True

    def __init__(self, beta: NonNegative = 1.0, schedule: Linear | None = None):
        super().__init__(beta, schedule)

    def run(self, model: nn.Module, inputs: Tensor) -> LatentGaussianOutput:
        """What a Latent Gaussian Model makes of images and, in the second half, their partners.

        Args:
            model: on the device of the images, in training mode.
            inputs: (2 · pairs, channels, height, width) in 0..1.
        """
        model = cast(LatentGaussianModel, model)
        posterior = average_shared(model.encode(inputs))
        latents = posterior.sample()
        return LatentGaussianOutput(model.decode(latents), posterior, latents)


def average_shared(posterior: DiagonalGaussian) -> DiagonalGaussian:
    """Average the latents that pairs share (Locatello et al. 2020, section 4.1).

    Args:
        posterior: of the first images of all pairs, then of their partners, (2 · pairs, latents).
    """
    first, second = posterior.split()
    distance = first.kl_from(second)
    threshold = (distance.amax(dim=1) + distance.amin(dim=1))[:, None] / 2
    mean = (first.mean + second.mean) / 2
    log_variance = torch.logaddexp(first.log_variance, second.log_variance) - math.log(2)
    shared = (distance < threshold).repeat(2, 1)
    return DiagonalGaussian(
        torch.where(shared, mean.repeat(2, 1), posterior.mean),
        torch.where(shared, log_variance.repeat(2, 1), posterior.log_variance),
    )


LOSSES = (AdaGVAE,)
