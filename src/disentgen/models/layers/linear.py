"""Fully connected layers."""

from dataclasses import dataclass, replace
from math import prod

from torch import nn

from disentgen.models.layers.base import AsImage, Layer, Shape
from disentgen.schema import Units


@dataclass(frozen=True)
class Linear(Layer):
    """A fully connected layer.

    Args:
        features: that it makes; ``image`` for as many as an image has pixels and channels.
        bias: whether it has one.
    """

    name = "linear"
    input_axes = 1
    output_is_free = True
    features: Units | AsImage
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        return (int(self.features),)

    def module(self, shape: Shape) -> nn.Module:
        return nn.Linear(shape[0], int(self.features), self.bias)

    def transposed(self, shape: Shape) -> Layer:
        return Linear(shape[0])

    def fill(self, image_shape: Shape) -> Layer:
        features = prod(image_shape) if self.features == "image" else self.features
        return replace(self, features=features)


LAYERS = (Linear,)
