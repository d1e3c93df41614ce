"""Autoencoders: encoder, diagonal Gaussian posterior, decoder."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from disentgen.errors import UsageError
from disentgen.models.base import Model
from disentgen.models.gaussian import DiagonalGaussian
from disentgen.models.layers import (
    LayerList,
    Linear,
    Shape,
    Stack,
    initialise_weights,
    make_decoder,
    read_layers,
    trace_shapes,
    transpose,
    write_layers,
)
from disentgen.models.outputs import ImageOutput
from disentgen.schema import Units

LatentSize = Units


@dataclass(frozen=True)
class AutoencoderOutput(ImageOutput):
    """What a model with a posterior makes of a batch.

    Args:
        reconstruction: logits of pixels, (batch, channels, height, width).
        posterior: of the latents of all images that were encoded.
        latents: of the same images, (images, latents): a sample in training, else the mean.
    """

    sampled: ClassVar[bool] = True
    encoded_images: ClassVar[int] = 1

    posterior: DiagonalGaussian
    latents: Tensor

    def posterior_means(self, target: Tensor) -> Tensor:
        return self.posterior.mean


class Autoencoder(Model):
    """Encoder, posterior and decoder; what becomes of the latents in between is a subclass's.

    Args:
        encoder: from images to the parameters of the posterior.
        decoder: from latents to logits of pixels.
    """

    def __init__(self, encoder: Stack, decoder: Stack):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        initialise_weights(self)

    @property
    def latent_size(self) -> int:
        """Number of latents."""
        return self.decoder.input_shape[0]

    @property
    def image_shape(self) -> Shape:
        return self.encoder.input_shape

    @property
    def layers(self) -> dict[str, Any]:
        return {
            "encoder": write_layers(self.encoder.layers[:-1]),
            "decoder": write_layers(self.decoder.layers),
        }

    def encode(self, images: Tensor) -> DiagonalGaussian:
        """Images (batch, channels, height, width) in 0..1 to their posterior."""
        # Under autocast the networks compute in bfloat16; latents and losses stay in float32.
        return DiagonalGaussian(*self.encoder(images).float().chunk(2, dim=1))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (batch, latents) to logits of pixels (batch, channels, height, width)."""
        logits: Tensor = self.decoder(latents)
        return logits.float()


def encode_posteriors(model: Autoencoder, images: Tensor) -> DiagonalGaussian:
    """The posteriors of images by an autoencoder.

    Args:
        model: in evaluation mode.
        images: (batch, channels, height, width) in 0..1.

    Returns:
        Of (batch, latents).
    """
    return model.encode(images)


def encode_means(model: Autoencoder, images: Tensor) -> Tensor:
    """The codes of images by an autoencoder: the means of their posteriors.

    Args:
        model: in evaluation mode.
        images: (batch, channels, height, width) in 0..1.

    Returns:
        (batch, latents).
    """
    return model.encode(images).mean


def decode_latents(model: Autoencoder, latents: Tensor) -> ImageOutput:
    """The images that an autoencoder makes of latents.

    Args:
        model: in evaluation mode.
        latents: (batch, latents).
    """
    return ImageOutput(model.decode(latents))


def read_stacks(
    image_shape: Shape, encoder: LayerList, decoder: LayerList, latent_size: int
) -> tuple[Stack, Stack]:
    """Encoder and decoder from lists of layers.

    Args:
        image_shape: channels, height, width.
        encoder: layers from an image to features; a linear layer to the posterior follows them.
        decoder: layers from latents to an image; by default the encoder's, transposed.
        latent_size: number of latents.

    Raises:
        UsageError: no encoder is given, or layers do not fit each other or the image.
    """
    if encoder is None:
        raise UsageError("no architecture is named: model.encoder is empty; choose a named config.")
    layers = read_layers("model.encoder", encoder, image_shape)
    features = trace_shapes(layers, image_shape)[-1]
    if len(features) != 1:
        raise UsageError(f"model.encoder ends in shape {features}; end it with ('flatten',).")
    if decoder is None:
        decoding = [Linear(features[0]), *transpose(layers, image_shape)]
    else:
        decoding = read_layers("model.decoder", decoder, image_shape)
    encoding = Stack([*layers, Linear(2 * latent_size)], image_shape)
    return encoding, make_decoder(decoding, (latent_size,), image_shape)
