"""The supervised encoder: from images to factor values."""

from typing import Any

from torch import Tensor

from disentgen.dataset.tasks import Infer
from disentgen.errors import UsageError
from disentgen.models.base import Model
from disentgen.models.family import Family
from disentgen.models.layers import (
    ImageShape,
    LayerList,
    Linear,
    Shape,
    Stack,
    initialise_weights,
    read_layers,
    write_layers,
)
from disentgen.models.outputs import FactorOutput
from disentgen.schema import Name


class FactorEncoder(Model):
    """An encoder that is trained on the true factors.

    Args:
        encoder: from images to factor values.
    """

    output = FactorOutput

    def __init__(self, encoder: Stack):
        super().__init__()
        self.encoder = encoder
        initialise_weights(self)

    @property
    def image_shape(self) -> Shape:
        return self.encoder.input_shape

    @property
    def layers(self) -> dict[str, Any]:
        return {"encoder": write_layers(self.encoder.layers[:-1])}

    def forward(self, images: Tensor) -> FactorOutput:
        """Images (batch, channels, height, width) in 0..1 to factor values."""
        return FactorOutput(self.encoder(images).float())


def build_factor_encoder(
    image_shape: ImageShape,
    factor_count: int,
    name: Name | None = None,
    encoder: LayerList = None,
) -> FactorEncoder:
    """Build a supervised encoder from a list of layers.

    Args:
        image_shape: channels, height, width.
        factor_count: number of factors.
        name: of the architecture, for the record.
        encoder: layers from an image to features; a linear layer to the factors follows them.

    Raises:
        UsageError: no encoder is given, or layers do not fit each other or the image.
    """
    if encoder is None:
        raise UsageError("no architecture is named: model.encoder is empty; choose a named config.")
    layers = read_layers("model.encoder", encoder, image_shape)
    return FactorEncoder(Stack([*layers, Linear(factor_count)], image_shape))


def predict_factors(model: FactorEncoder, images: Tensor) -> Tensor:
    """The codes of images by a supervised encoder: the factor values that it predicts.

    Args:
        model: in evaluation mode.
        images: (batch, channels, height, width) in 0..1.

    Returns:
        (batch, factors).
    """
    output: FactorOutput = model(images)
    return output.prediction


FAMILY = Family(
    name="encoder",
    title="supervised encoder",
    model=FactorEncoder,
    build=build_factor_encoder,
    task=Infer,
    examples=None,
    encode=predict_factors,
    experiment="supervised",
    names_objective=False,
)
