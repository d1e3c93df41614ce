"""Layer descriptions from the lists of a configuration, and back."""

from collections.abc import Sequence
from typing import Any

from disentgen.errors import UsageError
from disentgen.models.layers.base import Layer, Shape
from disentgen.registry import choose, load_records
from disentgen.schema import check, defaults, plain, signature


def layer_kinds() -> dict[str, type[Layer]]:
    """All kinds of layer, by the word for them: those in ``LAYERS`` of this folder's modules."""
    kinds = load_records("disentgen.models.layers", "LAYERS").values()
    return {kind.name: kind for group in kinds for kind in group}


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


def write_layers(layers: Sequence[Layer]) -> list[list[Any]]:
    """Layer descriptions as lists again, which :func:`read_layers` reads."""
    return [[layer.name, list(vars(layer).values())] for layer in layers]


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


def _read_layer(where: str, entry: Any) -> Layer:
    if isinstance(entry, str) or not isinstance(entry, Sequence) or len(entry) not in (1, 2):
        raise UsageError(f"{where} is {entry!r}; a layer is written (name, (argument, …)).")
    name, *rest = entry
    kind = choose(f"layer in {where}:", str(name), layer_kinds())
    arguments = _list_arguments(kind, rest[0] if rest else ())
    accepted = list(signature(kind))
    if len(arguments) > len(accepted):
        raise UsageError(
            f"{where}: '{name}' takes {', '.join(accepted) or 'no arguments'}; "
            f"given: {list(arguments)}."
        )
    given = dict(zip(accepted, arguments, strict=False))
    return kind(**check(f"{where} '{name}'", kind, given))


def _list_arguments(kind: type[Layer], given: Any) -> Sequence[Any]:
    """The arguments of a layer, of which a single one needs no brackets."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        return (given,)
    if kind.takes_shape and given and isinstance(given[0], int):
        return (tuple(given),)
    return given
