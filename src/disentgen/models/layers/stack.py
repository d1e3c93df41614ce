"""Networks from layer descriptions, their shapes known before they are built."""

from collections.abc import Sequence

import torch
from torch import nn

from disentgen.errors import UsageError
from disentgen.models.layers.base import Layer, Shape
from disentgen.models.layers.imported import Imported

#: What to do about an input of another number of axes than a layer takes.
ADVICE = {1: "put ('flatten',) before it", 3: "it needs channels, height, width"}


def trace_shapes(layers: Sequence[Layer], shape: Shape) -> list[Shape]:
    """The shapes before, between and after layers, without batch.

    Raises:
        UsageError: a layer cannot take what the one before it makes.
    """
    shapes = [tuple(shape)]
    for number, layer in enumerate(layers):
        try:
            made = _output_shape(layer, shapes[-1])
        except ValueError as error:
            raise UsageError(
                f"layer {number}, '{layer.name}', cannot take shape {shapes[-1]}: "
                f"{str(error).removesuffix('.')}."
            ) from None
        shapes.append(made)
    return shapes


def _output_shape(layer: Layer, shape: Shape) -> Shape:
    axes = layer.input_axes
    if axes is not None and axes != len(shape):
        raise ValueError(ADVICE.get(axes, f"it takes shapes of {axes} axes"))
    made = layer.output_shape(shape)
    if min(made) < 1:
        raise ValueError(f"nothing is left: {made}")
    return made


def transpose(layers: Sequence[Layer], shape: Shape) -> list[Layer]:
    """The layers that lead from the output shape of ``layers`` back to ``shape``."""
    shapes = trace_shapes(layers, shape)
    return [layer.transposed(before) for layer, before in zip(layers, shapes[:-1], strict=True)][
        ::-1
    ]


class Stack(nn.Sequential):
    """A network from layer descriptions that knows its input and output shape.

    Args:
        layers: their descriptions.
        input_shape: without batch.

    Raises:
        UsageError: the layers do not fit each other or the input.
    """

    def __init__(self, layers: Sequence[Layer], input_shape: Shape):
        self.shapes = trace_shapes(layers, input_shape)
        modules = [
            layer.module(shape) for layer, shape in zip(layers, self.shapes[:-1], strict=True)
        ]
        for before, module in zip(layers, modules[1:], strict=False):
            # Half the memory is touched: a twentieth of a training step on a CPU.
            if before.output_is_free and isinstance(module, nn.ReLU):
                module.inplace = True
        super().__init__(*modules)
        self.layers = list(layers)
        self.input_shape, self.output_shape = self.shapes[0], self.shapes[-1]


def initialise_weights(model: nn.Module) -> None:
    """Kaiming-uniform weights (for ReLU) in every linear and convolutional layer, as published.

    Networks of somebody's own keep theirs.
    """
    for module in model.children():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            torch.nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        if not isinstance(module, Imported):
            initialise_weights(module)


def make_decoder(layers: Sequence[Layer], input_shape: Shape, image_shape: Shape) -> Stack:
    """A stack that ends in images.

    Args:
        layers: their descriptions.
        input_shape: without batch, such as (latents,).
        image_shape: channels, height, width.

    Raises:
        UsageError: the layers do not fit each other or the input, or end in another shape.
    """
    stack = Stack(layers, input_shape)
    if stack.output_shape != tuple(image_shape):
        raise UsageError(
            f"the decoder of this model ends in shape {stack.output_shape}, but images of the "
            f"dataset have shape {tuple(image_shape)} (channels, height, width)."
        )
    return stack
