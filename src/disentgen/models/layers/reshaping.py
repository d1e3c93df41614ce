"""From pictures to vectors and back."""

from dataclasses import dataclass
from math import prod

from torch import nn

from disentgen.models.layers.base import AsImage, Layer, Shape
from disentgen.schema import Units


@dataclass(frozen=True)
class Flattening(Layer):
    """All axes but the batch as one."""

    name = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def module(self, shape: Shape) -> nn.Module:
        return nn.Flatten()

    def transposed(self, shape: Shape) -> Layer:
        return Unflattening(shape)


@dataclass(frozen=True)
class Unflattening(Layer):
    """Features laid out in a shape.

    Args:
        shape: to lay them out in, such as (channels, height, width); ``image`` for an image's.
    """

    name = "unflatten"
    takes_shape = True
    shape: tuple[Units, ...] | AsImage

    def output_shape(self, shape: Shape) -> Shape:
        if prod(shape) != prod(self._shape):
            raise ValueError(f"{prod(shape)} features cannot be laid out as {self._shape}")
        return self._shape

    def module(self, shape: Shape) -> nn.Module:
        return nn.Unflatten(1, self._shape)

    def transposed(self, shape: Shape) -> Layer:
        return Flattening()

    def fill(self, image_shape: Shape) -> Layer:
        return Unflattening(image_shape if self.shape == "image" else self.shape)

    @property
    def _shape(self) -> Shape:
        return tuple(int(size) for size in self.shape)


LAYERS = (Flattening, Unflattening)
