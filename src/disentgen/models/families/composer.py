"""The composer: an image with one factor taken from another image."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from disentgen.models.families.lgm import (
    Autoencoder,
    AutoencoderOutput,
    LatentSize,
    read_stacks,
)
from disentgen.models.layers import Stack
from disentgen.registry import choose, collect
from disentgen.schema import check, plain

#: Reference image, image that a factor is taken from, (batch, factors) one-hot: which factor.
Composition = tuple[Tensor, Tensor, Tensor]
#: Parameters of mixers that come from the model.
SUPPLIED = ("latent_size", "factors")


class Mixer(nn.Module):
    """Makes latents of the target from those of both images and the action."""

    name: ClassVar[str]

    def __init__(self, latent_size: int, factors: int):
        super().__init__()

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        """(batch, latents) twice and (batch, factors) to (batch, latents)."""
        raise NotImplementedError


class LinearMixer(Mixer):
    """The sum of a linear map of (reference, action) and one of (other, action)."""

    name = "linear"

    def __init__(self, latent_size: int, factors: int):
        super().__init__(latent_size, factors)
        self.from_reference = nn.Linear(latent_size + factors, latent_size)
        self.from_other = nn.Linear(latent_size + factors, latent_size)

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        kept = self.from_reference(torch.cat([reference, action], dim=1))
        return kept + self.from_other(torch.cat([other, action], dim=1))


class InterpolationMixer(Mixer):
    """w·reference + (1 − w)·other, with w = sigmoid of a linear map of all three, per latent."""

    name = "interpolation"

    def __init__(self, latent_size: int, factors: int):
        super().__init__(latent_size, factors)
        self.weight = nn.Linear(2 * latent_size + factors, latent_size)

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        weight = torch.sigmoid(self.weight(torch.cat([reference, other, action], dim=1)))
        return weight * reference + (1 - weight) * other


class PerceptronMixer(Mixer):
    """A perceptron with one hidden layer of (reference, other, action).

    Args:
        latent_size: of the model.
        factors: number of factors.
        units: width of the hidden layer.
    """

    name = "mlp"

    def __init__(self, latent_size: int, factors: int, units: Annotated[int, Field(ge=1)] = 128):
        super().__init__(latent_size, factors)
        self.layers = nn.Sequential(
            nn.Linear(2 * latent_size + factors, units),
            nn.ReLU(),
            nn.BatchNorm1d(units),
            nn.Linear(units, latent_size),
        )

    def forward(self, reference: Tensor, other: Tensor, action: Tensor) -> Tensor:
        return self.layers(torch.cat([reference, other, action], dim=1))


@dataclass(frozen=True)
class ComposerOutput(AutoencoderOutput):
    """What a composer makes of a batch.

    Args:
        reconstruction: logits of the target's pixels.
        posterior: of both images of each pair, (2·batch, latents), pair by pair.
        latents: what was mixed, sampled (in training) or the mean, in the same order.
        action: (batch, factors) one-hot.
    """

    encoded_images: ClassVar[int] = 2

    action: Tensor

    def details(self, target: Tensor) -> dict[str, Tensor]:
        nll = self.nll(target)[:, None]
        chosen = torch.where(self.action > 0, nll, torch.nan)
        kl = self.posterior.kl_from_standard_normal().unflatten(0, (-1, 2)).mean(dim=1)
        return {"kl_per_latent": kl, "nll_per_factor": chosen}


class Composer(Autoencoder):
    """An autoencoder with a mixer between encoder and decoder.

    Args:
        encoder: from images to the parameters of the posterior.
        decoder: from latents to logits of pixels.
        mixer: from the latents of two images and an action to those of the target.
    """

    output = ComposerOutput

    def __init__(self, encoder: Stack, decoder: Stack, mixer: Mixer):
        super().__init__(encoder, decoder)
        # Set after the others were initialised: mixers keep torch's own initial weights.
        self.mixer = mixer

    def forward(self, pair: Composition) -> ComposerOutput:
        reference, other, action = pair
        images = torch.stack([reference, other], dim=1).flatten(0, 1)
        posterior = self.encode(images)
        latents = posterior.sample() if self.training else posterior.mean
        mixed = self.mixer(*latents.unflatten(0, (-1, 2)).unbind(dim=1), action)
        return ComposerOutput(self.decode(mixed), posterior, latents, action)


def mixers() -> dict[str, type[Mixer]]:
    """All mixers, by the word for them."""
    return collect(sys.modules[__name__], Mixer)


def resolve_mixer(mixer: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a mixer as plain data, its defaults filled in.

    Raises:
        UsageError: there is no such mixer, or it does not take these parameters.
    """
    kind = choose("mixer (model.mixer)", mixer, mixers())
    return plain(kind, check("model.mixer_params", kind, params or {}, supplied=SUPPLIED))


def build_composer(
    image_shape: tuple[int, int, int],
    factors: int,
    name: str | None = None,
    encoder: list[Any] | None = None,
    decoder: list[Any] | None = None,
    latent_size: LatentSize = 10,
    mixer: str = "linear",
    mixer_params: Mapping[str, Any] | None = None,
) -> Composer:
    """Build a composer from lists of layers and the name of a mixer.

    Args:
        image_shape: channels, height, width.
        factors: number of factors, of which an action names one.
        name: of the architecture, for the record.
        encoder: layers from an image to features; a linear layer to the posterior follows them.
        decoder: layers from latents to an image; by default the encoder's, transposed.
        latent_size: number of latents.
        mixer: ``linear``, ``interpolation`` or ``mlp``.
        mixer_params: its parameters, where it has any.

    Raises:
        UsageError: no encoder is given, layers do not fit each other or the image, or there is no
            such mixer.
    """
    params = resolve_mixer(mixer, mixer_params)
    stacks = read_stacks(image_shape, encoder, decoder, latent_size)
    return Composer(*stacks, mixers()[mixer](latent_size, factors, **params))
