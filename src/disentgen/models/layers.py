"""Networks from lists of layers, such as ``[("conv", (32, 4, 2, 1)), ("relu",)]``.

Each kind of layer is a class here: its fields are what a list may say, and it knows the shape it
makes, the module it is, and the layer that undoes its shape (its transposition).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from disentgen.errors import UsageError
from disentgen.registry import choose, collect
from disentgen.schema import check, defaults, plain, signature

Shape = tuple[int, ...]
Count = Annotated[int, Field(ge=1)]
Padding = Annotated[int, Field(ge=0)]
#: In a decoder's last layers, "as the image has": channels, number of pixels, or shape.
AsImage = Literal["image"]


class Layer:
    """A layer's description."""

    name: ClassVar[str]

    def output_shape(self, shape: Shape) -> Shape:
        """The shape, without batch, that an input shape becomes."""
        return shape

    def module(self, shape: Shape) -> nn.Module:
        """The module for an input shape."""
        raise NotImplementedError

    def transposed(self, shape: Shape) -> "Layer":
        """The layer that leads from ``output_shape(shape)`` back to ``shape``."""
        return self

    def fill(self, image_shape: Shape) -> "Layer":
        """The layer with "image" replaced by what an image (channels, height, width) has."""
        return self


@dataclass(frozen=True)
class Convolution(Layer):
    name = "conv"
    channels: Count | AsImage
    kernel: Count
    stride: Count = 1
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
    name = "tconv"
    channels: Count | AsImage
    kernel: Count
    stride: Count = 1
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
        if (
            channels <= _FEW_CHANNELS
            and arguments[2:] == (4, 2, 1)
            and not any(self.output_padding)
        ):
            return FewChannelUpsampling(*arguments, bias=self.bias)
        return nn.ConvTranspose2d(*arguments, output_padding=self.output_padding, bias=self.bias)

    def transposed(self, shape: Shape) -> Layer:
        return Convolution(shape[0], self.kernel, self.stride, self.padding)

    def fill(self, image_shape: Shape) -> Layer:
        channels = image_shape[0] if self.channels == "image" else self.channels
        return replace(self, channels=channels)


@dataclass(frozen=True)
class Linear(Layer):
    name = "linear"
    features: Count | AsImage
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


@dataclass(frozen=True)
class MaxPooling(Layer):
    name = "maxpool"
    factor: Count = 2

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(size // self.factor for size in shape[1:]))

    def module(self, shape: Shape) -> nn.Module:
        return nn.MaxPool2d(self.factor)

    def transposed(self, shape: Shape) -> Layer:
        return Upsampling(size=(shape[1], shape[2]))


@dataclass(frozen=True)
class Upsampling(Layer):
    name = "upsample"
    factor: Count = 2
    #: Height and width to end in, instead of a factor.
    size: tuple[Count, Count] | None = None
    #: Whether corner pixels stay where they are (torch's ``align_corners``).
    align_corners: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *(self.size or (size * self.factor for size in shape[1:])))

    def module(self, shape: Shape) -> nn.Module:
        size = self.output_shape(shape)[1:]
        return nn.Upsample(size=size, mode="bilinear", align_corners=self.align_corners)

    def transposed(self, shape: Shape) -> Layer:
        return MaxPooling(self.factor)


@dataclass(frozen=True)
class Flattening(Layer):
    name = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def module(self, shape: Shape) -> nn.Module:
        return nn.Flatten()

    def transposed(self, shape: Shape) -> Layer:
        return Unflattening(shape)


@dataclass(frozen=True)
class Unflattening(Layer):
    name = "unflatten"
    shape: tuple[int, ...] | AsImage

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


@dataclass(frozen=True)
class Rectifier(Layer):
    name = "relu"

    def module(self, shape: Shape) -> nn.Module:
        return nn.ReLU()


@dataclass(frozen=True)
class HyperbolicTangent(Layer):
    name = "tanh"

    def module(self, shape: Shape) -> nn.Module:
        return nn.Tanh()


@dataclass(frozen=True)
class BatchNormalisation(Layer):
    name = "batchnorm"

    def module(self, shape: Shape) -> nn.Module:
        return nn.BatchNorm1d(shape[0]) if len(shape) == 1 else nn.BatchNorm2d(shape[0])


@dataclass(frozen=True)
class SpatialBroadcast(Layer):
    """Latents repeated at every place of a picture, beside its coordinates (Watters et al. 2019).

    The picture has the image's height and width, or ``size``.
    """

    name = "broadcast"
    size: tuple[Count, Count] | AsImage = "image"

    def output_shape(self, shape: Shape) -> Shape:
        (latents,) = shape
        return (latents + 2, *(int(length) for length in self.size))

    def module(self, shape: Shape) -> nn.Module:
        return Broadcast(*self.output_shape(shape)[1:])

    def transposed(self, shape: Shape) -> Layer:
        raise UsageError("'broadcast' is a layer of decoders; it cannot be transposed.")

    def fill(self, image_shape: Shape) -> Layer:
        _, height, width = image_shape
        return SpatialBroadcast((height, width) if self.size == "image" else self.size)


class Broadcast(nn.Module):
    """Repeats vectors over a picture and adds two channels: row and column, from -1 to 1."""

    def __init__(self, height: int, width: int):
        super().__init__()
        rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
        coordinates = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
        self.register_buffer("coordinates", coordinates, persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        """(batch, latents) to (batch, latents + 2, height, width)."""
        coordinates: Tensor = self.get_buffer("coordinates")
        repeated = latents[:, :, None, None].expand(-1, -1, *coordinates.shape[1:])
        places = coordinates.to(latents.dtype).expand(len(latents), -1, -1, -1)
        return torch.cat([repeated, places], dim=1)


_FEW_CHANNELS = 4


class FewChannelUpsampling(nn.ConvTranspose2d):
    """A transposed convolution of kernel 4, stride 2, padding 1, computed as a plain one.

    The four output pixels of each 2×2 block see 2×2 input pixels each, so that a 2×2 convolution
    to four times the channels, rearranged in space, gives the same result. It is faster where the
    output has few channels, as a decoder's last layer has; parameters are those of the original.
    """

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        # Row p (0 or 1) of a block sees two input rows, through rows 2 + p and p of the weight;
        # the same holds for columns. Axes: input, output, tap, row p, tap, column p.
        taps = self.weight.unflatten(3, (2, 2)).unflatten(2, (2, 2)).flip(2, 4)
        kernel = taps.permute(1, 3, 5, 0, 2, 4).reshape(-1, self.in_channels, 2, 2)
        bias = None if self.bias is None else self.bias.repeat_interleave(4)
        blocks = F.pixel_shuffle(F.conv2d(input, kernel, bias, padding=1), 2)
        return blocks[:, :, 1:-1, 1:-1]


def read_layers(where: str, layers: Sequence[Sequence[Any]], image_shape: Shape) -> list[Layer]:
    """Layer descriptions from lists ``(name, (argument, …))``.

    Args:
        where: the configuration key, for messages.
        layers: the lists.
        image_shape: channels, height, width: what "image" in them stands for.

    Raises:
        UsageError: an unknown layer, or arguments that it does not take.
    """
    return [
        _read_layer(f"{where}[{number}]", entry).fill(image_shape)
        for number, entry in enumerate(layers)
    ]


def normalise_layers(where: str, layers: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Lists of layers in the one form that means the same: arguments converted, defaults left out.

    Args:
        where: the configuration key, for messages.
        layers: the lists.

    Raises:
        UsageError: an unknown layer, or arguments that it does not take.
    """
    return [
        _shorten(_read_layer(f"{where}[{number}]", entry)) for number, entry in enumerate(layers)
    ]


def _shorten(layer: Layer) -> list[Any]:
    arguments = plain(type(layer), vars(layer))
    standard = defaults(type(layer))
    values = list(arguments.values())
    while values and list(arguments)[len(values) - 1] in standard:
        if values[-1] != standard[list(arguments)[len(values) - 1]]:
            break
        values.pop()
    return [layer.name, values] if values else [layer.name]


def write_layers(layers: Sequence[Layer]) -> list[list[Any]]:
    """Layer descriptions as lists again, which :func:`read_layers` reads."""
    return [[layer.name, list(vars(layer).values())] for layer in layers]


def _read_layer(where: str, entry: Any) -> Layer:
    if isinstance(entry, str) or not isinstance(entry, Sequence) or len(entry) not in (1, 2):
        raise UsageError(f"{where} is {entry!r}; a layer is written (name, (argument, …)).")
    name, *rest = entry
    kind = choose(f"layer in {where}:", str(name), layer_kinds())
    arguments = rest[0] if rest else ()
    accepted = list(signature(kind))
    if isinstance(arguments, str) or not isinstance(arguments, Sequence):
        arguments = (arguments,)
    takes_shape = kind in (Unflattening, SpatialBroadcast)
    if takes_shape and arguments and isinstance(arguments[0], int):
        arguments = (tuple(arguments),)
    if len(arguments) > len(accepted):
        raise UsageError(
            f"{where}: '{name}' takes {', '.join(accepted) or 'no arguments'}; "
            f"given: {list(arguments)}."
        )
    given = dict(zip(accepted, arguments, strict=False))
    return kind(**check(f"{where} '{name}'", kind, given))


def layer_kinds() -> dict[str, type[Layer]]:
    """All kinds of layer, by the word for them."""
    return collect(sys.modules[__name__], Layer)


def trace_shapes(layers: Sequence[Layer], shape: Shape) -> list[Shape]:
    """The shapes before, between and after layers.

    Raises:
        UsageError: a layer cannot take what the one before it makes.
    """
    shapes = [tuple(shape)]
    for number, layer in enumerate(layers):
        try:
            made = layer.output_shape(shapes[-1])
        except (ValueError, IndexError) as error:
            raise _misfit(number, layer, shapes[-1], str(error)) from None
        spatial = isinstance(layer, Convolution | TransposedConvolution | MaxPooling | Upsampling)
        if spatial and len(shapes[-1]) != 3:
            raise _misfit(number, layer, shapes[-1], "it needs channels, height, width")
        if isinstance(layer, Linear | SpatialBroadcast) and len(shapes[-1]) != 1:
            raise _misfit(number, layer, shapes[-1], "put ('flatten',) before it")
        if min(made) < 1:
            raise _misfit(number, layer, shapes[-1], f"nothing is left: {made}")
        shapes.append(made)
    return shapes


def _misfit(number: int, layer: Layer, shape: Shape, reason: str) -> UsageError:
    return UsageError(f"layer {number}, '{layer.name}', cannot take shape {shape}: {reason}.")


def transpose(layers: Sequence[Layer], shape: Shape) -> list[Layer]:
    """The layers that lead from the output shape of ``layers`` back to ``shape``."""
    shapes = trace_shapes(layers, shape)
    return [layer.transposed(before) for layer, before in zip(layers, shapes[:-1], strict=True)][
        ::-1
    ]


class Stack(nn.Sequential):
    """A network from layer descriptions that knows its input and output shape."""

    def __init__(self, layers: Sequence[Layer], input_shape: Shape):
        self.shapes = trace_shapes(layers, input_shape)
        modules = [
            layer.module(shape) for layer, shape in zip(layers, self.shapes[:-1], strict=True)
        ]
        super().__init__(*modules)
        self.layers = list(layers)
        self.input_shape, self.output_shape = self.shapes[0], self.shapes[-1]


def initialise_weights(model: nn.Module) -> None:
    """Kaiming-uniform weights (for ReLU) in every linear and convolutional layer, as published."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            torch.nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")


def make_decoder(layers: Sequence[Layer], input_shape: Shape, image_shape: Shape) -> Stack:
    """A stack that ends in images of the given shape.

    Raises:
        UsageError: it ends in another shape.
    """
    stack = Stack(layers, input_shape)
    if stack.output_shape != tuple(image_shape):
        raise UsageError(
            f"the decoder of this model ends in shape {stack.output_shape}, but images of the "
            f"dataset have shape {tuple(image_shape)} (channels, height, width)."
        )
    return stack
