"""The composer: an image with one factor taken from another image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from disentgen.dataset.tasks import Compose
from disentgen.models.autoencoder import (
    Autoencoder,
    AutoencoderOutput,
    LatentSize,
    decode_latents,
    encode_means,
    encode_posteriors,
    read_stacks,
)
from disentgen.models.family import Examples, Family
from disentgen.models.layers import ImageShape, LayerList, Stack
from disentgen.models.mixers import Mixer, mixers, resolve_mixer
from disentgen.schema import Name

#: Reference image, image that a factor is taken from, (batch, factors) one-hot: which factor.
Composition = tuple[Tensor, Tensor, Tensor]


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
        kl = split_pairs(self.posterior.kl_from_standard_normal()).mean(dim=1)
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
        """Two images (batch, channels, height, width) in 0..1 and an action to the target."""
        reference, other, action = pair
        images = torch.stack([reference, other], dim=1).flatten(0, 1)
        posterior = self.encode(images)
        latents = posterior.sample() if self.training else posterior.mean
        mixed = self.mixer(*split_pairs(latents).unbind(dim=1), action)
        return ComposerOutput(self.decode(mixed), posterior, latents, action)


def split_pairs(values: Tensor) -> Tensor:
    """Values of both images of each pair, (2·batch, n), pair by pair: (batch, 2, n)."""
    return values.reshape(-1, 2, values.shape[1])


def build_composer(
    image_shape: ImageShape,
    factor_count: int,
    name: Name | None = None,
    encoder: LayerList = None,
    decoder: LayerList = None,
    latent_size: LatentSize = 10,
    mixer: str = "linear",
    mixer_params: Mapping[str, Any] | None = None,
) -> Composer:
    """Build a composer from lists of layers and the name of a mixer.

    Args:
        image_shape: channels, height, width.
        factor_count: number of factors, of which an action names one.
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
    return Composer(*stacks, mixers()[mixer](latent_size, factor_count, **params))


def fill_mixer(section: Mapping[str, Any]) -> dict[str, Any]:
    """A checked ``model`` section with all parameters of its mixer."""
    params = resolve_mixer(section["mixer"], section["mixer_params"])
    return {**section, "mixer_params": params}


def show_compositions(
    inputs: Composition, target: Tensor, output: ComposerOutput, factor_names: Sequence[str]
) -> Examples:
    """Both images, the target and what is made of it, under the factor that is exchanged.

    Args:
        inputs: both images, (batch, channels, height, width) in 0..1, and the action.
        target: an image like these.
        output: of the model.
        factor_names: in the order of the action's columns.
    """
    reference, other, action = inputs
    rows = {
        "reference": reference, "takes from": other, "target": target, "composed": output.images,
    }  # fmt: skip
    return Examples(rows, [factor_names[number] for number in action.argmax(dim=1)])


FAMILY = Family(
    name="composer",
    title="composer",
    model=Composer,
    build=build_composer,
    task=Compose,
    examples=show_compositions,
    encode=encode_means,
    posterior=encode_posteriors,
    decode=decode_latents,
    complete=fill_mixer,
    experiment="composition",
    scores_all_images=False,
)
