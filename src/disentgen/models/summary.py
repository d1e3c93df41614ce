"""A model in a table: layers, shapes, parameters."""

from torch import nn

from disentgen.models.layers import Layer, Stack


def describe_model(model: nn.Module) -> str:
    """The parts of a model, a line for each layer: output shape and number of parameters."""
    lines: list[str] = []
    for name, part in model.named_children():
        if isinstance(part, Stack):
            lines += [f"{name}: {format_shape(part.input_shape)}", *describe_stack(part), ""]
        else:
            lines += [f"{name}:", *describe_layers(part), ""]
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


def describe_layers(part: nn.Module) -> list[str]:
    """A line for each array of parameters of a part that is no stack: name, shape, size."""
    return [
        f"  {name:<33} {format_shape(tuple(array.shape)):<14}{array.numel():>12,}"
        for name, array in part.named_parameters()
    ]


def format_shape(shape: tuple[int, ...]) -> str:
    """A shape as people write it: 32 × 16 × 16."""
    return " × ".join(map(str, shape))


def _say(layer: Layer) -> str:
    """A layer as architectures write it, with its arguments in order."""
    arguments = vars(layer)
    words = [str(value) for value in arguments.values() if value and value is not True]
    if arguments.get("bias") is False:
        words.append("no bias")
    return f"{layer.name} {', '.join(words)}"
