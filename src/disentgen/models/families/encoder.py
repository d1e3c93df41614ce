"""The supervised encoder: from images to the factors."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import BeforeValidator
from torch import Tensor, nn

from disentgen.dataset.own.request import split_names
from disentgen.dataset.tasks import Infer
from disentgen.errors import UsageError
from disentgen.models.base import Model
from disentgen.models.family import Family
from disentgen.models.heads import (
    FactorValues,
    Heads,
    HeadsOutput,
    Kind,
    Kinds,
    check_classes,
    list_widths,
    measure_variances,
    resolve_kinds,
)
from disentgen.models.layers import (
    Codebook,
    ImageShape,
    Layer,
    LayerList,
    Linear,
    Shape,
    Stack,
    initialise_weights,
    read_layers,
    write_layers,
)
from disentgen.models.outputs import FactorOutput
from disentgen.registry import unknown
from disentgen.schema import Name

Readout = Literal["linear", "codebook"]
#: Names of factors, which may be written without quotes.
Nominal = Annotated[list[str] | None, BeforeValidator(split_names)]
#: Variances of the phases of codebooks: of factors whose neighbouring values are alike, and of
#: nominal ones.
ORDINAL, NOMINAL = 0.2, 1.0


class Separate(nn.ModuleList):
    """Networks beside each other, one for each head, that share no weight.

    Args:
        stacks: each from an image to its head.
    """

    def __init__(self, stacks: Sequence[Stack]):
        super().__init__(stacks)
        self.input_shape, self.layers = stacks[0].input_shape, stacks[0].layers

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) to all heads beside each other."""
        return torch.cat([stack(images).float() for stack in self], dim=1)


class FactorEncoder(Model):
    """An encoder that is trained on the true values of all factors.

    Args:
        encoder: from images to factors, its last layer the heads.
        variances: (factors,) of the factors over the grid; None where they are not known.
    """

    output = FactorOutput

    def __init__(self, encoder: Stack | Separate, variances: Tensor | None = None):
        super().__init__()
        self.encoder = encoder
        # No buffer: not every device has double precision.
        self.variances = variances
        initialise_weights(self)

    @property
    def image_shape(self) -> Shape:
        return self.encoder.input_shape

    @property
    def layers(self) -> dict[str, Any]:
        return {"encoder": write_layers(self.encoder.layers[:-1])}

    def forward(self, images: Tensor) -> FactorOutput:
        """Images (batch, channels, height, width) in 0..1 to factors."""
        return FactorOutput(self.encoder(images).float(), self.variances)


class HeadedEncoder(FactorEncoder):
    """An encoder that is asked for classes of factors, or for some factors alone.

    Args:
        encoder: from images to all heads beside each other.
        heads: what they are.
    """

    output = HeadsOutput

    def __init__(self, encoder: Stack | Separate, heads: Heads):
        super().__init__(encoder)
        self.heads = heads

    def forward(self, images: Tensor) -> FactorOutput:
        """Images (batch, channels, height, width) in 0..1 to what the heads say of factors."""
        output: HeadsOutput = self.heads(self.encoder(images).float())
        return output


def build_factor_encoder(
    image_shape: ImageShape,
    factor_count: int,
    factor_values: dict[str, tuple[float, ...]] | None,
    name: Name | None = None,
    encoder: LayerList = None,
    heads: Kinds = "values",
    separate: bool = False,
    readout: Readout = "linear",
    nominal: Nominal = None,
) -> FactorEncoder:
    """Build a supervised encoder from a list of layers.

    Args:
        image_shape: channels, height, width.
        factor_count: number of factors.
        factor_values: by factor, the values of its classes on the scale of the model; None where
            they are not known, which heads of classes need.
        name: of the architecture, for the record.
        encoder: layers from an image to features; the heads of the factors follow them.
        heads: ``values``, judged by squared error, or ``classes``, judged by cross-entropy; or one
            of them for each factor by name, as in ``model.heads.shape=classes``, which asks for
            these factors alone.
        separate: each factor has a network of its own, of these layers.
        readout: of classes: ``linear``, or the cosine to a fixed ``codebook`` (each factor with a
            network of its own).
        nominal: with ``codebook``, factors whose neighbouring values are not alike.

    Raises:
        UsageError: no encoder is given, layers do not fit each other or the image, or heads and
            factors do not fit.
    """
    if encoder is None:
        raise UsageError("no architecture is named: model.encoder is empty; choose a named config.")
    layers = read_layers("model.encoder", encoder, image_shape)
    check_readout(heads, separate, readout, nominal)
    if heads == "values":
        networks = connect(layers, [Linear(1)] * factor_count, image_shape, separate)
        variances = None if factor_values is None else measure_variances(factor_values)
        return FactorEncoder(networks, variances)
    if factor_values is None:
        raise UsageError("model.heads needs the values of the factors, which are not known here.")
    kinds = resolve_kinds(heads, factor_values)
    check_classes(kinds, factor_values)
    ends = list_ends(kinds, factor_values, readout, nominal or [])
    return HeadedEncoder(connect(layers, ends, image_shape, separate), Heads(kinds, factor_values))


def check_readout(
    heads: Kinds, separate: bool, readout: Readout, nominal: list[str] | None
) -> None:
    """Check that a readout fits the heads.

    Args:
        heads: of the factors.
        separate: whether each has a network of its own.
        readout: of classes.
        nominal: factors whose neighbouring values are not alike.

    Raises:
        UsageError: it does not.
    """
    if readout == "linear":
        if nominal is not None:
            raise UsageError("model.nominal goes with model.readout=codebook.")
        return
    kinds = {heads} if isinstance(heads, str) else set(heads.values())
    if kinds != {"classes"} or not separate:
        raise UsageError(
            "model.readout=codebook is of classes, each with a network of its own; give "
            "model.heads=classes (or of some factors) and model.separate=True."
        )


def list_ends(
    kinds: dict[str, Kind], values: FactorValues, readout: Readout, nominal: list[str]
) -> list[Layer]:
    """The last layer of each head, in the order of the grid.

    Args:
        kinds: of the heads, by factor.
        values: of all factors.
        readout: of classes.
        nominal: factors whose neighbouring values are not alike.

    Raises:
        UsageError: a nominal factor has no head.
    """
    for name in nominal:
        if name not in kinds:
            raise unknown("factor in model.nominal:", name, kinds)
    widths = list_widths(kinds, values)
    if readout == "linear":
        return [Linear(width) for width in widths.values()]
    return [
        Codebook(width, NOMINAL if name in nominal else ORDINAL) for name, width in widths.items()
    ]


def connect(
    layers: Sequence[Layer], ends: Sequence[Layer], image_shape: Shape, separate: bool
) -> Stack | Separate:
    """One network with all heads, or one for each.

    Args:
        layers: from an image to features.
        ends: the last layer of each head.
        image_shape: channels, height, width.
        separate: whether each head has a network of its own.
    """
    if separate:
        return Separate([Stack([*layers, end], image_shape) for end in ends])
    widths = [end.output_shape((1,))[0] for end in ends]
    return Stack([*layers, Linear(sum(widths))], image_shape)


def predict_factors(model: FactorEncoder, images: Tensor) -> Tensor:
    """The codes of images by a supervised encoder: the factor values that it predicts.

    Of a head of classes that is their mean under its softmax.

    Args:
        model: in evaluation mode.
        images: (batch, channels, height, width) in 0..1.

    Returns:
        (batch, factors), of those that it is asked for.
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
