"""The Latent Gaussian Model: encoder, diagonal Gaussian posterior, decoder (a VAE's networks)."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from disentgen.dataset.tasks import Reconstruct
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
from disentgen.models.layers import ImageShape, LayerList
from disentgen.schema import Name


@dataclass(frozen=True)
class LatentGaussianOutput(AutoencoderOutput):
    """What a Latent Gaussian Model makes of a batch of images: its latents, decoded."""

    def details(self, target: Tensor) -> dict[str, Tensor]:
        return {"kl_per_latent": self.posterior.kl_from_standard_normal()}


class LatentGaussianModel(Autoencoder):
    """The autoencoder proper: in training it decodes a sample of the posterior, else its mean."""

    output = LatentGaussianOutput

    def forward(self, images: Tensor) -> LatentGaussianOutput:
        """Images (batch, channels, height, width) in 0..1 to their reconstruction."""
        posterior = self.encode(images)
        latents = posterior.sample() if self.training else posterior.mean
        return LatentGaussianOutput(self.decode(latents), posterior, latents)


def build_latent_gaussian_model(
    image_shape: ImageShape,
    name: Name | None = None,
    encoder: LayerList = None,
    decoder: LayerList = None,
    latent_size: LatentSize = 10,
) -> LatentGaussianModel:
    """Build a Latent Gaussian Model from lists of layers.

    Args:
        image_shape: channels, height, width.
        name: of the architecture, for the record.
        encoder: layers from an image to features; a linear layer to the posterior follows them.
        decoder: layers from latents to an image; by default the encoder's, transposed.
        latent_size: number of latents.

    Raises:
        UsageError: no encoder is given, or layers do not fit each other or the image.
    """
    return LatentGaussianModel(*read_stacks(image_shape, encoder, decoder, latent_size))


def show_reconstructions(
    inputs: Tensor, target: Tensor, output: LatentGaussianOutput, factor_names: Sequence[str]
) -> Examples:
    """Images over their reconstructions.

    Args:
        inputs: images, (batch, channels, height, width) in 0..1.
        target: the same.
        output: of the model.
        factor_names: not shown.
    """
    return Examples({"original": target, "reconstruction": output.images}, [])


FAMILY = Family(
    name="lgm",
    title=None,
    model=LatentGaussianModel,
    build=build_latent_gaussian_model,
    task=Reconstruct,
    examples=show_reconstructions,
    encode=encode_means,
    posterior=encode_posteriors,
    decode=decode_latents,
    experiment="disent",
)
