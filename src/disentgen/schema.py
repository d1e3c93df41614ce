"""Signatures as schemas of plain data: what a configuration may hold, checked and converted.

What can be configured is a class or function; its keyword parameters, type hints and defaults say
what it accepts. Every mistake is answered with what was given, what is accepted and the nearest
match.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from disentgen.errors import UsageError
from disentgen.registry import nearest_match, unknown
from disentgen.text import shorten

#: How many steps, images, …: more than anybody waits for would only overflow.
Count = Annotated[int, Field(ge=1, le=10**9)]
#: How many units, channels, latents: products of three of them still fit into 64 bits.
Units = Annotated[int, Field(ge=1, le=10**6)]
#: A number that is one.
Finite = Annotated[float, Field(allow_inf_nan=False)]
#: A name, which stands in tables and legends.
Name = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True)
class Key:
    """What a configuration key means for the identity of a run; stands in its type hint.

    Args:
        distinguishes: runs that differ in it are different cells.
        may_change: a run may go on, or be scored again, with another value.
        split: it says which images are on which side, as the sides' hashes do.
    """

    distinguishes: bool = True
    may_change: bool = False
    split: bool = False


def signature(target: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The parameters that a configuration can set, with resolved type hints."""
    return _signature(target)


@cache
def _signature(target: Any) -> dict[str, inspect.Parameter]:
    function = target.__init__ if inspect.isclass(target) else target
    hints = get_type_hints(function, include_extras=True)
    return {
        name: parameter.replace(annotation=hints.get(name, Any))
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def describe_keys(target: Callable[..., Any]) -> dict[str, Key]:
    """What each parameter means for the identity of a run."""
    return {name: _find_key(parameter.annotation) for name, parameter in signature(target).items()}


def _find_key(hint: Any) -> Key:
    if get_origin(hint) is Annotated:
        return next((note for note in get_args(hint)[1:] if isinstance(note, Key)), Key())
    return Key()


def defaults(target: Callable[..., Any]) -> dict[str, Any]:
    """The defaults of ``target`` as plain data, fit for a configuration file."""
    return {
        name: _adapter(parameter.annotation).dump_python(parameter.default, mode="json")
        for name, parameter in signature(target).items()
        if parameter.default is not parameter.empty
    }


def check(
    where: str,
    target: Callable[..., Any],
    given: Mapping[str, Any],
    supplied: Collection[str] = (),
) -> dict[str, Any]:
    """Check parameters against the signature of ``target``; fill in its defaults.

    Args:
        where: the configuration key that the parameters stand under, for messages.
        target: the class or function that will receive them.
        given: parameters by name.
        supplied: parameters that the caller adds later and a configuration cannot set.

    Returns:
        Every other parameter of ``target``, converted to the type that its hint names.

    Raises:
        UsageError: an unknown or missing parameter, a value of another type or out of range.
    """
    accepted = {
        name: parameter for name, parameter in signature(target).items() if name not in supplied
    }
    for name in given:
        if name not in accepted:
            raise unknown(
                f"parameter in {where}:" if where else "configuration key", name, accepted
            )
    prefix = f"{where}." if where else ""
    checked = {}
    for name, parameter in accepted.items():
        if name in given:
            checked[name] = convert(f"{prefix}{name}", parameter.annotation, given[name])
        elif parameter.default is parameter.empty:
            raise UsageError(f"{prefix}{name} is missing; accepted: {', '.join(accepted)}.")
        else:
            checked[name] = parameter.default
    return checked


def plain(target: Callable[..., Any], checked: Mapping[str, Any]) -> dict[str, Any]:
    """Checked parameters of ``target`` as plain data again: what a saved configuration holds."""
    hints = {name: parameter.annotation for name, parameter in signature(target).items()}
    return {
        name: _adapter(hints[name]).dump_python(value, mode="json")
        for name, value in checked.items()
    }


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists and empty ones stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def merge(kept: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dictionaries, those of the first changed by those of the second."""
    merged = dict(kept)
    for key, value in changed.items():
        both = isinstance(value, Mapping) and isinstance(kept.get(key), Mapping)
        merged[key] = merge(kept[key], value) if both else value
    return merged


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def convert(where: str, hint: Any, value: Any) -> Any:
    """A value converted to a type.

    Args:
        where: the configuration key, for messages.
        hint: the type.
        value: to convert.

    Raises:
        UsageError: it is of another type, or out of range.
    """
    if value == "null":  # as configuration files write None, and so people on the command line
        value = None
    try:
        converted = _adapter(hint).validate_python(value)
    except ValidationError as error:
        raise UsageError(_explain(where, value, error)) from None
    if isinstance(value, bool) and isinstance(converted, int | float) and converted is not value:
        raise UsageError(f"{where}: input should be a number; given: {value}.")
    return converted


def _explain(where: str, value: Any, error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    # In a union every member complains; the one furthest into the value says what is wrong.
    problem = max(problems, key=lambda problem: len(problem["loc"]))
    place = ".".join(
        [where, *(str(part) for part in problem["loc"] if isinstance(part, str | int))]
    )
    expected = problem.get("ctx", {}).get("expected")
    hint = nearest_match(value, str(expected).replace("'", "").replace(" or ", ", ").split(", "))
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return (
        f"{place}: {message}; given: {shorten(repr(problem['input']))}.{hint if expected else ''}"
    )
