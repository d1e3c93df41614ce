"""Diagonal Gaussian posteriors."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DiagonalGaussian:
    """A Gaussian with independent components.

    Args:
        mean: (batch, latents).
        log_variance: (batch, latents).
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self) -> Tensor:
        """A reparametrised draw (Kingma & Welling 2014, section 2.4)."""
        return self.reparametrise(torch.randn_like(self.mean))

    def reparametrise(self, noise: Tensor) -> Tensor:
        """The draw that standard normal noise of a shape that goes with (batch, latents) makes."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def kl_from_standard_normal(self) -> Tensor:
        """KL(q ‖ N(0, 1)) of each component, in nats: (batch, latents).

        Kingma & Welling 2014, appendix B.
        """
        variance = self.log_variance.exp()
        return 0.5 * (self.mean.square() + variance - 1 - self.log_variance)

    def kl_from(self, other: "DiagonalGaussian") -> Tensor:
        """KL(self ‖ other) of each component, in nats: (batch, latents)."""
        difference = (self.mean - other.mean).square() + self.log_variance.exp()
        ratio = difference * torch.exp(-other.log_variance)
        return 0.5 * (ratio - 1 + other.log_variance - self.log_variance)

    def log_density(self, values: Tensor) -> Tensor:
        """Log density of each component at values of a shape that goes with (batch, latents)."""
        square = (values - self.mean).square() * torch.exp(-self.log_variance)
        return -0.5 * (square + self.log_variance + math.log(2 * math.pi))

    def split(self) -> tuple["DiagonalGaussian", "DiagonalGaussian"]:
        """The first and the second half of the batch."""
        means, log_variances = self.mean.chunk(2), self.log_variance.chunk(2)
        return DiagonalGaussian(means[0], log_variances[0]), DiagonalGaussian(
            means[1], log_variances[1]
        )
