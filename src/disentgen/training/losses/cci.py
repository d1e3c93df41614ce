"""CCI-VAE: controlled capacity increase."""

from torch import Tensor

from disentgen.models.autoencoder import AutoencoderOutput
from disentgen.training.losses.base import Loss, NonNegative, Terms, kl_terms
from disentgen.training.schedules import Linear, Step


class CCIVAE(Loss):
    """NLL + γ·|KL − C| (controlled capacity increase; Burgess et al. 2018, equation 8).

    Args:
        gamma: γ.
        capacity: C, in nats, as a function of the step.
    """

    name = "cci"
    title = "CCI-VAE"
    named_by = "gamma"

    def __init__(
        self,
        gamma: NonNegative = 50.0,
        capacity: Linear = Linear(start=0.0, stop=20.0, steps=10_000),
    ):
        super().__init__()
        self.gamma = gamma
        self.capacity = capacity

    def forward(self, output: AutoencoderOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        terms |= kl_terms(output)
        excess = (self.cost_kl(output, terms["kl"]) - self.capacity(step)).abs()
        return {"loss": cost + self.gamma * excess, **terms}


LOSSES = (CCIVAE,)
