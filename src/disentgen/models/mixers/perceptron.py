"""The perceptron mixer."""

import torch
from torch import Tensor, nn

from disentgen.models.mixers.base import Mixer
from disentgen.schema import Units


class PerceptronMixer(Mixer):
    """A perceptron with one hidden layer of (reference, other, action).

    Args:
        latent_size: number of latents.
        factor_count: number of factors.
        units: width of the hidden layer.
    """

    name = "mlp"

    def __init__(self, latent_size: int, factor_count: int, units: Units = 128):
        super().__init__(latent_size, factor_count)
        self.layers = nn.Sequential(
            nn.Linear(2 * latent_size + factor_count, units),
            nn.ReLU(),
            nn.BatchNorm1d(units),
            nn.Linear(units, latent_size),
        )

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        mixed: Tensor = self.layers(torch.cat([reference, other, action], dim=1))
        return mixed


MIXERS = (PerceptronMixer,)
