"""Residual connections."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from disentgen.models.layers.base import Layer, NestedLayers, Shape
from disentgen.models.layers.stack import Stack, trace_shapes, transpose


@dataclass(frozen=True)
class Residual(Layer):
    """Layers whose input is added to what they make of it (He et al. 2016).

    Args:
        layers: from a shape to the same one; layers of this kind may be among them.
    """

    name = "residual"
    takes_layers = True
    # It is a sum, whose gradient needs none of its values.
    output_is_free = True
    layers: NestedLayers

    def output_shape(self, shape: Shape) -> Shape:
        made = trace_shapes(self.layers, shape)[-1]
        if made != shape:
            raise ValueError(f"its layers make {made} of it, which cannot be added to it")
        return shape

    def module(self, shape: Shape) -> nn.Module:
        return ResidualBlock(Stack(self.layers, shape))

    def transposed(self, shape: Shape) -> Layer:
        return Residual(tuple(transpose(self.layers, shape)))

    def fill(self, image_shape: Shape) -> Layer:
        return replace(self, layers=tuple(layer.fill(image_shape) for layer in self.layers))


class ResidualBlock(nn.Module):
    """x + body(x).

    Args:
        body: from a shape to the same one; a stack never overwrites its input.
    """

    def __init__(self, body: Stack):
        super().__init__()
        self.body = body

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, …) to the same shape."""
        made: Tensor = self.body(inputs)
        return inputs + made


LAYERS = (Residual,)
