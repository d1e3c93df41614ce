"""The interpolation mixer."""

import torch
from torch import Tensor, nn

from disentgen.models.mixers.base import Mixer


class InterpolationMixer(Mixer):
    """w·reference + (1 − w)·other, with w = sigmoid of a linear map of all three, per latent."""

    name = "interpolation"

    def __init__(self, latent_size: int, factor_count: int):
        super().__init__(latent_size, factor_count)
        self.weight = nn.Linear(2 * latent_size + factor_count, latent_size)

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        weight = torch.sigmoid(self.weight(torch.cat([reference, other, action], dim=1)))
        return weight * reference + (1 - weight) * other


MIXER = InterpolationMixer
