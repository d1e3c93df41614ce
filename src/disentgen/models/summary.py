"""A model in a table: layers, shapes, parameters."""

from torch import nn

from disentgen.models.layers import Layer, Stack


def describe_model(model: nn.Module) -> str:
    """The stacks of a model, a line for each layer: output shape and number of parameters."""
    lines = []
    for name, stack in model.named_children():
        if isinstance(stack, Stack):
            lines += [f"{name}: {format_shape(stack.input_shape)}", *describe_stack(stack), ""]
    total = sum(parameter.numel() for parameter in model.parameters())
    return "\n".join([*lines, f"{total:,} parameters"])


def describe_stack(stack: Stack) -> list[str]:
    """A line for each layer of a stack."""
    rows = zip(stack.layers, stack, stack.shapes[1:], strict=True)
    return [
        f"  {_say(layer):<30} -> {format_shape(shape):<14}"
        f"{sum(parameter.numel() for parameter in module.parameters()):>12,}"
        for layer, module, shape in rows
    ]


def format_shape(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 32 × 16 × 16."""
    return " × ".join(map(str, shape))


def _say(layer: Layer) -> str:
    """A layer as architectures write it, with its arguments in order."""
    arguments = vars(layer)
    told = [str(value) for value in arguments.values() if value and value is not True]
    if arguments.get("bias") is False:
        told.append("no bias")
    return f"{layer.name} {', '.join(told)}"
