"""The linear mixer."""

import torch
from torch import Tensor, nn

from disentgen.models.mixers.base import Mixer


class LinearMixer(Mixer):
    """The sum of a linear map of (reference, action) and one of (other, action)."""

    name = "linear"

    def __init__(self, latent_size: int, factor_count: int):
        super().__init__(latent_size, factor_count)
        self.from_reference = nn.Linear(latent_size + factor_count, latent_size)
        self.from_other = nn.Linear(latent_size + factor_count, latent_size)

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        kept: Tensor = self.from_reference(torch.cat([reference, action], dim=1))
        taken: Tensor = self.from_other(torch.cat([other, action], dim=1))
        return kept + taken


MIXER = LinearMixer
