"""The ground-truth decoder: from factor values to images, disentangled by construction."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from disentgen.dataset.tasks import Generate
from disentgen.errors import UsageError
from disentgen.models.base import Model
from disentgen.models.family import Examples, Family
from disentgen.models.layers import (
    ImageShape,
    LayerList,
    Shape,
    Stack,
    make_decoder,
    read_layers,
    write_layers,
)
from disentgen.models.outputs import LIKELIHOODS, ImageOutput, Likelihood, Output
from disentgen.schema import Name


class GroundTruthDecoder(Model):
    """A decoder whose latents are the true factors.

    Args:
        decoder: from factor values to logits of pixels, or to what ``likelihood`` makes of them.
        likelihood: ``bernoulli``, or ``gaussian`` for a decoder to means of pixels.
    """

    output: type[ImageOutput] = ImageOutput

    def __init__(self, decoder: Stack, likelihood: Likelihood = "bernoulli"):
        super().__init__()
        self.decoder = decoder
        self.output = LIKELIHOODS[likelihood]

    @classmethod
    def find_output(cls, section: Mapping[str, Any]) -> type[Output]:
        return LIKELIHOODS[section.get("likelihood", "bernoulli")]

    @property
    def image_shape(self) -> Shape:
        return self.decoder.output_shape

    @property
    def layers(self) -> dict[str, Any]:
        return {"decoder": write_layers(self.decoder.layers)}

    def forward(self, factor_values: Tensor) -> ImageOutput:
        """Factor values (batch, factors) to images."""
        return self.output(self.decoder(factor_values).float())


def build_ground_truth_decoder(
    image_shape: ImageShape,
    factor_count: int,
    name: Name | None = None,
    decoder: LayerList = None,
    likelihood: Likelihood = "bernoulli",
) -> GroundTruthDecoder:
    """Build a ground-truth decoder from a list of layers.

    Args:
        image_shape: channels, height, width.
        factor_count: number of factors.
        name: of the architecture, for the record.
        decoder: layers from factor values to an image.
        likelihood: what the image says of pixels: ``bernoulli`` takes it for their logits,
            ``gaussian`` for the means of Gaussians of variance 1, whose NLL is half the squared
            error of the decoder's raw output, without a constant. NLLs of the two are not
            comparable.

    Raises:
        UsageError: no decoder is given, or layers do not fit each other or the image.
    """
    if decoder is None:
        raise UsageError("no architecture is named: model.decoder is empty; choose a named config.")
    layers = read_layers("model.decoder", decoder, image_shape)
    return GroundTruthDecoder(make_decoder(layers, (factor_count,), image_shape), likelihood)


def show_generated(
    inputs: Tensor, target: Tensor, output: ImageOutput, factor_names: Sequence[str]
) -> Examples:
    """Images over those that are made of their factor values.

    Args:
        inputs: factor values, (batch, factors).
        target: images, (batch, channels, height, width) in 0..1.
        output: of the model.
        factor_names: not shown.
    """
    return Examples({"original": target, "generated": output.images}, [])


FAMILY = Family(
    name="decoder",
    title="ground-truth decoder",
    model=GroundTruthDecoder,
    build=build_ground_truth_decoder,
    task=Generate,
    examples=show_generated,
    decode=GroundTruthDecoder.forward,
    experiment="decoders",
    names_objective=False,
    disentanglement=1.0,
)
