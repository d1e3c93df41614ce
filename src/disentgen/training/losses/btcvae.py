"""β-TCVAE."""

import math

import torch
from torch import Tensor

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.training.losses.base import Loss, NonNegative, Terms, kl_terms
from disentgen.training.schedules import Step


class BetaTCVAE(Loss):
    """NLL + α·MI + β·TC + γ·dimension-wise KL (Chen et al. 2018, equation 4).

    The three parts of the KL are estimated inside the batch, whose images stand for all (their
    equation 5 without log N, which has no gradient). With α = γ = 1 it is NLL + KL + (β − 1)·TC.

    Args:
        alpha: α, the weight of the mutual information of index and code.
        beta: β, the weight of the total correlation.
        gamma: γ, the weight of the dimension-wise KL.
    """

    name = "btcvae"
    title = "β-TCVAE"
    named_by = "beta"
    minimum_batch = 2

    def __init__(self, alpha: NonNegative = 1.0, beta: NonNegative = 6.0, gamma: NonNegative = 1.0):
        super().__init__()
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        parts = decompose_kl(output.posterior, output.latents)
        loss = (
            cost
            + self.alpha * self.cost_kl(output, parts["mutual_information"])
            + self.beta * self.cost_kl(output, parts["total_correlation"])
            + self.gamma * self.cost_kl(output, parts["dimension_wise_kl"])
        )
        return {"loss": loss, **terms, **kl_terms(output), **parts}


def decompose_kl(posterior: DiagonalGaussian, latents: Tensor) -> Terms:
    """Mutual information, total correlation and dimension-wise KL (Chen et al. 2018, equation 2).

    The aggregated posterior is the mixture of the batch's posteriors.

    Args:
        posterior: of a batch, (batch, latents).
        latents: a draw of it, (batch, latents).

    Returns:
        The three parts by name, in nats, () each.
    """
    # Axes: draw, posterior, latent.
    log_density = posterior.log_density(latents[:, None])
    log_count = math.log(len(latents))
    log_own = log_density.diagonal().sum(dim=0)
    log_joint = log_density.sum(dim=2).logsumexp(dim=1) - log_count
    log_marginals = (log_density.logsumexp(dim=1) - log_count).sum(dim=1)
    standard = DiagonalGaussian(torch.zeros_like(latents), torch.zeros_like(latents))
    log_prior = standard.log_density(latents).sum(dim=1)
    return {
        "mutual_information": (log_own - log_joint).mean(),
        "total_correlation": (log_joint - log_marginals).mean(),
        "dimension_wise_kl": (log_marginals - log_prior).mean(),
    }


LOSSES = (BetaTCVAE,)
