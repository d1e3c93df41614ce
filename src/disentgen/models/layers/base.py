"""What every kind of layer has in common: its fields are what a list of layers may say."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

Shape = tuple[int, ...]
#: Channels, height, width.
ImageShape = tuple[int, int, int]
#: Lengths in pixels, such as those of a kernel.
Length = Annotated[int, Field(ge=1, le=1000)]
Padding = Annotated[int, Field(ge=0, le=1000)]
#: In a decoder's last layers, "as the image has": channels, number of pixels, or shape.
AsImage = Literal["image"]
#: Stands in the type of a parameter that is a list of layers; by it, they are found.
IS_LAYERS = "layers"
#: The type of a builder's parameter that is a list of layers.
LayerList = Annotated[Annotated[list[Any], Field(max_length=500)] | None, IS_LAYERS]
#: The type of a layer's parameter that is one: lists when it is checked, descriptions after that.
NestedLayers = Annotated[tuple[Any, ...], Field(min_length=1, max_length=500), IS_LAYERS]


class Penalised(nn.Module):
    """A module whose weights cost something whatever the data: training adds it to any loss."""

    def penalty(self) -> Tensor:
        """What they cost, a scalar, in nats per image."""
        raise NotImplementedError


class Layer:
    """A layer's description: a frozen dataclass whose fields are its arguments, in order."""

    #: The word for it in lists of layers.
    name: ClassVar[str]
    #: Axes of the shapes that it can take: 3 (channels, height, width), 1 (features); None: any.
    input_axes: ClassVar[int | None] = None
    #: Whether its first argument is a shape, which may stand without brackets of its own.
    takes_shape: ClassVar[bool] = False
    #: Whether its first argument is a list of layers, which may stand without brackets likewise.
    takes_layers: ClassVar[bool] = False
    #: Whether the next layer may overwrite its output, which no gradient is computed from.
    output_is_free: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        """The shape, without batch, that an input shape becomes.

        Raises:
            ValueError: it cannot take that shape.
        """
        return shape

    def module(self, shape: Shape) -> nn.Module:
        """The module for an input shape, without batch."""
        raise NotImplementedError

    def transposed(self, shape: Shape) -> "Layer":
        """The layer that leads from ``output_shape(shape)`` back to ``shape``."""
        return self

    def fill(self, image_shape: Shape) -> "Layer":
        """The layer with "image" replaced by what an image (channels, height, width) has."""
        return self
