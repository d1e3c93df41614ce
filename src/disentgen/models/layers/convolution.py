"""Convolutions and transposed convolutions."""

from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor, nn

from disentgen.models.layers.base import AsImage, Layer, Length, Padding, Shape
from disentgen.schema import Units

#: Up to so many output channels, a transposed convolution is faster as a plain one.
FEW_CHANNELS = 4


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution with a square kernel.

    Args:
        channels: that it makes; ``image`` for an image's.
        kernel: height and width of the kernel.
        stride: pixels between places of the kernel.
        padding: zeros around the picture.
    """

    name = "conv"
    input_axes = 3
    output_is_free = True
    channels: Units | AsImage
    kernel: Length
    stride: Length = 1
    padding: Padding = 0

    def output_shape(self, shape: Shape) -> Shape:
        sizes = [(size + 2 * self.padding - self.kernel) // self.stride + 1 for size in shape[1:]]
        return (int(self.channels), *sizes)

    def module(self, shape: Shape) -> nn.Module:
        return nn.Conv2d(shape[0], int(self.channels), self.kernel, self.stride, self.padding)

    def transposed(self, shape: Shape) -> Layer:
        back = TransposedConvolution(shape[0], self.kernel, self.stride, self.padding)
        made = back.output_shape(self.output_shape(shape))
        missing = (shape[1] - made[1], shape[2] - made[2])
        return replace(back, output_padding=missing)

    def fill(self, image_shape: Shape) -> Layer:
        channels = image_shape[0] if self.channels == "image" else self.channels
        return replace(self, channels=channels)


@dataclass(frozen=True)
class TransposedConvolution(Layer):
    """A transposed convolution with a square kernel.

    Args:
        channels: that it makes; ``image`` for an image's.
        kernel: height and width of the kernel.
        stride: that height and width grow by.
        padding: pixels to leave out on each edge.
        output_padding: rows and columns to add at the end.
        bias: whether it has one.
    """

    name = "tconv"
    input_axes = 3
    output_is_free = True
    channels: Units | AsImage
    kernel: Length
    stride: Length = 1
    padding: Padding = 0
    output_padding: tuple[Padding, Padding] = (0, 0)
    bias: bool = True

    def output_shape(self, shape: Shape) -> Shape:
        plain = [(size - 1) * self.stride + self.kernel - 2 * self.padding for size in shape[1:]]
        added = zip(plain, self.output_padding, strict=True)
        return (int(self.channels), *(size + padding for size, padding in added))

    def module(self, shape: Shape) -> nn.Module:
        channels = int(self.channels)
        arguments = (shape[0], channels, self.kernel, self.stride, self.padding)
        doubles = arguments[2:] == (4, 2, 1) and not any(self.output_padding)
        if channels <= FEW_CHANNELS and doubles:
            return FewChannelUpsampling(*arguments, bias=self.bias)
        return nn.ConvTranspose2d(*arguments, output_padding=self.output_padding, bias=self.bias)

    def transposed(self, shape: Shape) -> Layer:
        return Convolution(shape[0], self.kernel, self.stride, self.padding)

    def fill(self, image_shape: Shape) -> Layer:
        channels = image_shape[0] if self.channels == "image" else self.channels
        return replace(self, channels=channels)


class FewChannelUpsampling(nn.ConvTranspose2d):
    """A transposed convolution of kernel 4, stride 2, padding 1, computed as a plain one.

    The four output pixels of each 2×2 block see 2×2 input pixels each, so that a 2×2 convolution
    to four times the channels, rearranged in space, gives the same result. It is faster where the
    output has few channels, as a decoder's last layer has; parameters are those of the original.
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(batch, channels, height, width) to (batch, output channels, 2·height, 2·width)."""
        # Row p (0 or 1) of a block sees two input rows, through rows 2 + p and p of the weight;
        # the same holds for columns. Axes: input, output, tap, row p, tap, column p.
        inputs, outputs = self.in_channels, self.out_channels
        taps = self.weight.reshape(inputs, outputs, 2, 2, 2, 2).flip(2, 4)
        kernel = taps.permute(1, 3, 5, 0, 2, 4).reshape(-1, inputs, 2, 2)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        blocks = F.pixel_shuffle(F.conv2d(input, kernel, bias, padding=1), 2)
        return blocks[:, :, 1:-1, 1:-1]


LAYERS = (Convolution, TransposedConvolution)
