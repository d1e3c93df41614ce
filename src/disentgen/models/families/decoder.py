"""The ground-truth decoder: from factor values to images, disentangled by construction."""

from typing import Any

from torch import Tensor

from disentgen.errors import UsageError
from disentgen.models.base import Model
from disentgen.models.layers import Shape, Stack, make_decoder, read_layers, write_layers
from disentgen.models.outputs import ImageOutput


class GroundTruthDecoder(Model):
    """A decoder whose latents are the true factors.

    Args:
        decoder: from factor values to logits of pixels.
    """

    output = ImageOutput

    def __init__(self, decoder: Stack):
        super().__init__()
        self.decoder = decoder

    @property
    def image_shape(self) -> Shape:
        return self.decoder.output_shape

    @property
    def layers(self) -> dict[str, Any]:
        return {"decoder": write_layers(self.decoder.layers)}

    def forward(self, factors: Tensor) -> ImageOutput:
        """Factor values (batch, factors) to images."""
        return ImageOutput(self.decoder(factors).float())


def build_ground_truth_decoder(
    image_shape: tuple[int, int, int],
    factors: int,
    name: str | None = None,
    decoder: list[Any] | None = None,
) -> GroundTruthDecoder:
    """Build a ground-truth decoder from a list of layers.

    Args:
        image_shape: channels, height, width.
        factors: number of factors.
        name: of the architecture, for the record.
        decoder: layers from factor values to an image.

    Raises:
        UsageError: no decoder is given, or layers do not fit each other or the image.
    """
    if decoder is None:
        raise UsageError("no architecture is named: model.decoder is empty; choose a named config.")
    layers = read_layers("model.decoder", decoder, image_shape)
    return GroundTruthDecoder(make_decoder(layers, (factors,), image_shape))
