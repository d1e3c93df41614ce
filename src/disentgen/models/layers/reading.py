"""Layer descriptions from the lists of a configuration, and back."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

from disentgen.errors import UsageError
from disentgen.models.layers.base import IS_LAYERS, Layer, Shape
from disentgen.registry import choose, load_named
from disentgen.schema import check, defaults, plain, signature

#: Lists of layers inside each other.
DEPTH = 10


def layer_kinds() -> dict[str, type[Layer]]:
    """All kinds of layer, by the word for them: those in ``LAYERS`` of this folder's modules."""
    return load_named("disentgen.models.layers", "LAYERS")


def find_layer_lists(target: Callable[..., Any]) -> list[str]:
    """The parameters of a builder or a kind of layer that are lists of layers."""
    parameters = signature(target).items()
    return [name for name, parameter in parameters if IS_LAYERS in get_args(parameter.annotation)]


def read_layers(where: str, layers: Sequence[Sequence[Any]], image_shape: Shape) -> list[Layer]:
    """Layer descriptions from lists ``(name, (argument, …))``.

    Args:
        where: the configuration key, for messages.
        layers: the lists.
        image_shape: channels, height, width: what "image" in them stands for.

    Raises:
        UsageError: an unknown layer, or arguments that it does not take.
    """
    return [layer.fill(image_shape) for layer in _read_list(where, layers)]


def write_layers(layers: Sequence[Layer]) -> list[list[Any]]:
    """Layer descriptions as lists again, which :func:`read_layers` reads."""
    return [[layer.name, list(_write_nested(layer, write_layers).values())] for layer in layers]


def normalise_layers(where: str, layers: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Lists of layers in the one form that means the same: arguments converted, defaults left out.

    Args:
        where: the configuration key, for messages.
        layers: the lists.

    Raises:
        UsageError: an unknown layer, or arguments that it does not take.
    """
    return _shorten_list(_read_list(where, layers))


def _shorten_list(layers: Sequence[Layer]) -> list[list[Any]]:
    return [_shorten(layer) for layer in layers]


def _shorten(layer: Layer) -> list[Any]:
    arguments = plain(type(layer), _write_nested(layer, _shorten_list))
    standard = defaults(type(layer))
    values = list(arguments.values())
    while values and list(arguments)[len(values) - 1] in standard:
        if values[-1] != standard[list(arguments)[len(values) - 1]]:
            break
        values.pop()
    return [layer.name, values] if values else [layer.name]


def _write_nested(
    layer: Layer, write: Callable[[Sequence[Layer]], list[list[Any]]]
) -> dict[str, Any]:
    """The arguments of a layer by name, those that are layers as lists again."""
    nested = {name: tuple(write(vars(layer)[name])) for name in find_layer_lists(type(layer))}
    return {**vars(layer), **nested}


def _read_list(where: str, layers: Sequence[Any], depth: int = 0) -> tuple[Layer, ...]:
    if depth > DEPTH:
        raise UsageError(f"{where}: layers are nested more than {DEPTH} times.")
    return tuple(
        _read_layer(f"{where}[{number}]", entry, depth) for number, entry in enumerate(layers)
    )


def _read_layer(where: str, entry: Any, depth: int) -> Layer:
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
    checked = check(f"{where} '{name}'", kind, given)
    for nested in find_layer_lists(kind):
        checked[nested] = _read_list(f"{where}.{nested}", checked[nested], depth + 1)
    return kind(**checked)


def _list_arguments(kind: type[Layer], given: Any) -> Sequence[Any]:
    """The arguments of a layer, of which a single one needs no brackets."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        return (given,)
    if kind.takes_shape and given and isinstance(given[0], int):
        return (tuple(given),)
    if kind.takes_layers and given and _starts_with_word(given[0]):
        return (given,)
    return given


def _starts_with_word(given: Any) -> bool:
    """Whether something is written as a layer is, and not as a list of layers."""
    return isinstance(given, Sequence) and bool(given) and isinstance(given[0], str)
