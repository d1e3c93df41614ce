"""What all mixers have in common."""

from typing import ClassVar

from torch import Tensor, nn


class Mixer(nn.Module):
    """Makes latents of the target from those of both images and the action.

    Args:
        latent_size: number of latents.
        factor_count: number of factors, of which an action names one.
    """

    #: The word for it in configurations.
    name: ClassVar[str]

    def __init__(self, latent_size: int, factor_count: int):
        super().__init__()

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        """The latents of the target, (batch, latents).

        Args:
            reference: latents of the image that keeps its factors but one, (batch, latents).
            other: latents of the image that this one is taken from, (batch, latents).
            action: which factor, (batch, factors) one-hot.
        """
        raise NotImplementedError
