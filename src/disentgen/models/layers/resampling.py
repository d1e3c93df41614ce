"""Pooling and upsampling."""

from dataclasses import dataclass

from torch import nn

from disentgen.models.layers.base import Layer, Length, Shape


@dataclass(frozen=True)
class MaxPooling(Layer):
    """The maximum of each square of pixels.

    Args:
        factor: height and width of a square.
    """

    name = "maxpool"
    input_axes = 3
    factor: Length = 2

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(size // self.factor for size in shape[1:]))

    def module(self, shape: Shape) -> nn.Module:
        return nn.MaxPool2d(self.factor)

    def transposed(self, shape: Shape) -> Layer:
        return Upsampling(size=(shape[1], shape[2]))


@dataclass(frozen=True)
class Upsampling(Layer):
    """Bilinear interpolation to a larger picture.

    Args:
        factor: that height and width grow by.
        size: height and width to end in, instead of a factor.
        align_corners: whether corner pixels stay where they are (torch's ``align_corners``).
    """

    name = "upsample"
    input_axes = 3
    factor: Length = 2
    size: tuple[Length, Length] | None = None
    align_corners: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(self.size or (size * self.factor for size in shape[1:])))

    def module(self, shape: Shape) -> nn.Module:
        size = self.output_shape(shape)[1:]
        return nn.Upsample(size=size, mode="bilinear", align_corners=self.align_corners)

    def transposed(self, shape: Shape) -> Layer:
        return MaxPooling(self.factor)


LAYERS = (MaxPooling, Upsampling)
