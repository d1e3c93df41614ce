"""DIP-VAE-I and DIP-VAE-II."""

from torch import Tensor

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.training.losses.base import Loss, NonNegative, Terms, kl_terms
from disentgen.training.schedules import Step


class DIPVAE1(Loss):
    """NLL + KL + λ·distance of Cov(μ) from the identity (Kumar et al. 2018, equation 6).

    Args:
        off_diagonal: λ of the covariances.
        diagonal: λ of the variances' distances from 1.
    """

    name = "dip1"
    title = "DIP-VAE-I"
    minimum_batch = 2

    def __init__(self, off_diagonal: NonNegative = 10.0, diagonal: NonNegative = 100.0):
        super().__init__()
        self.off_diagonal = off_diagonal
        self.diagonal = diagonal

    def covariance(self, posterior: DiagonalGaussian) -> Tensor:
        """(latents, latents) of the posterior means over the batch."""
        centred = posterior.mean - posterior.mean.mean(dim=0)
        return centred.T @ centred / len(centred)

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        covariance = self.covariance(output.posterior)
        diagonal = covariance.diagonal()
        covariances = covariance.square().sum() - diagonal.square().sum()
        variances = (diagonal - 1).square().sum()
        kl = self.cost_kl(output, terms["kl"])
        loss = cost + kl + self.off_diagonal * covariances + self.diagonal * variances
        return {"loss": loss, **terms, "covariances": covariances, "variances": variances}


class DIPVAE2(DIPVAE1):
    """NLL + KL + λ·distance of Cov(z) from the identity (Kumar et al. 2018, equation 7).

    Args:
        off_diagonal: λ of the covariances.
        diagonal: λ of the variances' distances from 1.
    """

    name = "dip2"
    title = "DIP-VAE-II"

    def __init__(self, off_diagonal: NonNegative = 10.0, diagonal: NonNegative = 10.0):
        super().__init__(off_diagonal, diagonal)

    def covariance(self, posterior: DiagonalGaussian) -> Tensor:
        """(latents, latents) of the aggregated posterior: Cov(μ) + E[σ²] on the diagonal."""
        within = posterior.log_variance.exp().mean(dim=0).diag()
        return super().covariance(posterior) + within


LOSSES = (DIPVAE1, DIPVAE2)
