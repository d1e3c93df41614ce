"""A model in a table: layers, shapes, parameters."""

from collections.abc import Iterator

from torch import nn

from disentgen.models.layers import Layer, Stack, find_layer_lists


def describe_model(model: nn.Module) -> str:
    """The parts of a model, a line for each layer: output shape and number of parameters."""
    lines: list[str] = []
    for name, part in list_parts(model):
        if isinstance(part, Stack):
            lines += [f"{name}: {format_shape(part.input_shape)}", *describe_stack(part), ""]
        elif any(True for _ in part.parameters()):
            lines += [f"{name}:", *describe_layers(part), ""]
    total = sum(parameter.numel() for parameter in model.parameters())
    return "\n".join([*lines, f"{total:,} parameters"])


def list_parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a model by name; of networks beside each other each one."""
    for name, part in model.named_children():
        if isinstance(part, nn.ModuleList):
            yield from ((f"{name}[{number}]", stack) for number, stack in enumerate(part))
        else:
            yield name, part


def describe_stack(stack: Stack, indent: str = "  ") -> list[str]:
    """A line for each layer of a stack; those inside a layer follow it, further in."""
    lines = []
    for layer, module, shape in zip(stack.layers, stack, stack.shapes[1:], strict=True):
        parameters = sum(parameter.numel() for parameter in module.parameters())
        lines.append(f"{indent + _say(layer):<32} -> {format_shape(shape):<14}{parameters:>12,}")
        for part in module.children():
            lines += describe_stack(part, indent + "  ") if isinstance(part, Stack) else []
    return lines


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
    nested = find_layer_lists(type(layer))
    arguments = {name: value for name, value in vars(layer).items() if name not in nested}
    words = [str(value) for value in arguments.values() if value and value is not True]
    if arguments.get("bias") is False:
        words.append("no bias")
    return f"{layer.name} {', '.join(words)}"
