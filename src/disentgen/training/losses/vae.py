"""VAE and β-VAE."""

from torch import Tensor

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.training.losses.base import Loss, NonNegative, Terms, kl_terms
from disentgen.training.schedules import Linear, Step


class VAE(Loss):
    """NLL + KL (Kingma & Welling 2014, equation 7)."""

    name = "vae"
    title = "VAE"

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        return {"loss": cost + self.cost_kl(output, terms["kl"]), **terms}


class BetaVAE(Loss):
    """NLL + β·a·KL (Higgins et al. 2017, equation 4).

    Args:
        beta: β, the weight of the KL term.
        schedule: a as a function of the step; 1 throughout by default.
    """

    name = "beta"
    title = "β-VAE"
    named_by = "beta"

    def __init__(self, beta: NonNegative = 4.0, schedule: Linear | None = None):
        super().__init__()
        self.beta = beta
        self.schedule = schedule

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        weight = self.beta * (self.schedule(step) if self.schedule else 1.0)
        return {"loss": cost + weight * self.cost_kl(output, terms["kl"]), **terms}


LOSSES = (VAE, BetaVAE)
