"""Diagonal Gaussian posteriors."""

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
        return self.mean + torch.exp(0.5 * self.log_variance) * torch.randn_like(self.mean)

    def kl_from_standard_normal(self) -> Tensor:
        """KL(q ‖ N(0, 1)) of each component, in nats: (batch, latents).

        Kingma & Welling 2014, appendix B.
        """
        variance = self.log_variance.exp()
        return 0.5 * (self.mean.square() + variance - 1 - self.log_variance)
