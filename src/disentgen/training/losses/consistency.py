"""Compositional consistency: an encoder that inverts its decoder on recombined latents too."""

from dataclasses import dataclass
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.models.families.lgm import LatentGaussianModel, LatentGaussianOutput
from disentgen.training.losses.base import Loss, NonNegative, Terms
from disentgen.training.schedules import Step


@dataclass(frozen=True)
class RecombinedOutput(LatentGaussianOutput):
    """What a model makes of a batch, and of its latents once they were recombined.

    Args:
        reconstruction: logits of pixels, (batch, channels, height, width).
        posterior: of the latents.
        latents: its means, (batch, latents).
        recombined: z', (batch, latents).
        recovered: what the encoder finds in the image that the decoder makes of z', alike.
    """

    recombined: Tensor
    recovered: Tensor


class Consistency(Loss):
    """Reconstruction + λ·‖g(f(z')) − z'‖² (Wiedemer et al. 2024, compositional consistency).

    f is the decoder, g the encoder (its mean: latents are without noise, and the KL is left out),
    z' has slots of latents of several images of the batch. Slots keep their places, so that none
    have to be matched. As in the published code, no gradient leads through z' itself; ours is that
    slot k is that of the image k places before, in batches whose order is random.

    Args:
        latent_size: of the model.
        weight: λ.
        slots: that the latents are divided into, all of a size: neighbours are in one.

    Raises:
        UsageError: the latents cannot be divided so.
    """

    name = "consistency"
    title = "Consistent autoencoder"
    named_by = "weight"
    judges = LatentGaussianOutput
    counts_kl = False
    trains_variances = False
    minimum_batch = 2

    def __init__(
        self,
        latent_size: int,
        weight: NonNegative = 1.0,
        slots: Annotated[int, Field(ge=2, le=10**6)] = 2,
    ):
        super().__init__()
        if latent_size % slots:
            raise UsageError(
                f"training.loss.params.slots={slots}: {latent_size} latents cannot be divided into "
                "so many slots of a size."
            )
        self.weight = weight
        self.slots = slots

    def run(self, model: nn.Module, inputs: Tensor) -> RecombinedOutput:
        """What an autoencoder without noise makes of images, and of their recombined latents.

        Args:
            model: on the device of the images.
            inputs: (batch, channels, height, width) in 0..1.
        """
        model = cast(LatentGaussianModel, model)
        posterior = model.encode(inputs)
        recombined = recombine(posterior.mean.detach(), self.slots)
        imagined = torch.sigmoid(model.decode(recombined))
        recovered = model.encode(imagined).mean
        latents = posterior.mean
        return RecombinedOutput(model.decode(latents), posterior, latents, recombined, recovered)

    def forward(self, output: RecombinedOutput, target: Tensor, step: Step) -> Terms:
        cost, terms = self.judge(output, target)
        gap = (output.recovered - output.recombined).square().sum(dim=1).mean()
        return {"loss": cost + self.weight * gap, **terms, "consistency": gap}


def recombine(latents: Tensor, slots: int) -> Tensor:
    """Latents of which slot k is that of the image k places before, (batch, latents).

    Args:
        latents: (batch, latents).
        slots: that they are divided into, all of a size.
    """
    parts = latents.chunk(slots, dim=1)
    return torch.cat([part.roll(number, dims=0) for number, part in enumerate(parts)], dim=1)


LOSSES = (Consistency,)
